# SPDX-License-Identifier: Apache-2.0
# The topics of a PubSub, between Elixir and C. Phoenix.PubSub itself is no package of Debian: Adapter
# below does what its adapter PG2 does on the wire and in pg, by the shapes of its documentation. With
# FL_PHOENIX=DIR, a folder of its .beam files, it is Phoenix.PubSub that plays.

dir = System.get_env("FL_PHOENIX", "")

if dir != "" do
  true = :code.add_patha(String.to_charlist(dir))

  # What a channel's process does for those without a transport of their own.
  defmodule Phoenix.Channel.Server do
    def dispatch(entries, from, message) do
      for {pid, _} <- entries, pid != from, do: send(pid, message)
      :ok
    end
  end

  defmodule Adapter do
    def group(name, 1), do: :"Elixir.#{name}.Adapter"
    def group(name, place), do: :"Elixir.#{name}.Adapter_#{place}"

    def start(name, pool_size \\ 1) do
      if Process.whereis(Phoenix.PubSub) == nil, do: {:ok, _} = :pg.start_link(Phoenix.PubSub)
      options = [name: Module.concat([name]), pool_size: pool_size]
      {:ok, _} = :erlang.apply(Phoenix.PubSub.Supervisor, :start_link, [options])
    end

    def subscribe(name, topic), do: call(:subscribe, [Module.concat([name]), topic])

    def broadcast(name, _, topic, message) do
      :ok = call(:broadcast, [Module.concat([name]), topic, message])
    end

    def direct(node, name, topic, message) do
      :ok = call(:direct_broadcast, [node, Module.concat([name]), topic, message])
    end

    defp call(function, args), do: :erlang.apply(Phoenix.PubSub, function, args)
  end
else
  defmodule Adapter do
    use GenServer

    @scope :"Elixir.Phoenix.PubSub"

    def group(name, 1), do: :"Elixir.#{name}.Adapter"
    def group(name, place), do: :"Elixir.#{name}.Adapter_#{place}"

    def start(name, pool_size \\ 1) do
      case Process.whereis(@scope) do
        nil -> {:ok, _} = :pg.start_link(@scope)
        _ -> :ok
      end

      {:ok, registry} = Registry.start_link(keys: :duplicate, name: registry(name))
      Process.unlink(registry)

      for place <- 1..pool_size do
        {:ok, _} = GenServer.start_link(__MODULE__, {name, place}, name: group(name, place))
      end
    end

    def registry(name), do: :"registry_#{name}"
    def subscribe(name, topic), do: {:ok, _} = Registry.register(registry(name), topic, nil)

    def broadcast(name, pool_size, topic, message, dispatcher \\ :"Elixir.Phoenix.PubSub") do
      group = group(name, :erlang.phash2(self(), pool_size) + 1)

      for pid <- :pg.get_members(@scope, group), node(pid) != node() do
        send(pid, {:forward_to_local, topic, message, dispatcher})
      end

      dispatch(name, topic, message)
    end

    def direct(node, name, topic, message) do
      send({group(name, 1), node}, {:forward_to_local, topic, message, :"Elixir.Phoenix.PubSub"})
    end

    def dispatch(name, topic, message) do
      Registry.dispatch(registry(name), topic, fn entries ->
        for {pid, _} <- entries, do: send(pid, message)
      end)
    end

    def init({name, place}) do
      :ok = :pg.join(@scope, group(name, place), self())
      {:ok, name}
    end

    # A dispatcher is a module whose dispatch/3 is called: there is none of Phoenix here.
    def handle_info({:forward_to_local, topic, message, dispatcher}, name) do
      true = dispatcher in [:"Elixir.Phoenix.PubSub", :"Elixir.Phoenix.Channel.Server"]
      true = is_binary(topic)
      dispatch(name, topic, message)
      {:noreply, name}
    end
  end
end

defmodule PubSubTest do
  @scope :"Elixir.Phoenix.PubSub"

  defp cluster(config, name, pool_size) do
    Process.flag(:trap_exit, true)
    Adapter.start(name, pool_size)
    nodes = for _ <- [1, 2], do: :fixture.c_node(config, ['--visible']).node
    [a, b] = nodes
    true = :rpc.call(a, :net_kernel, :connect_node, [b])

    probes =
      for n <- nodes do
        :pong = :net_adm.ping(n)
        probe = :fixture.probe(n)
        :ok = :fixture.do(probe, {:pubsub_start, name, pool_size})
        probe
      end

    for n <- [node() | nodes], place <- 1..pool_size do
      :fixture.eventually(fn ->
        members =
          if n == node(),
            do: :pg.get_members(@scope, Adapter.group(name, place)),
            else: :rpc.call(n, :pg, :get_members, [@scope, Adapter.group(name, place)])

        length(members) == 3
      end)
    end

    probes
  end

  defp stop_scope do
    case Process.whereis(@scope) do
      nil ->
        :ok

      pid ->
        ref = Process.monitor(pid)
        Process.exit(pid, :kill)

        receive do
          {:DOWN, ^ref, _, _, _} -> :ok
        end
    end
  end

  def elixir_broadcast_reaches_c_subscribers_test(config) do
    stop_scope()
    [p, q] = cluster(config, "One.PubSub", 1)
    :ok = :fixture.do(p, {:pubsub_subscribe, "One.PubSub", "room:1"})
    :ok = :fixture.do(q, {:pubsub_subscribe, "One.PubSub", "room:1"})
    :ok = :fixture.do(q, {:pubsub_subscribe, "One.PubSub", "room:2"})
    Adapter.broadcast("One.PubSub", 1, "nobody", :lost)
    Adapter.broadcast("One.PubSub", 1, "room:1", {:new, "text", %{"k" => [1, 2]}})
    Adapter.broadcast("One.PubSub", 1, "room:2", :second)
    {:new, "text", %{"k" => [1, 2]}} = :fixture.told(p, :info)
    {:new, "text", %{"k" => [1, 2]}} = :fixture.told(q, :info)
    :second = :fixture.told(q, :info)
    Adapter.direct(node(p), "One.PubSub", "room:1", :direct)
    :direct = :fixture.told(p, :info)
    :ok = :fixture.do(p, {:pubsub_unsubscribe, "One.PubSub", "room:1"})
    {:error, :enoent} = :fixture.do(p, {:pubsub_unsubscribe, "One.PubSub", "room:1"})
    Adapter.broadcast("One.PubSub", 1, "room:1", :again)
    :again = :fixture.told(q, :info)
    :fixture.no_message()
  end

  def c_broadcast_reaches_elixir_and_c_subscribers_test(config) do
    stop_scope()
    [p, q] = cluster(config, "Two.PubSub", 1)
    Adapter.subscribe("Two.PubSub", "t")
    :ok = :fixture.do(p, {:pubsub_subscribe, "Two.PubSub", "t"})
    :ok = :fixture.do(q, {:pubsub_subscribe, "Two.PubSub", "t"})
    :ok = :fixture.do(p, {:pubsub_broadcast, "Two.PubSub", "t", {:from, :p}})

    receive do
      {:from, :p} -> :ok
    after
      60_000 -> exit(:nothing_came)
    end

    {:from, :p} = :fixture.told(p, :info)
    {:from, :p} = :fixture.told(q, :info)
    :ok = :fixture.do(p, {:pubsub_broadcast_from, "Two.PubSub", "t", :others})
    :others = :fixture.told(q, :info)
    :ok = :fixture.do(p, {:pubsub_local, "Two.PubSub", "t", :here})
    :here = :fixture.told(p, :info)

    receive do
      :others -> :ok
    after
      60_000 -> exit(:nothing_came)
    end

    :fixture.no_message()
  end

  # What a channel's clients are sent: the struct, by the channels' own dispatcher.
  def channel_broadcast_has_phoenix_shape_test(config) do
    stop_scope()
    [p, _] = cluster(config, "Three.PubSub", 1)
    Adapter.subscribe("Three.PubSub", "room:1")
    :ok = :fixture.do(p, {:channel_broadcast, "Three.PubSub", "room:1", %{body: "hi"}})

    receive do
      %{__struct__: struct, topic: "room:1", event: "new_msg", payload: %{body: "hi"}} = message ->
        :"Elixir.Phoenix.Socket.Broadcast" = struct
        4 = map_size(Map.delete(message, :__struct__)) + 1
    after
      60_000 -> exit(:nothing_came)
    end
  end

  def each_group_of_a_pool_is_served_in_order_test(config) do
    stop_scope()
    [p, _] = cluster(config, "Four.PubSub", 3)
    Adapter.subscribe("Four.PubSub", "t")
    :ok = :fixture.do(p, {:pubsub_subscribe, "Four.PubSub", "t"})
    parent = self()

    for i <- 1..12 do
      spawn_link(fn ->
        Adapter.broadcast("Four.PubSub", 3, "t", {:n, i})
        send(parent, :done)
      end)
    end

    got = for _ <- 1..12, do: :fixture.told(p, :info)
    12 = length(Enum.uniq(got))

    for i <- 1..100,
        do: :ok = :fixture.do(p, {:pubsub_broadcast_from, "Four.PubSub", "t", {:c, i}})

    seen =
      for _ <- 1..100 do
        receive do
          {:c, i} -> i
        after
          60_000 -> exit(:nothing_came)
        end
      end

    true = seen == Enum.to_list(1..100)
  end

  def ended_subscriber_and_garbage_do_no_harm_test(config) do
    stop_scope()
    [p, q] = cluster(config, "Five.PubSub", 1)
    :ok = :fixture.do(p, {:pubsub_subscribe, "Five.PubSub", "t"})
    other = :fixture.probe(node(p))
    :ok = :fixture.do(other, {:pubsub_subscribe, "Five.PubSub", "t"})
    Process.exit(p, :kill)
    adapter = {Adapter.group("Five.PubSub", 1), node(p)}

    for junk <- [
          1,
          {},
          {:forward_to_local, "t"},
          {:forward_to_local, :t, 1, 2},
          {:DOWN, 1, 2, 3, 4}
        ] do
      send(adapter, junk)
      GenServer.cast(adapter, junk)
    end

    {:error, :notsup} = GenServer.call(adapter, :what)
    Adapter.broadcast("Five.PubSub", 1, "t", :still)
    :still = :fixture.told(other, :info)
    {:error, :noproc} = :fixture.do(q, {:pubsub_subscribe, "Nobodys.PubSub", "t"})
    {:error, :taken} = :fixture.do(q, {:pubsub_start, "Five.PubSub", 1})
    :fixture.no_message()
  end

  def example_counts_what_is_said_test(%{build: build} = config) do
    stop_scope()
    Process.flag(:trap_exit, true)
    Adapter.start("Demo.PubSub")
    Adapter.subscribe("Demo.PubSub", "counts")
    chat = build ++ '/examples/chat.so'
    %{node: node} = :fixture.c_node(config, ['--visible', '--load', chat])
    :pong = :net_adm.ping(node)
    group = Adapter.group("Demo.PubSub", 1)
    :fixture.eventually(fn -> length(:pg.get_members(@scope, group)) == 2 end)
    for _ <- 1..3, do: Adapter.broadcast("Demo.PubSub", 1, "lobby", {:said, "hello"})

    for i <- 1..3 do
      receive do
        {:counted, ^i} -> :ok
      after
        60_000 -> exit(:nothing_came)
      end
    end
  end
end
