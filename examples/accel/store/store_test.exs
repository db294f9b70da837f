# SPDX-License-Identifier: Apache-2.0
defmodule StoreTest do
  use ExUnit.Case

  @build System.fetch_env!("FL_BUILD")

  setup do
    start_supervised!(%{id: :pg, start: {:pg, :start_link, []}})
    dir = Path.join(System.tmp_dir!(), "store_#{System.pid()}_#{System.unique_integer([:positive])}")
    File.mkdir!(dir)
    on_exit(fn -> File.rm_rf!(dir) end)
    {:ok, dir: dir}
  end

  # A node, or several, over one directory; in the group {:store, name}.
  defp start(name, dir, options \\ []) do
    {env, options} = Keyword.pop(options, :env, [])

    start_supervised!(
      {:flitch_node,
       [
         name: name,
         exe: System.fetch_env!("FL_FLITCH"),
         start_timeout: 30_000,
         intensity: 1000,
         load: [Path.join(@build, "examples/accel/store.so")],
         env: [{"FLITCH_STORE_DIR", Path.join(dir, "data")}, {"FLITCH_STORE_NAME", "cards"} | env]
       ] ++ options},
      id: name
    )

    instances = Keyword.get(options, :instances, 1)
    wait_until(fn -> length(Store.members(:cards)) >= instances end)
    :flitch_node.pick(name)
  end

  defp key(i), do: <<i::32>>
  defp fill(node, count), do: for(part <- Enum.chunk_every(1..count, 10_000), do: :ok = StoreClient.put_many(node, for(i <- part, do: {key(i), "v#{i}"}), 60_000))

  test "what is put is there, whatever its bytes are", %{dir: dir} do
    node = start(:store, dir)
    zeros = <<0, 0, 1, 0>>
    large = :crypto.strong_rand_bytes(10_000_000)
    longest = :binary.copy(<<255>>, 511)
    pairs = %{"a" => "1", zeros => zeros, <<0>> => "", longest => "long", "large" => large}
    for {k, v} <- pairs, do: assert(:ok == StoreClient.put(node, k, v, 60_000))
    for {k, v} <- pairs, do: assert({:ok, v} == StoreClient.get(node, k, 60_000))
    assert {:ok, [{"a", "1"}, {<<0>>, ""}]} == StoreClient.get_many(node, ["a", "none", <<0>>])
    assert {:ok, 5} == StoreClient.count(node, "", "")
    assert :ok == StoreClient.delete(node, "large")
    assert :ok == StoreClient.delete(node, "large")
    assert {:error, :not_found} == StoreClient.get(node, "large")
    :ok = StoreClient.put(node, "a", "2")
    assert {:ok, "2"} == StoreClient.get(node, "a")
  end

  test "ranges are in order, by pages, both ways, and as Erlang orders binaries", %{dir: dir} do
    node = start(:store, dir)
    :rand.seed(:exsss, {1, 2, 3})
    model = for _ <- 1..3000, into: %{}, do: {:rand.bytes(:rand.uniform(6)), :rand.bytes(:rand.uniform(900))}
    for part <- Enum.chunk_every(model, 500), do: :ok = StoreClient.put_many(node, part, 30_000)
    sorted = Enum.sort(model)
    assert sorted == Enum.to_list(Store.stream(node))
    assert Enum.reverse(sorted) == Enum.to_list(Store.stream(node, reverse: true))

    for _ <- 1..15, page <- [1, 7, 128, 129, 10_000] do
      from = :rand.bytes(:rand.uniform(3) - 1)
      to = :rand.bytes(:rand.uniform(3) - 1)
      wanted = for {k, _} = pair <- sorted, k >= from, to == "" or k < to, do: pair
      wanted = if page == 1, do: Enum.take(wanted, 20), else: wanted
      scan = &(Store.stream(node, [from: from, to: to, page: page] ++ &1) |> Enum.take(if page == 1, do: 20, else: 10_000))
      assert wanted == scan.([])
      if page > 1, do: assert(Enum.reverse(wanted) == scan.(reverse: true))
      assert {:ok, length(for({k, _} <- sorted, k >= from, to == "" or k < to, do: k))} == StoreClient.count(node, from, to)
    end

    # A page is bounded in bytes, and has one pair however large that is.
    {:ok, first, next} = StoreClient.range(node, "", "", 10_000, :forward)
    assert next != :done
    assert Enum.sum(for {k, v} <- first, do: byte_size(k) + byte_size(v)) <= 1_048_576
    large = :crypto.strong_rand_bytes(3_000_000)
    :ok = StoreClient.put_many(node, [{"\xff\xff\xff\xff\xff\xff\xff", large}, {"\xff\xff\xff\xff\xff\xff\xff\xff", large}], 30_000)
    assert [large, large] == Enum.map(Store.stream(node, prefix: "\xff\xff\xff\xff\xff\xff\xff"), &elem(&1, 1))
  end

  test "prefixes are ranges" do
    assert {"ab", "ac"} == Store.prefix("ab")
    assert {<<1, 255, 255>>, <<2>>} == Store.prefix(<<1, 255, 255>>)
    assert {<<255>>, ""} == Store.prefix(<<255>>)
    assert {"", ""} == Store.prefix("")
  end

  test "several writes are all or none, with what is expected before", %{dir: dir} do
    node = start(:store, dir)
    :ok = StoreClient.write(node, [{:expect, "a", nil}, {:put, "a", "1"}, {:put, "b", "1"}])
    assert {:error, :mismatch} == StoreClient.write(node, [{:put, "c", "1"}, {:delete, "b"}, {:expect, "a", nil}])
    assert {:error, :mismatch} == StoreClient.write(node, [{:expect, "a", "11"}, {:delete, "a"}])
    assert [{"a", "1"}, {"b", "1"}] == Enum.to_list(Store.stream(node))
    :ok = StoreClient.write(node, [{:expect, "a", "1"}, {:delete, "a"}, {:put, "c", "2"}, {:put, "c", "3"}])
    assert [{"b", "1"}, {"c", "3"}] == Enum.to_list(Store.stream(node))
    assert {:ok, "31"} == Store.update(node, "c", &(&1 <> "1"))
    assert {:ok, nil} == Store.update(node, "c", fn _ -> nil end)
    assert [{"b", "1"}] == Enum.to_list(Store.stream(node))
  end

  test "ranges are deleted by steps", %{dir: dir} do
    node = start(:store, dir)
    fill(node, 25_000)
    assert {:ok, 10, <<0, 0, 0, 30>>} == StoreClient.delete_range(node, key(20), key(40), 10)
    assert {:ok, 10, :done} == StoreClient.delete_range(node, key(20), key(40), 10)
    assert {:ok, 0, :done} == StoreClient.delete_range(node, key(20), key(40), 10)
    assert {:ok, 24_980} == StoreClient.count(node, "", "")
    assert {:ok, 19_980} == Store.delete_all(node, from: "", to: key(20_001), timeout: 60_000)
    assert {key(20_001), "v20001"} == Store.stream(node) |> Enum.at(0)
    assert {:ok, 5000} == StoreClient.count(node, "", "")
  end

  test "what is wrong is refused, and costs its caller alone", %{dir: dir} do
    node = start(:store, dir)
    call = &GenServer.call({:store, node}, &1, 30_000)
    too_long = :binary.copy("x", 512)

    for key <- ["", too_long] do
      assert {:error, :bad_key} == StoreClient.get(node, key)
      assert {:error, :bad_key} == StoreClient.get_many(node, ["a", key])
      assert {:error, :bad_key} == StoreClient.put(node, key, "v")
      assert {:error, :bad_key} == StoreClient.delete(node, key)
      assert {:error, :bad_key} == StoreClient.put_many(node, [{"a", "1"}, {key, "2"}])
      assert {:error, :bad_key} == StoreClient.write(node, [{:put, "a", "1"}, {:expect, key, nil}])
    end

    assert {:error, :bad_key} == StoreClient.range(node, too_long, "", 1, :forward)
    assert {:error, :bad_key} == StoreClient.count(node, "", too_long)
    assert {:error, :bad_key} == StoreClient.delete_range(node, too_long, "", 1)
    assert {:error, :too_large} == StoreClient.put_many(node, for(i <- 1..10_001, do: {key(i), ""}))
    assert {:error, :too_large} == StoreClient.get_many(node, for(i <- 1..10_001, do: key(i)))
    assert {:error, :too_large} == StoreClient.put(node, "a", :binary.copy("x", 67_108_865), 60_000)

    for wrong <- [
          :nonsense,
          {:put, "a"},
          {:put, :a, "v"},
          {:put, "a", 'v'},
          {:put_many, []},
          {:put_many, "a"},
          {:put_many, [{"a", "1"} | {"b", "2"}]},
          {:put_many, [{"a", "1"}, "b"]},
          {:put_many, 'abc'},
          {:write, [{:expect, "a", :none}]},
          {:write, [{:drop, "a"}]},
          {:expect, "a", nil},
          {:get_many, ["a" | "b"]},
          {:get_many, [1]},
          {:range, "", "", 0, :forward},
          {:range, "", "", 10_001, :forward},
          {:range, "", "", 1, :sideways},
          {:delete_range, "", "", 0},
          {:delete_range, "", "", 10_001}
        ] do
      assert {:error, :badarg} == call.(wrong), inspect(wrong)
    end

    assert [] == Enum.to_list(Store.stream(node))
    assert [%{up: true}] = :flitch_node.info(:store)
  end

  test "several nodes have the same data, from any node of the cluster", %{dir: dir} do
    start(:store, dir, instances: 3)
    nodes = :flitch_node.nodes(:store)
    for {node, i} <- Enum.with_index(nodes), do: :ok = StoreClient.put(node, key(i), "by #{i}")
    for node <- nodes, do: assert({:ok, 3} == StoreClient.count(node, "", ""))
    assert Enum.sort(nodes) == Store.members(:cards) |> Enum.map(&node/1) |> Enum.sort()

    # Another VM, which nobody told of them but pg.
    {:ok, peer, other} = :peer.start_link(%{name: :"other_#{System.unique_integer([:positive])}", host: '127.0.0.1', longnames: true, args: ['-setcookie', Atom.to_charlist(Node.get_cookie())]})
    {:ok, _} = :erpc.call(other, :pg, :start, [:pg])
    wait_until(fn -> length(:erpc.call(other, :pg, :get_members, [{:store, :cards}])) == 3 end)

    for pid <- :erpc.call(other, :pg, :get_members, [{:store, :cards}]) do
      assert {:ok, "by 1"} == :erpc.call(other, :gen_server, :call, [pid, {:get, key(1)}])
      assert :ok == :erpc.call(other, :gen_server, :call, [pid, {:put, "from #{node(pid)}", "other"}])
    end

    assert {:ok, 6} == StoreClient.count(Store.any(:cards), "", "")
    :peer.stop(peer)
  end

  test "writers on several nodes do not undo each other", %{dir: dir} do
    start(:store, dir, instances: 2)
    add = fn old -> Integer.to_string(String.to_integer(old || "0") + 1) end

    1..10
    |> Enum.map(fn _ -> Task.async(fn -> for(_ <- 1..20, do: {:ok, _} = Store.update(fn -> Store.any(:cards) end, "total", add, 10_000)) end) end)
    |> Task.await_many(120_000)

    assert {:ok, "200"} == StoreClient.get(Store.any(:cards), "total")
  end

  test "what was acknowledged is there after kill -9", %{dir: dir} do
    start(:store, dir, instances: 2)
    stop = :atomics.new(1, [])

    writers =
      for w <- 1..8 do
        Task.async(fn -> write_until(stop, w, 0, []) end)
      end

    for round <- 1..12 do
      wait_until(fn -> Enum.count(infos(), & &1.up) == 2 end)
      # In the midst of writing.
      before = commits()
      wait_until(fn -> commits() > before + 20 end)
      %{os_pid: pid} = infos() |> Enum.at(rem(round, 2))
      {_, 0} = System.cmd("kill", ["-KILL", "#{pid}"])
      wait_until(fn -> not File.exists?("/proc/#{pid}") end)
      :ok = :flitch_node.await(:store, 30_000)
    end

    :atomics.put(stop, 1, 1)
    acknowledged = writers |> Task.await_many(60_000) |> List.flatten()
    wait_until(fn -> length(Store.members(:cards)) == 2 end)
    stored = Map.new(Store.stream(fn -> Store.any(:cards) end))
    assert length(acknowledged) > 240
    for {k, v} <- acknowledged, do: assert(stored[k] == v, "#{inspect(k)} is lost")
    # Batches are whole or not there.
    for {<<"batch", w, i::32, 1>>, _} <- stored, n <- 1..5, do: assert(stored[<<"batch", w, i::32, n>>] == "#{i}")
    for {<<"batch", w, i::32, n>>, _} <- stored, n > 1, do: assert(stored[<<"batch", w, i::32, 1>>] == "#{i}")
  end

  # One that was just killed may be asked.
  defp infos, do: try(do: :flitch_node.info(:store), catch: (:exit, _ -> []))

  defp commits do
    Enum.sum(for pid <- Store.members(:cards), do: try(do: elem(StoreClient.stats(pid), 1).commits, catch: (:exit, _ -> 0)))
  end

  defp write_until(stop, w, i, done) do
    pairs = if rem(i, 3) == 0, do: for(n <- 1..5, do: {<<"batch", w, i::32, n>>, "#{i}"}), else: [{<<"one", w, i::32>>, "#{w} #{i}"}]

    answer =
      try do
        StoreClient.put_many(Store.any(:cards), pairs, 30_000)
      catch
        :exit, _ -> :nobody
      end

    done = if answer == :ok, do: [pairs | done], else: done
    if :atomics.get(stop, 1) == 1, do: List.flatten(done), else: write_until(stop, w, i + 1, done)
  end

  test "a server that is killed is followed by one with the same data", %{dir: dir} do
    node = start(:store, dir)
    fill(node, 1000)
    large = :binary.copy("x", 1_000_000)

    for round <- 1..3 do
      [pid] = Store.members(:cards)
      # With reads and writes under way.
      for i <- 1..20, do: spawn(fn -> StoreClient.put(pid, "more#{round}#{i}", large) end)
      for _ <- 1..20, do: spawn(fn -> StoreClient.count(pid, key(1), "") end)
      :ok = StoreClient.put(pid, "round#{round}", "1", 30_000)
      Process.exit(pid, :kill)
      wait_until(fn -> match?([new] when new != pid, Store.members(:cards)) end)
      assert {:ok, "v1000"} == StoreClient.get(node, key(1000))
      assert {:ok, "1"} == StoreClient.get(node, "round#{round}")
    end

    :ok = StoreClient.put(node, "a", "1", 30_000)
    assert [%{up: true}] = :flitch_node.info(:store)
  end

  test "a node has several stores, each with a name of its own", %{dir: dir} do
    config = Path.join(dir, "flitch.conf")

    children =
      for name <- ["cards", "users"] do
        ~s[{ behaviour = "store"; id = "#{name}"; name = "#{name}"; args = "\#{dir => <<\\"#{dir}/#{name}\\">>, name => #{name}, bytes => 10000000}"; }]
      end

    File.write!(config, "children = (#{Enum.join(children, ", ")});\n")
    node = start(:store, dir, args: ["--config", config])
    :ok = StoreClient.put({:cards, node}, "a", "card")
    :ok = StoreClient.put({:users, node}, "a", "user")
    assert {:ok, "card"} == StoreClient.get(Store.any(:cards), "a")
    wait_until(fn -> Store.members(:users) != [] end)
    assert {:ok, "user"} == StoreClient.get(Store.any(:users), "a")
    assert {:ok, %{bytes_max: 9_998_336, keys: 1}} = StoreClient.stats(Store.any(:users))
    assert ["cards", "flitch.conf", "users"] == Enum.sort(File.ls!(dir))
  end

  test "a scan ends when nobody waits for it, and too many at once are refused", %{dir: dir} do
    node = start(:store, dir, env: [{"FLITCH_STORE_SYNC", "no"}])
    fill(node, 300_000)
    # What one process sends arrives in order: the figures are of right after the last of them.
    test = self()

    caller =
      spawn(fn ->
        for _ <- 1..60, do: :gen_server.send_request({:store, node}, {:count, key(1), ""})
        send(test, {:stats, StoreClient.stats(node, 60_000)})
        Process.sleep(:infinity)
      end)

    assert_receive {:stats, {:ok, %{running: running}}}, 60_000
    assert running > 20
    Process.exit(caller, :kill)
    wait_until(fn -> elem(StoreClient.stats(node), 1).running == 0 end)
    assert elem(StoreClient.stats(node), 1).given_up > 0

    answers =
      1..400
      |> Enum.map(fn _ -> Task.async(fn -> StoreClient.count(node, key(1), "", 60_000) end) end)
      |> Task.await_many(90_000)

    refused = Enum.count(answers, &(&1 == {:error, :busy}))
    assert Enum.count(answers, &(&1 == {:ok, 300_000})) == 400 - refused
    assert 400 - refused >= 64
    {:ok, stats} = StoreClient.stats(node)
    assert %{running: 0, refused: ^refused} = stats
  end

  test "a full store refuses what does not fit, and has room again", %{dir: dir} do
    node = start(:store, dir, env: [{"FLITCH_STORE_BYTES", "1048576"}])
    value = :binary.copy("x", 60_000)
    full = Enum.find(1..100, fn i -> StoreClient.put(node, key(i), value) == {:error, :full} end)
    assert full in 8..17
    assert {:ok, value} == StoreClient.get(node, key(1))

    # Beside ones that fit.
    answers =
      for(i <- 1..20, do: Task.async(fn -> {i, StoreClient.put(node, "small#{i}", if(rem(i, 5) == 0, do: value, else: "s"))} end))
      |> Task.await_many(30_000)

    for {i, answer} <- answers, do: assert(answer == if(rem(i, 5) == 0, do: {:error, :full}, else: :ok))
    assert {:error, :full} == StoreClient.put_many(node, [{"whole", "1"}, {"or not", value}])
    assert {:error, :not_found} == StoreClient.get(node, "whole")
    {:ok, _} = Store.delete_all(node, prefix: <<0>>)
    assert List.duplicate(:ok, 8) == for(i <- 1..8, do: StoreClient.put(node, key(i), value))
  end

  test "a store with fewer bytes sees what one with more has written", %{dir: dir} do
    small = start(:small, dir, env: [{"FLITCH_STORE_BYTES", "1048576"}])
    :ok = StoreClient.put(small, "a", "1")
    large = start(:large, dir, env: [{"FLITCH_STORE_BYTES", "67108864"}])
    value = :binary.copy("x", 1_000_000)
    for i <- 1..20, do: :ok = StoreClient.put(large, key(i), value)
    assert {:ok, value} == StoreClient.get(small, key(20))
    :ok = StoreClient.put(small, key(21), value)
    assert {:ok, value} == StoreClient.get(large, key(21))
  end

  test "while one writer stands still, others refuse what is too much and lose nothing", %{dir: dir} do
    start(:store, dir, instances: 2)
    [one, two] = :flitch_node.info(:store)
    large = for i <- 1..60, do: {"large#{i}", :binary.copy(<<i>>, 1_000_000)}
    writer = hold(one, two, large)

    callers = for i <- 1..5000, do: Task.async(fn -> {i, StoreClient.put(two.node, key(i), "v", 120_000)} end)
    wait_until(fn -> elem(StoreClient.stats(two.node), 1).refused > 0 end)
    {:ok, stats} = StoreClient.stats(two.node)
    assert stats.waiting in 1..4096
    {_, 0} = System.cmd("kill", ["-CONT", "#{one.os_pid}"])
    assert :ok == Task.await(writer, 120_000)
    answers = Task.await_many(callers, 120_000)
    assert Enum.all?(answers, fn {_, a} -> a in [:ok, {:error, :busy}] end)
    {:ok, there} = StoreClient.get_many(two.node, for(i <- 1..5000, do: key(i)), 30_000)
    assert Enum.sort(for {i, :ok} <- answers, do: key(i)) == Enum.sort(for {<<_::32>> = k, _} <- there, do: k)
    assert elem(StoreClient.stats(two.node), 1).largest_commit > 100
  end

  # Stops the first one where it has the lock: the second one's writes then wait.
  defp hold(one, two, large) do
    writer = Task.async(fn -> StoreClient.put_many(one.node, large, 120_000) end)
    wait_until(fn -> elem(StoreClient.stats(one.node), 1).waiting > 0 end)
    {_, 0} = System.cmd("kill", ["-STOP", "#{one.os_pid}"])

    try do
      StoreClient.put(two.node, "probe", "", 500)
      {_, 0} = System.cmd("kill", ["-CONT", "#{one.os_pid}"])
      :ok = Task.await(writer, 120_000)
      hold(one, two, large)
    catch
      :exit, {:timeout, _} -> writer
    end
  end

  test "who has other data under the name leaves the group, and the older one stays", %{dir: dir} do
    old = start(:old, dir)
    File.mkdir!(Path.join(dir, "other"))
    young = start(:young, Path.join(dir, "other"))
    wait_until(fn -> Enum.map(Store.members(:cards), &node/1) == [old] end)
    wait_until(fn -> match?({:ok, %{is_member: false}}, StoreClient.stats(young)) end)
    assert {:ok, %{is_member: true}} = StoreClient.stats(old)
    :ok = StoreClient.put(young, "a", "1")
    assert {:error, :not_found} == StoreClient.get(Store.any(:cards), "a")
  end

  test "a directory that cannot be used is told", %{dir: dir} do
    fails = fn env ->
      Process.flag(:trap_exit, true)

      {:error, {:failed, {:exit, code}, text}} =
        :flitch_node.start_link(
          name: :store,
          exe: System.fetch_env!("FL_FLITCH"),
          log: :none,
          start_timeout: 30_000,
          load: [Path.join(@build, "examples/accel/store.so")],
          env: env
        )

      {code, text}
    end

    garbage = Path.join(dir, "garbage")
    File.mkdir!(garbage)
    File.write!(Path.join(garbage, "data.mdb"), :binary.copy("no LMDB", 10_000))

    for {env, code, words} <- [
          {[{"FLITCH_STORE_DIR", false}], :config, "set FLITCH_STORE_DIR"},
          {[{"FLITCH_STORE_DIR", Path.join(dir, "a/b")}], :config, "the directory above it does not exist"},
          {[{"FLITCH_STORE_DIR", Path.join(garbage, "data.mdb")}], :config, "no directory"},
          {[{"FLITCH_STORE_DIR", garbage}], :config, "no LMDB file, or is damaged"},
          {[{"FLITCH_STORE_DIR", dir}, {"FLITCH_STORE_BYTES", "many"}], :config, "bytes is a number"},
          {[{"FLITCH_STORE_DIR", dir}, {"FLITCH_STORE_SYNC", "maybe"}], :config, "sync is yes or no"}
        ] do
      assert {^code, text} = fails.(env)
      assert text =~ words
    end
  end

  defp wait_until(fun, left \\ 1500) do
    cond do
      fun.() ->
        :ok

      left == 0 ->
        flunk("it did not come true")

      true ->
        Process.sleep(20)
        wait_until(fun, left - 1)
    end
  end
end
