%% SPDX-License-Identifier: Apache-2.0
%% One script, two supervisors: one of C (tests/interop/servers/trees.c), one of this VM's own OTP with
%% the same children. Each request to both must be answered alike; the transcripts are compared, with
%% pids by the order in which they appeared.
-module(t_trees).
-compile([export_all, nowarn_export_all]).
-import(fixture, [eventually/1]).

-define(LIMIT_MS, 60000).

%% ---- the same in Erlang -----------------------------------------------------------------------

kid_source() ->
    "-module(dummy_kid).\n"
    "-export([start_link/1, init/1, handle_call/3, handle_cast/2, handle_info/2]).\n"
    "start_link(Arg) -> gen_server:start_link(dummy_kid, Arg, []).\n"
    "init({fail, Reason}) -> {stop, Reason};\n"
    "init(ignore) -> ignore;\n"
    "init(_) -> {ok, none}.\n"
    "handle_call(trap, _, S) -> process_flag(trap_exit, true), {reply, ok, S};\n"
    "handle_call(_, _, S) -> {reply, ok, S}.\n"
    "handle_cast(_, S) -> {noreply, S}.\n"
    "handle_info({stop, Reason}, S) -> {stop, Reason, S};\n"
    "handle_info(_, S) -> {noreply, S}.\n".

tree_source(Name, Flags, Children) ->
    lists:flatten(io_lib:format(
        "-module(~w).\n"
        "-export([start_link/0, start_link/1, init/1]).\n"
        "start_link() -> start_link([]).\n"
        "start_link(Arg) -> supervisor:start_link(~w, Arg).\n"
        "init(_) -> {ok, {~w, ~w}}.\n", [Name, Name, Flags, Children])).

kid(Id) -> #{id => Id, start => {dummy_kid, start_link, [Id]}}.

three() -> [kid(a), (kid(b))#{restart => transient}, (kid(c))#{restart => temporary}].

significant() ->
    [kid(p), (kid(s))#{restart => transient, significant => true},
     (kid(t))#{restart => temporary, significant => true, shutdown => brutal_kill}].

flags(Strategy) -> #{strategy => Strategy, intensity => 2, period => 60}.

sources() ->
    Auto = fun(How) -> (flags(one_for_one))#{auto_shutdown => How} end,
    [kid_source(),
     tree_source(tree_one, flags(one_for_one), three()),
     tree_source(tree_all, flags(one_for_all), three()),
     tree_source(tree_rest, flags(rest_for_one), three()),
     tree_source(tree_any, Auto(any_significant), significant()),
     tree_source(tree_last, Auto(all_significant), significant()),
     tree_source(tree_simple, flags(simple_one_for_one),
                 [#{id => kid, start => {dummy_kid, start_link, []}}]),
     tree_source(tree_nested, flags(one_for_one),
                 [#{id => inner, start => {tree_all, start_link, [[]]}, type => supervisor},
                  kid(z)])].

load(Source) ->
    {ok, Module, Binary} = compile:forms(forms(Source)),
    {module, Module} = code:load_binary(Module, "none", Binary).

forms(Source) ->
    {ok, Tokens, _} = erl_scan:string(Source),
    [begin {ok, Form} = erl_parse:parse_form(F), Form end || F <- split(Tokens, [])].

split([], []) -> [];
split([{dot, _} = Dot | Rest], Form) -> [lists:reverse([Dot | Form]) | split(Rest, [])];
split([Token | Rest], Form) -> split(Rest, [Token | Form]).

%% ---- the two targets --------------------------------------------------------------------------

top() ->
    process_flag(trap_exit, true),
    ok = logger:set_primary_config(level, none), %% ends are what this is about
    lists:foreach(fun load/1, sources()),
    load("-module(trees_top).\n-export([init/1]).\n"
         "init(_) -> {ok, {#{intensity => 0}, []}}.\n"),
    {ok, Top} = supervisor:start_link(trees_top, []),
    Top.

%% Both runs of a script are this process's, so that nothing but the target differs.
alike(#{node := Node, release := Release}, Tree, Script) ->
    %% OTP 23 knows neither auto_shutdown nor the key `significant`.
    case fixture:is_beam(Node) orelse Release < 24 of
        true -> ok;
        false ->
            Beam = play(top(), Tree, Script),
            C = play({trees, Node}, Tree, Script),
            compare(Script, Beam, C)
    end.

compare(_, Same, Same) -> ok;
compare([Op | _], [A | _], [B | _]) when A =/= B -> exit({differs, Op, {otp, A}, {c, B}});
compare([_ | Script], [_ | As], [_ | Bs]) -> compare(Script, As, Bs).

play(Above, Tree, Script) ->
    Id = make_ref(),
    Spec = #{id => Id, start => {Tree, start_link, []}, restart => temporary,
             type => supervisor},
    {ok, Sup} = supervisor:start_child(Above, Spec),
    put(pids, [Sup]),
    Answers = [plain(op(Sup, Op)) || Op <- Script],
    _ = supervisor:terminate_child(Above, Id),
    Answers.

op(Sup, {start, Spec}) -> supervisor:start_child(Sup, Spec);
op(Sup, {terminate, pid}) -> supervisor:terminate_child(Sup, only_pid(Sup));
op(Sup, {terminate, Id}) -> supervisor:terminate_child(Sup, Id);
op(Sup, {restart, Id}) -> supervisor:restart_child(Sup, Id);
op(Sup, {delete, Id}) -> supervisor:delete_child(Sup, Id);
op(Sup, {spec, pid}) -> supervisor:get_childspec(Sup, only_pid(Sup));
op(Sup, {spec, Id}) -> supervisor:get_childspec(Sup, Id);
op(Sup, which) -> supervisor:which_children(Sup);
op(Sup, count) -> supervisor:count_children(Sup);
op(Sup, {kill, Id}) -> changed(Sup, Id, fun(Pid) -> exit(Pid, kill) end);
op(Sup, {stop, Id, Reason}) -> changed(Sup, Id, fun(Pid) -> Pid ! {stop, Reason} end);
op(Sup, {trap, Id}) -> gen_server:call(pid_of(Sup, Id), trap);
%% Whoever ends now takes the supervisor along.
op(Sup, {last, Id, Reason}) ->
    Ref = monitor(process, Sup),
    pid_of(Sup, Id) ! {stop, Reason},
    fixture:down(Ref);
op(Sup, {stop_sup, Reason}) ->
    Ref = monitor(process, Sup),
    ok = gen_server:stop(Sup, Reason, ?LIMIT_MS),
    fixture:down(Ref);
op(Sup, status) ->
    {status, Sup, {module, gen_server}, [_, State, _, Debug, Misc]} = sys:get_status(Sup),
    {State, Debug, [header || {header, _} <- Misc], length([data || {data, _} <- Misc])};
op(Sup, {sys, Function}) -> sys:Function(Sup);
op(Sup, initial_call) ->
    Tree = rpc:call(node(Sup), erlang, process_info, [Sup, dictionary]),
    {dictionary, Dictionary} = Tree,
    proplists:get_value('$initial_call', Dictionary);
op(Sup, {which_child, pid_of_a}) -> supervisor:which_child(Sup, pid_of(Sup, a));
op(Sup, {which_child, pid}) -> supervisor:which_child(Sup, only_pid(Sup));
op(Sup, {which_child, Id}) -> supervisor:which_child(Sup, Id);
op(Sup, {sup_stop, Args}) ->
    Ref = monitor(process, Sup),
    {apply(supervisor, stop, [Sup | Args]), fixture:down(Ref)};
op(Sup, {global, Name, Id}) ->
    eventually(fun() -> global:whereis_name(Name) =:= pid_of(Sup, Id) end);
op(_, {no_global, Name}) -> eventually(fun() -> global:whereis_name(Name) =:= undefined end);
op(Sup, {within, Id, Op}) -> op(pid_of(Sup, Id), Op).

only_pid(Sup) ->
    [{undefined, Pid, _, _} | _] = supervisor:which_children(Sup),
    Pid.

pid_of(Sup, pid) -> only_pid(Sup);
pid_of(Sup, Id) ->
    {Id, Pid, _, _} = lists:keyfind(Id, 1, supervisor:which_children(Sup)),
    Pid.

%% The supervisor has dealt with the end of that child: it shows no such pid any more.
changed(Sup, Id, Fun) ->
    Old = pid_of(Sup, Id),
    Fun(Old),
    eventually(fun() ->
        Now = [P || {_, P, _, _} <- supervisor:which_children(Sup)],
        not lists:member(Old, Now) andalso not lists:member(restarting, Now)
    end),
    supervisor:which_children(Sup).

%% Pids by the order of their appearance; of a stack only what was called.
plain(Pid) when is_pid(Pid) ->
    Known = get(pids),
    case string:str(Known, [Pid]) of
        0 -> put(pids, Known ++ [Pid]), {pid, length(Known) + 1};
        N -> {pid, N}
    end;
plain({undef, [{M, F, A, _} | _]}) -> {undef, {M, F, A}};
plain(Tuple) when is_tuple(Tuple) -> list_to_tuple(plain(tuple_to_list(Tuple)));
plain([Head | Tail]) -> [plain(Head) | plain(Tail)];
plain(Map) when is_map(Map) -> maps:from_list(plain(lists:sort(maps:to_list(Map))));
plain(Other) -> Other.

%% ---- examples/tree.c --------------------------------------------------------------------------

example_test(#{build := Build} = Config) ->
    case fixture:is_beam(maps:get(node, Config)) of
        true -> ok;
        false -> example(fixture:c_node(Config, ["--load", Build ++ "/examples/tree.so"]))
    end.

example(#{node := Node}) ->
    Orders = {orders, Node},
    {ok, 97} = gen_server:call({stock, Node}, {take, 3}),
    [{orders, Pid, supervisor, [orders]}, {stock, Stock, worker, [stock]}] =
        supervisor:which_children({shop, Node}),
    Pid = rpc:call(Node, erlang, whereis, [orders]),
    {shop, _, supervisor, [shop]} =
        lists:keyfind(shop, 1, supervisor:which_children({flitch_sup, Node})),
    Order = fun(Count) ->
        Spec = {{order, start_link, [Count]}, temporary, 5000, worker, [order]},
        gen_server:call(Orders, {start_child, Spec})
    end,
    {ok, First} = Order(7),
    {ok, 90} = gen_server:call(Stock, {take, 0}),
    ignore = Order(1000),
    {ok, Second} = Order(90),
    2 = proplists:get_value(active, supervisor:count_children(Orders)),
    Refs = [monitor(process, P) || P <- [Stock, Pid, First, Second]],
    {{bad_call, crash}, _} = fixture:exit_of(fun() -> gen_server:call(Stock, crash) end),
    [{bad_call, crash}, shutdown, shutdown, shutdown] = [fixture:down(R) || R <- Refs],
    eventually(fun() ->
        case supervisor:which_children({shop, Node}) of
            [{orders, New, _, _}, {stock, Fresh, _, _}] ->
                New =/= Pid andalso {ok, 100} =:= gen_server:call(Fresh, {take, 0});
            _ -> false
        end
    end),
    [] = supervisor:which_children(Orders).

%% ---- scripts ----------------------------------------------------------------------------------

requests_about_children_test(Config) ->
    alike(Config, tree_one,
          [which, count, {spec, a}, {spec, b}, {spec, c}, {spec, zz},
           {terminate, b}, which, count, {terminate, b}, {restart, b}, {restart, b},
           {delete, b}, {terminate, b}, {delete, b}, which, {delete, b}, {restart, b},
           {terminate, zz}, {delete, zz}, {restart, zz},
           {terminate, c}, which, {restart, c}, {delete, c}, {spec, c}, count]).

start_child_test(Config) ->
    Named = #{id => {any, "term"}, start => {dummy_kid, start_link, [x]}},
    Tuple = {t, {dummy_kid, start_link, [y]}, transient, 1000, worker, [dummy_kid]},
    Temporary = #{id => u, start => {dummy_kid, start_link, [u]}, restart => temporary,
                  shutdown => brutal_kill, modules => dynamic},
    Super = #{id => s, start => {tree_rest, start_link, [[]]}, type => supervisor},
    alike(Config, tree_one,
          [{start, Named}, {start, Named}, {spec, {any, "term"}}, {start, Tuple}, {spec, t},
           {start, Temporary}, {spec, u}, {start, Super}, {spec, s}, which, count,
           {terminate, {any, "term"}}, {start, Named}, {restart, {any, "term"}}, which,
           {within, s, which}, {terminate, s}, count]).

%% supervisor:which_child is of OTP 28.
which_child_test(#{release := Release}) when Release < 28 -> ok;
which_child_test(Config) ->
    alike(Config, tree_one,
          [{which_child, a}, {which_child, zz}, {terminate, b}, {which_child, b},
           {which_child, pid_of_a}, {which_child, self()}, {which_child, {any, "term"}}]),
    alike(Config, tree_simple, [{start, [x]}, {which_child, kid}, {which_child, pid}]).

%% supervisor:stop is of OTP 29.
supervisor_stop_test(#{release := Release}) when Release < 29 -> ok;
supervisor_stop_test(Config) ->
    alike(Config, tree_one, [{sup_stop, []}]),
    alike(Config, tree_all, [{sup_stop, [because, 5000]}]).

%% Before OTP 27 {already_started, Pid} was told together with the specification.
names_of_children_test(#{release := Release}) when Release < 27 -> ok;
names_of_children_test(Config) ->
    Id = erlang:unique_integer([positive]),
    Local = {local, list_to_atom("kid_" ++ integer_to_list(Id))},
    Named = fun(As, Name) ->
        #{id => As, start => {gen_server, start_link, [Name, dummy_kid, x, []]}}
    end,
    Global = {global, {kid, Id}},
    alike(Config, tree_one,
          [{start, Named(g, Global)}, {global, {kid, Id}, g}, {start, Named(h, Global)},
           {stop, g, crash}, {global, {kid, Id}, g}, {terminate, g}, {no_global, {kid, Id}},
           {start, Named(l, Local)}, {start, Named(m, Local)}, {terminate, l},
           {start, Named(m, Local)}, {spec, m}, which]).

start_child_that_fails_test(Config) ->
    Kid = fun(Id, Arg) -> #{id => Id, start => {dummy_kid, start_link, [Arg]}} end,
    alike(Config, tree_one,
          [{start, Kid(f, {fail, why})}, {start, Kid(f, {fail, {why, [1, 2]}})}, which,
           {start, Kid(i, ignore)}, which, {start, Kid(i, ignore)}, {restart, i}, {delete, i},
           {start, (Kid(j, ignore))#{restart => temporary}}, which, count,
           {start, #{id => n, start => {no_such_module, start_link, [1]}}},
           {start, #{id => n, start => {dummy_kid, no_such_function, [1]}}},
           {start, #{id => n, start => {dummy_kid, start_link, [1, 2, 3]}}}, which]).

bad_specifications_test(Config) ->
    Start = {dummy_kid, start_link, [x]},
    Good = #{id => n, start => Start},
    alike(Config, tree_one,
          [{start, S} || S <-
              [what, {a, b}, #{}, #{id => n}, #{start => Start}, Good#{start => {a, b}},
               Good#{start => {"m", f, []}}, Good#{start => {m, f, a}},
               Good#{restart => always}, Good#{type => boss}, Good#{shutdown => -1},
               Good#{shutdown => soon}, Good#{shutdown => 1.5}, Good#{modules => m},
               Good#{modules => [m, 1]}, Good#{significant => 1},
               Good#{significant => true}, Good#{significant => true, restart => transient},
               {n, Start, always, 5000, worker, []}, {n, Start, permanent, x, worker, []},
               {n, Start, permanent, 5000, boss, []}, {n, start, permanent, 5000, worker, []},
               {n, Start, permanent, 5000, worker, [1]}]] ++ [count]).

restarts_of_one_for_one_test(Config) ->
    alike(Config, tree_one,
          [{kill, a}, {stop, b, crash}, count, {stop, b, normal}, which, {restart, b},
           {stop, c, crash}, which, {last, a, crash}]).

ends_in_good_order_test(Config) ->
    alike(Config, tree_one,
          [{stop, a, normal}, {stop, a, shutdown}, {stop, b, shutdown}, which, {restart, b},
           {stop, b, {shutdown, term}}, which, count]).

restarts_of_one_for_all_test(Config) ->
    alike(Config, tree_all,
          [{kill, a}, {terminate, b}, {stop, a, crash}, which, count, {last, b, crash}]).

restarts_of_rest_for_one_test(Config) ->
    alike(Config, tree_rest, [{kill, b}, which, {kill, a}, which, {last, a, crash}]).

any_significant_test(Config) ->
    alike(Config, tree_any,
          [which, {spec, s}, {spec, t}, {stop, s, crash}, {terminate, s}, {restart, s},
           {last, s, normal}]).

any_significant_temporary_test(Config) ->
    alike(Config, tree_any, [{terminate, s}, count, {last, t, crash}]).

all_significant_test(Config) ->
    alike(Config, tree_last, [{stop, s, normal}, which, {last, t, normal}]).

simple_one_for_one_test(Config) ->
    alike(Config, tree_simple,
          [which, count, {start, [x]}, which, count, {spec, pid}, {kill, pid}, count,
           {terminate, kid}, {restart, kid}, {delete, kid}, {terminate, pid}, count,
           {start, [ignore]}, {start, [{fail, why}]}, {start, [x]}, {stop, pid, crash},
           {last, pid, crash}]).

nested_trees_test(Config) ->
    alike(Config, tree_nested,
          [which, count, {spec, inner}, {within, inner, which}, {within, inner, {kill, a}},
           {within, inner, count}, {terminate, inner}, which, {restart, inner}, count,
           {kill, inner}, {within, inner, which}, {within, inner, initial_call}]).

children_that_trap_exits_test(Config) ->
    alike(Config, tree_one,
          [{trap, a}, {trap, b}, {terminate, a}, {restart, a}, {trap, a}, which,
           {stop_sup, shutdown}]).

sys_messages_test(Config) ->
    alike(Config, tree_one,
          [status, initial_call, {sys, suspend}, {sys, resume}, count,
           {stop_sup, {a, reason}}]).
