# SPDX-License-Identifier: Apache-2.0
# The cluster at rest: what every node says, and whether it agrees.
defmodule Lab.Check do
  alias Lab.{Agent, Await, Client}

  @ask_ms 1_500

  # {name, :ok | :otp | :bad, text} of each check, tried until all are ok or the time is over. What is :otp
  # is wrong, and by OTP's own doing.
  def until(nodes, before, limit_ms) do
    checks = fn -> all(nodes) ++ [leaks(nodes, before)] end
    _ = Await.until(fn -> if Enum.all?(checks.(), &(elem(&1, 1) == :ok)), do: "", else: "bad" end, limit_ms)
    checks.()
  end

  def all(nodes), do: [mesh(nodes), serving(nodes), groups(nodes), names(nodes), holder(nodes)]

  # The answer, or :none: a node that is away, cut off or paused.
  def ask(node, m, f, a, limit_ms \\ @ask_ms) do
    if node == node() or node in :erlang.nodes(:connected), do: :erpc.call(node, m, f, a, limit_ms), else: :none
  catch
    _, _ -> :none
  end

  # Asked at the same time: some may not answer.
  def ask_all(nodes, m, f, a) do
    nodes
    |> Task.async_stream(&{&1, ask(&1, m, f, a)}, max_concurrency: 16, timeout: :infinity)
    |> Enum.map(fn {:ok, answer} -> answer end)
  end

  def nodes_of(node) do
    case ask(node, :erlang, :nodes, []) do
      list when is_list(list) -> Enum.sort(list)
      none -> none
    end
  end

  def state(node) do
    case ask(node, :flitch_partition, :status, []) do
      %{state: state} -> state
      _ -> :away
    end
  end

  # ---- checks ----

  defp mesh(nodes) do
    wrong =
      for {node, seen} <- ask_all(nodes, :erlang, :nodes, []),
          lost = if(is_list(seen), do: (nodes -- [node]) -- seen, else: nodes -- [node]),
          lost != [],
          do: "#{Agent.short(node)} does not see #{words(lost)}"

    result(:mesh, wrong, "#{length(nodes)} nodes see each other")
  end

  defp serving(nodes) do
    c = Enum.filter(nodes, &Agent.c_node?/1)
    wanted = if length(nodes) == length(Agent.members()), do: [:serving], else: [:serving, :degraded]
    wrong = for node <- c, state = state(node), state not in wanted, do: "#{Agent.short(node)} is #{state}"
    result(:serving, wrong, "#{length(c)} C nodes serve")
  end

  # One worker a node, the same list everywhere.
  defp groups(nodes) do
    lists = for {node, list} <- ask_all(nodes, :pg, :get_members, [:workers]), do: {node, is_list(list) && Enum.sort(list)}
    homes = fn list -> is_list(list) && list |> Enum.map(&node/1) |> Enum.sort() end
    wrong = for {node, list} <- lists, homes.(list) != Enum.sort(nodes), do: "#{Agent.short(node)} has #{words(homes.(list) || [])}"
    wrong = if wrong == [] and length(Enum.uniq_by(lists, &elem(&1, 1))) > 1, do: ["lists differ"], else: wrong
    result(:groups, wrong, "workers has the same #{length(nodes)} members on all nodes")
  end

  defp names(nodes) do
    views = for node <- nodes, do: {node, view(node)}
    {_, first} = hd(views)
    expected = [:tally | for(node <- nodes, not Agent.c_node?(node), do: {:agent, node})]

    odd = for {node, view} <- views, view != first or Enum.sort(Map.keys(view)) != Enum.sort(expected), do: {node, view}
    wrong = for {node, view} <- odd, do: "#{Agent.short(node)} has #{inspect(Map.keys(view))}#{synced(node)}"

    case result(:names, wrong, "#{length(expected)} global names, each with the same holder on all nodes") do
      {:names, :bad, text} -> {:names, if(Enum.all?(odd, &overlap?(&1, first)), do: :otp, else: :bad), text}
      ok -> ok
    end
  end

  # Without prevent_overlapping_partitions an OTP node may take another one for a member without its names
  # (docker/overlap.escript): it says that the two are in sync, and lacks names of that node alone.
  defp overlap?({node, view}, whole) do
    lacks = whole |> Map.drop(Map.keys(view)) |> Map.values()
    alike = view != %{} and Enum.all?(view, fn {name, pid} -> whole[name] == pid end)

    not prevents?() and not Agent.c_node?(node) and alike and lacks != [] and
      Enum.all?(lacks, &(is_pid(&1) and not Agent.c_node?(node(&1)) and node(&1) in in_sync(node)))
  end

  defp prevents?, do: System.get_env("LAB_POP") != "false"

  defp in_sync(node) do
    with list when is_list(list) <- ask(node, :gen_server, :call, [:global_name_server, :get_synced]), do: list, else: (_ -> [])
  end

  defp view(node) do
    case ask(node, :global, :registered_names, []) do
      names when is_list(names) -> for name <- names, into: %{}, do: {name, ask(node, :global, :whereis_name, [name])}
      :none -> %{}
    end
  end

  # What OTP's `global` of a node says of its own synchronisation: those it is done with, those it waits for.
  defp synced(node) do
    case not Agent.c_node?(node) && ask(node, :sys, :get_state, [:global_name_server]) do
      state when is_tuple(state) and elem(state, 0) == :state ->
        " (synced with #{words(elem(state, 3))}, waits for #{inspect(elem(state, 4))})"

      _ ->
        ""
    end
  end

  # One guard holds the singleton, and says itself what `global` says.
  defp holder(nodes) do
    c = Enum.filter(nodes, &Agent.c_node?/1)
    holding = for node <- c, %{state: :holding} = status <- [guard(node)], do: status.holder
    named = ask(hd(c), :global, :whereis_name, [:tally])

    wrong =
      if holding == [named] and is_pid(named), do: [], else: ["#{length(holding)} guards hold it, global names #{inspect(named)}"]

    result(:holder, wrong, "tally runs once, on #{if is_pid(named), do: Agent.short(node(named))}")
  end

  defp guard(node) do
    GenServer.call({:tally_guard, node}, :status, @ask_ms)
  catch
    :exit, _ -> :none
  end

  # Nothing is left of the callers: no process and no monitor more than before.
  defp leaks(nodes, {processes, monitors}) do
    now = count()
    whole = length(nodes) == length(Agent.members())
    wrong = if whole and now != {processes, monitors}, do: ["#{inspect(now)} processes and monitors, #{inspect({processes, monitors})} before"], else: []
    result(:leaks, wrong, "#{processes} processes on the C nodes, #{monitors} monitors on their servers, as before")
  end

  # Processes of all C nodes, since the singleton is on any of them, and who watches their servers.
  def count do
    processes = for {_, list} <- ask_all(Agent.c_nodes(), :erlang, :processes, []), is_list(list), do: length(list)
    monitors = for node <- Agent.c_nodes(), name <- [:counter, :echo, :worker], do: monitors(node, name)
    {Enum.sum(processes), Enum.sum(monitors)}
  end

  # A node that does not answer counts for none: the numbers then differ.
  defp monitors(node, name) do
    with pid when is_pid(pid) <- ask(node, :erlang, :whereis, [name]),
         {:monitored_by, list} <- ask(node, :erlang, :process_info, [pid, :monitored_by]),
         do: length(list),
         else: (_ -> 0)
  end

  def totals do
    for node <- Agent.c_nodes(), pid = ask(node, :erlang, :whereis, [:counter]), is_pid(pid), total = total(pid), is_integer(total),
        do: {Client.name(pid), total}
  end

  defp total(pid) do
    GenServer.call(pid, :get, @ask_ms)
  catch
    :exit, _ -> :none
  end

  # ---- words ----

  defp result(name, [], text), do: {name, :ok, text}
  defp result(name, wrong, _), do: {name, :bad, Enum.join(wrong, "; ")}
  defp words(nodes), do: Enum.map_join(nodes, " ", &Agent.short/1)

  def status do
    for node <- Agent.members() do
      state = if Agent.c_node?(node), do: state(node), else: beam_state(node)
      seen = with list when is_list(list) <- nodes_of(node), do: words(list)
      [String.pad_trailing(Agent.short(node), 8), String.pad_trailing("#{state}", 10), "sees #{seen}\n"]
    end
    |> IO.iodata_to_binary()
    |> String.trim_trailing()
  end

  defp beam_state(node) do
    case ask(node, :erlang, :system_info, [:otp_release]) do
      :none -> :away
      release -> "OTP #{release}"
    end
  end
end
