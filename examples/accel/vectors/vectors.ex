# SPDX-License-Identifier: Apache-2.0
defmodule Vectors do
  @moduledoc """
  Lists of floats for `VectorsClient`, which `flitch describe` writes.

      VectorsClient.nearest(node, Vectors.pack([0.1, 0.7, 0.2]), 10)
  """

  @doc "A vector, or several one after the other, as the server takes them."
  @spec pack([float()] | [[float()]]) :: binary()
  def pack(list), do: for(x <- List.flatten(list), into: <<>>, do: <<x::float-32-little>>)
end
