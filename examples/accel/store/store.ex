# SPDX-License-Identifier: Apache-2.0
defmodule Store do
  @moduledoc """
  Stores of the cluster, found by their name: the C nodes that have `store.so` loaded over one
  directory are the `:pg` group `{:store, name}`, and any of them answers for all. What `store.so`
  says of itself is in `StoreClient`, which `flitch describe` writes; this adds what is more than one
  call. `:pg` must run here: `:pg.start_link()`, or `%{id: :pg, start: {:pg, :start_link, []}}` among
  an application's children.

      StoreClient.put(Store.any(:cards), "a", "1")
      Store.stream(fn -> Store.any(:cards) end, prefix: "user:") |> Enum.take(10)
  """

  @type where :: node | GenServer.server() | (() -> node | GenServer.server())

  @doc "The servers that have this name's data."
  @spec members(atom) :: [pid]
  def members(name \\ :default), do: :pg.get_members({:store, name})

  @doc "One of them, on this machine where there is one. Ends the caller with `{:no_store, name}` where there is none."
  @spec any(atom) :: pid
  def any(name \\ :default) do
    case members(name) do
      [] ->
        exit({:no_store, name})

      all ->
        near = Enum.filter(all, &(host(node(&1)) == host(node())))
        Enum.random(if near == [], do: all, else: near)
    end
  end

  defp host(node), do: node |> Atom.to_string() |> String.split("@") |> List.last()

  @doc """
  The pairs of a range, in order, page by page, so that it takes the memory of one page however long it
  is. With a function as `where`, each page is asked of who it names then, so that a scan outlives the
  end of a member.

  Options: `from:` (inclusive), `to:` (exclusive), or `prefix:`; `reverse: true`; `page:`, pairs of one page
  at most (1000); `timeout:` of one page (5000).

  A page is of one moment; the next one is of a later one.
  """
  @spec stream(where, keyword) :: Enumerable.t()
  def stream(where, options \\ []) do
    {from, to} = bounds(options)
    order = if options[:reverse], do: :reverse, else: :forward
    page = Keyword.get(options, :page, 1000)
    timeout = Keyword.get(options, :timeout, 5000)

    Stream.unfold({from, to}, fn
      :done ->
        nil

      {from, to} ->
        {:ok, pairs, next} = StoreClient.range(resolve(where), from, to, page, order, timeout)
        {pairs, rest(next, order, from, to)}
    end)
    |> Stream.concat()
  end

  defp rest(:done, _, _, _), do: :done
  defp rest(next, :forward, _, to), do: {next, to}
  defp rest(next, :reverse, from, _), do: {from, next}

  @doc "Deletes a range, some keys at a time: each step is all or nothing, the whole is not. How many there were."
  @spec delete_all(where, keyword) :: {:ok, non_neg_integer} | {:error, atom}
  def delete_all(where, options) do
    {from, to} = bounds(options)
    delete_all(where, from, to, Keyword.get(options, :timeout, 5000), 0)
  end

  defp delete_all(where, from, to, timeout, count) do
    case StoreClient.delete_range(resolve(where), from, to, 1000, timeout) do
      {:ok, n, :done} -> {:ok, count + n}
      {:ok, n, next} -> delete_all(where, next, to, timeout, count + n)
      error -> error
    end
  end

  @doc """
  Gives a key the value that `fun` makes of the one it has (`nil`: none), `nil` to delete it; asked again
  where somebody else was faster.
  """
  @spec update(where, binary, (binary | nil -> binary | nil), pos_integer) :: {:ok, binary | nil} | {:error, atom}
  def update(where, key, fun, tries \\ 100) do
    server = resolve(where)

    with {:ok, old} <- value(StoreClient.get(server, key)),
         new = fun.(old),
         op = if(new == nil, do: {:delete, key}, else: {:put, key, new}),
         :ok <- StoreClient.write(server, [{:expect, key, old}, op]) do
      {:ok, new}
    else
      {:error, :mismatch} when tries > 1 -> update(where, key, fun, tries - 1)
      error -> error
    end
  end

  defp value({:error, :not_found}), do: {:ok, nil}
  defp value(other), do: other

  defp resolve(where) when is_function(where, 0), do: where.()
  defp resolve(where), do: where

  @doc "The range of all keys that begin so."
  @spec prefix(binary) :: {binary, binary}
  def prefix(bytes), do: {bytes, after_prefix(bytes)}

  # The first key that is beyond them: the last byte that can be counted up is. "" is no bound.
  defp after_prefix(""), do: ""

  defp after_prefix(bytes) do
    head = binary_part(bytes, 0, byte_size(bytes) - 1)

    case :binary.last(bytes) do
      255 -> after_prefix(head)
      last -> <<head::binary, last + 1>>
    end
  end

  defp bounds(options) do
    case options[:prefix] do
      nil -> {Keyword.get(options, :from, ""), Keyword.get(options, :to, "")}
      bytes -> prefix(bytes)
    end
  end
end
