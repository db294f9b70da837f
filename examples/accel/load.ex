# SPDX-License-Identifier: Apache-2.0
# What the benchmarks beside this measure with: callers at once, and how late this VM's processes run
# meanwhile.
defmodule Load do
  @callers 4

  def callers, do: @callers

  # The node that has examples/accel/NAME.so loaded.
  def node_with(name) do
    {:ok, _} =
      :flitch_node.start_link(
        name: name,
        exe: System.fetch_env!("FL_FLITCH"),
        log: :none,
        load: [Path.join(System.fetch_env!("FL_BUILD"), "examples/accel/#{name}.so")]
      )

    :flitch_node.pick(name)
  end

  # Each of `callers` does `fun` so many rounds. Microseconds: in all; one round, p50 and p99; p99 of how
  # much later than asked a process ran.
  def measure(rounds, fun, callers \\ @callers) do
    late = spawn_link(fn -> late([]) end)
    start = System.monotonic_time(:microsecond)

    times =
      1..callers
      |> Enum.map(fn _ -> Task.async(fn -> for(_ <- 1..rounds, do: elem(:timer.tc(fun), 0)) end) end)
      |> Enum.flat_map(&Task.await(&1, :infinity))
      |> Enum.sort()

    total = System.monotonic_time(:microsecond) - start
    send(late, {:stop, self()})
    lateness = receive do {:late, list} -> Enum.sort(list) end
    %{total: total, p50: at(times, 0.5), p99: at(times, 0.99), late: at(lateness, 0.99)}
  end

  def number(x, width, decimals), do: String.pad_leading(:erlang.float_to_binary(x / 1, decimals: decimals), width)

  defp at(sorted, part), do: Enum.at(sorted, trunc(part * (length(sorted) - 1)))

  defp late(list) do
    start = System.monotonic_time(:microsecond)

    receive do
      {:stop, from} -> send(from, {:late, [0 | list]})
    after
      1 -> late([System.monotonic_time(:microsecond) - start - 1000 | list])
    end
  end
end
