# SPDX-License-Identifier: Apache-2.0
# One caller that calls one server at a steady pace, and books each call: `call` before it is sent, then
# one of `ok` and `fail`.
#
# It sends what gen_server:call sends, a monitor and a message, but without an alias: so a second answer
# (`again`), or one after the call was given up (`late`), is seen and booked instead of dropped. `sent`
# is 0 for a call that failed before it left. A caller that is stopped waits for what is open, and books
# `end`; one that is killed leaves calls open, and no `end`.
defmodule Lab.Client do
  alias Lab.Log

  @limit_ms 2_000

  # `kind` is :add, :echo (servers of `node`), :work (any member of a group) or :tally (a global name).
  def start(run, file, by, kind, node, every_ms) do
    spawn_link(fn ->
      log = Log.open(run, file)
      Log.put(log, ev: "client", by: by)

      loop(%{
        log: log, by: by, kind: kind, node: node, every_ms: every_ms,
        next_at: tick(), n: 1, pid: nil, open: %{}, closed: %{}, owner: nil
      })
    end)
  end

  def stop(client), do: send(client, {:stop, self()})

  defp tick, do: System.monotonic_time(:millisecond)

  defp loop(%{owner: owner, open: open} = s) when owner != nil and map_size(open) == 0 do
    Log.put(s.log, ev: "end", by: s.by)
    send(owner, {:stopped, self()})
  end

  defp loop(s) do
    receive do
      {:stop, owner} -> loop(%{s | owner: owner})
      {ref, value} when is_reference(ref) -> s |> answered(ref, value) |> loop()
      {:DOWN, ref, :process, _, reason} -> s |> down(ref, reason) |> loop()
    after
      max(0, s.next_at - tick()) ->
        s = expire(%{s | next_at: max(s.next_at + s.every_ms, tick())})
        loop(if s.owner == nil, do: call(s), else: s)
    end
  end

  # ---- calls ----

  defp call(s) do
    case target(s) do
      {:ok, pid} -> book(s, name(pid)) |> transmit(pid)
      {:error, why} -> book(s, "none") |> fail(s.n, why, 0)
    end
    |> Map.update!(:n, &(&1 + 1))
  end

  defp book(s, to) do
    Log.put(s.log, ev: "call", by: s.by, id: s.n, to: to)
    s
  end

  # Neither waits for a connection nor for one that is full.
  defp transmit(s, pid) do
    ref = Process.monitor(pid)
    message = {:"$gen_call", {self(), ref}, request(s.kind, s.n)}

    case :erlang.send(pid, message, [:noconnect, :nosuspend]) do
      :ok ->
        %{s | pid: pid, open: Map.put(s.open, ref, {s.n, tick() + @limit_ms})}

      why ->
        Process.demonitor(ref, [:flush])
        fail(s, s.n, why, 0)
    end
  end

  defp request(:add, _), do: {:add, 1}
  defp request(:echo, n), do: {:echo, n}
  defp request(:work, n), do: {:work, n}
  defp request(:tally, _), do: {:add, 1}

  # A server that failed once is looked up anew: its node may have another one.
  defp target(%{kind: kind, pid: nil, node: node}) when kind in [:add, :echo] do
    if node in :erlang.nodes(:connected), do: whereis(node, server(kind)), else: {:error, :nodedown}
  end

  defp target(%{kind: kind, pid: pid}) when kind in [:add, :echo], do: {:ok, pid}

  defp target(%{kind: :work}) do
    case :pg.get_members(:workers) do
      [] -> {:error, :no_member}
      pids -> {:ok, Enum.random(pids)}
    end
  end

  defp target(%{kind: :tally}) do
    case :global.whereis_name(:tally) do
      :undefined -> {:error, :no_holder}
      pid -> {:ok, pid}
    end
  end

  defp server(:add), do: :counter
  defp server(:echo), do: :echo

  defp whereis(node, name) do
    case :erpc.call(node, :erlang, :whereis, [name], 1_000) do
      pid when is_pid(pid) -> {:ok, pid}
      _ -> {:error, :noproc}
    end
  catch
    _, _ -> {:error, :refused}
  end

  # The node, and all that tells one process of it from another, its node's creation too.
  def name(pid) do
    bytes = :erlang.term_to_binary(pid)
    "#{node(pid)}/#{Base.encode16(binary_part(bytes, byte_size(bytes), -12))}"
  end

  # ---- answers ----

  defp answered(s, ref, value) do
    case {s.open, s.closed} do
      {%{^ref => {id, _}}, _} ->
        Process.demonitor(ref, [:flush])
        Log.put(s.log, [ev: verdict(s.kind, id, value), by: s.by, id: id] ++ detail(s.kind, value))
        close(s, ref, {id, "again"})

      {_, %{^ref => {id, event}}} ->
        Log.put(s.log, [ev: event, by: s.by, id: id] ++ detail(s.kind, value))
        close(s, ref, {id, "again"})
    end
  end

  defp verdict(:add, _, v) when is_integer(v), do: "ok"
  defp verdict(:echo, n, {:echo, n}), do: "ok"
  defp verdict(:work, n, {:done, n, _}), do: "ok"
  defp verdict(:tally, _, {total, epoch}) when is_integer(total) and is_integer(epoch), do: "ok"
  defp verdict(_, _, _), do: "wrong"

  defp detail(:add, v) when is_integer(v), do: [v: v]
  defp detail(:tally, {total, epoch}) when is_integer(total) and is_integer(epoch), do: [v: total, epoch: epoch]
  defp detail(_, _), do: []

  defp close(s, ref, mark), do: %{s | open: Map.delete(s.open, ref), closed: Map.put(s.closed, ref, mark)}

  defp down(s, ref, reason) do
    case s.open do
      %{^ref => {id, _}} -> s |> close(ref, {id, "late"}) |> fail(id, word(reason), 1)
      _ -> s
    end
  end

  defp expire(s) do
    now = tick()

    for {ref, {id, at}} <- s.open, at <= now, reduce: s do
      s ->
        Process.demonitor(ref, [:flush])
        s |> close(ref, {id, "late"}) |> fail(id, :timeout, 1)
    end
  end

  defp fail(s, id, why, sent) do
    Log.put(s.log, ev: "fail", by: s.by, id: id, why: why, sent: sent)
    %{s | pid: nil}
  end

  defp word(reason) when is_atom(reason), do: reason
  defp word(reason) when is_tuple(reason), do: word(elem(reason, 0))
  defp word(_), do: :other
end
