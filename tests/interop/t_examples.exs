# SPDX-License-Identifier: Apache-2.0
# The examples of state machines, tasks, agents and functions, from Elixir.
defmodule TExamples do
  @limit_ms 60_000

  defp with_example(%{node: node, build: build} = config, file, fun) do
    beam = is_list(:rpc.call(node, :code, :which, [:gen_server]))

    if not beam do
      path = build ++ ~c"/examples/" ++ String.to_charlist(file)
      %{node: own} = :fixture.c_node(config, [~c"--load", path])
      fun.(own)
    end

    :ok
  end

  def door_test(config) do
    with_example(config, "door.so", fn node ->
      door = {:door, node}
      :locked = :gen_statem.call(door, :state)
      for n <- [1, 2, 3, 4], do: :ok = :gen_statem.cast(door, {:button, n})
      :open = :gen_statem.call(door, :state)
      {:open, _} = :sys.get_state(door)
      :ok = :gen_statem.call(door, :lock)
      :locked = :gen_statem.call(door, :state)
    end)
  end

  def primes_test(config) do
    with_example(config, "primes.so", fn node ->
      {168, 303} = GenServer.call({:primes, node}, {1000, 2000}, @limit_ms)
      task = Task.Supervisor.async({:jobs, node}, :primes, :count, [1000])
      168 = Task.await(task, @limit_ms)

      [ok: 25, ok: 168] =
        {:jobs, node}
        |> Task.Supervisor.async_stream([100, 1000], :primes, :count, [], timeout: @limit_ms)
        |> Enum.to_list()
    end)
  end

  def totals_test(config) do
    with_example(config, "totals.so", fn node ->
      totals = {:totals, node}
      :ok = Agent.update(totals, :totals, :add, [5])
      5 = Agent.get(totals, Function, :identity, [])
      2 = Agent.get_and_update(totals, :totals, :take, [2])
      :ok = Agent.cast(totals, :totals, :add, [1])
      {:ok, 8} = GenServer.call({:till, node}, 4)
    end)
  end

  def calc_test(%{node: node} = config) do
    with_example(config, "calc.so", fn own ->
      6 = :erpc.call(own, :calc, :sum, [[1, 2, 3]])
      5050 = :rpc.call(own, :calc, :sum, [Enum.to_list(1..100)])
      [{:ok, 3}, {:ok, 3}] = :erpc.multicall([own, node], :calc, :sum, [[1, 2]])
      {:badrpc, {:EXIT, {:badarg, _}}} = :rpc.call(own, :calc, :sum, [:no_list])
    end)
  end
end
