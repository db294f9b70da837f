%% SPDX-License-Identifier: Apache-2.0
%% A BEAM system and two C nodes, one whose name is less than its, one whose name is greater: it
%% starts, runs and restarts with them, and its log says nothing that it does not say without them.
%%
%% A system is a module a_NAME that exports
%%
%%     name/0                 of its node
%%     prepare/0              what its files need in the tree; the cookie is in place
%%     start/1, stop/0        the node; both wait for the end of it. Where it can, its kernel waits
%%                            for the nodes that start is given before it starts anything else
%%     restart/0              all but the node, as an administrator does it
%%     works/0                fails unless it does its work
%%     logs/0                 the files that it logs to, as a pattern
%%     pop/0                  whether it runs with prevent_overlapping_partitions
%%
%% This VM is hidden: it looks on.
-module(apps).
-export([main/1, sh/1, in_tree/1, root/0, cookie_for/2, eventually/1]).

-define(LIMIT_MS, 120000).

main([Name | _]) ->
    App = list_to_atom(Name),
    ok = App:prepare(),
    Self = self(),
    %% one process: nodes end with the process that started them
    {_, Watch} = spawn_monitor(fun() ->
        put(app, App),
        Self ! {results, [run(App, T) || T <- tests()]}
    end),
    Results = receive
        {results, R} -> R;
        {'DOWN', Watch, process, _, Reason} -> io:format("FAIL - ~p: ~p~n", [App, Reason]), [failed]
    end,
    Failed = length([R || R <- Results, R =/= ok]),
    io:format("COUNTS ~b ~b~n", [length(Results) - Failed, Failed]),
    halt(0).

run(App, {What, Fun}) ->
    Start = erlang:monotonic_time(millisecond),
    Result = try Fun(App) of
        _ -> ok
    catch
        Class:Reason:Stack -> {Class, Reason, Stack}
    end,
    Took = erlang:monotonic_time(millisecond) - Start,
    case Result of
        ok -> io:format("ok - ~s:~s (~b ms)~n", [App, What, Took]);
        _ ->
            io:format("FAIL - ~s:~s: ~0tP~n", [App, What, Result, 80]),
            Lines = log_lines(App:logs()),
            [io:format("    ~s~n", [L]) || L <- lists:nthtail(max(0, length(Lines) - 30), Lines)]
    end,
    Result.

%% In this order: each finds what the one before it left.
tests() ->
    [{without_c_nodes, fun without_c_nodes/1},
     {starts_while_c_nodes_join, fun starts_while_c_nodes_join/1},
     {names_go_both_ways, fun names_go_both_ways/1},
     {restarts_with_c_nodes_connected, fun restarts_with_c_nodes_connected/1},
     {c_nodes_come_and_go, fun c_nodes_come_and_go/1},
     {c_nodes_are_there_from_its_first_moment, fun c_nodes_are_there_from_its_first_moment/1},
     {its_setting_is_compared, fun its_setting_is_compared/1},
     {its_log_has_no_complaint_about_them, fun its_log_has_no_complaint_about_them/1}].

%% ---- what is tried ----------------------------------------------------------------------------

%% What its log says in any case.
without_c_nodes(App) ->
    App:start([]),
    App:works(),
    App:restart(),
    App:works(),
    App:stop(),
    App:start([]),
    App:stop(),
    put(usual, complaints(App)).

%% They dial until it is there: they meet while it boots.
starts_while_c_nodes_join(App) ->
    [join(App, Name) || Name <- c_names()],
    App:start([]),
    is_whole(App),
    App:works().

names_go_both_ways(App) ->
    [begin
         {ok, Pid} = gen_server:call({namer, C}, {start, self()}),
         ok = gen_server:call(Pid, {do, {register, {of_c, C}}}, ?LIMIT_MS),
         Pid = ask(App, global, whereis_name, [{of_c, C}]),
         {echo, hello} = ask(App, gen_server, call, [{global, {of_c, C}}, hello])
     end || C <- c_names()],
    Init = ask(App, erlang, whereis, [init]),
    yes = ask(App, global, register_name, [of_app, Init]),
    [Init = rpc:call(C, global, whereis_name, [of_app]) || C <- c_names()],
    ok = ask(App, global, unregister_name, [of_app]).

restarts_with_c_nodes_connected(App) ->
    App:restart(),
    is_whole(App),
    App:works().

c_nodes_come_and_go(App) ->
    [First | _] = c_names(),
    C = get(First),
    fixture:signal(C, "-TERM"),
    0 = fixture:ended(C),
    eventually(fun() -> not lists:member(First, ask(App, erlang, nodes, [])) end),
    App:works(),
    join(App, First),
    is_whole(App),
    fixture:signal(get(First), "-KILL"),
    eventually(fun() -> not lists:member(First, ask(App, erlang, nodes, [])) end),
    App:works(),
    join(App, First),
    is_whole(App).

c_nodes_are_there_from_its_first_moment(App) ->
    App:stop(),
    Dialler = spawn_link(fun() -> dial(App, c_names()) end),
    App:start(c_names()),
    is_whole(App),
    unlink(Dialler),
    exit(Dialler, kill),
    App:works(),
    App:restart(),
    is_whole(App),
    App:works().

%% Without the pauses that --join makes.
dial(_, []) -> ok;
dial(App, Nodes) ->
    Left = [N || N <- Nodes, rpc:call(N, net_kernel, connect_node, [App:name()]) =/= true],
    receive after 20 -> dial(App, Left) end.

its_setting_is_compared(App) ->
    [Log | _] = [fixture:lines(get(C)) || C <- c_names()],
    IsLogged = lists:any(fun(L) -> binary:match(L, <<"must be the same on all nodes">>) =/= nomatch end,
                         Log),
    true = IsLogged =:= not App:pop().

its_log_has_no_complaint_about_them(App) ->
    App:stop(),
    [] = complaints(App) -- get(usual),
    [begin
         fixture:signal(get(C), "-TERM"),
         0 = fixture:ended(get(C))
     end || C <- c_names()].

%% ---- nodes ------------------------------------------------------------------------------------

c_names() -> ['a_c@127.0.0.1', 'z_c@127.0.0.1'].

join(App, Name) ->
    Config = #{build => os:getenv("FL_BUILD"), flitch => os:getenv("FL_BUILD") ++ "/flitch",
               cookie_file => os:getenv("FL_WORK") ++ "/cookie"},
    put(Name, fixture:c_node(Config, Name, ["--join", atom_to_list(App:name())])).

ask(App, M, F, A) ->
    case rpc:call(App:name(), M, F, A) of
        {badrpc, Reason} -> exit({App:name(), M, F, Reason});
        Value -> Value
    end.

%% All are connected, and global is in sync, on each.
is_whole(App) ->
    All = lists:sort([App:name() | c_names()]),
    [begin
         eventually(fun() ->
             lists:sort([N | rpc:call(N, erlang, nodes, [])]) =:= All
         end),
         ok = rpc:call(N, global, sync, [], ?LIMIT_MS)
     end || N <- All],
    Others = c_names(),
    eventually(fun() ->
        lists:sort(ask(App, gen_server, call, [global_name_server, get_synced])) =:= Others
    end).

eventually(Fun) -> eventually(Fun, erlang:monotonic_time(millisecond) + ?LIMIT_MS).

eventually(Fun, End) ->
    case Fun() of
        true -> ok;
        Other ->
            erlang:monotonic_time(millisecond) < End orelse exit({never_true, Other}),
            receive after 50 -> eventually(Fun, End) end
    end.

%% ---- the tree ---------------------------------------------------------------------------------

root() -> os:getenv("FL_ROOT").

in_tree(Command) -> sh("timeout 120 chroot " ++ root() ++ " " ++ Command).

%% What a command prints; it must succeed.
sh(Command) ->
    Text = os:cmd("(" ++ Command ++ ") 2>&1 </dev/null; echo =$?"),
    case string:split(Text, "=0\n", trailing) of
        [Output, ""] -> Output;
        _ -> exit({command_failed, Command, Text})
    end.

cookie_for(User, Home) ->
    File = Home ++ "/.erlang.cookie",
    sh(["rm -f ", root(), File, " && cp ", os:getenv("FL_WORK"), "/cookie ", root(), File]),
    in_tree(lists:concat(["chown ", User, ":", User, " ", File])),
    in_tree("chmod 400 " ++ File).

log_lines(Pattern) ->
    lists:append([begin
                      {ok, Bytes} = file:read_file(File),
                      string:lexemes(binary_to_list(Bytes), "\n")
                  end || File <- filelib:wildcard(root() ++ Pattern)]).

%% What its log has of warnings and worse, without times and pids: DATE TIME [LEVEL] <PID> TEXT.
complaints(App) ->
    lists:usort([re:replace(L, "^[^[]*(\\[[a-z]*\\]) <[^>]*>", "\\1", [{return, list}])
                 || L <- log_lines(App:logs()),
                    re:run(L, "\\[(warning|error|critical|alert|emergency)\\]") =/= nomatch]).
