# SPDX-License-Identifier: Apache-2.0
defmodule VectorsTest do
  use ExUnit.Case

  setup do
    start_supervised!(
      {:flitch_node,
       name: :vectors,
       exe: System.fetch_env!("FL_FLITCH"),
       start_timeout: 30_000,
       load: [Path.join(System.fetch_env!("FL_BUILD"), "examples/accel/vectors.so")]}
    )

    :rand.seed(:exsss, {1, 2, 3})
    {:ok, node: :flitch_node.pick(:vectors)}
  end

  # Halves, so that sums of their products are exact in any order.
  defp vector(dim), do: for(_ <- 1..dim, do: (:rand.uniform(17) - 9) / 2)
  defp l2(a, b), do: Enum.zip_reduce(a, b, 0.0, fn x, y, sum -> sum + (x - y) * (x - y) end)
  defp dot(a, b), do: Enum.zip_reduce(a, b, 0.0, fn x, y, sum -> sum + x * y end)

  defp expected(model, asked, k, :l2),
    do: model |> Enum.map(fn {id, v} -> {id, l2(v, asked)} end) |> Enum.sort_by(fn {id, d} -> {d, id} end) |> Enum.take(k)

  defp expected(model, asked, k, :dot),
    do: model |> Enum.map(fn {id, v} -> {id, dot(v, asked)} end) |> Enum.sort_by(fn {id, d} -> {-d, id} end) |> Enum.take(k)

  test "finds what a scan in Elixir finds, in both metrics and any dimension", %{node: node} do
    for metric <- [:l2, :dot], dim <- [1, 3, 8, 17, 128] do
      :ok = VectorsClient.configure(node, dim, metric)
      model = for id <- 1..300, into: %{}, do: {id, vector(dim)}
      for {id, v} <- model, do: :ok = VectorsClient.put(node, id, Vectors.pack(v))

      for k <- [1, 7, 300, 1000] do
        asked = vector(dim)
        assert {:ok, expected(model, asked, k, metric)} == VectorsClient.nearest(node, Vectors.pack(asked), k)
      end
    end
  end

  test "many are put, and asked for, at once", %{node: node} do
    :ok = VectorsClient.configure(node, 16, :l2)
    model = for id <- 100..5099, into: %{}, do: {id, vector(16)}
    :ok = VectorsClient.put_many(node, 100, Vectors.pack(for(id <- 100..5099, do: model[id])), 30_000)
    asked = for _ <- 1..50, do: vector(16)
    {:ok, answers} = VectorsClient.nearest_each(node, Vectors.pack(asked), 3, 30_000)
    assert answers == for(one <- asked, do: expected(model, one, 3, :l2))
    assert %{vectors: 5000, running: 0} = VectorsClient.stats(node)
  end

  test "replaced and deleted ones count no more", %{node: node} do
    :ok = VectorsClient.configure(node, 2, :l2)
    for id <- 1..3000, do: :ok = VectorsClient.put(node, id, Vectors.pack([id / 1, 0.0]))
    for id <- 1..3000, rem(id, 2) == 0, do: :ok = VectorsClient.delete(node, id)
    :ok = VectorsClient.put(node, 1, Vectors.pack([5000.0, 0.0]))
    :ok = VectorsClient.put(node, 2, Vectors.pack([0.0, 0.0]))
    assert {:ok, [{2, 0.0}, {3, 9.0}, {5, 25.0}]} == VectorsClient.nearest(node, Vectors.pack([0.0, 0.0]), 3)
    assert {:ok, [{1, +0.0}]} == VectorsClient.nearest(node, Vectors.pack([5000.0, 0.0]), 1)
    assert {:error, :not_found} == VectorsClient.delete(node, 4)
    assert {:error, :not_found} == VectorsClient.delete(node, 4000)
    assert %{vectors: 1501} = VectorsClient.stats(node)
  end

  # 40,000 calls, one after the other.
  @tag timeout: 300_000
  test "their room is used again", %{node: node} do
    :ok = VectorsClient.configure(node, 2, :l2)
    for _ <- 1..20, id <- 1..200, do: :ok = VectorsClient.put(node, id, Vectors.pack([id / 1, 1.0]))
    for id <- 1..100, do: :ok = VectorsClient.delete(node, id)
    for id <- 1001..1100, do: :ok = VectorsClient.put(node, id, Vectors.pack([id / 1, 1.0]))
    assert %{vectors: 200, rows: 201} = VectorsClient.stats(node)
    assert {:ok, [{101, 1.0}, {102, 2.0}]} == VectorsClient.nearest(node, Vectors.pack([101.0, 0.0]), 2)
    # Ids that come and go leave nothing behind either.
    for id <- 1..20_000 do
      :ok = GenServer.call({:vectors, node}, {:put, 1_000_000 + id, Vectors.pack([0.0, 0.0])})
      :ok = GenServer.call({:vectors, node}, {:delete, 1_000_000 + id})
    end

    assert %{vectors: 200, rows: 201} = VectorsClient.stats(node)
  end

  test "a search finds what there was when it began, while all of it is replaced", %{node: node} do
    :ok = VectorsClient.configure(node, 32, :l2)
    asked = Vectors.pack(List.duplicate(0.0, 32))
    generation = fn g -> Vectors.pack(List.duplicate(g / 1, 32)) |> :binary.copy(20_000) end
    :ok = VectorsClient.put_many(node, 1, generation.(0), 30_000)

    searches =
      for _ <- 1..4 do
        Task.async(fn -> for(_ <- 1..25, do: VectorsClient.nearest(node, asked, 1000, 60_000)) end)
      end

    for g <- 1..40, do: :ok = VectorsClient.put_many(node, 1, generation.(g), 30_000)

    for {:ok, found} <- searches |> Task.await_many(120_000) |> List.flatten() do
      assert [distance] = found |> Enum.map(&elem(&1, 1)) |> Enum.uniq()
      assert distance in for(g <- 0..40, do: 32.0 * g * g)
      assert 1000 == found |> Enum.map(&elem(&1, 0)) |> Enum.uniq() |> length()
    end

    assert %{vectors: 20_000, rows: rows} = VectorsClient.stats(node)
    assert rows < 41 * 20_000
  end

  test "what is no vector is refused", %{node: node} do
    assert {:error, :not_configured} == VectorsClient.nearest(node, <<0::32>>, 1)
    :ok = VectorsClient.configure(node, 2, :l2)
    nan = <<0, 0, 192, 127>>
    assert {:error, :bad_size} == VectorsClient.put(node, 1, <<0::32>>)
    assert {:error, :bad_size} == VectorsClient.nearest(node, <<0::96>>, 1)
    assert {:error, :bad_size} == VectorsClient.nearest(node, <<0::128>>, 1)
    assert {:error, :not_finite} == VectorsClient.put(node, 1, <<0::32, nan::binary>>)
    assert {:error, :not_finite} == VectorsClient.nearest(node, <<nan::binary, 0::32>>, 1)
    assert {:error, :badarg} == VectorsClient.nearest(node, <<0::64>>, 0)
    assert {:error, :badarg} == VectorsClient.configure(node, 0, :l2)
    assert {:error, :badarg} == VectorsClient.put_many(node, 9_223_372_036_854_775_807, <<0::128>>)
    assert {:ok, []} == VectorsClient.nearest(node, <<0::64>>, 5)
  end

  test "searches and writes go on beside each other", %{node: node} do
    :ok = VectorsClient.configure(node, 64, :l2)
    :ok = VectorsClient.put_many(node, 1, :binary.copy(Vectors.pack(vector(64)), 20_000), 30_000)
    mark = Vectors.pack(List.duplicate(50.0, 64))

    searches =
      for _ <- 1..20 do
        Task.async(fn -> for(_ <- 1..10, do: VectorsClient.nearest(node, mark, 1, 60_000)) end)
      end

    for round <- 1..200, do: :ok = VectorsClient.put(node, 100_000 + rem(round, 10), mark)
    # A new beginning does not take the rows from under a search.
    :ok = VectorsClient.configure(node, 64, :l2)

    for answer <- searches |> Task.await_many(120_000) |> List.flatten() do
      case answer do
        {:ok, [{id, _}]} -> assert is_integer(id)
        other -> assert other == {:ok, []}
      end
    end
  end

  test "a search ends when nobody waits for it", %{node: node} do
    :ok = VectorsClient.configure(node, 512, :l2)
    :ok = VectorsClient.put_many(node, 1, :binary.copy(Vectors.pack(vector(512)), 20_000), 60_000)
    asked = :binary.copy(Vectors.pack(vector(512)), 256)
    assert {:timeout, _} = catch_exit(VectorsClient.nearest_each(node, asked, 10, 20))
    wait_until(fn -> match?(%{running: 0, given_up: 1}, VectorsClient.stats(node)) end)
  end

  defp wait_until(fun, left \\ 500) do
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
