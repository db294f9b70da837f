# SPDX-License-Identifier: Apache-2.0
# Node, Process and :erpc as Elixir programmers use them towards a C node. Keeps to what Elixir 1.10
# understands.
defmodule TRpc do
  def node_functions_test(%{node: node}) do
    ^node = :rpc.call(node, Node, :self, [])
    true = node() in :rpc.call(node, Node, :list, [:connected])
    :pong = :rpc.call(node, Node, :ping, [node()])
  end

  def process_functions_test(%{node: node}) do
    pid = :rpc.call(node, Process, :whereis, [:counter])
    true = :erpc.call(node, Process, :alive?, [pid])
    {:registered_name, :counter} = :rpc.call(node, Process, :info, [pid, :registered_name])
    [{:registered_name, :counter} | _] = :rpc.call(node, Process, :info, [pid])
    nil = :rpc.call(node, Process, :whereis, [:nobody_has_this_name])
    true = pid in :rpc.call(node, Process, :list, [])
  end

  def call_through_rpc_test(%{node: node}) do
    total = :rpc.call(node, GenServer, :call, [:counter, :get])
    ^total = GenServer.call({:counter, node}, :get)
    :ok = :rpc.call(node, GenServer, :cast, [:counter, :reset])
    0 = :rpc.call(node, GenServer, :call, [:counter, :get, 1000])
  end

  def node_spawn_of_a_function_ends_with_a_clear_reason_test(%{node: node}) do
    pid = Node.spawn(node, fn -> :ok end)
    ref = Process.monitor(pid)

    receive do
      {:DOWN, ^ref, :process, ^pid, reason} ->
        true = reason == :noproc or match?({{:cannot_run_erlang_code, _}, _}, reason)
    after
      60_000 -> exit(:no_down)
    end
  end

  def erpc_of_a_function_raises_at_once_test(%{node: node}) do
    try do
      :erpc.call(node, fn -> 1 end)
      exit(:no_error)
    rescue
      error in ErlangError ->
        {:exception, {:cannot_run_erlang_code, text}, _} = error.original
        true = text =~ "C node"
    end
  end

  def node_spawn_link_test(%{node: node}) do
    Process.flag(:trap_exit, true)
    pid = Node.spawn_link(node, :erlang, :exit, [:bye])

    receive do
      {:EXIT, ^pid, :bye} -> :ok
    after
      60_000 -> exit(:no_exit)
    end
  end

  def io_puts_to_user_test(%{node: node}) do
    user = :rpc.call(node, Process, :whereis, [:user])
    :ok = IO.puts(user, "héllo from Elixir")
    %{a: 1} = IO.inspect(user, %{a: 1}, [])
  end
end
