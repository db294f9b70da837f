%% SPDX-License-Identifier: Apache-2.0
%% Client modules: written, compiled without a warning, typed, and called.
-module(flitch_client_tests).
-include_lib("eunit/include/eunit.hrl").

a_client_of_a_file_calls_its_server_test_() -> {timeout, 60, fun a_client_calls/0}.

a_client_calls() ->
    in_folder(fun(Dir) ->
        ok = write(Dir, built("examples/counter.so")),
        ok = write(Dir, built("examples/calc.so")),
        ok = write(Dir, built("tests/servers/typed.so")),
        [load(Dir, M) || M <- [counter_client, calc_client, typed_client, typed_fun_client]],
        {ok, Pid} = flitch_node:start_link(#{name => described, exe => os:getenv("FL_FLITCH"), log => none,
            start_timeout => 30000, load => [built("examples/counter.so"), built("examples/calc.so"),
                                             built("tests/servers/typed.so")]}),
        [Node] = flitch_node:nodes(described),
        ?assertEqual(5, counter_client:add(Node, 5)),
        ?assertEqual(5, counter_client:get({counter, Node}, 5000)),
        ok = counter_client:reset(Node),
        ?assertEqual(0, counter_client:get(rpc:call(Node, erlang, whereis, [counter]))),
        ?assertEqual(10, calc_client:sum(Node, [1, 2, 3, 4])),
        ?assertEqual({level, debug, {7, 1}}, typed_client:level(Node, {7, 1})),
        ?assertEqual({options, #{name => <<"a">>}}, typed_client:options(Node, #{name => <<"a">>})),
        ok = typed_client:forget(Node, key),
        ?assertEqual([1, 2], typed_fun_client:pair(Node, 1, 2)),
        ?assertEqual([x], typed_fun_client:silent(Node, x)),
        %% A node says the same of itself as the files do.
        Again = filename:join(Dir, "again"),
        ok = write(Again, Node),
        [?assertEqual(file:read_file(filename:join(Dir, F)), file:read_file(filename:join(Again, F)))
         || F <- ["counter_client.erl", "calc_client.erl", "typed_client.erl", "typed_fun_client.erl"]],
        ok = gen_server:stop(Pid)
    end).

specs_are_in_the_abstract_code_test() ->
    in_folder(fun(Dir) ->
        ok = write(Dir, built("examples/counter.so")),
        {ok, Forms} = epp:parse_file(filename:join(Dir, "counter_client.erl"), []),
        Specs = [{F, A} || {attribute, _, spec, {{F, A}, _}} <- Forms],
        ?assertEqual([{add, 2}, {add, 3}, {echo, 2}, {echo, 3}, {get, 1}, {get, 2}, {reset, 1}],
                     lists:sort(Specs))
    end).

%% Where the release has dialyzer: a wrong call of a client is found, right ones pass.
wrong_calls_are_found_by_dialyzer_test_() ->
    case code:which(dialyzer) of
        non_existing -> [];
        _ -> {timeout, 300, fun dialyzed/0}
    end.

dialyzed() ->
    in_folder(fun(Dir) ->
        ok = write(Dir, built("examples/counter.so")),
        User = filename:join(Dir, "user.erl"),
        ok = file:write_file(User, ["-module(user_of_it).\n-export([right/1, wrong/1]).\n"
                                    "right(Node) -> counter_client:add(Node, 5).\n"
                                    "wrong(Node) -> counter_client:add(Node, \"five\").\n"]),
        Plt = filename:join(Dir, "plt"),
        _ = dialyzer:run([{analysis_type, plt_build}, {output_plt, Plt},
                          {files, [code:which(M) || M <- [gen_server, gen, erpc]]}]),
        Warnings = dialyzer:run([{analysis_type, succ_typings}, {init_plt, Plt}, {from, src_code},
                                 {files, [User, filename:join(Dir, "counter_client.erl")]}]),
        Lines = [element(1, line(Where)) || {_, Where, _} <- Warnings],
        ?assertMatch([_ | _], Lines),
        ?assertEqual([4], lists:usort(Lines))
    end).

line({_, {Line, Column}}) -> {Line, Column};
line({_, Line}) -> {Line, 1}.

what_cannot_be_written_says_why_test() ->
    in_folder(fun(Dir) ->
        {error, Text} = write(Dir, built("tests/servers/mistyped.so")),
        ?assertMatch({match, _}, re:run(Text, "the specification of no_arrow: the result is missing")),
        ?assertEqual({ok, []}, file:list_dir(Dir)),
        {error, None} = write(Dir, "/nowhere.so"),
        ?assertMatch({match, _}, re:run(None, "cannot open /nowhere.so"))
    end).

%% ---- what they share ---------------------------------------------------------------------------

built(File) -> filename:join(os:getenv("FL_BUILD"), File).

write(Dir, From) ->
    flitch_client:write(#{from => From, to => Dir, format => erlang, exe => os:getenv("FL_FLITCH")}).

load(Dir, Module) ->
    {ok, Module, Code, []} = compile:file(filename:join(Dir, atom_to_list(Module)), [binary, return]),
    {module, Module} = code:load_binary(Module, "", Code).

in_folder(Fun) ->
    Dir = string:trim(os:cmd("mktemp -d")),
    try Fun(Dir) after os:cmd("rm -rf " ++ Dir) end.
