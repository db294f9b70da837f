# SPDX-License-Identifier: Apache-2.0
# The ten nearest of n vectors of 128 floats: on a C node, and in Elixir over lists, each with four
# callers at once. Late: how much later than asked a process of this VM ran meanwhile.
defmodule Bench do
  @dim 128

  def run(node) do
    IO.puts("vectors  what                    searches/s     p50 ms     p99 ms  late p99 ms")

    for n <- [100, 1000, 10_000, 100_000] do
      :rand.seed(:exsss, {1, 2, 3})
      model = if n <= 10_000, do: for(id <- 1..n, do: {id, vector()})
      bytes = if model, do: Vectors.pack(for({_, v} <- model, do: v)), else: :binary.copy(Vectors.pack(vector()), n)
      :ok = VectorsClient.configure(node, @dim, :l2)
      :ok = VectorsClient.put_many(node, 1, bytes, 60_000)
      asked = vector()
      packed = Vectors.pack(asked)
      if model, do: row(n, "Elixir, lists", fn -> nearest(model, asked) end)
      row(n, "flitch vectors", fn -> {:ok, [_ | _]} = VectorsClient.nearest(node, packed, 10, 60_000) end)
      many = :binary.copy(packed, 64)
      row(n, "flitch, 64 at once", fn -> {:ok, [_ | _]} = VectorsClient.nearest_each(node, many, 10, 60_000) end, 64)
    end
  end

  defp vector, do: for(_ <- 1..@dim, do: :rand.normal())

  defp nearest(model, asked) do
    model |> Enum.map(fn {id, v} -> {l2(v, asked, 0.0), id} end) |> Enum.sort() |> Enum.take(10)
  end

  defp l2([a | as], [b | bs], sum), do: l2(as, bs, sum + (a - b) * (a - b))
  defp l2([], [], sum), do: sum

  defp row(n, what, fun, searches \\ 1) do
    {once, _} = :timer.tc(fun)
    rounds = max(5, min(500, div(2_000_000, once * Load.callers() + 1)))
    m = Load.measure(rounds, fun)

    [
      String.pad_trailing("#{n}", 9),
      String.pad_trailing(what, 22),
      Load.number(Load.callers() * rounds * searches * 1_000_000 / m.total, 12, 0),
      Load.number(m.p50 / 1000, 11, 3),
      Load.number(m.p99 / 1000, 11, 3),
      Load.number(m.late / 1000, 13, 2)
    ]
    |> IO.puts()
  end
end

Bench.run(Load.node_with(:vectors))
System.halt(0)
