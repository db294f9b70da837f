# SPDX-License-Identifier: Apache-2.0
defmodule Argon2 do
  @moduledoc "Passwords, on the nodes that `{:flitch_node, name: :argon2, ...}` runs."

  @timeout 15_000

  @doc "The encoded hash of a password. Ends the caller when the nodes are busy or down."
  @spec hash(String.t()) :: String.t()
  def hash(password) do
    {:ok, encoded} = Argon2Client.hash(:flitch_node.pick(:argon2), password, @timeout)
    encoded
  end

  @doc "Whether `password` is that of `encoded`."
  @spec verify?(String.t(), String.t()) :: boolean()
  def verify?(encoded, password) do
    {:ok, is_right} = Argon2Client.verify(:flitch_node.pick(:argon2), encoded, password, @timeout)
    is_right
  end
end
