# SPDX-License-Identifier: Apache-2.0
# Needs OTP 25.
# One script, two registries: each case is played by processes here with Elixir's Registry, and by
# processes of the C node with C's (servers/puppets.c), and by Elixir's own names over erpc. The
# transcripts must be equal. Each case is named after what it shows of Elixir's Registry.
defmodule Registries do
  @names :puppet_names
  @topics :puppet_topics

  defmodule Puppet do
    use GenServer

    def init([]), do: {:ok, []}

    def handle_call(:told, _, told), do: {:reply, Enum.reverse(told), []}

    def handle_call(:listen, _, told) do
      Process.register(self(), :puppet_listener)
      {:reply, :ok, told}
    end

    def handle_call({:do, op}, _, told), do: {:reply, act(op), told}
    def handle_call(other, _, told), do: {:reply, other, told}
    def handle_info(message, told), do: {:noreply, [message | told]}

    defp act({:register, r, k, v, _}) do
      with {:ok, _} <- Registry.register(r, k, v), do: :ok
    end

    defp act({:unregister, r, k, _, _}), do: Registry.unregister(r, k)
    defp act({:unregister_match, r, k, p, g}), do: Registry.unregister_match(r, k, p, g)
    defp act({:update_value, r, k, by, _}), do: Registry.update_value(r, k, &(&1 + by))
    defp act({:lookup, r, k, _, _}), do: Registry.lookup(r, k)
    defp act({:match, r, k, p, g}), do: Registry.match(r, k, p, g)
    defp act({:count, r, _, _, _}), do: Registry.count(r)
    defp act({:count_match, r, k, p, g}), do: Registry.count_match(r, k, p, g)
    defp act({:keys, r, pid, _, _}), do: Registry.keys(r, pid)
    defp act({:values, r, k, pid, _}), do: Registry.values(r, k, pid)
    defp act({:meta, r, k, _, _}), do: Registry.meta(r, k)
    defp act({:put_meta, r, k, v, _}), do: Registry.put_meta(r, k, v)
    defp act({:delete_meta, r, k, _, _}), do: Registry.delete_meta(r, k)
    defp act({:whereis_name, r, k, _, _}), do: Registry.whereis_name({r, k})

    defp act({:via_send, r, k, message, _}) do
      case Registry.whereis_name({r, k}) do
        :undefined -> :ok
        pid -> send(pid, message)
      end

      :ok
    end

    defp act({:via_call, r, k, request, _}) do
      {:reply, GenServer.call({:via, Registry, {r, k}}, request)}
    catch
      :exit, {:noproc, _} -> :noproc
    end

    defp act({:dispatch, r, k, message, _}) do
      me = self()

      :ok =
        Registry.dispatch(r, k, fn entries ->
          send(me, :called)
          for {pid, _} <- entries, do: send(pid, message)
        end)

      {:ok, called(false)}
    end

    defp called(is_called) do
      receive do
        :called -> called(true)
      after
        0 -> is_called
      end
    end
  end

  # ---- the two sides ----------------------------------------------------------------------------

  # As those of puppets.c, with their listener, started once.
  defp start_elixirs do
    if Process.whereis(@names) == nil do
      {:ok, a} =
        Registry.start_link(
          keys: :unique,
          name: @names,
          partitions: 2,
          listeners: [:puppet_listener],
          meta: [color: :red]
        )

      {:ok, b} = Registry.start_link(keys: :duplicate, name: @topics, partitions: 3)
      for pid <- [a, b], do: Process.unlink(pid)
    end
  end

  defp start(:elixir, _, via) do
    options = if via == nil, do: [], else: [name: {:via, Registry, {@names, via}}]

    case GenServer.start_link(Puppet, [], options) do
      {:ok, pid} -> {:ok, pid}
      {:error, {:already_started, _}} -> {:error, :taken}
    end
  end

  defp start(:c, node, via) do
    request = if via == nil, do: :start, else: {:start_via, via}

    with {:ok, pid} <- GenServer.call({:puppets, node}, request) do
      Process.link(pid)
      {:ok, pid}
    end
  end

  # What :erpc gives, as a value: a raise by its kind and message.
  defp ask(:elixir, _, f, args), do: caught(fn -> apply(Registry, f, args) end)

  defp ask(:c, node, f, args),
    do: caught(fn -> :erpc.call(node, Registry, f, args) end)

  defp caught(fun) do
    fun.()
  rescue
    e in ArgumentError -> {:raised, argument(e.message)}
    e in FunctionClauseError -> {:raised, e.__struct__}
    e in ErlangError -> erpc_error(e.original)
  catch
    :error, reason -> erpc_error(reason)
  end

  # `badarg` of :ets has another text than that of another node.
  defp argument("unknown registry" <> _ = text), do: text
  defp argument(":via" <> _ = text), do: text
  defp argument(_), do: :badarg

  defp erpc_error({:exception, reason, _}), do: erpc_error(reason)
  defp erpc_error(%{__struct__: ArgumentError, message: text}), do: {:raised, argument(text)}
  defp erpc_error(:badarg), do: {:raised, :badarg}
  defp erpc_error(:function_clause), do: {:raised, FunctionClauseError}

  # ---- playing ----------------------------------------------------------------------------------

  defp play(kind, node, script) do
    puppets = for who <- [:a, :b, :c], into: %{}, do: {who, elem(start(kind, node, nil), 1)}
    :ok = GenServer.call(puppets.c, :listen)
    {lines, puppets} = Enum.map_reduce(script, puppets, &step(kind, node, &1, &2))

    for {_, pid} <- puppets, do: stop(kind, pid)
    lines
  end

  defp step(kind, _, {:kill, who}, puppets) do
    stop(kind, Map.fetch!(puppets, who))
    {:killed, puppets}
  end

  defp step(kind, node, {:start_via, who, key}, puppets) do
    case start(kind, node, key) do
      {:ok, pid} -> {:ok, Map.put(puppets, who, pid)}
      error -> {error, puppets}
    end
  end

  defp step(_, _, {who, :told}, puppets) do
    {shown(GenServer.call(Map.fetch!(puppets, who), :told), puppets), puppets}
  end

  defp step(kind, node, {:ask, f, args}, puppets) do
    {shown(ask(kind, node, f, real(args, puppets)), puppets), puppets}
  end

  defp step(_, _, {who, op}, puppets) do
    full = Tuple.to_list(op) ++ List.duplicate([], 5 - tuple_size(op))
    op = full |> real(puppets) |> List.to_tuple()
    {shown(GenServer.call(Map.fetch!(puppets, who), {:do, op}), puppets), puppets}
  end

  # Elixir's registry hears of an end later than whoever watches: it is asked until it knows.
  defp stop(kind, pid) do
    ref = Process.monitor(pid)
    Process.exit(pid, :kill)

    receive do
      {:DOWN, ^ref, _, _, _} -> :ok
    end

    if kind == :elixir do
      :fixture.eventually(fn ->
        Registry.keys(@names, pid) == [] and Registry.keys(@topics, pid) == []
      end)

      for r <- [@names, @topics],
          {_, partition, _, _} <- Supervisor.which_children(r),
          do: :sys.get_state(partition)
    end
  end

  # {:pid, :a} is a's pid, and back; the rest of what comes out in an order of its own is sorted.
  defp real({:pid, who}, puppets), do: Map.fetch!(puppets, who)
  defp real([first | rest], puppets), do: [real(first, puppets) | real(rest, puppets)]
  defp real(other, _), do: other

  defp shown(pid, puppets) when is_pid(pid) do
    case Enum.find(puppets, fn {_, p} -> p == pid end) do
      {who, _} -> {:pid, who}
      nil -> :another
    end
  end

  defp shown(list, puppets) when is_list(list), do: Enum.map(list, &shown(&1, puppets))

  defp shown(tuple, puppets) when is_tuple(tuple),
    do: tuple |> Tuple.to_list() |> shown(puppets) |> List.to_tuple()

  defp shown(other, _), do: other

  defp sorted(line) when is_list(line), do: Enum.sort(line)
  defp sorted(line), do: line

  defp alike(%{node: node}, script) do
    # a case that fails takes its puppets with it
    Process.flag(:trap_exit, true)
    start_elixirs()
    elixir = play(:elixir, node, script)
    c = play(:c, node, script)

    for {op, a, b} <- Enum.zip([script, elixir, c]),
        sorted(a) != sorted(b),
        do: exit({:differs, op, elixir: a, c: b})

    true = length(elixir) == length(c)
  end

  # ---- the cases --------------------------------------------------------------------------------

  n = @names
  t = @topics

  @cases [
    register_gives_ok_and_the_owner: [{:ask, :register, [n, :k, 1]}],
    unique_register_by_another_is_already_registered: [
      {:a, {:register, n, "k", 1}},
      {:b, {:register, n, "k", 2}},
      {:b, {:lookup, n, "k"}}
    ],
    unique_register_by_the_same_process_is_already_registered: [
      {:a, {:register, n, "k", 1}},
      {:a, {:register, n, "k", 2}},
      {:a, {:lookup, n, "k"}}
    ],
    keys_of_any_term_are_told_apart_by_match: [
      {:a, {:register, n, 1, :integer}},
      {:a, {:register, n, 1.0, :float}},
      {:a, {:register, n, {:room, 1}, :tuple}},
      {:a, {:register, n, %{a: [1, %{}]}, :map}},
      {:a, {:register, n, "1", :binary}},
      {:a, {:register, n, '1', :charlist}},
      {:a, {:register, n, [], nil}},
      {:b, {:lookup, n, 1}},
      {:b, {:lookup, n, 1.0}},
      {:b, {:lookup, n, {:room, 1}}},
      {:b, {:lookup, n, %{a: [1, %{}]}}},
      {:b, {:lookup, n, "1"}},
      {:b, {:lookup, n, '1'}},
      {:b, {:lookup, n, []}},
      {:b, {:count, n}}
    ],
    pid_as_key_is_its_process: [
      {:a, {:register, n, {:pid, :b}, :of_b}},
      {:b, {:lookup, n, {:pid, :b}}},
      {:b, {:lookup, n, {:pid, :a}}}
    ],
    lookup_of_unknown_key_is_empty: [{:a, {:lookup, n, :none}}, {:a, {:lookup, t, :none}}],
    unique_unregister_frees_the_key: [
      {:a, {:register, n, :k, 1}},
      {:a, {:unregister, n, :k}},
      {:a, {:lookup, n, :k}},
      {:b, {:register, n, :k, 2}},
      {:a, {:lookup, n, :k}}
    ],
    unregister_of_anothers_key_does_nothing: [
      {:a, {:register, n, :k, 1}},
      {:b, {:unregister, n, :k}},
      {:b, {:lookup, n, :k}}
    ],
    unregister_of_unknown_key_is_ok: [{:a, {:unregister, n, :none}}, {:a, {:unregister, t, :none}}],
    duplicate_register_keeps_each_entry_in_order: [
      {:a, {:register, t, :k, 1}},
      {:a, {:register, t, :k, 2}},
      {:a, {:register, t, :k, 1}},
      {:a, {:lookup, t, :k}},
      {:a, {:count, t}}
    ],
    duplicate_lookup_has_entries_of_all_processes: [
      {:a, {:register, t, :k, 1}},
      {:b, {:register, t, :k, 2}},
      {:c, {:register, t, :k, 3}},
      {:a, {:lookup, t, :k}}
    ],
    duplicate_unregister_takes_all_of_the_key_and_process: [
      {:a, {:register, t, :k, 1}},
      {:a, {:register, t, :k, 2}},
      {:a, {:register, t, :other, 3}},
      {:b, {:register, t, :k, 4}},
      {:a, {:unregister, t, :k}},
      {:a, {:lookup, t, :k}},
      {:a, {:keys, t, {:pid, :a}}}
    ],
    keys_of_a_process_for_unique: [
      {:a, {:register, n, :x, 1}},
      {:a, {:register, n, {:y, 2}, 1}},
      {:b, {:keys, n, {:pid, :a}}},
      {:b, {:keys, n, {:pid, :b}}}
    ],
    keys_of_a_process_repeat_for_duplicate: [
      {:a, {:register, t, :x, 1}},
      {:a, {:register, t, :x, 2}},
      {:a, {:register, t, :y, 1}},
      {:b, {:keys, t, {:pid, :a}}}
    ],
    values_of_a_process_and_key: [
      {:a, {:register, t, :x, 1}},
      {:a, {:register, t, :x, 2}},
      {:b, {:register, t, :x, 3}},
      {:a, {:register, n, :x, 4}},
      {:b, {:values, t, :x, {:pid, :a}}},
      {:b, {:values, t, :y, {:pid, :a}}},
      {:b, {:values, n, :x, {:pid, :a}}},
      {:b, {:values, n, :x, {:pid, :b}}}
    ],
    count_is_of_all_entries: [
      {:a, {:count, t}},
      {:a, {:register, t, :x, 1}},
      {:a, {:register, t, :x, 1}},
      {:b, {:register, t, :y, 1}},
      {:a, {:count, t}},
      {:b, {:unregister, t, :y}},
      {:a, {:count, t}}
    ],
    end_of_a_process_unregisters_it: [
      {:a, {:register, n, :k, 1}},
      {:a, {:register, t, :k, 1}},
      {:kill, :a},
      {:b, {:lookup, n, :k}},
      {:b, {:lookup, t, :k}},
      {:b, {:count, n}},
      {:b, {:count, t}},
      {:b, {:register, n, :k, 2}}
    ],
    update_value_gives_new_and_old: [
      {:a, {:register, n, :k, 10}},
      {:a, {:update_value, n, :k, 5}},
      {:b, {:lookup, n, :k}}
    ],
    update_value_of_anothers_key_is_error: [
      {:a, {:register, n, :k, 10}},
      {:b, {:update_value, n, :k, 5}},
      {:b, {:update_value, n, :none, 5}},
      {:b, {:lookup, n, :k}}
    ],
    select_sees_key_pid_and_value: [
      {:a, {:register, n, :k, 1}},
      {:b, {:register, n, {:room, 2}, %{x: 1}}},
      {:ask, :select, [n, [{{:"$1", :"$2", :"$3"}, [], [{{:"$1", :"$2", :"$3"}}]}]]},
      {:ask, :select, [n, [{{:_, :_, :_}, [], [:"$_"]}]]},
      {:ask, :select, [n, [{{:_, :"$1", :_}, [], [:"$$"]}]]},
      {:ask, :select, [n, [{{{:room, :"$1"}, :_, :_}, [], [:"$1"]}]]},
      {:ask, :select, [n, []]}
    ],
    select_by_guards: [
      {:a, {:register, t, :k, {1, :x}}},
      {:a, {:register, t, :k, {20, :y}}},
      {:b, {:register, t, :l, {30, :y}}},
      {:ask, :select, [t, [{{:"$1", :_, {:"$2", :_}}, [{:>, :"$2", 10}], [{{:"$1", :"$2"}}]}]]},
      {:ask, :select,
       [t, [{{:_, :_, {:"$1", :"$2"}}, [{:andalso, {:is_integer, :"$1"}, {:"=:=", :"$2", :y}}],
             [{:+, :"$1", 1}]}]]}
    ],
    select_of_one_key: [
      {:a, {:register, t, :k, 1}},
      {:a, {:register, t, :k, 2}},
      {:b, {:register, t, :l, 3}},
      {:ask, :select, [t, [{{:k, :_, :"$1"}, [], [:"$1"]}]]},
      {:ask, :select, [t, [{{:none, :_, :"$1"}, [], [:"$1"]}]]},
      {:ask, :select, [n, [{{:k, :_, :"$1"}, [], [:"$1"]}]]}
    ],
    select_with_several_clauses_takes_the_first_that_fits: [
      {:a, {:register, t, :k, 1}},
      {:a, {:register, t, :k, :atom}},
      {:ask, :select,
       [t, [{{:_, :_, :"$1"}, [{:is_atom, :"$1"}], [{{:atom, :"$1"}}]}, {{:_, :_, :"$1"}, [], [:other]}]]}
    ],
    count_select_counts_what_is_true: [
      {:a, {:register, t, :k, 1}},
      {:a, {:register, t, :k, 2}},
      {:b, {:register, t, :l, 3}},
      {:ask, :count_select, [t, [{{:_, :_, :"$1"}, [{:>, :"$1", 1}], [true]}]]},
      {:ask, :count_select, [t, [{{:k, :_, :_}, [], [true]}]]},
      {:ask, :count_select, [t, [{{:k, :_, :_}, [], [:yes]}]]},
      {:ask, :count_select, [t, [{{:_, :_, :"$1"}, [], [{:>, :"$1", 1}]}]]},
      {:ask, :count_select, [n, []]},
      {:ask, :count_select, [t, [{:_, [], [true]}]]}
    ],
    select_refuses_what_is_no_specification: [
      {:a, {:register, n, :k, 1}},
      {:ask, :select, [n, [{{:_, :_}, [], [:"$_"]}]]},
      {:ask, :select, [n, [:nonsense]]},
      {:ask, :select, [n, [{{:_, :_, :_}, [{:nonsense, 1}], [:"$_"]}]]},
      {:ask, :select, [n, :nonsense]},
      {:ask, :select, [:no_such_registry, []]}
    ],
    match_by_underscore_takes_all: [
      {:a, {:register, t, :k, {1, :x}}},
      {:b, {:register, t, :k, {2, :y}}},
      {:a, {:match, t, :k, :_}}
    ],
    match_by_variable_takes_all: [
      {:a, {:register, t, :k, {1, :x}}},
      {:a, {:match, t, :k, :"$1"}}
    ],
    match_by_literal_is_exact: [
      {:a, {:register, t, :k, 1}},
      {:a, {:register, t, :k, 1.0}},
      {:a, {:match, t, :k, 1}},
      {:a, {:match, t, :k, 1.0}},
      {:a, {:match, t, :k, 2}}
    ],
    match_by_tuple_pattern: [
      {:a, {:register, t, :k, {1, :x}}},
      {:a, {:register, t, :k, {2, :x}}},
      {:a, {:register, t, :k, {2, :y, 3}}},
      {:a, {:match, t, :k, {:_, :x}}},
      {:a, {:match, t, :k, {2, :_}}},
      {:a, {:match, t, :k, {:_, :_, :_}}}
    ],
    match_with_repeated_variable_needs_equal_parts: [
      {:a, {:register, t, :k, {1, 1}}},
      {:a, {:register, t, :k, {1, 2}}},
      {:a, {:register, t, :k, {1, 1.0}}},
      {:a, {:match, t, :k, {:"$1", :"$1"}}}
    ],
    match_by_map_pattern_needs_its_keys: [
      {:a, {:register, t, :k, %{a: 1, b: 2}}},
      {:a, {:register, t, :k, %{a: 2}}},
      {:a, {:match, t, :k, %{a: :_}}},
      {:a, {:match, t, :k, %{b: :_}}},
      {:a, {:match, t, :k, %{a: :"$1", b: :"$1"}}}
    ],
    match_by_list_pattern_with_tail: [
      {:a, {:register, t, :k, [1, 2, 3]}},
      {:a, {:register, t, :k, [1]}},
      {:a, {:register, t, :k, []}},
      {:a, {:match, t, :k, [1 | :_]}},
      {:a, {:match, t, :k, [:_, :_, :_]}},
      {:a, {:match, t, :k, []}}
    ],
    match_with_guard_on_a_variable: [
      {:a, {:register, t, :k, {1, :x}}},
      {:a, {:register, t, :k, {20, :y}}},
      {:a, {:match, t, :k, {:"$1", :_}, [{:>, :"$1", 10}]}},
      {:a, {:match, t, :k, {:"$1", :_}, [{:<, :"$1", 10}]}}
    ],
    match_needs_all_guards: [
      {:a, {:register, t, :k, 5}},
      {:a, {:register, t, :k, :atom}},
      {:a, {:match, t, :k, :"$1", [{:is_integer, :"$1"}, {:>, :"$1", 3}]}},
      {:a, {:match, t, :k, :"$1", [{:is_integer, :"$1"}, {:>, :"$1", 7}]}},
      {:a, {:match, t, :k, :"$1", [{:is_atom, :"$1"}]}}
    ],
    match_with_andalso_and_orelse: [
      {:a, {:register, t, :k, 5}},
      {:a, {:register, t, :k, :atom}},
      {:a, {:match, t, :k, :"$1", [{:andalso, {:is_integer, :"$1"}, {:==, {:rem, :"$1", 5}, 0}}]}},
      {:a, {:match, t, :k, :"$1", [{:orelse, {:is_atom, :"$1"}, {:>, {:+, :"$1", 1}, 5}}]}},
      {:a, {:match, t, :k, :"$1", [{:not, {:is_atom, :"$1"}}]}}
    ],
    match_guard_sees_parts_by_element: [
      {:a, {:register, t, :k, {:x, [1, 2]}}},
      {:a, {:register, t, :k, {:y, []}}},
      {:a, {:match, t, :k, :"$1", [{:==, {:element, 1, :"$1"}, :y}]}},
      {:a, {:match, t, :k, {:_, :"$1"}, [{:==, {:length, :"$1"}, 2}]}},
      {:a, {:match, t, :k, {:_, :"$1"}, [{:==, {:hd, :"$1"}, 1}]}}
    ],
    match_guard_that_fails_is_false: [
      {:a, {:register, t, :k, :atom}},
      {:a, {:match, t, :k, :"$1", [{:>, {:+, :"$1", 1}, 0}]}},
      {:a, {:match, t, :k, :"$1", [{:or, {:>, {:+, :"$1", 1}, 0}, true}]}}
    ],
    match_guard_with_const: [
      {:a, {:register, t, :k, {:a, :b}}},
      {:a, {:match, t, :k, :"$1", [{:==, :"$1", {:const, {:a, :b}}}]}},
      {:a, {:match, t, :k, :"$1", [{:==, :"$1", {{:a, :b}}}]}}
    ],
    match_for_unique: [
      {:a, {:register, n, :k, {1, :x}}},
      {:a, {:match, n, :k, {1, :_}}},
      {:a, {:match, n, :k, {2, :_}}},
      {:a, {:match, n, :none, :_}}
    ],
    match_key_is_no_pattern: [
      {:a, {:register, n, :k, 1}},
      {:a, {:register, t, :k, 1}},
      {:a, {:match, n, :_, :_}},
      {:a, {:match, t, :"$1", :_}}
    ],
    count_match_counts_what_match_finds: [
      {:a, {:register, t, :k, 1}},
      {:b, {:register, t, :k, 2}},
      {:b, {:register, t, :k, 3}},
      {:a, {:count_match, t, :k, :_}},
      {:a, {:count_match, t, :k, :"$1", [{:>, :"$1", 1}]}},
      {:a, {:count_match, t, :none, :_}},
      {:a, {:count_match, n, :k, :_}}
    ],
    unregister_match_takes_what_fits: [
      {:a, {:register, t, :k, 1}},
      {:a, {:register, t, :k, 2}},
      {:a, {:unregister_match, t, :k, 1}},
      {:a, {:lookup, t, :k}},
      {:a, {:unregister_match, t, :k, :"$1", [{:>, :"$1", 5}]}},
      {:a, {:lookup, t, :k}},
      {:a, {:unregister_match, t, :k, :_}},
      {:a, {:lookup, t, :k}}
    ],
    unregister_match_leaves_other_keys_and_processes: [
      {:a, {:register, t, :k, 1}},
      {:a, {:register, t, :other, 1}},
      {:b, {:register, t, :k, 1}},
      {:a, {:unregister_match, t, :k, :_}},
      {:a, {:lookup, t, :k}},
      {:a, {:lookup, t, :other}}
    ],
    unregister_match_for_unique: [
      {:a, {:register, n, :k, 1}},
      {:a, {:unregister_match, n, :k, 2}},
      {:a, {:lookup, n, :k}},
      {:b, {:unregister_match, n, :k, 1}},
      {:a, {:lookup, n, :k}},
      {:a, {:unregister_match, n, :k, 1}},
      {:a, {:lookup, n, :k}}
    ],
    dispatch_sends_to_each_entry: [
      {:a, {:register, t, :k, 1}},
      {:a, {:register, t, :k, 2}},
      {:b, {:register, t, :k, 3}},
      {:c, {:dispatch, t, :k, :hello}},
      {:a, :told},
      {:b, :told}
    ],
    dispatch_without_entries_calls_nothing: [{:a, {:dispatch, t, :none, :hello}}],
    dispatch_for_unique: [
      {:a, {:register, n, :k, 1}},
      {:b, {:dispatch, n, :k, :hello}},
      {:b, {:dispatch, n, :none, :hello}},
      {:a, :told}
    ],
    dispatch_does_not_reach_the_dead: [
      {:a, {:register, t, :k, 1}},
      {:kill, :a},
      {:b, {:dispatch, t, :k, :hello}}
    ],
    whereis_name_is_pid_or_undefined: [
      {:a, {:register, n, :k, 1}},
      {:b, {:whereis_name, n, :k}},
      {:b, {:whereis_name, n, :none}}
    ],
    start_by_via_registers_with_value_nil: [
      {:start_via, :d, {:server, 1}},
      {:a, {:lookup, n, {:server, 1}}},
      {:a, {:keys, n, {:pid, :d}}}
    ],
    start_by_a_taken_via_is_refused: [
      {:start_via, :d, :name},
      {:start_via, :e, :name},
      {:a, {:register, n, :name, 1}}
    ],
    start_by_via_again_after_the_end: [
      {:start_via, :d, :name},
      {:kill, :d},
      {:start_via, :e, :name},
      {:a, {:whereis_name, n, :name}}
    ],
    call_by_via_reaches_the_holder: [
      {:start_via, :d, {:server, "x"}},
      {:a, {:via_call, n, {:server, "x"}, {:echo, 1}}},
      {:a, {:via_call, n, {:server, "y"}, {:echo, 1}}}
    ],
    call_by_via_of_a_registered_process: [
      {:b, {:register, n, :b, nil}},
      {:a, {:via_call, n, :b, :hello}},
      {:b, {:unregister, n, :b}},
      {:a, {:via_call, n, :b, :hello}}
    ],
    send_by_via_reaches_the_holder: [
      {:b, {:register, n, :b, nil}},
      {:a, {:via_send, n, :b, {:hi, 1}}},
      {:a, {:via_send, n, :none, {:hi, 2}}},
      {:b, :told}
    ],
    meta_of_the_options: [{:a, {:meta, n, :color}}, {:a, {:meta, t, :color}}],
    put_meta_and_delete_meta: [
      {:a, {:put_meta, t, :k, 1}},
      {:a, {:put_meta, t, {:k, 2}, [2]}},
      {:b, {:meta, t, :k}},
      {:b, {:meta, t, {:k, 2}}},
      {:a, {:put_meta, t, :k, 3}},
      {:b, {:meta, t, :k}},
      {:b, {:delete_meta, t, :k}},
      {:b, {:meta, t, :k}},
      {:b, {:delete_meta, t, :k}},
      {:b, {:delete_meta, t, {:k, 2}}}
    ],
    listener_hears_of_register: [
      {:a, {:register, n, :k, {:v, 1}}},
      {:c, :told}
    ],
    listener_hears_of_unregister: [
      {:a, {:register, n, :k, 1}},
      {:a, {:unregister, n, :k}},
      {:c, :told}
    ],
    listener_hears_of_unregister_match: [
      {:a, {:register, n, :k, 1}},
      {:a, {:unregister_match, n, :k, 2}},
      {:a, {:unregister_match, n, :k, 1}},
      {:c, :told}
    ],
    listener_hears_nothing_of_an_end: [
      {:a, {:register, n, :k, 1}},
      {:a, {:register, n, :l, 1}},
      {:kill, :a},
      {:b, {:count, n}},
      {:c, :told}
    ],
    listener_hears_of_via: [{:start_via, :d, :name}, {:kill, :d}, {:c, :told}],
    remote_lookup: [
      {:a, {:register, n, :k, 1}},
      {:a, {:register, t, :k, 1}},
      {:b, {:register, t, :k, 2}},
      {:ask, :lookup, [n, :k]},
      {:ask, :lookup, [n, :none]},
      {:ask, :lookup, [t, :k]},
      {:ask, :keys, [n, {:pid, :a}]},
      {:ask, :values, [t, :k, {:pid, :b}]},
      {:ask, :count, [n]},
      {:ask, :count, [t]}
    ],
    remote_match: [
      {:a, {:register, t, :k, {1, :x}}},
      {:ask, :match, [t, :k, {:_, :x}]},
      {:ask, :match, [t, :k, {:"$1", :x}, [{:>, :"$1", 5}]]},
      {:ask, :count_match, [t, :k, {:_, :x}]},
      {:ask, :count_match, [t, :k, {:"$1", :_}, [{:is_integer, :"$1"}]]}
    ],
    remote_match_with_a_bad_guard_is_badarg: [
      {:a, {:register, t, :k, 1}},
      {:ask, :match, [t, :k, :_, [{:bad, 1}]]},
      {:ask, :count_match, [t, :k, :_, [{:is_atom, 1, 2}]]}
    ],
    remote_whereis_name: [
      {:a, {:register, n, :k, 1}},
      {:ask, :whereis_name, [{n, :k}]},
      {:ask, :whereis_name, [{n, :none}]}
    ],
    remote_whereis_name_is_not_for_duplicate: [{:ask, :whereis_name, [{t, :k}]}],
    remote_send_reaches_the_holder: [
      {:a, {:register, n, :k, 1}},
      {:ask, :send, [{n, :k}, {:hi, 1}]},
      {:ask, :send, [{n, :none}, {:hi, 1}]},
      {:a, :told}
    ],
    remote_meta: [
      {:ask, :meta, [n, :color]},
      {:ask, :meta, [n, :none]},
      {:ask, :put_meta, [n, {:k, 1}, 5]},
      {:ask, :meta, [n, {:k, 1}]},
      {:ask, :delete_meta, [n, {:k, 1}]},
      {:ask, :meta, [n, {:k, 1}]}
    ],
    remote_meta_keys_are_atoms_and_tuples: [
      {:ask, :meta, [n, 1]},
      {:ask, :put_meta, [n, "k", 1]},
      {:ask, :delete_meta, [n, [1]]}
    ],
    unknown_registry_is_an_argument_error: [
      {:ask, :lookup, [:no_such, :k]},
      {:ask, :count, [:no_such]},
      {:ask, :keys, [:no_such, {:pid, :a}]},
      {:ask, :lookup, [No.Such, :k]},
      {:ask, :whereis_name, [{:no_such, :k}]},
      {:ask, :match, [:no_such, :k, :_]},
      {:ask, :unregister, [:no_such, :k]}
    ]
  ]

  for {name, script} <- @cases do
    @script Macro.escape(script)
    def unquote(:"#{name}_test")(config), do: alike(config, unquote(@script))
  end

  # The process of an rpc registers, and ends.
  def remote_register_goes_with_the_process_that_asks_test(%{node: node}) do
    {:ok, owner} = :erpc.call(node, Registry, :register, [@names, :remote, 1])
    ^node = node(owner)
    [] = :erpc.call(node, Registry, :lookup, [@names, :remote])
    :yes = :erpc.call(node, Registry, :register, [@names, :remote, 2]) |> yes()
    {:ok, pid} = start(:c, node, :remote)
    {:error, {:already_registered, ^pid}} = :erpc.call(node, Registry, :register, [@names, :remote, 3])
    Process.unlink(pid)
    true = Process.exit(pid, :kill)
  end

  defp yes({:ok, _}), do: :yes

  # No atom is made for a name: a hundred thousand of them, and the C node's table is as it was.
  def no_atom_is_made_for_a_key_test(%{node: node}) do
    {:ok, pid} = start(:c, node, nil)
    before = :erpc.call(node, :erlang, :system_info, [:atom_count])

    for i <- 1..2000 do
      :ok = GenServer.call(pid, {:do, {:register, @names, {"name", i}, :"value_#{i}", []}})
    end

    ^before = :erpc.call(node, :erlang, :system_info, [:atom_count])
    Process.unlink(pid)
    Process.exit(pid, :kill)
  end

  # examples/lobby.c
  def example_finds_rooms_by_name_and_floors_by_topic_test(%{build: build} = config) do
    lobby = [to_charlist("--load"), to_charlist(build) ++ to_charlist("/examples/lobby.so")]
    %{node: node} = :fixture.c_node(config, lobby)
    {:ok, blue} = GenServer.call({:lobby, node}, {:open, "blue", 1})
    {:error, :taken} = GenServer.call({:lobby, node}, {:open, "blue", 2})
    {:ok, _} = GenServer.call({:lobby, node}, {:open, "red", 1})
    {:ok, _} = GenServer.call({:lobby, node}, {:open, "loft", 2})
    [{^blue, nil}] = :erpc.call(node, Registry, :lookup, [:rooms, {:room, "blue"}])
    :ok = GenServer.call({:lobby, node}, {:say, 1, "hello"})
    [1, 1, 0] = for name <- ["blue", "red", "loft"], do: heard(node, name)
    Process.exit(blue, :kill)
    :fixture.eventually(fn -> heard(node, "blue") == :nobody end)
    {:ok, _} = GenServer.call({:lobby, node}, {:open, "blue", 1})
  end

  defp heard(node, name), do: GenServer.call({:lobby, node}, {:heard, name})
end
