%% SPDX-License-Identifier: Apache-2.0
%% Random encoded terms, each asked about twice: once of this VM, once of termtool.
%%
%%   main([Tool, Seed, Count])      strings; prints "ok - name", "FAIL - name: why" and a total
%%
%% The generator writes the external format itself, so that encodings appear that no VM sends: padded
%% integers, lists in pieces, old tags, maps in any order. OTP 27 decides about order and text; what an
%% older or newer release sees differently is left out there (can_print/1, can_compare/1).
-module(oracle).
-export([main/1]).

main(Args) ->
    try run(Args)
    catch Class:Why:Stack ->
        io:format("FAIL - oracle: ~p~n0 passed, 1 failed~n", [{Class, Why, Stack}]),
        halt(1)
    end.

run([Tool, Seed0, Count0]) ->
    Seed = list_to_integer(Seed0),
    Count = list_to_integer(Count0),
    Release = list_to_integer(erlang:system_info(otp_release)),
    io:setopts([{encoding, unicode}]),
    rand:seed(exsss, Seed),
    Port = open_port({spawn_executable, Tool}, [{packet, 4}, binary, exit_status]),
    put(port, Port),
    put(release, Release),
    io:format("seed ~b, ~b terms, OTP ~b, printable range ~p~n",
              [Seed, Count, Release, io:printable_range()]),
    fixed(),
    terms(Count, <<106>>),
    Names = lists:usort([N || {{_, N}, _} <- get(), is_atom(N)]),
    Totals = [report(N) || N <- Names],
    Passed = lists:sum([P || {P, _} <- Totals]),
    Failed = lists:sum([F || {_, F} <- Totals]),
    io:format("~b passed, ~b failed~n", [Passed, Failed]),
    halt(min(Failed, 1)).

report(Name) ->
    Passed = count(passed, Name),
    Failed = count(failed, Name),
    case Failed of
        0 -> io:format("ok - ~s (~b checks)~n", [Name, Passed]);
        _ -> io:format("FAIL - ~s: ~b of ~b checks; the first:~n~ts~n",
                       [Name, Failed, Passed + Failed, get({why, Name})])
    end,
    {Passed, Failed}.

count(What, Name) ->
    case get({What, Name}) of undefined -> 0; N -> N end.

add(What, Name) ->
    put({What, Name}, count(What, Name) + 1).

check(Name, Expected, Got, Bin) ->
    case Expected =:= Got of
        true -> add(passed, Name);
        false ->
            add(failed, Name),
            case get({why, Name}) of
                undefined ->
                    put({why, Name},
                        io_lib:format("  bytes    ~0p~n  expected ~ts~n  got      ~ts",
                                      [Bin, short(Expected), short(Got)]));
                _ -> ok
            end
    end.

short(T) -> io_lib:format("~0tp", [T], [{chars_limit, 2000}]).

%% ---- the tool -----------------------------------------------------------------------------------

ask(Op, A) -> ask(Op, A, <<>>).

ask(Op, A0, B0) ->
    A = iolist_to_binary(A0),
    B = iolist_to_binary(B0),
    Port = get(port),
    port_command(Port, [Op, <<(byte_size(A)):32>>, A, B]),
    receive
        {Port, {data, <<0, Rest/binary>>}} -> Rest;
        {Port, {data, <<1, Why/binary>>}} -> {error, Why};
        {Port, {exit_status, Status}} ->
            io:format("FAIL - termtool ended with status ~b at ~c ~0p ~0p~n0 passed, 1 failed~n",
                      [Status, Op, A, B]),
            halt(1)
    end.

term({error, Why}) -> {error, Why};
term(Bin) ->
    try binary_to_term(<<131, Bin/binary>>) catch error:badarg -> {not_a_term, Bin} end.

%% ---- one term, all questions ----------------------------------------------------------------------

terms(0, _) -> ok;
terms(N, Before) ->
    Bin = iolist_to_binary(gen(rand:uniform(12))),
    try binary_to_term(<<131, Bin/binary>>) of
        T ->
            one(T, Bin),
            pair(Bin, Before),
            pair(Bin, iolist_to_binary(gen(3))),
            mutant(Bin, mutate(Bin), traits(T, #{})),
            pair(Bin, tl_version(term_to_binary(T))),
            terms(N - 1, Bin)
    catch
        error:badarg -> % this release does not know that encoding
            terms(N, Before)
    end.

tl_version(<<131, Bin/binary>>) -> Bin.

one(T, Bin) ->
    check(round_trip, T, term(ask($r, Bin)), Bin),
    check(accessors, T, term(ask($a, Bin)), Bin),
    check(match, expect(T), term(ask($m, Bin)), Bin),
    Traits = traits(T, #{}),
    print(T, Bin, Traits),
    read(T, Bin, Traits),
    Own = tl_version(term_to_binary(T)),
    hash(T, Bin, Own, Traits),
    check(erl_interface, <<>>, ask($i, Own), Own).

%% What another encoding of the same term hashes to, too. 29 takes closures of code that it does not have
%% for others that it has seen.
hash(T, Bin, Own, Traits) ->
    case is_map_key(closure, Traits) andalso get(release) >= 28 of
        true -> ok;
        false ->
            Hash = <<(erlang:phash2(T, 1 bsl 32)):32>>,
            check(phash2, Hash, ask($h, Bin), Bin),
            check(phash2, Hash, ask($h, Own), Own),
            check(table_hash, <<1>>, ask($s, Bin, Own), Bin)
    end.

print(T, Bin, Traits) ->
    case can_print(Traits) of
        true ->
            Text = unicode:characters_to_binary(format(T)),
            check(print, Text, ask($p, Bin), Bin),
            check(print_cut, cut(Text), ask($w, Bin), Bin);
        false -> ok
    end.

%% Maps of up to 32 keys are in term order in 25 without the modifier.
format(T) ->
    case get(release) >= 26 of
        true -> io_lib:format("~0ktp", [T]);
        false -> io_lib:format("~0tp", [T])
    end.

can_print(Traits) ->
    not is_map_key(identifier, Traits) andalso not is_map_key(wide_fun, Traits) andalso
        (get(release) >= 26 orelse not is_map_key(large_map, Traits)) andalso
        (get(release) >= 25 orelse not is_map_key(float, Traits)).

%% What fits 23 bytes, or its beginning and dots, at the end of a character.
cut(Text) when byte_size(Text) =< 23 -> Text;
cut(Text) -> <<(whole_chars(Text, 20))/binary, "...">>.

whole_chars(Text, Size) ->
    <<_:Size/binary, Next, _/binary>> = Text,
    case Next band 16#c0 of
        16#80 -> whole_chars(Text, Size - 1);
        _ -> binary:part(Text, 0, Size)
    end.

read(T, Bin, Traits) ->
    case is_map_key(closure, Traits) of
        true -> ok;
        false -> check(print_and_read, T, term(ask($t, ask($q, Bin))), Bin)
    end,
    case can_print(Traits) andalso not is_map_key(closure, Traits) of
        true ->
            check(read, T, term(ask($t, text("~tp", T))), Bin),
            check(read, T, term(ask($t, text("~tw", T))), Bin);
        false -> ok
    end.

text(Format, T) -> unicode:characters_to_binary(io_lib:format(Format, [T])).

%% A VM takes some bytes that no VM sends (internal tags, floats with a comma), and subtracts numbers of
%% closures without regard for overflow.
mutant(Bin, Mutant, Traits) ->
    case is_map_key(closure, Traits) orelse element(1, ask_mutant(Mutant)) =:= error of
        true -> ok;
        false -> pair(Bin, Mutant)
    end.

ask_mutant(Bin) ->
    case ask($r, Bin) of {error, Why} -> {error, Why}; Same -> {ok, Same} end.

pair(BinA, BinB) ->
    try {binary_to_term(<<131, BinA/binary>>), binary_to_term(<<131, BinB/binary>>, [used])} of
        {A, {B, Used}} when Used =:= byte_size(BinB) + 1 ->
            case can_compare(traits(B, traits(A, #{}))) andalso
                not (get(release) >= 26 andalso (map_in_key(A) orelse map_in_key(B))) of
                true ->
                    check(compare, order(A, B), ask($c, BinA, BinB), {BinA, BinB}),
                    check(compare, order(B, A), ask($c, BinB, BinA), {BinB, BinA}),
                    check(equal, A =:= B, ask($e, BinA, BinB) =:= <<1>>, {BinA, BinB}),
                    check(equal, true, ask($e, BinA, BinA) =:= <<1>>, BinA);
                false -> ok
            end;
        _ -> ok
    catch
        error:badarg -> ok
    end.

order(A, B) when A < B -> <<0>>;
order(A, B) when A > B -> <<2>>;
order(_, _) -> <<1>>.

%% Before 27, 0.0 =:= -0.0; closures that no code was loaded for are told apart otherwise elsewhere.
can_compare(Traits) ->
    get(release) =:= 27 orelse
        not (is_map_key(zero, Traits) orelse is_map_key(closure, Traits)).

%% Since 26 a map that is (in) a key of a map is compared in the order in which its own atom keys came
%% to exist on that VM, which no other node can know.
map_in_key(T) when is_map(T) ->
    lists:any(fun({K, V}) -> has_map(K) orelse map_in_key(V) end, maps:to_list(T));
map_in_key(T) -> any_part(fun map_in_key/1, T).

has_map(T) when is_map(T) -> true;
has_map(T) -> any_part(fun has_map/1, T).

any_part(Is, T) when is_tuple(T) -> lists:any(Is, tuple_to_list(T));
any_part(Is, [H | T]) -> Is(H) orelse any_part(Is, T);
any_part(_, _) -> false.

%% ---- texts and terms that chance would not find ---------------------------------------------------

fixed() ->
    [check(notation, parse(Text), term(ask($t, Text)), Text) || Text <- texts()],
    [check(refused, error, element(1, ask_refused(Text)), Text) || Text <- no_texts()],
    [one(T, tl_version(term_to_binary(T))) || T <- special()],
    Words = [after_, 'after', 'begin', 'case', 'try', 'cond', 'catch', 'andalso', 'orelse', 'end', 'fun',
             'if', 'let', 'of', 'receive', 'when', 'bnot', 'not', 'div', 'rem', 'band', 'and', 'bor',
             'bxor', 'bsl', 'bsr', 'or', 'xor', spec, record, module],
    [one(W, tl_version(term_to_binary(W))) || W <- Words],
    [one(W, tl_version(term_to_binary(W))) || W <- ['maybe', 'else'], get(release) >= 27],
    pids(),
    sizes(),
    [records() || get(release) >= 29],
    ok.

ask_refused(Text) ->
    case ask($t, Text) of {error, Why} -> {error, Why}; Other -> {term(Other), Text} end.

parse(Text) ->
    {ok, Tokens, _} = erl_scan:string(unicode:characters_to_list(<<Text/binary, " .">>)),
    {ok, [Form]} = erl_parse:parse_exprs(Tokens),
    {value, T, _} = erl_eval:expr(Form, []),
    T.

texts() ->
    [<<"{a,b}">>, <<" [ ] ">>, <<"[a|b]">>, <<"[1,2|[3]]">>, <<"-1">>, <<"+1">>, <<"16#ff">>,
     <<"2#1010">>, <<"36#Zz">>, <<"1_000_000">>, <<"16#dead_beef">>, <<"$a">>, <<"$\\n">>, <<"$\\s">>,
     <<"$ ">>, <<"-$a">>, <<"$\\x{1F600}">>, <<"$\\^A">>, <<"$\\123">>, <<"$\\7">>, <<"$\\d">>,
     <<"1.5">>, <<"1.5e3">>, <<"1.5E-3">>, <<"-0.5e+3">>, <<"1_0.2_5">>, <<"0.0">>, <<"\"\"">>,
     <<"\"abc\" \"def\"">>, <<"\"a\\\"b\\\\\"">>, <<"\"\\x41\\x{263a}\\101\"">>,
     <<"'a\\'b'">>, <<"'\\x{263a}'">>, <<"''">>, <<"'Hello World'">>, <<"été"/utf8>>, <<"aB@_9">>,
     <<"<<>>">>, <<"<<1,2,3>>">>, <<"<<\"abc\">>">>, <<"<<\"å\"/utf8>>"/utf8>>, <<"<<\"å\">>"/utf8>>,
     <<"<<1:4>>">>, <<"<<1:1,0:1,3:2>>">>, <<"<<300>>">>, <<"<<-1:12>>">>, <<"<<16#1234:16>>">>,
     <<"<<1:3,\"ab\",2>>">>, <<"<< 1 , 2 >>">>, <<"<<1:0>>">>, <<"<<$a,$b>>">>,
     <<"<<123456789012345678901234567890:100>>">>, <<"<<-123456789012345678901234567890:70>>">>,
     <<"<<5/integer>>">>, <<"<<5:16/integer>>">>, <<"<<\"a\" \"b\">>">>,
     <<"#{}">>, <<"#{a => 1, \"b\" => #{c=>d}}">>, <<"#{1 => a, 1.0 => b}">>, <<"{}">>, <<"{{}}">>,
     <<"fun lists:map/2">>, <<"fun 'A b':'c d'/0">>, <<"[% comment\n1, % more\n2]">>,
     <<"123456789012345678901234567890">>, <<"-9223372036854775808">>, <<"-9223372036854775809">>,
     <<"18446744073709551615">>, <<"18446744073709551616">>, <<"{a,\n\t{b}}">>,
     <<"[\"ab\",<<\"cd\">>|x]">>, <<"1.7976931348623157e308">>, <<"4.9e-324">>, <<"1.0e-400">>].

no_texts() ->
    [<<>>, <<"   ">>, <<"A">>, <<"_">>, <<"{a">>, <<"{a,}">>, <<"{,a}">>, <<"[a,]">>, <<"[|a]">>, <<"[a|]">>,
     <<"[a|b,c]">>, <<"[a|b|c]">>, <<"a b">>, <<"{a}}">>, <<"1_">>, <<"1__0">>, <<"_1">>, <<"37#1">>,
     <<"1#0">>, <<"16#">>, <<"16#fg">>, <<"2#12">>, <<"1.e5">>, <<"1e5">>, <<"1.5e">>, <<"1.0e400">>,
     <<"$">>, <<"\"abc">>, <<"'abc">>, <<"\"\\x{110000}\"">>, <<"\"\\x{d800}\"">>, <<"\"\\x4\"">>,
     <<"<<1">>, <<"<<a>>">>, <<"<<1:>>">>, <<"<<\"ā\">>"/utf8>>, <<"<1.2.3>">>, <<"<a@b.1>">>, <<"<a@b.1.2">>,
     <<"<a@b.1.99999999999>">>, <<"#{a}">>, <<"#{a=>}">>, <<"#{a=>1,}">>, <<"#{a=>1 b=>2}">>, <<"#{a:=1}">>,
     <<"#{a=>1,a=>2}">>, <<"#a{}">>, <<"#Fun<a.1.2>">>, <<"#Ref<0.1.2.3>">>, <<"#Port<0.5>">>, <<"fun">>,
     <<"fun a:b">>, <<"fun a:b/256">>, <<"fun() -> ok end">>, <<"1+1">>, <<"f(x)">>, <<"{a;b}">>, <<233>>,
     <<"~">>, <<"\\">>, <<"--1">>, <<"- ">>, <<16#ff, 16#fe>>, <<"[1 2]">>, <<"{a\0}">>].

special() ->
    [[], {}, #{}, <<>>, "", [[]], [$a | b], [[$a], $b], "a\tb\e", [0], [127], [159], [160], [16#d7ff],
     [16#d800], [16#fffe], [16#ffff], [16#10000], [16#10ffff], [16#110000], [-1], [1 bsl 70],
     [$a, 1.0], ["ab", $c | "de"], <<127>>, <<159>>, <<160>>, <<"é"/utf8>>, <<128/utf8>>, <<16#ffff/utf8>>,
     <<"abc", 0>>, <<"é"/utf8, 0>>, <<"é">>, <<"é", 1>>, <<1:1>>, <<"ab", 1:7>>,
     0.1, 1.0, 100.0, 1000.0, 10000.0, 123456.0, 1234567.0, 0.01, 0.001, 0.0001, 0.00001, 0.00012,
     1.0e15, 1.0e16, 1.0e21, 1.0e22, 1.0e23, 5.0e-324, 1.7976931348623157e308, 2.2250738585072014e-308,
     9007199254740991.0, 9007199254740992.0, 9007199254740993.0, 4503599627370495.5, 1 / 3, -1.5,
     math:pow(2, -44), math:pow(2, -24), math:pow(2, 70), 0.1 + 0.2, 123456789.125,
     1 bsl 64, -(1 bsl 64), (1 bsl 64) - 1, 1 bsl 63, -(1 bsl 63), -(1 bsl 63) - 1, 1 bsl 4000,
     #{1 => a, 1.0 => b, a => c, "s" => d, <<"b">> => e, {} => f, [] => g, #{} => h, {1} => i},
     #{#{a => 1} => 1, #{b => 0} => 2, #{a => 1, b => 2} => 3, #{a => #{c => d}} => 4},
     maps:from_list([{I, I * I} || I <- lists:seq(1, 100)]),
     maps:from_list([{{I rem 7, float(I)}, #{I => x, -I => y}} || I <- lists:seq(1, 50)]),
     fun lists:map/2, fun 'A':'b c'/0, {ok, fun erlang:'+'/2}, list_to_tuple(lists:seq(1, 300)),
     lists:seq(1, 70000), lists:duplicate(70000, $a), binary:copy(<<"ab">>, 40000),
     [a | {b, [c | d]}], '\d\e', 'a\x{80}b', 'ÿ', '÷', 'ß', 'À', '_', '@', a@, aÀ].

%% Native records, which 29 brought: they stand between tuples and maps.
records() ->
    Bins = [record(M, N, Fs) || M <- ["m", "N b"], N <- ["r", "q"],
                                Fs <- [[], [{"a", integer(1)}], [{"a", <<70, 1.0/float>>}],
                                       [{"b", integer(1)}, {"a", tl_version(term_to_binary(#{1 => "x"}))}],
                                       [{"a b", <<106>>}, {"c", tuple([])}]]],
    Others = [term_to_binary(T) || T <- [1, a, fun lists:map/2, {}, {1, 2, 3, 4}, #{}, [], [1], <<>>]],
    [begin
         check(record_print, unicode:characters_to_binary(format(term(A))), ask($p, A), A),
         check(record_round_trip, term(A), term(ask($r, A)), A),
         [pair(A, B) || B <- Bins ++ [tl_version(O) || O <- Others]]
     end || A <- Bins].

record(M, N, Fs) ->
    iolist_to_binary([67, <<(length(Fs)):32>>, 1, atom(M), atom(N), [atom(F) || {F, _} <- Fs],
                      [V || {_, V} <- Fs]]).

%% An identifier's text is its node and numbers; creations are written only when asked for.
pids() ->
    Atom = fun(N) -> <<119, (byte_size(N)), N/binary>> end,
    N1 = <<"c1@127.0.0.1">>,
    Cases = [{<<88, (Atom(N1))/binary, 5:32, 6:32, 7:32>>, <<"<c1@127.0.0.1.5.6>">>},
             {<<103, (Atom(N1))/binary, 5:32, 6:32, 3>>, <<"<c1@127.0.0.1.5.6>">>},
             {<<90, 3:16, (Atom(N1))/binary, 7:32, 1:32, 2:32, 3:32>>, <<"#Ref<c1@127.0.0.1.3.2.1>">>},
             {<<90, 1:16, (Atom(N1))/binary, 7:32, 1:32>>, <<"#Ref<c1@127.0.0.1.1:1>">>},
             {<<90, 5:16, (Atom(N1))/binary, 7:32, 1:32, 2:32, 3:32, 4:32, 5:32>>,
              <<"#Ref<c1@127.0.0.1.5.4.3.2.1:5>">>},
             {<<120, (Atom(N1))/binary, 16#123456789:64, 7:32>>, <<"#Port<c1@127.0.0.1.4886718345>">>},
             {<<88, (Atom(<<"a b@c">>))/binary, 5:32, 6:32, 7:32>>, <<"<'a b@c'.5.6>">>}],
    [begin
         check(identifiers, Text, ask($p, Bin), Bin),
         check(identifiers, term(Bin), term(ask($t, ask($q, Bin))), Bin)
     end || {Bin, Text} <- Cases].

%% Sizes at which an encoding changes.
sizes() ->
    [one(T, tl_version(term_to_binary(T)))
     || N <- [0, 1, 254, 255, 256, 257],
        T <- [erlang:make_tuple(N, x), binary:copy(<<0>>, N), lists:duplicate(N, x), lists:duplicate(N, 1),
              binary:decode_unsigned(binary:copy(<<255>>, N + 1)), list_to_atom(lists:duplicate(min(N, 255), $x)),
              list_to_atom(lists:duplicate(min(N, 255), 16#263a))]].

%% ---- what a term has in it ------------------------------------------------------------------------

traits(T, Acc) when is_pid(T); is_reference(T); is_port(T) -> Acc#{identifier => true};
traits(T, Acc) when is_function(T) ->
    {type, Type} = erlang:fun_info(T, type),
    {module, M} = erlang:fun_info(T, module),
    {name, F} = erlang:fun_info(T, name),
    Wide = Type =:= local orelse lists:max([0 | atom_to_list(M) ++ atom_to_list(F)]) > 127,
    Acc1 = case Wide of true -> Acc#{wide_fun => true}; false -> Acc end,
    case Type of
        external -> Acc1;
        local ->
            {env, Env} = erlang:fun_info(T, env),
            lists:foldl(fun traits/2, Acc1#{closure => true}, Env)
    end;
traits([H | T], Acc) -> traits(T, traits(H, Acc));
traits(T, Acc) when is_tuple(T) -> traits(tuple_to_list(T), Acc);
traits(T, Acc) when is_map(T) ->
    Acc1 = case map_size(T) > 32 of true -> Acc#{large_map => true}; false -> Acc end,
    maps:fold(fun(K, V, A) -> traits(V, traits(K, A)) end, Acc1, T);
traits(T, Acc) when is_float(T), T == 0 -> Acc#{zero => true, float => true};
traits(T, Acc) when is_float(T) -> Acc#{float => true};
traits(_, Acc) -> Acc.

%% ---- what fl_match captures -----------------------------------------------------------------------

expect(T) -> integers(T) ++ others(T) ++ parts(T).

integers(T) ->
    Ranges = [{i8, -16#80, 16#7f}, {i16, -16#8000, 16#7fff}, {i32, -16#80000000, 16#7fffffff},
              {i64, -16#8000000000000000, 16#7fffffffffffffff}, {u8, 0, 16#ff},
              {u16, 0, 16#ffff}, {u32, 0, 16#ffffffff}, {u64, 0, 16#ffffffffffffffff}],
    [{Name, T} || {Name, Min, Max} <- Ranges, is_integer(T), T >= Min, T =< Max].

others(T) ->
    [{double, T} || is_float(T)] ++ [{bin, T} || is_binary(T)] ++ [{atom, T} || is_atom(T)] ++
        [{pid, T} || is_pid(T)] ++ [{ref, T} || is_reference(T)] ++
        [{port, T} || is_port(T)] ++ [{term, T}] ++ [{bool, T} || is_boolean(T)].

parts(T) ->
    [{pair, tuple_to_list(T)} || is_tuple(T), tuple_size(T) =:= 2] ++
        [{cons, T} || is_list(T), T =/= []] ++
        [{ok, map_get(ok, T)} || is_map(T), is_map_key(ok, T)] ++ [pinned] ++
        [nil || T =:= []].

%% ---- encoded terms --------------------------------------------------------------------------------

r(N) -> rand:uniform(N) - 1.
bytes(N) -> list_to_binary([r(256) || _ <- lists:seq(1, N)]).
one_of(L) -> lists:nth(rand:uniform(length(L)), L).

gen(Size) when Size =< 1 ->
    case r(13) of
        N when N < 3 -> integer(number());
        N when N < 5 -> float_();
        N when N < 7 -> atom();
        7 -> identifier();
        8 -> bits();
        9 -> nil();
        10 -> string();
        11 -> external();
        12 -> one_of([<<97, 1>>, <<70, 1.0/float>>, <<97, 0>>, <<70, 0.0/float>>, <<70, -0.0/float>>])
    end;
gen(Size) ->
    case r(8) of
        N when N < 2 -> tuple(split(Size - 1));
        N when N < 4 -> list(split(Size - 1));
        N when N < 6 -> map(split(Size - 1));
        6 -> closure(split(Size - 1));
        7 -> gen(1)
    end.

%% Sizes of parts.
split(Size) when Size =< 0 -> [];
split(Size) ->
    Part = rand:uniform(Size),
    [Part | split(Size - Part)].

number() ->
    case r(7) of
        0 -> r(256);
        1 -> -r(300);
        2 -> r(16#110000);
        3 -> one_of([1, -1]) * ((1 bsl r(70)) + r(3) - 1);
        4 -> one_of([1, -1]) * trunc(math:pow(10, r(30)));
        5 -> one_of([1, -1]) * ((1 bsl r(1100)) + r(3) - 1);
        6 -> one_of([1, -1]) * binary:decode_unsigned(bytes(rand:uniform(40)))
    end.

integer(N) ->
    case r(4) of
        0 when N >= -16#80000000, N =< 16#7fffffff -> <<98, N:32>>;
        1 -> big(N, r(3));
        _ when N >= 0, N < 256 -> <<97, N>>;
        _ when N >= -16#80000000, N =< 16#7fffffff -> <<98, N:32>>;
        _ -> big(N, 0)
    end.

big(N, Padding) ->
    Sign = case N < 0 of true -> 1; false -> 0 end,
    Digits = <<(binary:encode_unsigned(abs(N), little))/binary, 0:(Padding * 8)>>,
    case byte_size(Digits) of
        Size when Size < 256 -> <<110, Size, Sign, Digits/binary>>;
        Size -> <<111, Size:32, Sign, Digits/binary>>
    end.

float_() ->
    F = case r(6) of
            0 -> rand:uniform();
            1 -> one_of([1.0, -1.0]) * math:pow(10, r(40) - 20);
            2 -> r(100000) / one_of([1, 10, 100, 1000, 8]);
            3 -> float(number_of_float());
            4 -> math:pow(2, r(600) - 300);
            5 -> random_float()
        end,
    case r(10) of
        0 -> [99, string:pad(io_lib:format("~.20e", [F]), 31, trailing, 0)];
        _ -> <<70, F/float>>
    end.

number_of_float() ->
    one_of([1, -1]) * ((1 bsl (50 + r(20))) + r(5) - 2).

random_float() ->
    case bytes(8) of
        <<F/float>> -> F;
        _ -> random_float()
    end.

atom() ->
    case r(4) of
        0 -> atom(rand_text(r(6)));
        1 -> one_of([<<115, 1, 233>>, <<100, 0, 2, 97, 98>>, <<115, 2, 223, 65>>]);
        _ -> atom(one_of(["a", "b", "ok", "true", "false", "undefined", "nil", "Elixir.Foo", "a b",
                          "", "end", "fun", "xor", "cond", "let", "a@b", "_a", "A", "aB9_", "1a",
                          "'", "\\", "\n", "é", "été", "Ā", "ā", "a-b", "a.b", "日本"]))
    end.

atom(Text) ->
    Bin = unicode:characters_to_binary(Text),
    case byte_size(Bin) of
        Size when Size < 256 ->
            one_of([<<119, Size, Bin/binary>>, <<118, Size:16, Bin/binary>>]);
        Size -> <<118, Size:16, Bin/binary>>
    end.

rand_text(N) -> [rand_char() || _ <- lists:seq(1, N)].

rand_char() ->
    case r(6) of
        0 -> r(32);
        1 -> 127 + r(40);
        2 -> r(256);
        3 -> one_of([$", $', $\\, 16#d7ff, 16#e000, 16#fffd, 16#fffe, 16#ffff, 16#10000, 16#10ffff]);
        _ -> 32 + r(96)
    end.

node_() -> atom(one_of(["a@b", "b@a", "c1@127.0.0.1", "n@h.x.org", "é@h", "a b@h"])).
creation() -> <<(one_of([1, 2, 3, 16#7fffffff]) + r(2)):32>>.

identifier() ->
    case r(8) of
        0 -> [103, node_(), <<(r(1 bsl 15)):32, (r(8)):32, (1 + r(3))>>];
        N when N < 3 -> [88, node_(), <<(r(4)):32, (r(3)):32>>, creation()];
        3 -> [102, node_(), <<(r(1 bsl 28)):32, (1 + r(3))>>];
        4 -> [120, node_(), <<(one_of([r(9), r(1 bsl 60)])):64>>, creation()];
        5 -> [89, node_(), <<(r(1 bsl 28)):32>>, creation()];
        6 -> [114, 0, 3, node_(), 1 + r(3), words(3)];
        7 ->
            % 25 hashes words that a short reference does not have.
            Count = one_of([3, 3, 3, 4, 5] ++ [N || N <- [1, 2], get(release) >= 27]),
            [90, <<Count:16>>, node_(), creation(), words(Count)]
    end.

words(Count) ->
    [<<(r(1 bsl 18)):32>> | [<<(one_of([0, 1, r(1 bsl 32)])):32>> || _ <- lists:seq(2, Count)]].

bits() ->
    Bytes = case r(5) of
                0 -> bytes(r(6));
                1 -> unicode:characters_to_binary([C || C <- rand_text(r(5)), not is_surrogate(C)]);
                2 -> list_to_binary([r(256) || _ <- lists:seq(1, r(4))]);
                3 -> list_to_binary([one_of([$a, $\n, 160, 233, 255]) || _ <- lists:seq(1, r(40))]);
                4 -> list_to_binary([32 + r(95) || _ <- lists:seq(1, r(30))])
            end,
    Size = byte_size(Bytes),
    case r(4) of
        0 when Size > 0 ->
            Bits = rand:uniform(8),
            <<Start:(Size - 1)/binary, Last>> = Bytes,
            <<77, Size:32, Bits, Start/binary, (Last bsr (8 - Bits) bsl (8 - Bits))>>;
        _ -> <<109, Size:32, Bytes/binary>>
    end.

is_surrogate(C) -> C >= 16#d800 andalso C =< 16#dfff.

nil() -> one_of([<<106>>, <<106>>, <<107, 0:16>>, <<108, 0:32, 106>>]).

string() ->
    case r(3) of
        0 ->
            Bytes = list_to_binary([one_of([r(256), 32 + r(90)]) || _ <- lists:seq(1, r(6))]),
            <<107, (byte_size(Bytes)):16, Bytes/binary>>;
        1 ->
            Text = rand_text(r(8)),
            [108, <<(length(Text)):32>>, [integer(C) || C <- Text], 106];
        2 ->
            A = [32 + r(95) || _ <- lists:seq(0, r(4))],
            B = [32 + r(95) || _ <- lists:seq(0, r(4))],
            [108, <<(length(A)):32>>, [integer(C) || C <- A], <<107, (length(B)):16>>, B]
    end.

external() ->
    [113, atom(one_of(["lists", "m", "A b", "a@b", "if", "é"])),
     atom(one_of(["map", "f", "-f-", "", "a@b", "ö"])), 97, r(5)].

tuple(Sizes) ->
    Parts = [gen(S) || S <- Sizes],
    Count = length(Parts),
    case r(8) of
        0 -> [105, <<Count:32>>, Parts];
        _ -> [104, Count, Parts]
    end.

list(Sizes) ->
    Parts = [gen(S) || S <- Sizes],
    pieces(Parts, r(4)).

pieces(Parts, Cut) when Cut =:= 0; length(Parts) < 2 ->
    [108, <<(length(Parts)):32>>, Parts, one_of([nil(), nil(), nil(), atom(), integer(1), string()])];
pieces(Parts, Cut) ->
    {A, B} = lists:split(1 + r(length(Parts) - 1), Parts),
    [108, <<(length(A)):32>>, A, pieces(B, Cut - 1)].

map(Sizes) ->
    Extra = case r(60) of 0 -> lists:duplicate(40, 1); _ -> [] end,
    Keys = unique([iolist_to_binary(gen(one_of([1, 1, S div 2]))) || S <- Sizes ++ Extra], []),
    [116, <<(length(Keys)):32>>, [[K, gen(one_of([1, 2, 3]))] || K <- Keys]].

unique([], Seen) -> [Bin || {_, Bin} <- Seen];
unique([Bin | Rest], Seen) ->
    case term(Bin) of
        {not_a_term, _} -> unique(Rest, Seen);
        T ->
            case [x || {S, _} <- Seen, S =:= T] of
                [] -> unique(Rest, [{T, Bin} | Seen]);
                _ -> unique(Rest, Seen)
            end
    end.

closure(Sizes) ->
    Free = [gen(S) || S <- Sizes],
    Body = iolist_to_binary([r(3), <<(r(3)):128, (r(3)):32, (length(Free)):32>>,
                             atom(one_of(["m", "n", "M b"])), integer(r(3)), integer(r(5) - 2),
                             88, atom("a@b"), <<1:32, 0:32, 3:32>>, Free]),
    [112, <<(byte_size(Body) + 4):32>>, Body].

%% One byte changed, where the result is still a term.
mutate(Bin) ->
    At = r(byte_size(Bin)),
    <<Before:At/binary, Byte, After/binary>> = Bin,
    <<Before/binary, (Byte bxor (1 bsl r(8))), After/binary>>.
