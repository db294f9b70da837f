# SPDX-License-Identifier: Apache-2.0
defmodule Zstd do
  @moduledoc """
  Compression on the nodes that `{:flitch_node, name: :zstd, ...}` runs. What `zstd.so` says of itself
  is in `ZstdClient`, which `flitch describe` writes; this adds what is more than one call.
  """

  @doc "Compresses what comes, piece by piece, with the memory of one piece."
  @spec stream(Enumerable.t(), node | GenServer.server(), 1..19) :: Enumerable.t()
  def stream(pieces, where, level \\ 3) do
    Stream.transform(
      Stream.concat(pieces, [:finish]),
      fn ->
        {:ok, stream} = ZstdClient.open(where, level)
        stream
      end,
      fn
        :finish, stream -> {out(GenServer.call(stream, :finish)), stream}
        piece, stream -> {out(GenServer.call(stream, {:feed, piece})), stream}
      end,
      fn stream -> Process.unlink(stream) end
    )
  end

  defp out({:ok, ""}), do: []
  defp out({:ok, bytes}), do: [bytes]
end
