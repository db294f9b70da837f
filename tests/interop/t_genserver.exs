# SPDX-License-Identifier: Apache-2.0
# GenServer, Process, Agent and Task of Elixir as clients of a C server. Keeps to what Elixir 1.10
# understands.
defmodule TGenserver do
  def probe(node) do
    {:ok, pid} = GenServer.call({:probe, node}, {:start, [{:watch, self()}]})
    pid
  end

  def perform(pid, op), do: GenServer.call(pid, {:do, op})

  def call_and_cast_test(%{node: node}) do
    %{a: [1, 2.5, "ü"]} = GenServer.call({:echo, node}, %{a: [1, 2.5, "ü"]})
    :ok = GenServer.cast({:counter, node}, :reset)
    5 = GenServer.call({:counter, node}, {:add, 5}, :infinity)
    pid = probe(node)
    ^pid = perform(pid, :self)
  end

  def timed_out_call_exits_test(%{node: node}) do
    pid = probe(node)

    {:timeout, {GenServer, :call, [^pid, :later, 30]}} =
      catch_exit(fn -> GenServer.call(pid, :later, 30) end)
  end

  def noproc_test(%{node: node}) do
    {:noproc, {GenServer, :call, _}} =
      catch_exit(fn -> GenServer.call({:nobody, node}, :x) end)

    {{:nodedown, :"nobody@127.0.0.1"}, _} =
      catch_exit(fn -> GenServer.call({:x, :"nobody@127.0.0.1"}, :x) end)

    :ok = GenServer.cast({:nobody, node}, :x)
  end

  def crash_reaches_the_caller_test(%{node: node}) do
    pid = probe(node)
    {{:bad_call, %{no: :such}}, _} = catch_exit(fn -> GenServer.call(pid, %{no: :such}) end)
    pid = probe(node)
    ref = Process.monitor(pid)
    :ok = GenServer.cast(pid, %{no: :such})
    {:bad_cast, %{no: :such}} = down(ref)
  end

  def multi_call_and_abcast_test(%{node: node}) do
    {[{^node, :x}], []} = GenServer.multi_call([node], :echo, :x)
    {[{^node, :x}], []} = GenServer.multi_call([node], :echo, :x, 60_000)
    {[], [^node]} = GenServer.multi_call([node], :nobody, :x, 60_000)
    :abcast = GenServer.abcast([node], :counter, :reset)
    0 = GenServer.call({:counter, node}, :get)
  end

  def stop_test(%{node: node}) do
    pid = probe(node)
    :ok = GenServer.stop(pid)

    receive do
      {:terminate, ^pid, :normal} -> :ok
    after
      60_000 -> exit(:no_terminate)
    end

    pid = probe(node)
    :ok = GenServer.stop(pid, :shutdown, 60_000)
    {:noproc, {GenServer, :stop, _}} = catch_exit(fn -> GenServer.stop(pid) end)
  end

  def whereis_and_reply_test(%{node: node}) do
    {:echo, ^node} = GenServer.whereis({:echo, node})
    pid = probe(node)
    task = Task.async(fn -> GenServer.call(pid, :later, 10_000) end)
    wait_until(fn -> perform(pid, :alive) == [true] end)
    GenServer.cast(pid, {:answer, {:ok, "late"}})
    {:ok, "late"} = Task.await(task)
  end

  def many_tasks_test(%{node: node}) do
    pid = probe(node)

    results =
      1..200
      |> Task.async_stream(fn n -> GenServer.call({:echo, node}, {pid, n}) end, max_concurrency: 50)
      |> Enum.map(fn {:ok, {^pid, n}} -> n end)

    true = results == Enum.to_list(1..200)
  end

  # An agent's clients send {:get, fun}, {:update, fun}, {:get_and_update, fun}, {:cast, fun}.
  def agent_clients_test(%{node: node}) do
    {:get, fun} = Agent.get({:echo, node}, fn state -> state + 1 end)
    2 = fun.(1)
    {:get, {Kernel, :+, [1]}} = Agent.get({:echo, node}, Kernel, :+, [1])
    {:get_and_update, _} = Agent.get_and_update({:echo, node}, fn s -> {s, s} end)
    :ok = Agent.cast({:echo, node}, fn s -> s end)
  end

  def process_functions_test(%{node: node}) do
    pid = probe(node)
    ref = Process.monitor({:probe, node})
    true = Process.demonitor(ref, [:flush])
    send(pid, {:hello, "there"})

    receive do
      {:info, ^pid, {:hello, "there"}} -> :ok
    after
      60_000 -> exit(:no_info)
    end

    ref = Process.monitor(pid)
    Process.exit(pid, :kill)
    :killed = down(ref)
  end

  def linked_exit_test(%{node: node}) do
    Process.flag(:trap_exit, true)
    pid = probe(node)
    true = Process.link(pid)
    GenServer.cast(pid, {:stop, {:shutdown, :done}})

    receive do
      {:EXIT, ^pid, {:shutdown, :done}} -> :ok
    after
      60_000 -> exit(:no_exit)
    end
  end

  def system_functions_test(%{node: node}) do
    pid = probe(node)
    {:status, ^pid, _, [_, :running | _]} = :sys.get_status(pid)
    :ok = :sys.suspend(pid)
    {:timeout, _} = catch_exit(fn -> GenServer.call(pid, :who, 30) end)
    :ok = :sys.resume(pid)
    ^pid = perform(pid, :self)
  end

  def nil_structs_and_iodata_test(%{node: node}) do
    pid = probe(node)
    true = perform(pid, {nil, nil})
    {:ok, 7} = perform(pid, {:field, %{__struct__: Some.Struct, field: 7}})
    {:ok, 8} = perform(pid, {:field, [other: 1, field: 8]})
    "ab" = perform(pid, {:text, ["a", [?b]]})
    built = perform(pid, :build)
    %{__struct__: Probe, field: nil} = elem(built, 11)
    true = elem(built, 3) == "a string"
  end

  def ranges_dates_and_streams_come_back_test(%{node: node}) do
    for term <- [1..10, ~D[2024-02-29], ~r/a+/, MapSet.new([1, 2]), [1 | 2], &Enum.map/2] do
      true = GenServer.call({:echo, node}, {:x, term}) == {:x, term}
    end
  end

  defp catch_exit(fun) do
    try do
      throw({:no_exit, fun.()})
    catch
      :exit, reason -> reason
    end
  end

  defp down(ref) do
    receive do
      {:DOWN, ^ref, :process, _, reason} -> reason
    after
      60_000 -> exit(:no_down)
    end
  end

  defp wait_until(fun) do
    unless fun.() do
      receive do
      after
        5 -> wait_until(fun)
      end
    end
  end
end
