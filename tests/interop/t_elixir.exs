# SPDX-License-Identifier: Apache-2.0
# The same first contact as t_ping.erl, by Elixir's own words. Keeps to what Elixir 1.10 understands.
defmodule TElixir do
  def ping_is_answered_test(%{node: node}) do
    :pong = Node.ping(node)
  end

  def counter_counts_test(%{node: node}) do
    :ok = GenServer.cast({:counter, node}, :reset)
    3 = GenServer.call({:counter, node}, {:add, 3})
    3 = GenServer.call({:counter, node}, :get)
  end

  def struct_and_keywords_come_back_test(%{node: node}) do
    term = {1..3, [a: 1, b: nil], "ü", %{"key" => :value}}
    ^term = GenServer.call({:counter, node}, {:echo, term})
  end
end
