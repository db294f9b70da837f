# SPDX-License-Identifier: Apache-2.0
# The Elixir side of `make demo`: each line is shown as in iex, run against the C node, and its value
# compared with what a GenServer written in Elixir would give.

defmodule Demo do
  def run(node) do
    Enum.reduce(steps(node), [], fn step, binding -> step(step, binding) end)
  end

  defp step({title}, binding) do
    IO.puts("\n# #{title}")
    binding
  end

  defp step({code, wanted?}, binding) do
    IO.puts("iex> #{code}")
    {value, binding} = Code.eval_string(code, binding)
    IO.puts(inspect(value))

    unless wanted?.(value) do
      IO.puts(:stderr, "demo: that is not what was expected")
      System.halt(1)
    end

    binding
  end

  defp is(wanted), do: fn value -> value === wanted end

  defp steps(node) do
    n = inspect(node)

    [
      {"A C node among the nodes"},
      {"Node.connect(#{n})", is(true)},
      {"Node.ping(#{n})", is(:pong)},
      {"Calls and casts to a GenServer in C"},
      {"counter = {:counter, #{n}}", is({:counter, node})},
      {"GenServer.call(counter, {:add, 5})", is(5)},
      {"GenServer.call(counter, {:add, -2})", is(3)},
      {"GenServer.call(counter, {:echo, %{any: [1, 2.5, \"term\"]}})", is(%{any: [1, 2.5, "term"]})},
      {"GenServer.cast(counter, :reset)", is(:ok)},
      {"GenServer.call(counter, :get)", is(0)},
      {"for n <- 1..10_000, do: GenServer.cast({:echo, #{n}}, n); GenServer.call({:echo, #{n}}, :done)",
       is(:done)},
      {"Finding it"},
      {"pid = :erpc.call(#{n}, :erlang, :whereis, [:counter])", &is_pid/1},
      {"node(pid)", is(node)},
      {":erpc.call(#{n}, :erlang, :is_process_alive, [pid])", is(true)},
      {"Monitoring it, killing it, and what the supervisor does"},
      {"ref = Process.monitor(pid)", &is_reference/1},
      {"GenServer.call(pid, {:add, 41})", is(41)},
      {"Process.exit(pid, :kill)", is(true)},
      {"receive do {:DOWN, ^ref, :process, ^pid, why} -> why after 5_000 -> :nothing end", is(:killed)},
      {"again = Demo.await_name(#{n}, :counter, pid)", &is_pid/1},
      {"again != pid", is(true)},
      {"GenServer.call(counter, :get)", is(0)},
      {"Links reach it, too"},
      {"Process.flag(:trap_exit, true)", is(false)},
      {"Process.link(again)", is(true)},
      {"Process.exit(again, :kill)", is(true)},
      {"receive do {:EXIT, ^again, why} -> why after 5_000 -> :nothing end", is(:killed)},
      {"What nobody answers"},
      {"try do GenServer.call({:nobody, #{n}}, :hello) catch :exit, {why, _} -> why end", is(:noproc)},
      {"ref = Process.monitor({:nobody, #{n}})", &is_reference/1},
      {"receive do {:DOWN, ^ref, :process, _, why} -> why after 5_000 -> :nothing end", is(:noproc)}
    ]
  end

  # The supervisor needs a moment; until then the name is nobody's, or still the dead one's.
  def await_name(node, name, old, tries \\ 500) do
    case :erpc.call(node, :erlang, :whereis, [name]) do
      pid when is_pid(pid) and pid != old -> pid
      _ when tries > 0 ->
        Process.sleep(10)
        await_name(node, name, old, tries - 1)
      _ -> nil
    end
  end
end

[node] = System.argv()
Demo.run(String.to_atom(node))
IO.puts("\nAll of it went as with a server written in Elixir.")
