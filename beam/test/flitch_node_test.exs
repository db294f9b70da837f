# SPDX-License-Identifier: Apache-2.0
# The same from Elixir: a child spec of keywords, strings for texts, Logger, GenServer's own calls.
defmodule FlitchNodeTest do
  use ExUnit.Case
  import ExUnit.CaptureLog

  @build System.fetch_env!("FL_BUILD")

  defp options(name, more \\ []) do
    [
      name: name,
      exe: System.fetch_env!("FL_FLITCH"),
      load: [Path.join(@build, "examples/counter.so"), Path.join(@build, "examples/calc.so")],
      start_timeout: 30_000
    ]
    |> Keyword.merge(more)
  end

  defp kill(name, signal) do
    [%{os_pid: pid}] = :flitch_node.info(name)
    {_, 0} = System.cmd("sh", ["-c", "kill -#{signal} #{pid}"])
  end

  test "is a child like any other" do
    start_supervised!({:flitch_node, options(:calc)})
    [node] = :flitch_node.nodes(:calc)
    assert 5 == GenServer.call({:counter, node}, {:add, 5})
    assert 5 == :flitch.call(:calc, :counter, :get)
    assert 10 == :erpc.call(node, :calc, :sum, [[1, 2, 3, 4]])
    assert [%{up: true}] = :flitch_node.info(:calc)
    assert :ok = stop_supervised(:calc)
    assert {:nodedown, :calc} = catch_exit(:flitch.call(:calc, :counter, :get))
  end

  test "what is lost with the node is seen by a monitor, and the supervisor starts it anew" do
    start_supervised!({:flitch_node, options(:mortal, log: :none)})
    [node] = :flitch_node.nodes(:mortal)
    counter = :erpc.call(node, :erlang, :whereis, [:counter])
    server = Process.monitor(counter)
    child = Process.monitor(:mortal)

    capture_log(fn ->
      kill(:mortal, "SEGV")
      assert_receive {:DOWN, ^server, :process, ^counter, :noconnection}, 30_000
      assert_receive {:DOWN, ^child, :process, _, {:signal, :sigsegv}}, 30_000
      assert :ok = :flitch_node.await(:mortal, 30_000)
    end)

    assert 0 == :flitch.call(:mortal, :counter, :get)
    refute counter == :erpc.call(node, :erlang, :whereis, [:counter])
  end

  test "several share the work" do
    start_supervised!({:flitch_node, options(:many, instances: 2)})
    for _ <- 1..4, do: :flitch.call(:many, :counter, {:add, 1})

    assert [2, 2] ==
             for(n <- :flitch_node.nodes(:many), do: GenServer.call({:counter, n}, :get))
  end

  test "its lines are Logger's" do
    log =
      capture_log(fn ->
        start_supervised!({:flitch_node, options(:talker)})
        [node] = :flitch_node.nodes(:talker)
        catch_exit(GenServer.call({:counter, node}, :nonsense))
        stop_supervised(:talker)
      end)

    assert log =~ "[error]"
    assert log =~ "bad_call"
  end

  test "what cannot start says why, under a supervisor too" do
    options = options(:failing, load: ["/nowhere.so"])

    capture_log(fn ->
      assert {:error, {reason, _}} = start_supervised({:flitch_node, options})
      assert {:failed, {:exit, :config}, text} = reason
      assert text =~ "/nowhere.so"
    end)
  end
end
