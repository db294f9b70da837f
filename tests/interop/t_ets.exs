# SPDX-License-Identifier: Apache-2.0
# The examples shelf and ledger, and tables of C, as Elixir uses them.
defmodule TEts do
  def shelf_is_read_by_ets_test(%{build: build} = config) do
    %{node: node} = :fixture.c_node(config, [to_charlist("--load"), build ++ to_charlist("/examples/shelf.so")])
    true = GenServer.call({:shelf, node}, {:put, "pears", 5})
    [{"pears", 5}] = :erpc.call(node, :ets, :lookup, [:shelf, "pears"])
    [["pears", 5]] = :erpc.call(node, :ets, :match, [:shelf, {:"$1", :"$2"}])
    {:ok, 1} = GenServer.call({:shelf, node}, {:take, "pears", 4})
    {:error, {:left, 1}} = GenServer.call({:shelf, node}, {:take, "pears", 4})
    1 = :erpc.call(node, :ets, :lookup_element, [:shelf, "pears", 2])

    try do
      :erpc.call(node, :ets, :insert, [:shelf, {"pears", 9}])
      exit(:written)
    rescue
      e in ErlangError -> {:exception, :badarg, _} = e.original
      ArgumentError -> :ok
    end
  end

  def ledger_keeps_what_it_answered_test(%{build: build, work: work} = config) do
    System.put_env("FLITCH_LEDGER", Path.join(work, "elixir.fl"))
    start = fn -> :fixture.c_node(config, [to_charlist("--load"), build ++ to_charlist("/examples/ledger.so")]) end
    %{node: node} = first = start.()
    for n <- 1..20, do: :ok = GenServer.call({:ledger, node}, {:add, "eve", %{n: n}})
    :fixture.signal(first, to_charlist("-KILL"))
    :fixture.ended(first)
    %{node: again} = start.()
    entries = for n <- 1..20, do: {"eve", %{n: n}}
    ^entries = GenServer.call({:ledger, again}, {:read, "eve"})
  end

  def shared_table_counts_for_all_test(%{node: node}) do
    :ok = GenServer.call({:tables, node}, {:new, "hits", :set, :public, 1})

    1..8
    |> Enum.map(fn _ ->
      Task.async(fn ->
        for _ <- 1..50,
            do: :erpc.call(node, :ets, :update_counter, [:hits, :n, 1, {:n, 0}])
      end)
    end)
    |> Enum.each(&Task.await(&1, 60_000))

    [n: 400] = :erpc.call(node, :ets, :lookup, [:hits, :n])
    :ok = GenServer.call({:tables, node}, {:drop, "hits"})
  end
end
