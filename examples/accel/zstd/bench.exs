# SPDX-License-Identifier: Apache-2.0
# zstd on a C node beside what OTP has, :zlib in the VM (and :zstd since OTP 28): the same data, four
# callers at once. Late: how much later than asked a process of this VM ran meanwhile.
defmodule Bench do

  def run(node) do
    IO.puts("size      what                     MB/s     p50 ms     p99 ms  late p99 ms  ratio")

    for {label, size} <- [{"1 KiB", 1024}, {"16 KiB", 16_384}, {"256 KiB", 262_144}, {"4 MiB", 4_194_304}] do
      data = lines(size)
      zlib = fn -> :zlib.compress(data) end
      flitch = fn -> {:ok, bytes} = ZstdClient.compress(node, 3, data, 60_000); bytes end
      row(label, ":zlib.compress (6)", data, zlib)
      if Code.ensure_loaded?(:zstd), do: row(label, ":zstd.compress (3)", data, fn -> apply(:zstd, :compress, [data]) end)
      row(label, "flitch zstd (3)", data, flitch)
    end
  end

  # What a log says: much that is alike, some that is not.
  defp lines(size) do
    :rand.seed(:exsss, {1, 2, 3})

    Stream.repeatedly(fn ->
      ~s({"at":"2026-01-0#{:rand.uniform(9)}T0#{:rand.uniform(9)}:00:00Z","level":"info","user":#{:rand.uniform(100_000)},"path":"/items/#{:rand.uniform(5000)}"}\n)
    end)
    |> Enum.take(div(size, 60) + 1)
    |> IO.iodata_to_binary()
    |> binary_part(0, size)
  end

  defp row(label, what, data, fun) do
    packed = IO.iodata_to_binary(fun.())
    rounds = max(20, min(5000, div(40_000_000, byte_size(data)))) |> div(Load.callers())
    m = Load.measure(rounds, fun)

    [
      String.pad_trailing(label, 10),
      String.pad_trailing(what, 22),
      Load.number(Load.callers() * rounds * byte_size(data) / m.total, 7, 1),
      Load.number(m.p50 / 1000, 11, 3),
      Load.number(m.p99 / 1000, 11, 3),
      Load.number(m.late / 1000, 13, 2),
      Load.number(byte_size(data) / byte_size(packed), 7, 1)
    ]
    |> IO.puts()
  end
end

Bench.run(Load.node_with(:zstd))
System.halt(0)
