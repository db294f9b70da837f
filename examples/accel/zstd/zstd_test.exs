# SPDX-License-Identifier: Apache-2.0
defmodule ZstdTest do
  use ExUnit.Case

  @build System.fetch_env!("FL_BUILD")
  @zstd System.fetch_env!("FL_ZSTD")

  setup do
    start_supervised!(
      {:flitch_node,
       name: :zstd,
       exe: System.fetch_env!("FL_FLITCH"),
       start_timeout: 30_000,
       load: [Path.join(@build, "examples/accel/zstd.so")]}
    )

    {:ok, node: :flitch_node.pick(:zstd)}
  end

  defp text(size), do: :binary.copy("the same again, and 1 and 2 and #{size}; ", div(size, 30) + 1) |> binary_part(0, size)

  # The command line tool is the judge.
  defp unpacked(bytes, flags \\ "") do
    file = Path.join(System.tmp_dir!(), "zstd_#{System.pid()}_#{System.unique_integer([:positive])}")
    File.write!(file, bytes)
    {out, code} = System.cmd("sh", ["-c", "#{@zstd} -q -d -c #{flags} #{file}; code=$?; rm #{file}; exit $code"])
    {code, out}
  end

  test "what it makes, others read, and the other way round", %{node: node} do
    for size <- [0, 1, 1000, 32_768, 32_769, 3_000_000], level <- [1, 3, 19] do
      data = text(size)
      {:ok, packed} = ZstdClient.compress(node, level, data, 60_000)
      assert {:ok, ^data} = ZstdClient.decompress(node, packed, 60_000)
      if level == 3, do: assert({0, data} == unpacked(packed))
    end
  end

  test "data that cannot be packed comes back whole", %{node: node} do
    data = :crypto.strong_rand_bytes(1_000_000)
    {:ok, packed} = ZstdClient.compress(node, 3, data)
    assert {:ok, ^data} = ZstdClient.decompress(node, packed)
  end

  test "dictionaries make small things smaller", %{node: node} do
    samples = for i <- 1..2000, do: ~s({"user":#{i},"name":"n#{rem(i * 7919, 1000)}","role":"reader","active":true})
    {:ok, dictionary} = ZstdClient.train(node, 4096, samples, 60_000)
    :ok = ZstdClient.put_dictionary(node, :users, dictionary, 3)
    one = ~s({"user":77,"name":"n1234","role":"reader","active":false})
    {:ok, plain} = ZstdClient.compress(node, 3, one)
    {:ok, small} = ZstdClient.compress_with(node, 3, :users, one)
    assert byte_size(small) < byte_size(plain)
    assert {:ok, one} == ZstdClient.decompress_with(node, :users, small)
    assert {:error, :no_dictionary} == ZstdClient.decompress_with(node, :nobody, small)
    assert {:error, _} = ZstdClient.decompress(node, small)
    # One that replaces another while it may be in use.
    for _ <- 1..20, do: :ok = ZstdClient.put_dictionary(node, :users, dictionary, 3)
    assert {:ok, one} == ZstdClient.decompress_with(node, :users, small)
  end

  test "a stream is one frame, in pieces", %{node: node} do
    pieces = for i <- 1..50, do: text(20_000 + i)
    packed = pieces |> Zstd.stream(node) |> Enum.join()
    assert {0, Enum.join(pieces)} == unpacked(packed)
  end

  test "what is large comes back as it was, whatever else the connection carries", %{node: node} do
    1..8
    |> Enum.map(fn i ->
      Task.async(fn ->
        for round <- 1..5 do
          data = :binary.copy(:crypto.strong_rand_bytes(1000 + i), 200 * round)
          {:ok, packed} = ZstdClient.compress(node, 1, data, 60_000)
          assert {:ok, data} == ZstdClient.decompress(node, packed, 60_000)
          assert %{running: _} = ZstdClient.stats(node)
        end
      end)
    end)
    |> Task.await_many(120_000)
  end

  test "a stream ends with its opener", %{node: node} do
    test = self()

    spawn(fn ->
      {:ok, stream} = ZstdClient.open(node, 3)
      send(test, {:stream, stream})
    end)

    assert_receive {:stream, stream}, 5_000
    ref = Process.monitor(stream)
    assert_receive {:DOWN, ^ref, :process, ^stream, reason}, 5_000
    assert reason in [:normal, :noproc]
  end

  test "what is no frame is an error of its caller alone", %{node: node} do
    {:ok, packed} = ZstdClient.compress(node, 3, text(100_000))
    half = binary_part(packed, 0, div(byte_size(packed), 2))
    assert {:error, :bad_data} == ZstdClient.decompress(node, "no frame at all")
    assert {:error, :truncated} == ZstdClient.decompress(node, half)
    assert {:error, :truncated} == ZstdClient.decompress(node, "")
    for i <- 0..(byte_size(packed) - 1) do
      wrong = Bitwise.bxor(:binary.at(packed, i), 0x55)
      rest = binary_part(packed, i + 1, byte_size(packed) - i - 1)
      assert {_, _} = ZstdClient.decompress(node, binary_part(packed, 0, i) <> <<wrong>> <> rest)
    end

    assert {:error, :badarg} == GenServer.call({:zstd, node}, {:compress, 20, "x"})
    assert {:error, :badarg} == GenServer.call({:zstd, node}, :nonsense)
    assert [%{up: true}] = :flitch_node.info(:zstd)
  end

  test "a bomb is refused", %{node: node} do
    # 100 MB of nothing, in a frame that says so and in one that does not.
    bomb = "head -c 100000000 /dev/zero | #{@zstd} -q -c"
    {said, 0} = System.cmd("sh", ["-c", "#{bomb} --stream-size=100000000"])
    {silent, 0} = System.cmd("sh", ["-c", bomb])
    assert {:error, :too_large} == ZstdClient.decompress(node, said)
    assert {:error, :too_large} == ZstdClient.decompress(node, silent, 30_000)
  end

  test "work ends when nobody waits for it", %{node: node} do
    data = :crypto.strong_rand_bytes(20_000_000)
    assert {:timeout, _} = catch_exit(ZstdClient.compress(node, 19, data, 100))
    wait_until(fn -> ZstdClient.stats(node) |> Map.take([:running, :given_up]) == %{running: 0, given_up: 1} end)
  end

  # Some seconds of work: a try takes a fifth of it.
  test "training ends between its tries when nobody waits for it", %{node: node} do
    samples = for i <- 1..60_000, do: :binary.copy(<<:erlang.phash2(i)::32, rem(i, 97)>>, 50)
    assert {:timeout, _} = catch_exit(ZstdClient.train(node, 100_000, samples, 50))
    wait_until(fn -> Map.take(ZstdClient.stats(node), [:running, :given_up]) == %{running: 0, given_up: 1} end)
    assert {:error, :too_large} == ZstdClient.train(node, 4096, [:binary.copy("x", 16_777_217)], 60_000)
    assert {:error, :too_few_samples} == ZstdClient.train(node, 4096, ["one"], 60_000)
    assert {:error, :too_few_samples} == ZstdClient.train(node, 4096, [], 60_000)
  end

  test "too much at once is refused, the rest is done", %{node: node} do
    data = text(400_000)

    answers =
      1..200
      |> Enum.map(fn _ -> Task.async(fn -> ZstdClient.compress(node, 15, data, 60_000) end) end)
      |> Task.await_many(120_000)

    assert Enum.all?(answers, &(match?({:ok, _}, &1) or &1 == {:error, :busy}))
    assert Enum.count(answers, &match?({:ok, _}, &1)) >= 64
    stats = ZstdClient.stats(node)
    assert stats.running == 0
    assert stats.refused == Enum.count(answers, &(&1 == {:error, :busy}))
  end

  defp wait_until(fun, left \\ 500) do
    cond do
      fun.() -> :ok
      left == 0 -> flunk("it did not come true")
      true ->
        Process.sleep(20)
        wait_until(fun, left - 1)
    end
  end
end
