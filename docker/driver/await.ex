# SPDX-License-Identifier: Apache-2.0
# Waiting for states of the cluster: what they lack, asked for again until it is nothing.
defmodule Lab.Await do
  alias Lab.{Agent, Check}

  @step_ms 200

  # :ok, or what was still missing when the time was over.
  def until(lacks, limit_ms), do: until_at(lacks, System.monotonic_time(:millisecond) + limit_ms)

  defp until_at(lacks, deadline) do
    case lacks.() do
      "" ->
        :ok

      text ->
        if System.monotonic_time(:millisecond) >= deadline do
          text
        else
          Process.sleep(@step_ms)
          until_at(lacks, deadline)
        end
    end
  end

  # All of them see each other, the C nodes serve, groups and names agree.
  def lacks(:whole, nodes) do
    for({name, :bad, text} <- Check.all(nodes), name not in [:leaks], do: "#{name}: #{text}")
    |> Enum.join("; ")
  end

  # Somebody among them has lost somebody.
  def lacks(:lost, nodes) do
    if Enum.any?(nodes, &(Check.nodes_of(&1) != Enum.sort(nodes -- [&1]))), do: "", else: "nobody lost anybody"
  end

  # epmd at their host knows them.
  def lacks(:registered, nodes) do
    for(node <- nodes, name = Agent.short(node), name not in names_at(name), do: "epmd at #{name} does not know it")
    |> Enum.join(", ")
  end

  # Who connects to them is shown the certificate that lies in the file.
  def lacks(:certified, nodes) do
    file = File.read!(Path.join(System.fetch_env!("LAB_TLS"), "node.pem"))
    [{:Certificate, wanted, _} | _] = :public_key.pem_decode(file)
    for(node <- nodes, name = Agent.short(node), shown(name) != wanted, do: "#{name} shows another certificate")
    |> Enum.join(", ")
  end

  # C nodes whose partition state is one of these: paused, or [serving, degraded].
  def lacks(states, nodes) do
    wanted = List.wrap(states)
    for(node <- nodes, state = Check.state(node), state not in wanted, do: "#{Agent.short(node)} is #{state}")
    |> Enum.join(", ")
  end

  defp shown(host) do
    {:ok, _} = Application.ensure_all_started(:ssl)
    own = fn name -> String.to_charlist(Path.join(System.fetch_env!("LAB_TLS"), name)) end
    options = [verify: :verify_none, certfile: own.("node.pem"), keyfile: own.("node.key"), active: false]

    with {:ok, socket} <- :ssl.connect(String.to_charlist(host), 9100, options, 3_000),
         {:ok, certificate} <- :ssl.peercert(socket) do
      :ssl.close(socket)
      certificate
    end
  end

  # OTP keeps what it has read for two minutes; of the cache of distribution ssl:clear_pem_cache/0 knows
  # nothing. C nodes are told by a signal.
  def forget_certificates do
    for node <- [node() | Agent.beam_nodes()] do
      Check.ask(node, :gen_server, :call, [:ssl_pem_cache_dist, {:unconditionally_clear_pem_cache, self()}])
    end
  end

  defp names_at(host) do
    case :erl_epmd.names(String.to_charlist(host)) do
      {:ok, names} -> for {name, _port} <- names, do: to_string(name)
      {:error, _} -> []
    end
  end

  # Every node is told at the same moment to drop all of its links, and then to dial all others.
  def connect_all do
    nodes = Agent.members()
    for node <- nodes, other <- nodes, node < other, do: Check.ask(node, :erlang, :disconnect_node, [other])

    for(node <- nodes, other <- nodes, node != other, do: {node, other})
    |> Task.async_stream(fn {node, other} -> Check.ask(node, :net_kernel, :connect_node, [other], 9_000) end,
      max_concurrency: 64, timeout: 10_000)
    |> Enum.count(&(&1 == {:ok, true}))
  end
end
