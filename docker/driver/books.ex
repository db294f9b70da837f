# SPDX-License-Identifier: Apache-2.0
# The books of a run: what was asked against what was answered. Pure: events in, counted rows out.
#
#   - A call is answered once or reported failed. What is left open belongs to a caller that was killed.
#   - A counter adds 1 a call and answers its total. So what it answered is a set of different numbers, and its
#     total is what was acknowledged and no more than all those that failed after they were sent.
#   - The singleton likewise, epoch by epoch; and no call that was made after an answer of a later epoch is
#     answered by an earlier one.
#   - Between `silent` and `audible` a node answers nobody.
defmodule Lab.Books do
  # The table that people see; its last line is "PASS" or "FAIL" and counts.
  def verdict(events) do
    rows = rows(events)
    lines = for {name, verdict, text} <- rows, do: "#{pad(verdict, 5)}#{pad(name, 10)}#{text}\n"
    counts = " #{length(rows)} invariants, #{broken(rows)} broken"
    IO.iodata_to_binary([lines, if(broken(rows) == 0, do: "PASS", else: "FAIL"), counts, otps(rows)])
  end

  def broken(rows), do: Enum.count(rows, &(elem(&1, 1) == :bad))

  # What OTP breaks by itself is told, and is not held against the cluster.
  defp otps(rows) do
    case Enum.count(rows, &(elem(&1, 1) == :otp)) do
      0 -> ""
      n -> ", #{n} not held by OTP itself (docker/overlap.escript)"
    end
  end

  defp pad(word, n), do: String.pad_trailing("#{word}", n)

  def rows(events) do
    calls = calls(events)
    checks = for %{"ev" => "check"} = e <- events, do: {e["name"], String.to_atom(e["verdict"]), e["text"]}
    [answers(calls, events), adds(calls, events), tally(calls), silence(calls, events)] ++ claims(events) ++ checks
  end

  # {by, id} => %{kind, at, to, done: [{event, time, value, epoch}]}, the outcomes in order of time.
  def calls(events) do
    calls = for %{"ev" => "call"} = e <- events, into: %{}, do: {{e["by"], e["id"]}, call(e)}

    for(%{"ev" => ev, "id" => id} = e <- events, ev != "call", do: {{e["by"], id}, e})
    |> Enum.reduce(calls, fn {key, e}, calls -> Map.update!(calls, key, &%{&1 | done: &1.done ++ [e]}) end)
  end

  defp call(e), do: %{kind: kind(e["by"]), by: e["by"], at: e["t"], to: e["to"], done: []}
  def kind(by), do: by |> String.split(".") |> Enum.at(2)

  defp ok?(call), do: Enum.any?(call.done, &(&1["ev"] == "ok"))
  # The answer is known, in time or after the call was given up.
  defp value(call), do: Enum.find(call.done, &(&1["ev"] in ["ok", "late"] and is_map_key(&1, "v")))
  # It may have been carried out, and nobody knows.
  defp unknown?(call), do: value(call) == nil and not Enum.any?(call.done, &(&1["sent"] == 0))

  # ---- each call once ----

  defp answers(calls, events) do
    calls = Map.values(calls)
    ended = for %{"ev" => "end", "by" => by} <- events, into: MapSet.new(), do: by
    {open, done} = Enum.split_with(calls, &(&1.done == []))
    forgotten = Enum.count(open, &(&1.by in ended))
    twice = Enum.count(calls, &(count(&1, ["ok", "late", "again", "wrong"]) > 1))
    wrong = Enum.count(calls, &(count(&1, ["wrong"]) > 0))
    answered = Enum.count(done, &ok?/1)
    bad = for {n, what} <- [{forgotten, "neither"}, {twice, "answered twice"}, {wrong, "answered wrongly"}], n > 0, do: "#{n} #{what}"
    bad = if answered == 0, do: ["none was answered" | bad], else: bad

    text =
      "#{answered} answered, #{length(done) - answered} failed and reported, #{length(open)} open when their caller was killed" <>
        " (#{Enum.count(calls, &(count(&1, ["late"]) > 0))} answers came after their call was given up)"

    result("calls", bad, text)
  end

  defp count(call, words), do: Enum.count(call.done, &(&1["ev"] in words))

  # ---- counters ----

  defp adds(calls, events) do
    base = totals(events, "base")
    total = totals(events, "total")

    rows =
      for {server, calls} <- by_server(calls, "add") do
        {values, unknown} = values(calls)
        from = Map.get(base, server, 0)
        {server, length(values), unknown, ledger(server, values, unknown, from, total[server])}
      end

    acked = Enum.sum(Enum.map(rows, &elem(&1, 1)))
    unknown = Enum.sum(Enum.map(rows, &elem(&1, 2)))
    done = Enum.sum(for {server, n, _, _} <- rows, t = total[server], do: t - Map.get(base, server, 0) - n)

    result("adds", Enum.flat_map(rows, &elem(&1, 3)),
      "#{acked} acknowledged by #{length(rows)} counters, all in their totals; #{unknown} failed after they were sent, #{done} of them were carried out")
  end

  defp totals(events, word), do: for(%{"ev" => ^word} = e <- events, into: %{}, do: {e["to"], e["v"]})

  defp by_server(calls, kind) do
    for({_, %{kind: ^kind, to: to} = call} <- calls, to != "none", do: call)
    |> Enum.group_by(& &1.to)
  end

  defp values(calls), do: {for(c <- calls, e = value(c), do: e["v"]), Enum.count(calls, &unknown?/1)}

  # `total` is nil where the server is gone; its greatest answer stands for it.
  defp ledger(server, values, unknown, from, total) do
    top = total || Enum.max(values, fn -> from end)
    applied = top - from
    outside = Enum.reject(values, &(&1 > from and &1 <= top))

    [
      length(Enum.uniq(values)) != length(values) && "#{server} gave the same total twice",
      outside != [] && "#{server} answered #{inspect(outside)}, outside of #{from + 1}..#{top}",
      applied < length(values) && "#{server} has #{applied}, but acknowledged #{length(values)}",
      applied > length(values) + unknown && "#{server} has #{applied}, more than the #{length(values)} + #{unknown} that were sent"
    ]
    |> Enum.filter(& &1)
  end

  # ---- the singleton ----

  defp tally(calls) do
    answers = for({_, %{kind: "tally"} = c} <- calls, e = value(c), do: {e["t"], c.at, e["epoch"], e["v"]}) |> Enum.sort()
    epochs = answers |> Enum.group_by(&elem(&1, 2), &elem(&1, 3))
    twice = for {epoch, values} <- epochs, length(Enum.uniq(values)) != length(values), do: "epoch #{epoch} gave the same total twice"
    result("singleton", twice ++ stale(answers), "#{length(answers)} adds in #{map_size(epochs)} epochs, none by an older one after a newer")
  end

  # The greatest epoch answered before a call was made bounds its answer from below.
  defp stale(answers) do
    for {_, at, epoch, _} <- answers, newer = Enum.find(answers, fn {t, _, e, _} -> t < at and e > epoch end),
        do: "epoch #{epoch} answered a call made #{at - elem(newer, 0)} ms after epoch #{elem(newer, 2)} had answered"
  end

  # ---- those that must not serve ----

  defp silence(calls, events) do
    spans = spans(events)

    broken =
      for {node, from, to} <- spans, {_, c} <- calls, ok?(c), String.starts_with?(c.to, node <> "@"), c.at > from, hd(c.done)["t"] < to,
          do: node

    bad = for {node, n} <- Enum.frequencies(broken), do: "#{node} answered #{n} calls when it must not"
    who = spans |> Enum.map(&elem(&1, 0)) |> Enum.uniq() |> Enum.join(" ")
    result("silence", bad, if(spans == [], do: "nobody had to be silent", else: "#{who} answered nobody while paused"))
  end

  defp spans(events) do
    for %{"ev" => "silent", "t" => from, "node" => node} <- events do
      to = Enum.find_value(events, &(&1["ev"] == "audible" and &1["node"] == node and &1["t"] >= from and &1["t"]))
      {node, from, to || List.last(events)["t"]}
    end
  end

  # ---- what the scenario said of it ----

  defp claims(events) do
    for %{"ev" => "claim", "what" => what, "t" => until} = claim <- events do
      before = Enum.filter(events, &(&1["t"] <= until))
      holds(what, String.split(claim["nodes"]), before)
    end
  end

  defp holds("never_lost", _, events) do
    lost = for %{"ev" => "nodedown", "by" => by, "node" => node} <- events, do: "#{by} lost #{node}"
    result("links", lost, "no OTP node and not the driver lost anybody")
  end

  defp holds("never_paused", _, events) do
    paused = for %{"ev" => "state", "state" => "paused", "node" => node} <- events, do: "#{node} paused"
    result("pauses", Enum.uniq(paused), "no C node paused")
  end

  defp holds("lost_by_all", nodes, events) do
    lost = for %{"ev" => "nodedown", "by" => by, "node" => node} <- events, into: MapSet.new(), do: {by, node}
    observers = for %{"ev" => "client", "by" => by} <- events, uniq: true, do: by |> String.split(".") |> hd()
    kept = for by <- Enum.uniq(observers), node <- nodes, by != node, {by, node} not in lost, do: "#{by} did not lose #{node}"
    result("loss", kept, "#{Enum.join(nodes, " ")} was lost by all others that were asked")
  end

  defp result(name, [], text), do: {name, :ok, text}
  defp result(name, bad, _), do: {name, :bad, Enum.join(Enum.take(bad, 5), "; ")}
end
