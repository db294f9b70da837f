# SPDX-License-Identifier: Apache-2.0
# What docker/lab asks of the driver, as the server `lab`:
#
#     flitch call driver@driver lab '{start, <<"split-heal-1">>}'      callers everywhere, and the watch
#     ... lab '{mark, <<"partition c1 / c2">>}'                        a line on the timeline
#     ... lab '{silent, [c1@c1]}'       from now on these must not answer; {audible, [...]} ends it
#     ... lab '{claim, never_lost, []}' what has to hold of the run so far
#     ... lab '{await, whole, [...], 30000}'                           ok, or a text that says what lacks
#     ... lab '{check, [...], 30000}', 'stop', 'verdict', 'status'
#
# Nodes are those that are meant to run: the shell knows whom it killed.
defmodule Lab.Control do
  use GenServer
  alias Lab.{Agent, Await, Books, Check, Log, Watch}

  @impl true
  def init(nil) do
    Process.send_after(self(), :recruit, 1_000)
    {:ok, %{run: nil, log: nil, watch: nil, before: nil}}
  end

  @impl true
  def handle_call({:start, run}, _, s) do
    log = Log.open(run, "control")
    before = Check.count()
    for {to, total} <- Check.totals(), do: Log.put(log, ev: "base", to: to, v: total)
    s = %{s | run: run, log: log, watch: Watch.start(run), before: before}
    recruit(s)
    {:reply, :ok, s}
  end

  def handle_call(:ping, _, s), do: {:reply, :pong, s}

  def handle_call(:stop, _, s) do
    for {node, :failed} <- on_agents(:stop), do: note(s, "mark", text: "#{Agent.short(node)} did not stop its callers")
    Watch.stop(s.watch)
    {:reply, :ok, %{s | watch: nil}}
  end

  def handle_call({:mark, text}, _, s), do: {:reply, note(s, "mark", text: text), s}
  def handle_call({word, nodes}, _, s) when word in [:silent, :audible], do: {:reply, each(s, word, nodes), s}

  def handle_call({:record, name, verdict, text}, _, s),
    do: {:reply, note(s, "check", name: name, verdict: verdict, text: text), s}

  def handle_call({:claim, what, nodes}, _, s),
    do: {:reply, note(s, "claim", what: what, nodes: Enum.map_join(nodes, " ", &Agent.short/1)), s}

  # These take time; the server stays free for marks.
  def handle_call({:await, what, nodes, limit_ms}, from, s),
    do: later(from, s, fn -> Await.until(fn -> Await.lacks(what, nodes) end, limit_ms) end)

  def handle_call({:check, nodes, limit_ms}, from, s) do
    later(from, s, fn ->
      log = Log.open(s.run, "check")
      results = Check.until(nodes, s.before, limit_ms)
      for {name, verdict, text} <- results, do: Log.put(log, ev: "check", name: name, verdict: verdict, text: text)
      for {to, total} <- Check.totals(), do: Log.put(log, ev: "total", to: to, v: total)
      if Enum.all?(results, &(elem(&1, 1) == :ok)), do: :ok, else: :failed
    end)
  end

  def handle_call(:connect_all, _, s), do: {:reply, Await.connect_all(), s}

  def handle_call(:forget_certificates, _, s) do
    {:reply, Enum.count(Await.forget_certificates(), &(&1 != :none)), s}
  end

  def handle_call(:verdict, from, s), do: later(from, s, fn -> Books.verdict(Log.read(s.run)) end)
  def handle_call(:status, from, s), do: later(from, s, fn -> Check.status() end)

  @impl true
  def handle_info(:recruit, s) do
    Process.send_after(self(), :recruit, 1_000)
    if s.watch != nil, do: recruit(s)
    {:noreply, s}
  end

  # Nodes that came back in the course of a run take part again.
  defp recruit(%{run: run}), do: on_agents({:start, run})

  # All at once, since some may be frozen or cut off.
  defp on_agents(message) do
    nodes = [node() | Enum.filter(Agent.beam_nodes(), &(&1 in :erlang.nodes(:connected)))]

    nodes
    |> Task.async_stream(&ask(&1, message), max_concurrency: 8, timeout: :infinity)
    |> Enum.map(fn {:ok, answer} -> answer end)
  end

  defp ask(node, message) do
    {node, GenServer.call({Agent, node}, message, 4_000)}
  catch
    :exit, _ -> {node, :failed}
  end

  defp note(s, event, fields), do: Log.put(s.log, [{:ev, event} | fields])
  defp each(s, word, nodes), do: Enum.each(nodes, &note(s, word, node: Agent.short(&1)))

  defp later(from, s, work) do
    spawn(fn -> GenServer.reply(from, answer(work)) end)
    {:noreply, s}
  end

  # Whoever waits hears of a failure, too.
  defp answer(work) do
    work.()
  rescue
    error -> Exception.message(error)
  end
end
