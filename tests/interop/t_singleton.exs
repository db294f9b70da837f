# SPDX-License-Identifier: Apache-2.0
# A server that the cluster has once (examples/singleton.c), as Elixir programmers call it. Keeps to
# what Elixir 1.10 understands.
defmodule TSingleton do
  @limit_ms 60_000

  # The node of the suite and two more stand by; the first loads nothing of it, so two candidates.
  defp cluster(%{build: build} = config) do
    if Process.whereis(:pg) == nil, do: {:ok, _} = :pg.start_link()
    load = ['--visible', '--load', build ++ '/examples/singleton.so']

    nodes =
      for prefix <- [:a, :b] do
        %{node: node} = :fixture.c_node(config, :fixture.unique(prefix), load)
        true = Node.connect(node)
        node
      end

    [a, b] = nodes
    true = :rpc.call(a, Node, :connect, [b])
    :fixture.eventually(fn -> Enum.all?(nodes, &(length(status(&1).candidates) == 2)) end)
    :fixture.eventually(fn -> is_pid(GenServer.whereis({:global, :tally})) end)
    nodes
  end

  defp status(node), do: GenServer.call({:tally_guard, node}, :status)

  def call_monitor_and_kill_by_the_global_name_test(config) do
    _ = cluster(config)
    {1, epoch} = GenServer.call({:global, :tally}, {:add, 1})
    pid = GenServer.whereis({:global, :tally})
    ref = Process.monitor({:global, :tally} |> GenServer.whereis())
    Process.exit(pid, :kill)

    receive do
      {:DOWN, ^ref, :process, ^pid, :killed} -> :ok
    after
      @limit_ms -> exit(:no_down)
    end

    :fixture.eventually(fn -> GenServer.whereis({:global, :tally}) not in [nil, pid] end)
    {2, later} = GenServer.call({:global, :tally}, {:add, 2})
    true = later > epoch
  end

  def move_by_hand_keeps_the_state_test(config) do
    nodes = cluster(config)
    {7, _} = GenServer.call({:global, :tally}, {:add, 7})
    from = node(GenServer.whereis({:global, :tally}))
    [to] = nodes -- [from]
    :ok = GenServer.call({:tally_guard, from}, {:move, to}, @limit_ms)
    :fixture.eventually(fn -> node(GenServer.whereis({:global, :tally})) == to end)
    7 = GenServer.call({:global, :tally}, :get)
  end
end
