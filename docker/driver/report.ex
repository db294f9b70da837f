# SPDX-License-Identifier: Apache-2.0
# One HTML page of all runs, from their events; nothing in it comes from elsewhere.
#
# Of each run: a lane a node with its state, a thin lane a pair with whether both see each other, how many calls
# each C node answered in each second, and all calls of all callers, answered and failed, a second. Faults are
# vertical lines. What is read is a stream of events; an event `run` begins the next run.
defmodule Lab.Report do
  alias Lab.{Books, Log}

  @left 90
  @width 900
  @colours %{
    "serving" => "#3a9d5d", "degraded" => "#4f86c6", "suspect" => "#e0b23c", "joining" => "#c9c9c9",
    "resuming" => "#9ad0ae", "pausing" => "#e58a6b", "paused" => "#cf4b3f", "beam" => "#8d7bbd", "away" => "#eeeeee"
  }

  # From standard input to standard output.
  def main do
    runs = IO.stream(:stdio, :line) |> Log.parse() |> runs([])
    IO.write(page(runs))
  end

  defp runs([], done), do: Enum.reverse(done)

  defp runs([%{"ev" => "run", "run" => name} | rest], done) do
    {events, rest} = Enum.split_while(rest, &(&1["ev"] != "run"))
    runs(rest, [{name, Enum.sort_by(events, & &1["t"])} | done])
  end

  defp page(runs) do
    [
      "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>flitch lab</title><style>",
      "body{font:14px sans-serif;max-width:1040px;margin:2em auto;color:#222}text{font:10px sans-serif}",
      "pre{background:#f6f6f6;padding:.7em;overflow:auto}.bad{color:#b00}.ok{color:#070}td{padding:0 1em 0 0}</style>",
      "<h1>flitch lab</h1><p>", legend(), "</p><table>", Enum.map(runs, &row/1), "</table>", Enum.map(runs, &section/1), "</html>\n"
    ]
  end

  defp legend do
    for {state, colour} <- Enum.sort(@colours), do: "<span style=\"background:#{colour};padding:0 .5em;margin-right:.4em\">#{state}</span>"
  end

  defp row({name, events} = run) do
    {t0, t1} = span(events)
    "<tr><td><a href=\"##{name}\">#{name}</a><td>#{passed(run)}<td>#{Float.round((t1 - t0) / 1000, 1)} s"
  end

  defp passed({_, events}) do
    bad = events |> Books.rows() |> Books.broken()
    if bad == 0, do: "<span class=\"ok\">passed</span>", else: "<span class=\"bad\">#{bad} broken</span>"
  end

  defp section({name, events} = run) do
    ["<h2 id=\"#{name}\">#{name} ", passed(run), "</h2>", timeline(events), "<pre>", escape(Books.verdict(events)), "</pre>"]
  end

  defp escape(text), do: text |> String.replace("&", "&amp;") |> String.replace("<", "&lt;")

  # ---- the plot ----

  defp span(events), do: {List.first(events)["t"], max(List.last(events)["t"], List.first(events)["t"] + 1)}

  defp timeline(events) do
    scale = span(events)
    states = for %{"ev" => "state"} = e <- events, do: e
    nodes = states |> Enum.map(& &1["node"]) |> Enum.uniq() |> Enum.sort_by(&{not String.starts_with?(&1, "c"), &1})

    {parts, height} =
      stack([
        for(node <- nodes, do: {14, node, lane(states, node, scale)}),
        for({a, b} <- pairs(nodes), do: {5, "", link(states, a, b, scale)}),
        for(c <- Enum.filter(nodes, &String.starts_with?(&1, "c")), do: {22, "#{c} answers", bars(answers_of(events, c), scale, 20)}),
        [{62, "calls a second", bars(outcomes(events), scale, 60)}]
      ])

    [
      "<svg width=\"#{@left + @width + 10}\" height=\"#{height + 16}\" role=\"img\">", parts, marks(events, scale, height),
      axis(scale, height), "</svg>"
    ]
  end

  # Lanes one under the other: {height, label, fun of the upper edge}.
  defp stack(groups) do
    for lanes <- groups, {h, label, draw} <- lanes ++ [{6, "", fn _ -> [] end}], reduce: {[], 0} do
      {parts, y} ->
        text = if label == "", do: [], else: "<text x=\"0\" y=\"#{y + min(h, 14) - 4}\">#{label}</text>"
        {[parts, text, draw.(y)], y + h}
    end
  end

  defp x(t, {t0, t1}), do: Float.round(@left + (t - t0) * @width / (t1 - t0), 1)

  defp rect(from, to, y, h, colour, title, scale) do
    left = x(from, scale)
    right = max(x(to, scale), left + 0.5)
    "<rect x=\"#{left}\" y=\"#{y}\" width=\"#{Float.round(right - left, 1)}\" height=\"#{h}\" fill=\"#{colour}\"><title>#{title}</title></rect>"
  end

  defp lane(states, node, {_, t1} = scale) do
    fn y ->
      for {from, to, state} <- stretches(for(%{"node" => ^node} = e <- states, do: {e["t"], e["state"]}), t1),
          do: rect(from, to, y, 12, Map.get(@colours, state, "#999"), "#{node} #{state}", scale)
    end
  end

  defp pairs(nodes), do: for(a <- nodes, b <- nodes, a < b, do: {a, b})

  # Both have to say so; who is away says nothing.
  defp link(states, a, b, {_, t1} = scale) do
    looks =
      for %{"node" => node} = e <- states, node in [a, b], reduce: {%{}, []} do
        {seen, out} ->
          other = if node == a, do: b, else: a
          seen = Map.put(seen, node, other in String.split(e["sees"] || ""))
          {seen, [{e["t"], Map.get(seen, a, true) and Map.get(seen, b, true)} | out]}
      end

    fn y ->
      for {from, to, up} <- looks |> elem(1) |> Enum.reverse() |> stretches(t1),
          do: rect(from, to, y, 3, if(up, do: "#555", else: "#f2c9c4"), "#{a} - #{b} #{if up, do: "connected", else: "apart"}", scale)
    end
  end

  # Equal neighbours become one.
  defp stretches([], _), do: []

  defp stretches([{t, value} | rest], t1) do
    {from, value, out} =
      for {t, next} <- rest, reduce: {t, value, []} do
        {from, ^next, out} -> {from, next, out}
        {from, value, out} -> {t, next, [{from, t, value} | out]}
      end

    Enum.reverse([{from, t1, value} | out])
  end

  # {second, answered, failed}, counted when the call was made.
  defp outcomes(events), do: events |> Books.calls() |> Map.values() |> tally(events)

  defp answers_of(events, c) do
    events |> Books.calls() |> Map.values() |> Enum.filter(&String.starts_with?(&1.to, c <> "@")) |> tally(events)
  end

  defp tally(calls, events) do
    {t0, _} = span(events)

    for {second, calls} <- Enum.group_by(calls, &div(&1.at - t0, 1000)) do
      ok = Enum.count(calls, fn call -> Enum.any?(call.done, &(&1["ev"] == "ok")) end)
      {t0 + second * 1000, ok, length(calls) - ok}
    end
  end

  # Answered below, failed above.
  defp bars(counts, scale, h) do
    top = Enum.max(for({_, ok, failed} <- counts, do: ok + failed), fn -> 1 end)

    fn y ->
      for {t, ok, failed} <- counts do
        green = Float.round(ok * h / top, 1)
        red = Float.round(failed * h / top, 1)
        title = "#{ok} answered, #{failed} failed"

        [
          rect(t, t + 1000, Float.round(y + h - green, 1), green, "#3a9d5d", title, scale),
          rect(t, t + 1000, Float.round(y + h - green - red, 1), red, "#cf4b3f", title, scale)
        ]
      end
    end
  end

  defp marks(events, scale, height) do
    for %{"ev" => "mark", "t" => t, "text" => text} <- events do
      at = x(t, scale)
      "<line x1=\"#{at}\" x2=\"#{at}\" y1=\"0\" y2=\"#{height}\" stroke=\"#000\" stroke-dasharray=\"2 2\"><title>#{escape(text)}</title></line>" <>
        "<text transform=\"translate(#{at + 9},#{height - 4}) rotate(-90)\">#{escape(text)}</text>"
    end
  end

  defp axis({t0, t1} = scale, height) do
    step = if t1 - t0 > 120_000, do: 20_000, else: 5_000
    for t <- t0..t1//step, do: "<text x=\"#{x(t, scale)}\" y=\"#{height + 12}\">#{div(t - t0, 1000)} s</text>"
  end
end
