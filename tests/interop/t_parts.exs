# SPDX-License-Identifier: Apache-2.0
# Needs OTP 25.
# Pools, events and parts for resilience of a C node, from Elixir: its examples.
defmodule Parts do
  defp node_with(%{build: build} = config, example) do
    file = to_charlist(build) ++ to_charlist("/examples/#{example}.so")
    :fixture.c_node(config, [to_charlist("--load"), file]).node
  end

  def printers_are_lent_to_tasks_test(config) do
    node = node_with(config, "printers")

    answers =
      1..20
      |> Enum.map(fn i ->
        Task.async(fn -> GenServer.call({:desk, node}, {:print, "text #{i}"}, 60_000) end)
      end)
      |> Task.await_many(60_000)

    20 = Enum.count(answers, &match?({:ok, _, _}, &1))
    :fixture.eventually(fn -> {:ready, 2, 0, 0} == GenServer.call({:printers, node}, :status) end)
  end

  # As :poolboy.transaction does.
  def transaction_gives_the_printer_back_test(config) do
    pool = {:printers, node_with(config, "printers")}
    worker = GenServer.call(pool, {:checkout, make_ref(), true})

    try do
      {:ok, ^worker, 1} = GenServer.call(worker, {:print, "text"})
    after
      :ok = GenServer.cast(pool, {:checkin, worker})
    end

    {:ready, 2, 0, 0} = GenServer.call(pool, :status)
  end

  def orders_are_counted_and_told_test(config) do
    node = node_with(config, "orders")
    events = [[:shop, :order, :start], [:shop, :order, :stop]]
    ref = :erpc.call(node, :telemetry_test, :attach_event_handlers, [self(), events])
    :ok = GenServer.call({:orders, node}, {:order, "book", 12})
    {:error, :einval} = GenServer.call({:orders, node}, {:order, "book", -12})

    receive do
      {[:shop, :order, :stop], ^ref, %{duration: _}, %{item: "book", price: 12}} -> :ok
    after
      60_000 -> exit(:no_event)
    end

    {1, 12} = GenServer.call({:totals, node}, :get)
    :ok = :erpc.call(node, :telemetry, :detach, [ref])
  end

  def gateway_keeps_away_from_a_bank_that_is_not_there_test(config) do
    node = node_with(config, "gateway")
    for _ <- 1..3, do: {:error, :failed} = GenServer.call({:gateway, node}, {:pay, 5})
    {:error, :open} = GenServer.call({:gateway, node}, {:pay, 5})
    %{state: :open, refused: 1} = :sys.get_state({:gateway, node})
  end
end
