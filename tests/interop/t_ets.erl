%% SPDX-License-Identifier: Apache-2.0
%% One sequence of operations, two tables: one of this VM's ets, one of C (servers/tables.c), both
%% driven by erpc. Results must be equal, and errors with their reason and cause. Of hashed tables the
%% order is compared as a set. SEED and OPS choose the sequences; a difference says where it was.
-module(t_ets).
-compile([export_all, nowarn_export_all]).

-define(OPS, 1200).

set_differs_in_nothing_test(C) -> differential(C, set, 1).
ordered_set_differs_in_nothing_test(C) -> differential(C, ordered_set, 1).
bag_differs_in_nothing_test(C) -> differential(C, bag, 1).
duplicate_bag_differs_in_nothing_test(C) -> differential(C, duplicate_bag, 1).
second_key_position_differs_in_nothing_test(C) ->
    differential(C, set, 2), differential(C, bag, 2), differential(C, ordered_set, 2).

%% What is compared with is ets since OTP 25: some specifications mean something else before.
differential(#{release := Release}, _, _) when Release < 25 ->
    io:format("   not compared with OTP ~b~n", [Release]);
differential(#{node := Node, release := Release}, Type, KeyPos) ->
    Name = list_to_atom(lists:concat(["t_", Type, KeyPos])),
    ok = call(Node, {new, atom_to_binary(Name, utf8), Type, public, KeyPos}),
    Name = ets:new(Name, [Type, public, named_table, {keypos, KeyPos}]),
    Seed = list_to_integer(os:getenv("SEED", "1")),
    Ops = list_to_integer(os:getenv("OPS", integer_to_list(?OPS))),
    put(release, Release),
    _ = rand:seed(exsplus, {Seed, KeyPos, erlang:phash2(Type)}),
    _ = [step(Node, Name, Type, Release, N) || N <- lists:seq(1, Ops)],
    same(Node, Name, Type, Release, {tab2list, []}),
    ets:delete(Name),
    ok = call(Node, {drop, atom_to_binary(Name, utf8)}).

step(Node, Name, Type, Release, N) ->
    Op = op(Release),
    try same(Node, Name, Type, Release, Op)
    catch exit:Why -> exit({operation, N, Why})
    end.

same(Node, Name, Type, Release, Op) ->
    Beam = play(node(), Name, Type, Release, Op),
    C = play(Node, Name, Type, Release, Op),
    Beam =:= C orelse differs(Op, Beam, C).

differs(Op, Beam, C) ->
    io:format("~0p~n    otp ~0p~n    c   ~0p~n", [Op, Beam, C]),
    exit({differs, element(1, Op)}).

%% ---- playing ----------------------------------------------------------------------------------

play(Node, Name, Type, _, {walk, First, Next}) ->
    order(Type, walk(Node, Name, Next, erpc:call(Node, ets, First, [Name])));
play(Node, Name, Type, Release, {chunks, F, Spec, Limit}) ->
    case run(Node, F, [Name, Spec, Limit], Release) of
        {ok, First} -> {ok, order(Type, chunks(Node, F, Limit, First))};
        Error -> Error
    end;
play(Node, Name, Type, Release, {F, Args}) ->
    case run(Node, F, [Name | Args], Release) of
        {ok, Result} when Release < 27, F =/= info, Type =/= set ->
            {ok, order(Type, Result)}; % a list is inserted into a bag from its end
        {ok, Result} when F =:= tab2list; F =:= match; F =:= match_object; F =:= select; F =:= select_reverse ->
            {ok, order(Type, Result)};
        Result -> Result
    end.

run(Node, F, Args, Release) ->
    try {ok, erpc:call(Node, ets, F, Args)}
    catch error:{exception, Reason, [{ets, _, _, More} | _]} -> {error, Reason, cause(F, More, Release)};
          Class:Reason -> {Class, Reason}
    end.

%% Before 27 update_element did not say which position was wrong, and 23 says nothing.
cause(update_element, _, Release) when Release < 27 -> any;
cause(tab2list, _, _) -> any;
cause(_, _, Release) when Release < 25 -> any;
cause(_, More, _) ->
    {error_info, Info} = lists:keyfind(error_info, 1, More),
    case maps:get(cause, Info, none) of
        default -> none; % since 29
        Cause -> Cause
    end.

order(ordered_set, List) -> List;
order(_, List) when is_list(List) -> % 1 and 1.0 are no equals here
    lists:sort(fun(A, B) -> term_to_binary(A) =< term_to_binary(B) end, List);
order(_, Other) -> Other.

walk(_, _, _, '$end_of_table') -> [];
walk(Node, Name, Next, Key) ->
    [Key | walk(Node, Name, Next, erpc:call(Node, ets, Next, [Name, Key]))].

chunks(_, _, _, '$end_of_table') -> [];
chunks(Node, F, Limit, {Some, Cont}) when length(Some) =< Limit ->
    Some ++ chunks(Node, F, Limit, more(Node, F, Cont)).

%% This VM's own continuations hold a compiled specification that does not survive a copy.
more(_, _, '$end_of_table') -> '$end_of_table';
more(Node, F, Cont) when Node =:= node() -> ets:F(Cont);
more(Node, F, Cont) -> erpc:call(Node, ets, F, [Cont]).

%% ---- operations -------------------------------------------------------------------------------

op(Release) -> op(rand:uniform(40), Release).

op(1, _) -> {lookup, [key()]};
op(2, _) -> {insert_new, [objects()]};
op(3, _) -> {insert_new, [object()]};
op(4, _) -> {delete, [key()]};
op(5, _) -> {delete_object, [object()]};
op(6, _) -> {take, [key()]};
op(7, _) -> {member, [key()]};
op(8, _) -> {lookup_element, [key(), rand:uniform(4) - 1]};
op(9, _) -> {update_counter, [key(), counter()]};
op(10, _) -> {update_counter, [key(), counter(), pick([{n, 0}, {n, 1, 2}, {4, 4, 4, 4}, x])]};
op(11, _) -> {update_element, [key(), elements()]};
op(12, _) -> {match, [pattern()]};
op(13, _) -> {match_object, [pattern()]};
op(14, _) -> {select, [spec()]};
op(15, _) -> {select_count, [spec()]};
op(16, _) -> {select_delete, [[{pattern(), [guard()], [true]}]]};
op(17, _) -> {match_delete, [pattern()]};
op(18, _) -> {chunks, pick([match, match_object]), pattern(), rand:uniform(5)};
op(19, _) -> {chunks, select, spec(), rand:uniform(5)};
op(20, _) -> {walk, first, next};
op(21, _) -> {walk, last, prev};
op(22, _) -> {info, [pick([size, type, keypos, protection, named_table, name, fixed, safe_fixed,
                           heir, compressed, foo])]};
op(23, _) -> {tab2list, []};
op(24, R) when R >= 27 -> {lookup_element, [key(), rand:uniform(3) - 1, none]};
op(25, R) when R >= 27 -> {update_element, [key(), elements(), pick([{n, 0}, {n, 1, 2}, x])]};
op(26, _) -> case rand:uniform(60) of 1 -> {delete_all_objects, []}; _ -> {info, [size]} end;
op(27, _) -> {insert, [pick([x, {}, [object() | x], [object(), x], []])]};
op(28, _) -> {select_reverse, [spec()]};
op(29, _) -> {chunks, select_reverse, spec(), rand:uniform(5)};
op(30, _) -> {select_replace, [[replacing() || _ <- lists:seq(1, rand:uniform(2))]]};
op(31, _) -> {select_replace, [[{{'$1', '$2'}, guards(), pick([[{{'$1', {{'$2', 1}}}}], ['$_'],
                                                               [{{'$1', {'+', '$2', 1}}}]])}]]};
op(N, _) when N rem 2 =:= 0 -> {insert, [object()]};
op(_, _) -> {insert, [objects()]}.

pick(List) -> lists:nth(rand:uniform(length(List)), List).

key() ->
    pick([1, 2, 3, 1.0, 2.5, -7, 300, 1 bsl 40, 1 bsl 70, -(1 bsl 65), a, b, 'a b', [], "ab", [a | b],
          <<>>, <<"k">>, <<1:3>>, {}, {a, 1}, {a, 1.0}, #{}, #{a => 1}, #{1 => a, 1.0 => b}, [1, 2, a],
          [300], {[{x}]}, rand:uniform(20), rand:uniform(20)]).

value() -> pick([0, 1, 5, -3, 2.5, x, y, "text", [1, b], <<"bin">>, {k, 2}, #{k => 1, l => x},
                 1 bsl 62, 1 bsl 64, key()]).

object() ->
    list_to_tuple([key() || _ <- lists:seq(1, pick([1, 2, 2, 2]))] ++
                  [value() || _ <- lists:seq(1, pick([0, 1, 1, 2]))]).

objects() -> [object() || _ <- lists:seq(1, rand:uniform(4))].

counter() -> pick([1, -2, {2, 3}, {3, 1}, {2, 1, 5, 0}, {3, -1, -2, 7}, [{2, 1}, {2, 2}], [], x, {2, x},
                   {1, 1}, {9, 1}, [{2, 1}, {1, 1}], [{2, 1} | x], {2, 1 bsl 62}, {2, 1, x, 0}]).

elements() -> pick([{2, value()}, {3, value()}, {1, x}, {7, x}, [], [{2, a}, {2, b}], [{2, a}, {3, b}],
                    x, {0, x}, [{2, a} | x], {2, a, b}]).

%% ---- patterns and specifications --------------------------------------------------------------

pattern() ->
    case rand:uniform(12) of
        1 -> '_';
        2 -> '$1';
        3 -> x;
        4 -> {'$1', #{k => '$2'}};
        5 -> {'$1', ['$2' | '$3']};
        6 -> {{a, '$1'}, '_'};
        7 -> {'$1', '$1'};
        8 -> {'_', '_', #{l => '_', k => '$9'}};
        _ -> list_to_tuple([part(I) || I <- lists:seq(1, rand:uniform(3))])
    end.

%% Of some bodies it is plain that the key stays, of most it is not.
replacing() ->
    Head = pick([pattern(), {'$1', '$2'}, {'$1', '$2', '_'}, {{a, '$1'}, '_'}, {['$1' | '$2'], '$3'}]),
    {Head, [guard()], pick([['$_'], ['$1'], [], ['$_', '$_'], x, [{const, '$_'}], [{const, {a, b, c}}],
        [{const, {1, 2}}], [{{'$1', x}}], [{{'$1', '$2', z}}], [{{{element, 1, '$_'}, y}}],
        [{{{element, 1, '$_'}, {element, 2, '$_'}}}], [{{{{a, '$1'}}, w}}], [{{['$1' | '$2'], v}}],
        [{{{const, a}, u}}], [{{'$2', '$1'}}], [{{'_', t}}], [{{#{}, s}}], [{{{const, key()}, r}}],
        [{{key(), q}}], [{{}}], [{{'$1', {hd, '$2'}}}]])}.

part(1) -> pick([key(), '$1', '$1', '_']);
part(I) -> pick([value(), '$1', '$2', '$3', '_', list_to_atom("$" ++ integer_to_list(I * 5))]).

spec() ->
    case rand:uniform(15) of
        1 -> pick([x, [], [x], [{'_', [], []}], [{'_', [], ['$1']}], [{'$1', [{foo, 1}], ['$1']}],
                   [{'_', [], [{}]}], [{'_', x, [1]}], [{'_', [], x}], [{'_', [], [{'and', true}]}],
                   [{'_', ['$7'], [1]}], [{#{'_' => 1}, [], [1]}], [{'_', [] , [{a}]}]]);
        2 -> [{pattern(), [], ['$_']}, {pattern(), [guard()], [second]}];
        _ -> [{pick([{'$1', '$2'}, {'$1', '$2'}, {'$1', '$2', '_'}]), guards(), bodies()}]
    end.

guards() -> [guard() || _ <- lists:seq(1, rand:uniform(3) - 1)].

guard() ->
    pick([true, false, {is_integer, '$_'}, {is_tuple, '$_'}, {'>', {size, '$_'}, 1},
          {'orelse', {is_atom, {element, 1, '$_'}}, {is_number, {element, 1, '$_'}}},
          {'andalso', {is_number, {element, 1, '$_'}}, {'>', {element, 1, '$_'}, 2}},
          {'not', {is_list, {element, 1, '$_'}}}, {'=:=', {element, 1, '$_'}, 1},
          {'==', {element, 1, '$_'}, 1}, {'=/=', {element, 1, '$_'}, {const, a}},
          {'xor', true, {is_map, {element, 1, '$_'}}}, {'<', {hd, '$_'}, 1}, {is_record, '$_', a, 2},
          {is_binary, {element, 1, '$_'}}, {'and', {is_float, {element, 1, '$_'}}, true},
          {'or', false, {is_function, '$_'}, {is_pid, '$_'}}, foo, {element, 2, '$_'}]).

bodies() -> pick([[body()], [body()], [1, body()]]).

body() ->
    pick(['$_', '$$', '$1', {{'$2', '$1'}}, ['$1' | '$2'], ['$1', x, '$2'], #{k => '$1'}, {const, '$1'},
          {'+', '$1', 1}, {'*', '$1', 2}, {'-', '$2'}, {'div', '$1', 2}, {'rem', '$1', 3}, {'/', '$1', 2},
          {'band', '$1', 7}, {'bsl', '$1', 3}, {'bsr', '$1', 2}, {'bxor', '$1', 5}, {'bnot', '$1'},
          {abs, '$1'}, {round, '$2'}, {trunc, '$2'}, {length, '$2'}, {tl, '$2'}, {byte_size, '$2'},
          {bit_size, '$1'}, {size, '$2'}, {map_get, k, '$2'}, {is_map_key, k, '$2'}, {map_size, '$2'},
          {element, 1, '$2'}, {{{{'$1'}}, []}}, {is_atom, '$1'}, {'==', '$1', '$2'}, {'>', '$1', '$2'},
          {float, '$1'}, "text", <<"b">>, 1.5 | newer()]).

%% What 25 does not take.
newer() ->
    case get(release) of
        R when R >= 27 -> [{floor, '$2'}, {ceil, '$2'}, {tuple_size, '$1'}, {min, '$1', '$2'},
                           {max, '$1', '$2'}, {is_boolean, '$1'}, {is_bitstring, '$1'}];
        _ -> []
    end.

%% ---- rights and owners ------------------------------------------------------------------------

remote_rights_are_those_of_another_process_test(#{node := Node, release := R}) ->
    ok = call(Node, {new, <<"pro">>, set, protected, 1}),
    ok = call(Node, {new, <<"pri">>, set, private, 1}),
    {ok, []} = run(Node, lookup, [pro, 1], R),
    {error, badarg, Access} = run(Node, insert, [pro, {1}], R),
    {error, badarg, Access} = run(Node, lookup, [pri, 1], R),
    true = lists:member(Access, [access, any]),
    {error, badarg, Id} = run(Node, lookup, [nowhere, 1], R),
    true = lists:member(Id, [id, any]),
    undefined = erpc:call(Node, ets, info, [nowhere]),
    undefined = erpc:call(Node, ets, whereis, [nowhere]),
    Tid = erpc:call(Node, ets, whereis, [pro]),
    0 = erpc:call(Node, ets, info, [Tid, size]),
    Info = erpc:call(Node, ets, info, [pro]),
    Node = proplists:get_value(node, Info),
    Owner = proplists:get_value(owner, Info),
    Owner = rpc:call(Node, erlang, whereis, [tables]),
    true = lists:all(fun(T) -> lists:member(T, erpc:call(Node, ets, all, [])) end, [pro, pri]),
    {badrpc, {'EXIT', {badarg, _}}} = rpc:call(Node, ets, lookup, [nowhere, 1]),
    ok = call(Node, {drop, <<"pro">>}),
    ok = call(Node, {drop, <<"pri">>}).

table_goes_to_its_heir_test(#{node := Node, release := R}) ->
    Heir = rpc:call(Node, erlang, whereis, [tables_heir]),
    ok = call(Node, {new, <<"willed">>, bag, public, 1}),
    ok = call(Node, {new, <<"mortal">>, set, public, 1}),
    true = erpc:call(Node, ets, insert, [willed, [{1, a}, {1, b}]]),
    ok = call(Node, {heir, <<"willed">>, Heir}),
    {'EXIT', _} = (catch call(Node, die)),
    {error, badarg, _} = run(Node, lookup, [mortal, 1], R),
    {ok, [{1, a}, {1, b}]} = run(Node, lookup, [willed, 1], R),
    Heir = erpc:call(Node, ets, info, [willed, owner]),
    none = erpc:call(Node, ets, info, [willed, heir]),
    ok = gen_server:call({tables_heir, Node}, {drop, <<"willed">>}),
    fixture:eventually(fun() -> is_pid(rpc:call(Node, erlang, whereis, [tables])) end).

%% Any small integer above 0, and nothing else, is a limit.
limits_are_those_of_ets_test(#{node := Node, release := Release}) ->
    ok = call(Node, {new, <<"limited">>, set, public, 1}),
    limited = ets:new(limited, [public, named_table]),
    _ = [true = erpc:call(N, ets, insert, [limited, [{I, x} || I <- lists:seq(1, 9)]]) || N <- [node(), Node]],
    Limits = [9, 10, 1 bsl 31, 1 bsl 32, 1 bsl 40, (1 bsl 59) - 1, 1 bsl 59, 1 bsl 64, 0, -1, 9.0, x],
    _ = [same(Node, limited, set, Release, {chunks, F, Spec, L})
         || {F, Spec} <- [{select, [{'_', [], ['$_']}]}, {select_reverse, [{'_', [], ['$_']}]},
                          {match, {'$1', x}}, {match_object, {'_', x}}], L <- Limits],
    ets:delete(limited),
    ok = call(Node, {drop, <<"limited">>}).

%% While all rows of a large table are looked at and deleted, other servers answer, and other writers
%% of that table get their turns: judged by the order of answers alone.
long_delete_holds_nobody_up_test(#{node := Node}) ->
    ok = call(Node, {new, <<"large">>, set, public, 1}),
    _ = [true = erpc:call(Node, ets, insert, [large, [{N, old} || N <- lists:seq(I, I + 49999)]])
         || I <- lists:seq(1, 1000000, 50000)],
    1000000 = erpc:call(Node, ets, info, [large, size]),
    Self = self(),
    {_, Monitor} = spawn_monitor(fun() ->
        Spec = [{{'$1', old}, [{'>', '$1', 0}, {is_integer, '$1'}], [true]}],
        Self ! {deleted, erpc:call(Node, ets, select_delete, [large, Spec])}
    end),
    Answered = meanwhile(Node, 0),
    receive {'DOWN', Monitor, process, _, normal} -> ok end,
    Answered > 10 orelse exit({answered, Answered}),
    Answered = erpc:call(Node, ets, info, [large, size]),
    ok = call(Node, {drop, <<"large">>}).

meanwhile(Node, N) ->
    receive {deleted, 1000000} -> N
    after 0 ->
        {error, _} = gen_server:call({tables_heir, Node}, {drop, <<"nowhere">>}),
        true = erpc:call(Node, ets, insert, [large, {{new, N}, x}]),
        meanwhile(Node, N + 1)
    end.

table_of_an_rpc_ends_with_it_test(#{node := Node}) ->
    fleeting = rpc:call(Node, ets, new, [fleeting, [named_table, public]]),
    fixture:eventually(fun() -> undefined =:= rpc:call(Node, ets, info, [fleeting]) end).

persistent_terms_are_read_test(#{node := Node}) ->
    ok = call(Node, {put, {conf, 1}, #{a => 1}}),
    #{a := 1} = rpc:call(Node, persistent_term, get, [{conf, 1}]),
    none = rpc:call(Node, persistent_term, get, [{conf, 2}, none]),
    {badrpc, {'EXIT', {badarg, _}}} = rpc:call(Node, persistent_term, get, [{conf, 2}]),
    #{count := N, memory := M} = rpc:call(Node, persistent_term, info, []),
    true = N >= 1 andalso M > 0,
    true = lists:member({{conf, 1}, #{a => 1}}, rpc:call(Node, persistent_term, get, [])),
    ok = call(Node, {erase, {conf, 1}}),
    none = rpc:call(Node, persistent_term, get, [{conf, 1}, none]).

call(Node, Request) -> gen_server:call({tables, Node}, Request).

%% ---- examples/shelf.c, examples/ledger.c ------------------------------------------------------

shelf_is_read_without_its_owner_test(#{build := Build} = Config) ->
    #{node := Node} = fixture:c_node(Config, ["--load", Build ++ "/examples/shelf.so"]),
    true = gen_server:call({shelf, Node}, {put, apples, 10}),
    [{apples, 10}] = erpc:call(Node, ets, lookup, [shelf, apples]),
    {ok, 7} = gen_server:call({shelf, Node}, {take, apples, 3}),
    {error, {left, 7}} = gen_server:call({shelf, Node}, {take, apples, 8}),
    [{apples, 7}] = erpc:call(Node, ets, lookup, [shelf, apples]),
    {error, badarg, _} = run(Node, insert, [shelf, {apples, 0}], 27).

ledger_is_there_after_kill_9_test(#{build := Build, work := Work} = Config) ->
    true = os:putenv("FLITCH_LEDGER", filename:join(Work, "ledger.fl")),
    Start = fun() -> fixture:c_node(Config, ["--load", Build ++ "/examples/ledger.so"]) end,
    #{node := Node} = First = Start(),
    [ok = gen_server:call({ledger, Node}, {add, alice, {N, coins}}) || N <- lists:seq(1, 50)],
    fixture:signal(First, "-KILL"),
    _ = fixture:ended(First),
    #{node := Again} = Start(),
    Entries = [{alice, {N, coins}} || N <- lists:seq(1, 50)],
    Entries = gen_server:call({ledger, Again}, {read, alice}),
    [] = gen_server:call({ledger, Again}, {read, bob}).
