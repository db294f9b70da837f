# SPDX-License-Identifier: Apache-2.0
# Twice a second: what each node's state is, and whom it sees.
defmodule Lab.Watch do
  alias Lab.{Agent, Check, Log}

  @step_ms 500
  @ask_ms 400

  def start(run), do: spawn_link(fn -> loop(Log.open(run, "watch"), System.monotonic_time(:millisecond)) end)

  def stop(nil), do: :ok

  def stop(watch) do
    Process.unlink(watch)
    Process.exit(watch, :kill)
    :ok
  end

  defp loop(log, at) do
    Agent.members()
    |> Task.async_stream(&look/1, max_concurrency: 16, timeout: :infinity)
    |> Enum.each(fn {:ok, fields} -> Log.put(log, [{:ev, "state"} | fields]) end)

    next = at + @step_ms
    Process.sleep(max(0, next - System.monotonic_time(:millisecond)))
    loop(log, max(next, System.monotonic_time(:millisecond) - @step_ms))
  end

  defp look(node) do
    seen = Check.ask(node, :erlang, :nodes, [], @ask_ms)
    sees = if is_list(seen), do: Enum.map_join(seen, " ", &Agent.short/1), else: ""
    [node: Agent.short(node), state: state(node, seen), sees: sees]
  end

  defp state(_, :none), do: :away

  defp state(node, _) do
    if Agent.c_node?(node) do
      with %{state: state} <- Check.ask(node, :flitch_partition, :status, [], @ask_ms), do: state, else: (_ -> :away)
    else
      :beam
    end
  end
end
