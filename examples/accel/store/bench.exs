# SPDX-License-Identifier: Apache-2.0
# A store on C nodes beside what OTP has: ets, which is memory alone and so the upper bound; dets and
# mnesia, each of which is told to write to the disk for each put, as the store does unasked. Keys of
# 16 bytes. Late: how much later than asked a process of this VM ran meanwhile.
defmodule Bench do
  @keys 100_000

  def run(dir) do
    :pg.start_link()
    File.rm_rf!(dir)
    File.mkdir_p!(dir)
    nodes = for i <- 1..2, do: node_of("store#{i}", dir)
    value = :crypto.strong_rand_bytes(100)
    stores = [ets(), dets(dir), mnesia(dir), flitch(hd(nodes))] |> Enum.reject(&(&1 == nil))
    if length(stores) < 4, do: IO.puts("left out: mnesia is not installed")
    for s <- stores, part <- Enum.chunk_every(1..@keys, 1000), do: s.fill.(for(i <- part, do: {key(i), value}))

    heading("puts of 100 bytes, each on the disk (but for ets)", "puts")
    for s <- stores, callers <- [4, 64], do: row(s.name, callers, 1, fn -> s.put.(random(), value) end)
    many = fn -> :ok = StoreClient.put_many(hd(nodes), for(_ <- 1..100, do: {random(), value}), 60_000) end
    row("flitch, 100 at once", 4, 100, many)

    heading("gets of 100 bytes", "gets")
    for s <- stores, do: row(s.name, 4, 1, fn -> s.get.(random()) end)
    turn = :counters.new(1, [])
    row("flitch, two nodes", 4, 1, fn -> {:ok, _} = StoreClient.get(next(nodes, turn), random(), 60_000) end)
    row("flitch, 100 at once", 4, 100, fn -> {:ok, [_ | _]} = StoreClient.get_many(hd(nodes), for(_ <- 1..100, do: random()), 60_000) end)

    for n <- [10, 100, 1000] do
      heading("ranges of #{n} pairs of 100 bytes", "pairs")
      for s <- stores, s.range, do: row(s.name, 4, n, fn -> s.range.(random(@keys - n), n) end)
    end

    heading("1 MiB, put on the disk and got", "MB")
    large = :crypto.strong_rand_bytes(1_048_576)
    for s <- stores, do: row(s.name <> ", put", 4, 1, fn -> s.put.("large" <> random(10), large) end)
    for s <- stores, do: row(s.name <> ", get", 4, 1, fn -> s.get.("large" <> random(10)) end)
    File.rm_rf!(dir)
  end

  defp node_of(name, dir) do
    {:ok, _} =
      :flitch_node.start_link(
        name: String.to_atom(name),
        exe: System.fetch_env!("FL_FLITCH"),
        log: :none,
        load: [Path.join(System.fetch_env!("FL_BUILD"), "examples/accel/store.so")],
        env: [{"FLITCH_STORE_DIR", Path.join(dir, "lmdb")}]
      )

    :flitch_node.pick(String.to_atom(name))
  end

  # ---- who is measured ------------------------------------------------------------------------

  defp ets do
    table = :ets.new(:bench, [:ordered_set, :public, read_concurrency: true, write_concurrency: true])

    %{
      name: "ets ordered_set",
      fill: &:ets.insert(table, &1),
      put: &:ets.insert(table, {&1, &2}),
      get: fn k -> [{_, _}] = :ets.lookup(table, k) end,
      range: fn k, n -> [_ | _] = walk(k, n, &:ets.next(table, &1), &hd(:ets.lookup(table, &1))) end
    }
  end

  # A select from a key on would begin at the first one of the table.
  defp walk(key, n, next, read) when n > 1 do
    case next.(key) do
      :"$end_of_table" -> [read.(key)]
      following -> [read.(key) | walk(following, n - 1, next, read)]
    end
  end

  defp walk(key, _, _, read), do: [read.(key)]

  # It knows no order.
  defp dets(dir) do
    {:ok, table} = :dets.open_file(:bench, file: String.to_charlist(Path.join(dir, "dets")))

    put = fn k, v ->
      :ok = :dets.insert(table, {k, v})
      :ok = :dets.sync(table)
    end

    %{name: "dets, sync", fill: &:dets.insert(table, &1), put: put, get: fn k -> [{_, _}] = :dets.lookup(table, k) end, range: nil}
  end

  defp mnesia(dir) do
    if Code.ensure_loaded?(:mnesia) do
      Application.put_env(:mnesia, :dir, String.to_charlist(Path.join(dir, "mnesia")))
      # Its own is 1,000, at which it warns of each dump that comes too soon.
      Application.put_env(:mnesia, :dump_log_write_threshold, 100_000)
      :ok = :mnesia.create_schema([node()])
      :ok = :mnesia.start()
      {:atomic, :ok} = :mnesia.create_table(:cards, type: :ordered_set, disc_copies: [node()])
      :ok = :mnesia.wait_for_tables([:cards], 60_000)

      put = fn k, v ->
        {:atomic, :ok} = :mnesia.transaction(fn -> :mnesia.write({:cards, k, v}) end)
        :ok = :mnesia.sync_log()
      end

      %{
        name: "mnesia, sync_log",
        fill: fn pairs -> :mnesia.async_dirty(fn -> for {k, v} <- pairs, do: :mnesia.write({:cards, k, v}) end) end,
        put: put,
        get: fn k -> [{_, _, _}] = :mnesia.dirty_read(:cards, k) end,
        range: fn k, n -> [_ | _] = walk(k, n, &:mnesia.dirty_next(:cards, &1), &hd(:mnesia.dirty_read(:cards, &1))) end
      }
    end
  end

  defp flitch(node) do
    %{
      name: "flitch store",
      fill: &(:ok = StoreClient.put_many(node, &1, 60_000)),
      put: &(:ok = StoreClient.put(node, &1, &2, 60_000)),
      get: fn k -> {:ok, _} = StoreClient.get(node, k, 60_000) end,
      range: fn k, n -> {:ok, [_ | _], _} = StoreClient.range(node, k, "", n, :forward, 60_000) end
    }
  end

  # ---- rows ------------------------------------------------------------------------------------

  defp key(i), do: <<i::128>>
  defp random(below \\ @keys), do: key(:rand.uniform(below))

  defp next(nodes, turn) do
    :counters.add(turn, 1, 1)
    Enum.at(nodes, rem(:counters.get(turn, 1), length(nodes)))
  end

  defp heading(what, unit), do: IO.puts("\n#{what}\n#{String.pad_trailing("", 22)}callers  #{String.pad_leading("#{unit}/s", 10)}     p50 ms     p99 ms  late p99 ms")

  defp row(what, callers, each, fun) do
    {once, _} = :timer.tc(fn -> for(_ <- 1..5, do: fun.()) end)
    rounds = max(20, min(5000, div(8_000_000, once + 1))) |> div(div(callers, 4)) |> max(10)
    m = Load.measure(rounds, fun, callers)

    [
      String.pad_trailing(what, 22),
      String.pad_leading("#{callers}", 7),
      Load.number(callers * rounds * each * 1_000_000 / m.total, 12, 0),
      Load.number(m.p50 / 1000, 11, 3),
      Load.number(m.p99 / 1000, 11, 3),
      Load.number(m.late / 1000, 13, 2)
    ]
    |> IO.puts()
  end
end

Bench.run(Path.join(System.fetch_env!("FL_BUILD"), "store_bench"))
System.halt(0)
