%% SPDX-License-Identifier: Apache-2.0
%% Every kind of term goes to a C server and comes back as it was; what C builds arrives as meant.
-module(t_term).
-compile([export_all, nowarn_export_all]).
-import(fixture, [probe/1, do/2, down/1]).

same(Node, Term) ->
    Term = gen_server:call({counter, Node}, {echo, Term}),
    case gen_server:call({echo, Node}, {x, Term, Term}) of
        {x, Term, Term} -> ok;
        Other -> exit({not_the_same, Term, Other})
    end.

all_same(Node, Terms) -> [same(Node, Term) || Term <- Terms].

integers_test(#{node := Node}) ->
    Bits = [0, 1, 7, 8, 15, 16, 27, 28, 31, 32, 59, 60, 62, 63, 64, 65, 127, 128, 2039, 2040, 2048,
            20000],
    Edges = [(1 bsl B) + D || B <- Bits, D <- [-1, 0, 1]],
    all_same(Node, Edges ++ [-E || E <- Edges]).

floats_test(#{node := Node}) ->
    Terms = [0.0, 1.0, -1.0, 1.5e300, -2.2250738585072014e-308, 4.9e-324, 1.7976931348623157e308,
             math:pi()],
    all_same(Node, Terms),
    %% == takes -0.0 for 0.0
    <<Negative:64/float>> = <<128, 0:56>>,
    <<128, 0:56>> = <<(gen_server:call({echo, Node}, Negative)):64/float>>.

atoms_test(#{node := Node}) ->
    Wide = [16#e4, 16#20ac, 16#1f600],
    Texts = ["", "a", "with space", "nil", "true", "Elixir.A.B"] ++
        [lists:duplicate(N, C) || N <- [1, 63, 64, 65, 254, 255], C <- [$x | Wide]],
    all_same(Node, [list_to_atom(Text) || Text <- Texts]).

more_atoms_than_a_cache_holds_test(#{node := Node}) ->
    Atoms = [list_to_atom("an_atom_" ++ integer_to_list(N)) || N <- lists:seq(1, 5000)],
    same(Node, Atoms),
    [same(Node, Atom) || Atom <- lists:sublist(Atoms, 3000)],
    same(Node, lists:reverse(Atoms)).

strings_and_lists_test(#{node := Node}) ->
    all_same(Node,
        ["", "a", "text", lists:duplicate(65535, $x), lists:duplicate(65536, $x), [0, 255],
         [0, 256], [-1], [16#20ac], [a | b], [1, 2 | 3], [[] | []], [[], [[]], [[[]]]],
         "text" ++ improper, lists:seq(1, 100000), [{K, K} || K <- lists:seq(1, 1000)]]).

tuples_test(#{node := Node}) ->
    all_same(Node, [{}, {{}}, {a}] ++ [list_to_tuple(lists:seq(1, N)) || N <- [2, 255, 256, 70000]]).

maps_test(#{node := Node}) ->
    Map = fun(N) -> maps:from_list([{{K, integer_to_list(K)}, K} || K <- lists:seq(1, N)]) end,
    all_same(Node, [Map(N) || N <- [0, 1, 31, 32, 33, 1000, 20000]] ++
        [#{#{} => #{}, [] => {}, 1.0 => 1, 1 => 1.0}, #{<<"key">> => [#{a => b}]}]).

binaries_and_bit_strings_test(#{node := Node}) ->
    all_same(Node, [<<>>, <<0>>, <<"text">>, <<0:8000>>, binary:copy(<<"0123456789abcdef">>, 4096)] ++
        [<<1:N>> || N <- [1, 2, 3, 4, 5, 6, 7, 9, 15, 63, 65, 1001]]).

pids_test(#{node := Node}) ->
    Theirs = probe(Node),
    all_same(Node, [self(), Theirs, spawn(fun() -> ok end), whereis(init)]),
    Theirs = do(gen_server:call({echo, Node}, Theirs), self),
    Ref = make_ref(),
    gen_server:call({echo, Node}, self()) ! Ref,
    receive Ref -> ok end.

ports_test(#{node := Node}) ->
    all_same(Node, erlang:ports()).

references_test(#{node := Node} = Config) ->
    Pid = probe(Node),
    all_same(Node, [make_ref(), do(Pid, make_ref), do(Pid, alias), monitor(process, self())]),
    all_same(Node, aliases(Config)).

%% References of aliases have five words from OTP 27 on.
aliases(#{release := Release}) when Release < 24 -> [];
aliases(_) ->
    [apply(erlang, alias, []), apply(erlang, monitor, [process, self(), [{alias, demonitor}]])].

funs_test(#{node := Node}) ->
    Bound = {bound, self(), "values", 1 bsl 100},
    Fun = fun(X) -> {X, Bound} end,
    all_same(Node, [fun lists:map/2, fun no_such:function/255, fun() -> ok end, Fun]),
    Back = gen_server:call({echo, Node}, Fun),
    {1, Bound} = Back(1),
    {ok, Tokens, _} = erl_scan:string("fun(X) -> X * 2 end."),
    {ok, [Expression]} = erl_parse:parse_exprs(Tokens),
    {value, Evaluated, _} = erl_eval:expr(Expression, []),
    14 = (gen_server:call({echo, Node}, Evaluated))(7).

deep_nesting_test(#{node := Node}) ->
    Depth = lists:seq(1, 100000),
    Tuple = lists:foldl(fun(_, T) -> {T} end, bottom, Depth),
    List = lists:foldl(fun(_, T) -> [T] end, bottom, Depth),
    Map = lists:foldl(fun(_, T) -> #{k => T} end, bottom, lists:seq(1, 10000)),
    Mixed = lists:foldl(fun(N, T) -> {N, [T | x], #{a => N}} end, bottom, Depth),
    all_same(Node, [Tuple, List, Map, Mixed]).

%% Identifiers of nodes that neither side knows.
foreign_identifiers_test(#{node := Node}) ->
    Name = <<"somebody@far.away">>,
    Atom = <<119, (byte_size(Name)), Name/binary>>,
    Terms = [<<131, 88, Atom/binary, 77:32, 3:32, 12345:32>>,
             <<131, 90, 3:16, Atom/binary, 12345:32, 1:32, 2:32, 3:32>>,
             <<131, 89, Atom/binary, 9:32, 12345:32>>],
    all_same(Node, [binary_to_term(Term) || Term <- Terms]).

random_terms_test(#{node := Node}) ->
    _ = rand:seed(exsss, {1, 2, 3}),
    [same(Node, random(6)) || _ <- lists:seq(1, 2000)].

random(0) -> lists:nth(rand:uniform(6), [a, 1, 1.5, <<"b">>, [], self()]);
random(Depth) ->
    Size = rand:uniform(4),
    case rand:uniform(8) of
        1 -> rand:uniform(1 bsl (8 * Size * Size)) - (1 bsl 16);
        2 -> rand:normal();
        3 -> list_to_atom([rand:uniform(1000) || _ <- lists:seq(1, Size)]);
        4 -> list_to_tuple([random(Depth - 1) || _ <- lists:seq(1, Size)]);
        5 -> [random(Depth - 1) || _ <- lists:seq(1, Size)];
        6 -> maps:from_list([{random(Depth - 1), random(Depth - 1)} || _ <- lists:seq(1, Size)]);
        7 -> [random(Depth - 1) | random(Depth - 1)];
        8 -> <<(rand:uniform(1 bsl 20)):(5 * Size)>>
    end.

%% ---- terms built and taken apart by C ---------------------------------------------------------

built_by_c_test(#{node := Node}) ->
    Expected = {-(1 bsl 63), (1 bsl 64) - 1, -1.5, <<"a string">>, true, list_to_atom([252, $m, $l]),
                [1, 2 | c], "text", <<"bytes">>, #{a => 1, b => 255}, [{k, -256}],
                #{'__struct__' => 'Elixir.Probe', field => nil}, [], {}},
    Expected = do(probe(Node), build).

iodata_is_text_test(#{node := Node}) ->
    Pid = probe(Node),
    [begin
         Expected = iolist_to_binary(Data),
         Expected = do(Pid, {text, Data})
     end || Data <- [<<"binary">>, "charlist", [], [<<"a">>, "bc", [$d | <<"e">>], []], [[[[$x]]]]]],
    bad_op = do(Pid, {text, an_atom}),
    bad_op = do(Pid, {text, [256]}).

nil_structs_and_keywords_test(#{node := Node}) ->
    Pid = probe(Node),
    true = do(Pid, {nil, nil}),
    true = do(Pid, {nil, undefined}),
    false = do(Pid, {nil, []}),
    {ok, 1} = do(Pid, {field, #{'__struct__' => 'Elixir.S', field => 1}}),
    {ok, 2} = do(Pid, {field, [{other, 1}, {field, 2}, {field, 3}]}),
    error = do(Pid, {field, #{other => 1}}),
    error = do(Pid, {field, []}).
