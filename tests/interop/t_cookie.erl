%% SPDX-License-Identifier: Apache-2.0
%% A wrong cookie, from both sides: no connection, and a line that names the cookie.
-module(t_cookie).
-compile([export_all, nowarn_export_all]).
-import(fixture, [probe/1, do/2, line/2]).

wrong_file(#{work := Work}) ->
    File = filename:join(Work, "wrong_cookie"),
    ok = file:write_file(File, "not_the_cookie"),
    ok = file:change_mode(File, 8#600),
    File.

beam_with_another_cookie_test(Config) ->
    C = fixture:c_node(Config, ["--cookie-file", wrong_file(Config)]),
    #{node := Node} = C,
    pang = net_adm:ping(Node),
    Line = line(C, "cookie"),
    true = binary:match(Line, atom_to_binary(node(), utf8)) =/= nomatch,
    false = lists:member(Node, nodes(connected)),
    %% With the right one it works, on the same node.
    true = erlang:set_cookie(Node, not_the_cookie),
    pong = net_adm:ping(Node).

c_node_with_another_cookie_dials_test(Config) ->
    C = fixture:c_node(Config, ["--cookie-file", wrong_file(Config), "--join",
                                atom_to_list(node())]),
    Line = line(C, "cookie"),
    true = binary:match(Line, atom_to_binary(node(), utf8)) =/= nomatch,
    false = lists:member(maps:get(node, C), nodes(connected)).

call_through_a_wrong_cookie_is_nodedown_test(Config) ->
    #{node := Node} = fixture:c_node(Config, ["--cookie-file", wrong_file(Config)]),
    {{nodedown, Node}, _} = fixture:exit_of(fun() -> gen_server:call({echo, Node}, x) end),
    noconnection = fixture:down(monitor(process, {echo, Node})).

node_goes_on_after_wrong_cookies_test(#{node := Node}) ->
    Pid = probe(Node),
    Self = node(),
    Wrong = fun() ->
        true = erlang:set_cookie(Node, a_wrong_one),
        _ = erlang:disconnect_node(Node),
        pang = net_adm:ping(Node),
        true = erlang:set_cookie(Node, erlang:get_cookie())
    end,
    fixture:repeat(20, Wrong),
    pong = net_adm:ping(Node),
    Pid = do(Pid, self),
    Self = node().
