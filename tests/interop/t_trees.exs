# SPDX-License-Identifier: Apache-2.0
# One script, two supervisors, as t_trees.erl, for what is Elixir's own: DynamicSupervisor,
# PartitionSupervisor and the requests of Supervisor.
defmodule TTrees do
  @compile {:no_warn_undefined, PartitionSupervisor}

  defmodule Kid do
    use GenServer

    def start_link(arg), do: GenServer.start_link(__MODULE__, arg)
    def init({:fail, reason}), do: {:stop, reason}
    def init(:ignore), do: :ignore
    def init(_), do: {:ok, nil}
    def handle_info({:stop, reason}, state), do: {:stop, reason, state}
    def handle_info(_, state), do: {:noreply, state}
  end

  @limit_ms 60_000

  # The C supervisor starts children by the name of a behaviour, the one here by that of a module.
  defp child(:c, arg, more), do: Map.merge(%{id: :k, start: {:dummy_kid, :start_link, [arg]}}, more)
  defp child(:elixir, arg, more), do: Map.merge(%{id: :k, start: {Kid, :start_link, [arg]}}, more)

  defp tree(:c, node, name) do
    id = make_ref()

    spec = %{id: id, start: {name, :start_link, []}, restart: :temporary, type: :supervisor}
    {:ok, pid} = Supervisor.start_child({:trees, node}, spec)
    pid
  end

  defp tree(:elixir, _node, :tree_dynamic) do
    {:ok, pid} = DynamicSupervisor.start_link(strategy: :one_for_one, max_children: 3)
    pid
  end

  defp tree(:elixir, _node, :tree_one) do
    three = [
      %{id: :a, start: {Kid, :start_link, [:a]}},
      %{id: :b, start: {Kid, :start_link, [:b]}, restart: :transient},
      %{id: :c, start: {Kid, :start_link, [:c]}, restart: :temporary}
    ]

    {:ok, pid} = Supervisor.start_link(three, strategy: :one_for_one, max_restarts: 2)
    pid
  end

  defp alike(%{node: node, release: release}, name, script) when release >= 24 do
    Process.flag(:trap_exit, true)
    :ok = :logger.set_primary_config(:level, :none)
    elixir = play(:elixir, node, name, script)
    c = play(:c, node, name, script)
    for {op, a, b} <- Enum.zip([script, elixir, c]), a != b, do: exit({:differs, op, a, b})
    true = length(elixir) == length(script)
  end

  defp alike(_, _, _), do: :ok

  defp play(kind, node, name, script) do
    sup = tree(kind, node, name)
    Process.put(:pids, [sup])
    answers = for op <- script, do: plain(run(kind, sup, op))
    Process.unlink(sup)
    Process.exit(sup, :kill)
    answers
  end

  defp run(kind, sup, {:start, arg}), do: run(kind, sup, {:start, arg, %{}})
  defp run(kind, sup, {:start, arg, more}), do: DynamicSupervisor.start_child(sup, child(kind, arg, more))
  defp run(_, sup, {:start_raw, spec}), do: DynamicSupervisor.start_child(sup, spec)

  defp run(kind, sup, {:start_named, name}) do
    {module, _, _} = child(kind, :x, %{}).start
    start = {GenServer, :start_link, [module, :x, [name: name]]}
    DynamicSupervisor.start_child(sup, %{id: :k, start: start})
  end

  # An end is known to Elixir's registry later than to the supervisor.
  defp run(_, sup, {:registered, key}) do
    there = fn f, args -> :erpc.call(node(sup), Registry, f, args) end
    pids = for {_, pid, _, _} <- DynamicSupervisor.which_children(sup), do: pid

    :fixture.eventually(fn ->
      for({pid, _} <- there.(:lookup, [:puppet_names, key]), do: pid) == pids
    end)
  end

  defp run(kind, sup, {:add, id, arg}), do: Supervisor.start_child(sup, child(kind, arg, %{id: id}))
  defp run(_, sup, :which), do: sup |> DynamicSupervisor.which_children() |> Enum.sort()
  defp run(_, sup, :children), do: Supervisor.which_children(sup)
  defp run(_, sup, :count), do: DynamicSupervisor.count_children(sup)
  defp run(_, sup, {:end, id}), do: Supervisor.terminate_child(sup, id)
  defp run(_, sup, {:restart, id}), do: Supervisor.restart_child(sup, id)
  defp run(_, sup, {:delete, id}), do: Supervisor.delete_child(sup, id)
  defp run(_, sup, {:terminate, n}), do: DynamicSupervisor.terminate_child(sup, nth(n))
  defp run(_, sup, {:stop, n, reason}), do: changed(sup, n, reason)

  defp run(_, sup, {:last, n, reason}) do
    ref = Process.monitor(sup)
    send(nth(n), {:stop, reason})

    receive do
      {:DOWN, ^ref, _, _, why} -> why
    after
      @limit_ms -> exit(:no_end)
    end
  end

  defp run(_, sup, {:stop_sup, reason}) do
    ref = Process.monitor(sup)
    :ok = DynamicSupervisor.stop(sup, reason)

    receive do
      {:DOWN, ^ref, _, _, why} -> why
    after
      @limit_ms -> exit(:no_end)
    end
  end

  # The n-th pid that has been seen.
  defp nth(n), do: Enum.at(Process.get(:pids), n - 1)

  defp changed(sup, n, reason) do
    old = nth(n)
    send(old, {:stop, reason})

    :fixture.eventually(fn ->
      pids = for {_, pid, _, _} <- DynamicSupervisor.which_children(sup), do: pid
      old not in pids and :restarting not in pids
    end)

    run(nil, sup, :which)
  end

  defp plain(pid) when is_pid(pid) do
    known = Process.get(:pids)

    case Enum.find_index(known, &(&1 == pid)) do
      nil ->
        Process.put(:pids, known ++ [pid])
        {:pid, length(known) + 1}

      index ->
        {:pid, index + 1}
    end
  end

  defp plain({:undef, [{m, f, a, _} | _]}), do: {:undef, {plain(m), f, a}}
  defp plain(Kid), do: :dummy_kid
  defp plain(tuple) when is_tuple(tuple), do: tuple |> Tuple.to_list() |> plain() |> List.to_tuple()
  defp plain(list) when is_list(list), do: Enum.map(list, &plain/1)
  defp plain(map) when is_map(map), do: map |> Map.to_list() |> Enum.sort() |> plain()
  defp plain(other), do: other

  def dynamic_supervisor_test(config) do
    alike(config, :tree_dynamic, [
      :which,
      :count,
      {:start, :x},
      :which,
      :count,
      {:start, :y, %{restart: :transient}},
      {:start, :z, %{restart: :temporary, type: :supervisor}},
      :count,
      {:start, :w},
      {:terminate, 2},
      {:terminate, 2},
      :count,
      {:stop, 3, :normal},
      {:stop, 4, :crash},
      :which,
      {:stop_sup, :shutdown}
    ])
  end

  def dynamic_starts_that_fail_test(config) do
    alike(config, :tree_dynamic, [
      {:start, {:fail, :why}},
      {:start, :ignore},
      :which,
      {:start_raw, %{id: :k, start: {:no_such_module, :start_link, [1]}}},
      {:start_raw, %{id: :k, start: {:no_such_module, :start_link, 1}}},
      {:start, :x, %{restart: :always}},
      {:start, :x, %{shutdown: :soon}},
      {:start, :x, %{shutdown: :brutal_kill}},
      :count,
      {:stop_sup, :normal}
    ])
  end

  # The registry is one of this node for Elixir's children, one of the C node for C's.
  def names_in_a_registry_test(config) do
    if config.release >= 24 and Process.whereis(:puppet_names) == nil do
      {:ok, registry} = Registry.start_link(keys: :unique, name: :puppet_names)
      Process.unlink(registry)
    end

    key = {:kid, make_ref()}

    alike(config, :tree_dynamic, [
      {:start_named, {:via, Registry, {:puppet_names, key}}},
      {:registered, key},
      {:start_named, {:via, Registry, {:puppet_names, key}}},
      {:stop, 2, :crash},
      {:registered, key},
      {:terminate, 3},
      {:registered, key},
      {:start_named, {:global, key}},
      {:start_named, {:global, key}},
      :count,
      {:stop_sup, :normal}
    ])
  end

  def dynamic_intensity_test(config) do
    alike(config, :tree_dynamic, [
      {:start, :x, %{restart: :temporary}},
      {:start, :y},
      {:stop, 3, :crash},
      {:stop, 4, :crash},
      {:stop, 5, :crash},
      {:last, 6, :crash}
    ])
  end

  def supervisor_test(config) do
    alike(config, :tree_one, [
      :children,
      {:end, :a},
      {:restart, :a},
      {:restart, :a},
      {:end, :b},
      {:delete, :b},
      {:delete, :zz},
      {:add, :n, :x},
      {:add, :n, :x},
      {:add, :f, {:fail, :why}},
      {:add, :i, :ignore},
      :children,
      {:stop_sup, :shutdown}
    ])
  end

  # PartitionSupervisor looks names up on its own node only: there it is asked.
  def partition_supervisor_test(%{node: node, release: release}) when release >= 25 do
    if :rpc.call(node, :erlang, :whereis, [:trees]) != :undefined do
      here = start_partitions()
      name = :"parts_#{:erlang.unique_integer([:positive])}"
      start = {:supervisor, :start_link, [{:local, name}, :tree_parts, []]}
      spec = %{id: name, start: start, restart: :temporary, type: :supervisor}
      {:ok, sup} = Supervisor.start_child({:trees, node}, spec)
      there = &:erpc.call(node, PartitionSupervisor, &1, &2)
      3 = there.(:partitions, [name])
      %{active: 3, specs: 3, supervisors: 0, workers: 3} = there.(:count_children, [name])
      children = there.(:which_children, [name])
      [0, 1, 2] = children |> Enum.map(&elem(&1, 0)) |> Enum.sort()

      for key <- [0, 1, 2, 3, -4, 1000, :key, "text", {:user, 7}, [1, 2], 1.5, %{a: 1}] do
        index = index_of(PartitionSupervisor.which_children(here), route(here, key))
        ^index = index_of(children, there.(:whereis_name, [{name, key}]))
      end

      :undefined = there.(:whereis_name, [{:nobody, 1}])
      :ok = Supervisor.stop(sup)
    end
  end

  def partition_supervisor_test(_), do: :ok

  defp start_partitions do
    name = :parts_here
    {:ok, _} = PartitionSupervisor.start_link(child_spec: {Kid, :x}, name: name, partitions: 3)
    name
  end

  defp route(name, key), do: GenServer.whereis({:via, PartitionSupervisor, {name, key}})

  defp index_of(children, pid) do
    {index, _, _, _} = List.keyfind(children, pid, 1)
    index
  end

  # examples/tree.c
  def example_test(%{node: node, build: build} = config) do
    if :rpc.call(node, :erlang, :whereis, [:trees]) != :undefined do
      %{node: shop} = :fixture.c_node(config, [to_charlist("--load"), build ++ to_charlist("/examples/tree.so")])
      {:ok, 98} = GenServer.call({:stock, shop}, {:take, 2})
      order = fn count -> %{id: :order, start: {:order, :start_link, [count]}, restart: :temporary} end
      {:ok, pid} = DynamicSupervisor.start_child({:orders, shop}, order.(8))
      :ignore = DynamicSupervisor.start_child({:orders, shop}, order.(91))
      {:ok, 90} = GenServer.call({:stock, shop}, {:take, 0})
      %{active: 1, workers: 1} = DynamicSupervisor.count_children({:orders, shop})
      :ok = DynamicSupervisor.terminate_child({:orders, shop}, pid)
      {:error, :not_found} = DynamicSupervisor.terminate_child({:orders, shop}, pid)
      %{active: 2, supervisors: 1, workers: 1} = Supervisor.count_children({:shop, shop})
      :ok = Supervisor.terminate_child({:shop, shop}, :orders)
      {:ok, _} = Supervisor.restart_child({:shop, shop}, :orders)
    end
  end

  def elixirs_functions_run_here_test(%{node: node}) do
    if :rpc.call(node, :erlang, :whereis, [:trees]) != :undefined do
      here = &:rpc.call(node, &1, &2, &3)
      sup = tree(:c, node, :tree_dynamic)
      {:ok, pid} = here.(DynamicSupervisor, :start_child, [sup, child(:c, :x, %{})])
      [{:undefined, ^pid, :worker, [:dummy_kid]}] = here.(DynamicSupervisor, :which_children, [sup])
      %{active: 1, specs: 1} = here.(DynamicSupervisor, :count_children, [sup])
      :ok = here.(DynamicSupervisor, :terminate_child, [sup, pid])
      {:error, {:invalid_child_spec, :x}} = here.(DynamicSupervisor, :start_child, [sup, :x])
      one = tree(:c, node, :tree_one)
      :ok = here.(Supervisor, :terminate_child, [one, :a])
      {:ok, _} = here.(Supervisor, :restart_child, [one, :a])
      %{active: 3} = here.(Supervisor, :count_children, [one])
      {:ok, %{id: :a}} = here.(:supervisor, :get_childspec, [one, :a])
      :ok = Supervisor.stop(sup)
      :ok = Supervisor.stop(one)
    end
  end
end
