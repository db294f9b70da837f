%% SPDX-License-Identifier: Apache-2.0
%% Tables under who has the right to write to them: wide tuples, costly specifications, long writes.
%% The node serves others meanwhile, and all of it ends.
-module(hostile_tables).
-export([cases/0, slowest_ms/1]).

-define(WIDE, 400000).
-define(END_MS, 20000).

slowest_ms(_) -> 1500.

cases() ->
    [{"a counter in a tuple of 400000 elements", fun wide_counter/1},
     {"specifications with tuples of 400000 elements", fun wide_specifications/1},
     {"whoever asks about a table that is written to for long is answered", fun long_write/1}].

wide() -> lists:duplicate(?WIDE, 1).

call(#{node := Node}, F, Args) ->
    try erpc:call(Node, ets, F, Args, ?END_MS)
    catch error:{exception, Why, _} -> {error, Why};
          error:{erpc, Why} -> {erpc, Why}
    end.

%% A table that outlives the call that makes it.
with_table(C = #{node := Node}, Run) ->
    Heir = erpc:call(Node, erlang, whereis, [echo]),
    wide = call(C, new, [wide, [public, named_table, {heir, Heir, none}]]),
    Result = Run(),
    true = call(C, delete, [wide]),
    Result.

wide_counter(C) ->
    with_table(C, fun() ->
        true = call(C, insert, [wide, list_to_tuple([key | wide()])]),
        case {call(C, update_counter, [wide, key, 1]),
              call(C, update_element, [wide, key, {?WIDE, x}])} of
            {2, true} -> ok;
            Other -> Other
        end
    end).

wide_specifications(C) ->
    with_table(C, fun() ->
        true = call(C, insert, [wide, {key, 1}]),
        Specs = [{'_', [], [{list_to_tuple(wide())}]}] ++
            [{'_', [list_to_tuple([Name | wide()])], ['$_']}
             || Name <- ['andalso', 'orelse', 'and', 'or', element, is_atom]] ++
            [{list_to_tuple([key | wide()]), [], ['$_']}],
        case [Result || S <- Specs, (Result = call(C, select, [wide, [S]])) =/= {error, system_limit},
                        Result =/= {error, badarg}] of
            [] -> ok;
            Other -> Other
        end
    end).

%% The lock of the table is held for long; ets:info, a process that ends with a table of its own
%% and ets:delete come meanwhile.
long_write(C) ->
    with_table(C, fun() ->
        Guard = list_to_tuple(['andalso' | [{'==', {length, '$2'}, 2000} || _ <- lists:seq(1, 500)]]),
        Rows = [{I, lists:duplicate(2000, [])} || I <- lists:seq(1, 100)],
        true = call(C, insert, [wide, Rows]),
        {Writer, Ref} = spawn_monitor(fun() ->
            exit({count, call(C, select_delete, [wide, [{{'$1', '$2'}, [Guard], [false]}]])})
        end),
        Asked = [timer:tc(fun() -> ask(C) end) || _ <- lists:seq(1, 10)],
        WasLong = is_process_alive(Writer),
        receive {'DOWN', Ref, process, _, How} -> ok end,
        Slow = [{Us, A} || {Us, A} <- Asked, Us > 200000 orelse A =/= {100, true}],
        case {WasLong, Slow, How} of
            {true, [], {count, 0}} -> ok;
            Other -> Other
        end
    end).

ask(C) ->
    Size = call(C, info, [wide, size]),
    {Size, is_reference(call(C, new, [mine, [public]]))}.
