# SPDX-License-Identifier: Apache-2.0
# What runs on each OTP node of the lab: keeps it connected with the others, works in the group
# `workers`, holds a global name, and starts and stops callers. On the driver, which is hidden, it does
# none of the cluster's duties, and Lab.Control stands beside it.
defmodule Lab.Agent do
  use GenServer
  alias Lab.{Client, Log}

  @connect_ms 2_000

  def main do
    {:ok, _} = :pg.start(:pg)
    {:ok, _} = GenServer.start(__MODULE__, nil, name: __MODULE__)
    if driver?(), do: {:ok, _} = GenServer.start(Lab.Control, nil, name: :lab)
    IO.puts("READY node=#{node()} otp=#{System.otp_release()} elixir=#{System.version()}")
  end

  def driver?, do: System.get_env("LAB_NODE") == "driver"

  # All members, C nodes first. Their names are few, and come from the lab's own environment.
  def members, do: "LAB_NODES" |> System.fetch_env!() |> String.split() |> Enum.map(&:"#{&1}@#{&1}")
  def c_nodes, do: Enum.filter(members(), &c_node?/1)
  def beam_nodes, do: Enum.reject(members(), &c_node?/1)
  def c_node?(node), do: String.starts_with?("#{node}", "c")
  def short(node), do: node |> to_string() |> String.split("@") |> hd()

  @impl true
  def init(nil) do
    unless driver?() do
      :ok = :pg.join(:workers, self())
      :yes = :global.register_name({:agent, node()}, self())
    end

    :ok = :net_kernel.monitor_nodes(true, node_type: :all)
    send(self(), :connect)
    {:ok, %{run: nil, log: nil, clients: [], dialling: %{}}}
  end

  @impl true
  def handle_call({:work, id}, _, s), do: {:reply, {:done, id, node()}, s}
  def handle_call(:run, _, s), do: {:reply, s.run, s}
  def handle_call({:start, run}, _, %{run: run} = s), do: {:reply, :ok, s}

  def handle_call({:start, run}, _, s) do
    stop_clients(s.clients)
    {:reply, :ok, %{s | run: run, log: Log.open(run, short(node())), clients: start_clients(run)}}
  end

  def handle_call(:stop, _, s) do
    stop_clients(s.clients)
    {:reply, :ok, %{s | run: nil, log: nil, clients: []}}
  end

  @impl true
  def handle_info(:connect, s) do
    Process.send_after(self(), :connect, @connect_ms)
    missing = (mine_to_dial() -- :erlang.nodes(:connected)) -- Map.values(s.dialling)
    {:noreply, %{s | dialling: Enum.reduce(missing, s.dialling, &dial/2)}}
  end

  def handle_info({:DOWN, ref, _, _, _}, s), do: {:noreply, %{s | dialling: Map.delete(s.dialling, ref)}}

  def handle_info({event, node, _}, s) when event in [:nodeup, :nodedown] do
    if s.log != nil and node in members(), do: Log.put(s.log, ev: event, by: short(node()), node: short(node))
    {:noreply, s}
  end

  # `global` tells the holder of a name that lost it; names come back with the node that has them.
  def handle_info(_, s), do: {:noreply, s}

  # Of two OTP nodes the lesser one dials: two that dial each other all the time drop what the other has
  # just set up, and `global` of some releases then waits for a message that was lost with it.
  defp mine_to_dial, do: Enum.filter(members(), &(driver?() or c_node?(&1) or node() < &1))

  # In a process of its own: it may take as long as a handshake.
  defp dial(node, dialling) do
    {_, ref} = spawn_monitor(fn -> :net_kernel.connect_node(node) end)
    Map.put(dialling, ref, node)
  end

  # ---- callers ----

  # A node that was started again has callers of other names.
  defp start_clients(run) do
    me = short(node())
    life = :erlang.system_info(:creation)

    for {kind, node, every_ms} <- plan() do
      by = Enum.join([me, life, kind | if(node, do: [short(node)], else: [])], ".")
      Client.start(run, me, by, kind, node, every_ms)
    end
  end

  # The driver sees both sides of a split; groups and global names are the members' own.
  defp plan do
    own = for node <- c_nodes(), kind <- [:add, :echo], do: {kind, node, 200}
    if driver?(), do: own, else: own ++ [{:work, nil, 100}, {:tally, nil, 200}]
  end

  defp stop_clients(clients) do
    Enum.each(clients, &Client.stop/1)
    for client <- clients, do: receive(do: ({:stopped, ^client} -> :ok))
  end
end
