# SPDX-License-Identifier: Apache-2.0
# One script, two targets: a Task.Supervisor and an Agent of C (tests/interop/servers/jobs.c), and
# Elixir's own with the same functions. Named after the behaviour of Elixir that each shows.
defmodule :job_fun do
  def echo(value), do: value
  def fail(:exit, value), do: exit(value)
  def fail(:throw, value), do: throw(value)
  def fail(:error, value), do: :erlang.error(value)
  def tell(pid, value) do
    send(pid, {:told, self(), value})
    :ok
  end

  def hang(pid, value) do
    tell(pid, value)
    Process.sleep(:infinity)
  end
end

defmodule TTask do
  @limit_ms 60_000

  defp target(:c, node, :tasks), do: {:tasks, node}
  defp target(:c, node, :few), do: {:few_tasks, node}

  defp target(:elixir, _node, kind) do
    max = if kind == :few, do: 1, else: :infinity
    {:ok, pid} = Task.Supervisor.start_link(max_children: max)
    pid
  end

  defp alike(config, fun), do: alike(config, :tasks, fun)

  defp alike(%{node: node}, kind, fun) do
    if beam?(node) do
      :ok
    else
      :ok = :logger.set_primary_config(:level, :none)
      elixir = fun.(target(:elixir, node, kind))
      c = fun.(target(:c, node, kind))
      if elixir != c, do: exit({:differs, {:elixir, elixir}, {:c, c}})
      :ok
    end
  end

  # Of a stack only what was called; the pids of both differ.
  defp plain({:exit, reason}), do: {:exit, plain_reason(reason)}
  defp plain(other), do: other

  defp plain_reason({reason, {Task, function, _}}), do: {plain_reason(reason), function}
  defp plain_reason({:undef, [{m, f, a, _} | _]}), do: {:undef, m, f, a}
  defp plain_reason({reason, stack}) when is_list(stack), do: {reason, :stack}
  defp plain_reason(reason), do: reason

  defp awaited(fun) do
    fun.()
  catch
    :exit, reason -> plain({:exit, reason})
  end

  defp told do
    receive do
      {:told, pid, value} -> {pid, value}
    after
      @limit_ms -> exit(:nothing_told)
    end
  end

  defp down(ref) do
    receive do
      {:DOWN, ^ref, _, _, reason} -> reason
    after
      @limit_ms -> exit(:no_down)
    end
  end

  # ---- async and await ------------------------------------------------------------------------

  def async_and_await_test(config) do
    alike(config, fn sup ->
      task = Task.Supervisor.async(sup, :job_fun, :echo, [{:a, "b", [1, 2]}])
      Task.await(task, @limit_ms)
    end)
  end

  def async_nolink_and_await_test(config) do
    alike(config, fn sup ->
      Task.await(Task.Supervisor.async_nolink(sup, :job_fun, :echo, [%{k: 1}]), @limit_ms)
    end)
  end

  def exit_of_a_task_test(config), do: fails(config, [:exit, {:bad, 1}])
  def normal_exit_of_a_task_test(config), do: fails(config, [:exit, :normal])
  def shutdown_of_a_task_test(config), do: fails(config, [:exit, {:shutdown, :x}])
  def throw_of_a_task_test(config), do: fails(config, [:throw, :ball])
  def error_of_a_task_test(config), do: fails(config, [:error, :oops])

  defp fails(config, args) do
    alike(config, fn sup ->
      task = Task.Supervisor.async_nolink(sup, :job_fun, :fail, args)
      awaited(fn -> Task.await(task, @limit_ms) end)
    end)
  end

  def undefined_function_of_a_task_test(config) do
    alike(config, fn sup ->
      task = Task.Supervisor.async_nolink(sup, :job_fun, :no_such_function, [1, 2])
      awaited(fn -> Task.await(task, @limit_ms) end)
    end)
  end

  def many_tasks_test(config) do
    alike(config, fn sup ->
      1..50
      |> Enum.map(&Task.Supervisor.async(sup, :job_fun, :echo, [&1]))
      |> Enum.map(&Task.await(&1, @limit_ms))
    end)
  end

  def yield_test(config) do
    alike(config, fn sup ->
      task = Task.Supervisor.async_nolink(sup, :job_fun, :hang, [self(), :runs])
      {pid, :runs} = told()
      first = Task.yield(task, 1)
      Process.exit(pid, :kill)
      {first, Task.yield(task, @limit_ms)}
    end)
  end

  def shutdown_test(config) do
    alike(config, fn sup ->
      task = Task.Supervisor.async_nolink(sup, :job_fun, :echo, [1])
      ref = Process.monitor(task.pid)
      _ = down(ref)
      hanging = Task.Supervisor.async_nolink(sup, :job_fun, :hang, [self(), :runs])
      {_, :runs} = told()
      {Task.shutdown(task), Task.shutdown(hanging, :brutal_kill)}
    end)
  end

  def linked_task_ends_with_its_owner_test(config) do
    alike(config, fn sup ->
      me = self()
      owner = spawn(fn ->
        task = Task.Supervisor.async(sup, :job_fun, :hang, [me, :runs])
        Task.await(task, :infinity)
      end)
      {pid, :runs} = told()
      ref = Process.monitor(pid)
      Process.exit(owner, :gone)
      down(ref)
    end)
  end

  def task_without_link_outlives_its_owner_test(config) do
    alike(config, fn sup ->
      me = self()
      {owner, owner_ref} = spawn_monitor(fn ->
        task = Task.Supervisor.async_nolink(sup, :job_fun, :hang, [me, :runs])
        Task.await(task, :infinity)
      end)
      {pid, :runs} = told()
      Process.exit(owner, :kill)
      :killed = down(owner_ref)
      ref = Process.monitor(pid)
      Process.exit(pid, :kill)
      down(ref)
    end)
  end

  def owner_that_ends_before_it_tells_test(config) do
    alike(config, fn sup ->
      me = self()
      # Elixir 1.10 tells what is to be run at once.
      mfa = if config.release < 24, do: [{:job_fun, :echo, [1]}], else: []
      callers = if config.release < 24, do: [[self()]], else: []

      owner =
        spawn(fn ->
          args = [{node(), self(), self()}] ++ callers ++ [:monitor] ++ mfa
          {:ok, pid} = GenServer.call(sup, {:start_task, args, :temporary, nil})
          send(me, {:told, pid, :started})
          receive do: (:go -> exit(:gone))
        end)

      {pid, :started} = told()
      ref = Process.monitor(pid)
      send(owner, :go)
      down(ref)
    end)
  end

  # ---- start_child ----------------------------------------------------------------------------

  def start_child_test(config) do
    alike(config, fn sup ->
      {:ok, pid} = Task.Supervisor.start_child(sup, :job_fun, :tell, [self(), :hello])
      {^pid, value} = told()
      value
    end)
  end

  def children_and_terminate_child_test(config) do
    alike(config, fn sup ->
      {:ok, pid} = Task.Supervisor.start_child(sup, :job_fun, :hang, [self(), :runs])
      {^pid, :runs} = told()
      ref = Process.monitor(pid)
      among = pid in Task.Supervisor.children(sup)
      shown = List.keyfind(DynamicSupervisor.which_children(sup), pid, 1)
      {:undefined, ^pid, type, modules} = shown
      ended = Task.Supervisor.terminate_child(sup, pid)
      reason = down(ref)
      {among, type, modules, ended, reason, Task.Supervisor.terminate_child(sup, pid),
       pid in Task.Supervisor.children(sup)}
    end)
  end

  def brutal_kill_as_shutdown_test(config) do
    alike(config, fn sup ->
      {:ok, pid} =
        Task.Supervisor.start_child(sup, :job_fun, :hang, [self(), :runs], shutdown: :brutal_kill)
      {^pid, :runs} = told()
      ref = Process.monitor(pid)
      {Task.Supervisor.terminate_child(sup, pid), down(ref)}
    end)
  end

  def temporary_task_is_not_started_again_test(config) do
    alike(config, fn sup ->
      {:ok, pid} = Task.Supervisor.start_child(sup, :job_fun, :hang, [self(), :runs])
      {^pid, :runs} = told()
      Process.exit(pid, :kill)
      ref = Process.monitor(pid)
      _ = down(ref)
      DynamicSupervisor.count_children(sup).specs
    end)
  end

  def transient_task_is_started_again_test(config) do
    alike(config, fn sup ->
      {:ok, pid} =
        Task.Supervisor.start_child(sup, :job_fun, :hang, [self(), :runs], restart: :transient)
      {^pid, :runs} = told()
      Process.exit(pid, :kill)
      {again, :runs} = told()
      {again != pid, Task.Supervisor.terminate_child(sup, again)}
    end)
  end

  def max_children_test(config) do
    alike(config, :few, fn sup ->
      {:ok, pid} = Task.Supervisor.start_child(sup, :job_fun, :hang, [self(), :runs])
      {^pid, :runs} = told()
      second = Task.Supervisor.start_child(sup, :job_fun, :echo, [1])
      {second, Task.Supervisor.terminate_child(sup, pid)}
    end)
  end

  # ---- async_stream ---------------------------------------------------------------------------

  def async_stream_test(config) do
    alike(config, fn sup ->
      Enum.to_list(Task.Supervisor.async_stream(sup, 1..20, :job_fun, :echo, [], timeout: @limit_ms))
    end)
  end

  def async_stream_nolink_with_failures_test(config) do
    alike(config, fn sup ->
      sup
      |> Task.Supervisor.async_stream_nolink([:exit], :job_fun, :fail, [:why], timeout: @limit_ms)
      |> Enum.map(&plain/1)
    end)
  end

  def async_stream_kills_the_late_test(config) do
    alike(config, fn sup ->
      Enum.to_list(
        Task.Supervisor.async_stream_nolink(sup, [self()], :job_fun, :hang, [:x],
          timeout: 50, on_timeout: :kill_task)
      )
    end)
  end

  # ---- what is not Elixir's ---------------------------------------------------------------------

  def fun_gets_a_clear_error_test(%{node: node}) do
    if not beam?(node) do
      :ok = :logger.set_primary_config(:level, :none)
      {:cannot_run_erlang_code, text} = why_not(fn -> 1 end, node)
      true = text =~ "C node"
    end

    :ok
  end

  # Elixir 1.10 hears of it when the task is to be started, later ones when it is awaited.
  defp why_not(fun, node) do
    task = Task.Supervisor.async_nolink({:tasks, node}, fun)
    Task.await(task, @limit_ms)
  rescue
    e in CaseClauseError -> elem(e.term, 1)
  catch
    :exit, {{why, _}, {Task, :await, _}} -> why
  end

  defp beam?(node), do: is_list(:rpc.call(node, :code, :which, [:gen_server]))

  # ---- Agent ------------------------------------------------------------------------------------

  defp agent(:c, node, value) do
    spec = {{:"Elixir.Agent.Server", :start_link, [value]}, :temporary, 5000, :worker, [:agent]}
    {:ok, pid} = GenServer.call({:job_servers, node}, {:start_child, spec})
    pid
  end

  defp agent(:elixir, _node, value) do
    {:ok, pid} = Agent.start(fn -> value end)
    pid
  end

  defp agents(%{node: node}, value, fun) do
    if not beam?(node) do
      :ok = :logger.set_primary_config(:level, :none)
      elixir = fun.(agent(:elixir, node, value))
      c = fun.(agent(:c, node, value))
      if elixir != c, do: exit({:differs, {:elixir, elixir}, {:c, c}})
    end

    :ok
  end

  defp state(agent), do: Agent.get(agent, Function, :identity, [])

  def agent_get_test(config) do
    agents(config, %{a: [1]}, fn agent -> {state(agent), Agent.get(agent, :job_fun, :echo, [])} end)
  end

  def agent_update_test(config) do
    agents(config, 1, fn agent -> {Agent.update(agent, :job_fun, :echo, []), state(agent)} end)
  end

  def agent_cast_test(config) do
    agents(config, [1, 2], fn agent -> {Agent.cast(agent, :job_fun, :echo, []), state(agent)} end)
  end

  def agent_get_and_update_test(config) do
    agents(config, {:old, :new}, fn agent ->
      {Agent.get_and_update(agent, :job_fun, :echo, []), state(agent)}
    end)
  end

  def agent_get_and_update_of_no_pair_test(config) do
    agents(config, :no_pair, fn agent ->
      ref = Process.monitor(agent)
      answer = awaited(fn -> Agent.get_and_update(agent, :job_fun, :echo, []) end)
      {head(answer), down(ref)}
    end)
  end

  def agent_ends_with_an_error_test(config) do
    agents(config, :error, fn agent ->
      ref = Process.monitor(agent)
      answer = awaited(fn -> Agent.get(agent, :job_fun, :fail, [:oops]) end)
      {head(answer), head(down(ref))}
    end)
  end

  def agent_ends_with_an_exit_test(config) do
    agents(config, :exit, fn agent ->
      ref = Process.monitor(agent)
      answer = awaited(fn -> Agent.update(agent, :job_fun, :fail, [:bye]) end)
      {head(answer), down(ref)}
    end)
  end

  def agent_stop_test(config) do
    agents(config, 0, fn agent ->
      ref = Process.monitor(agent)
      {Agent.stop(agent), down(ref)}
    end)
  end

  def agent_state_by_sys_test(config) do
    agents(config, %{x: [1]}, fn agent -> :sys.get_state(agent) end)
  end

  def agent_state_replaced_by_a_named_function_test(config) do
    agents(config, {:a, 1}, fn agent ->
      {:sys.replace_state(agent, &:job_fun.echo/1), state(agent)}
    end)
  end

  def agent_ignores_stray_messages_test(config) do
    agents(config, 5, fn agent ->
      send(agent, :stray)
      state(agent)
    end)
  end

  defp head({:exit, {reason, {GenServer, :call, _}}}), do: {:exit, head(reason)}
  defp head({reason, [{m, f, _, _} | _]}), do: {reason, m, f}
  defp head({reason, stack}) when is_list(stack), do: {reason, :stack}
  defp head(other), do: other

  def agent_of_c_tells_that_it_runs_no_fun_test(%{node: node}) do
    if not beam?(node) do
      agent = agent(:c, node, 1)
      {:cannot_run_erlang_code, {GenServer, :call, _}} =
        (try do
           Agent.get(agent, fn s -> s end)
         catch
           :exit, reason -> reason
         end)

      1 = state(agent)
    end

    :ok
  end
end
