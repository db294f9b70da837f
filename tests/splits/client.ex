# SPDX-License-Identifier: Apache-2.0
# Callers of a cluster that is split, in Elixir: one calls {:global, :svc}, one a member of the group
# :svc, one asks without an alias, so that a second answer would be seen. All of them all the time.
defmodule Client do
  @pause_ms 20
  @limit_ms 2000

  # Returns a process that keeps what the callers saw, until it is asked for by stop/1.
  def start do
    keeper =
      spawn(fn ->
        callers = for f <- [&global/1, &member/1, &bare/1], do: spawn_link(fn -> loop(f, 0, []) end)
        keep(callers)
      end)

    true = Process.register(keeper, :client)
    :ok
  end

  # [{:global | :member | :bare, calls, strays, [{at_ms, outcome}]}], the oldest first.
  def stop do
    ref = Process.monitor(:client)
    send(:client, {:stop, self(), ref})

    receive do
      {^ref, seen} -> seen
    end
  end

  defp keep(callers) do
    receive do
      {:stop, from, ref} ->
        Enum.each(callers, &send(&1, {:stop, self()}))

        send(from, {ref, for(caller <- callers, do: receive(do: ({^caller, seen} -> seen)))})
    end
  end

  defp loop(call, n, seen) do
    receive do
      {:stop, from} ->
        {:message_queue_len, strays} = Process.info(self(), :message_queue_len)
        send(from, {self(), {call.(:name), n, strays, Enum.reverse(seen)}})
    after
      @pause_ms ->
        outcome =
          try do
            call.(n)
          catch
            :exit, {reason, _} -> {:exit, word(reason)}
          end

        loop(call, n + 1, [{System.system_time(:millisecond), outcome} | seen])
    end
  end

  defp word({reason, _}) when is_atom(reason), do: reason
  defp word(reason), do: reason

  defp global(:name), do: :global
  defp global(n), do: answer(n, GenServer.call({:global, :svc}, {:ask, n}, @limit_ms))

  defp member(:name), do: :member

  defp member(n) do
    case :pg.get_members(:svc) do
      [] -> {:exit, :no_member}
      pids -> answer(n, GenServer.call(Enum.random(pids), {:ask, n}, @limit_ms))
    end
  end

  defp bare(:name), do: :bare

  defp bare(n) do
    case :global.whereis_name(:svc) do
      :undefined -> {:exit, :noproc}
      pid -> ask(pid, n)
    end
  end

  defp ask(pid, n) do
    ref = Process.monitor(pid)
    send(pid, {:"$gen_call", {self(), ref}, {:ask, n}})

    receive do
      {^ref, reply} ->
        Process.demonitor(ref, [:flush])
        answer(n, reply)

      {:DOWN, ^ref, _, _, reason} ->
        {:exit, word(reason)}
    end
  end

  # The answer is that to this call.
  defp answer(n, {n, node, epoch}), do: {:answer, node, epoch}
end
