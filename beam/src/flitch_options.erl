%% SPDX-License-Identifier: Apache-2.0
%% The options of a flitch_node: a map, or a list of pairs as Elixir's keywords, made into a map in
%% which each key has a value of its type. What is wrong is an error at once, of the process that
%% starts the node: {bad_option, Key, Text}.
-module(flitch_options).
-export([read/1, node_names/1]).

-export_type([options/0, file/0, text/0]).

-type text() :: string() | binary().
-type file() :: text() | {priv, Application :: atom(), text()}.
-type options() :: #{
    name := atom(),
    exe => file(),
    load => [file()],
    node => auto | node() | text(),
    args => [text()],
    env => [{text(), text() | false}],
    cookie => atom() | text() | fun(() -> atom() | text()),
    cookie_file => file(),
    instances => pos_integer(),
    start_timeout => pos_integer(),
    shutdown => pos_integer(),
    on_nodedown => restart | reconnect | fun((node(), term()) -> restart | reconnect),
    log => logger | none | fun((logger:level(), binary()) -> term()),
    intensity => non_neg_integer(),
    period => pos_integer()
}.

-define(DEFAULTS, #{exe => undefined, load => [], node => auto, args => [], env => [],
                    cookie => undefined, cookie_file => undefined, instances => 1,
                    start_timeout => 5000, shutdown => 7000, on_nodedown => restart, log => logger,
                    intensity => 5, period => 10}).
%% Below that a node could neither end by itself nor be seen to have been killed.
-define(SHUTDOWN_MIN_MS, 1000).
-define(INSTANCES_MAX, 1024).

-spec read(options() | [{atom(), term()}]) -> map().
read(List) when is_list(List) -> read(maps:from_list(List));
read(Given) when is_map(Given) ->
    _ = maps:map(fun check/2, Given),
    maps:is_key(name, Given) orelse wrong(name, "it is missing: an atom to find the node by"),
    All = maps:merge(?DEFAULTS, Given),
    case All of
        #{exe := undefined, load := []} ->
            wrong(exe, "neither a program (exe) nor a shared object to load is named");
        #{cookie := C, cookie_file := F} when C =/= undefined, F =/= undefined ->
            wrong(cookie, "there is a cookie_file as well: leave one of them out");
        #{instances := N, node := Node} when N > 1, Node =/= auto ->
            wrong(node, "several instances name themselves: leave it at auto");
        #{} -> All
    end.

check(Key, Value) ->
    maps:is_key(Key, ?DEFAULTS) orelse Key =:= name orelse
        wrong(Key, ["there is no such option; there are ",
                    lists:join(", ", [atom_to_list(K) || K <- [name | maps:keys(?DEFAULTS)]])]),
    is_right(Key, Value) orelse wrong(Key, io_lib:format("~0tp is ~ts", [Value, wanted(Key)])).

is_right(name, V) -> is_atom(V) andalso V =/= undefined;
is_right(exe, V) -> is_file(V);
is_right(load, V) -> is_list(V) andalso lists:all(fun is_file/1, V);
is_right(node, V) -> is_atom(V) orelse is_text(V);
is_right(args, V) -> is_list(V) andalso lists:all(fun is_text/1, V);
is_right(env, V) -> is_list(V) andalso lists:all(fun is_variable/1, V);
is_right(cookie, V) -> is_atom(V) orelse is_text(V) orelse is_function(V, 0);
is_right(cookie_file, V) -> is_file(V);
is_right(instances, V) -> is_integer(V) andalso V >= 1 andalso V =< ?INSTANCES_MAX;
is_right(start_timeout, V) -> is_integer(V) andalso V >= 1;
is_right(shutdown, V) -> is_integer(V) andalso V >= ?SHUTDOWN_MIN_MS;
is_right(on_nodedown, V) -> lists:member(V, [restart, reconnect]) orelse is_function(V, 2);
is_right(log, V) -> lists:member(V, [logger, none]) orelse is_function(V, 2);
is_right(intensity, V) -> is_integer(V) andalso V >= 0;
is_right(period, V) -> is_integer(V) andalso V >= 1.

wanted(name) -> "no atom";
wanted(Key) when Key =:= exe; Key =:= cookie_file ->
    "no file: a path, or {priv, Application, Path}";
wanted(load) -> "no list of files: paths, or {priv, Application, Path}";
wanted(node) -> "no name: auto, an atom or a text";
wanted(args) -> "no list of texts";
wanted(env) -> "no list of {Name, Value}, with false for a variable that is to be absent";
wanted(cookie) -> "no cookie: an atom, a text or a fun that returns it";
wanted(instances) -> io_lib:format("no number from 1 to ~b", [?INSTANCES_MAX]);
wanted(shutdown) -> io_lib:format("no time: milliseconds, at least ~b", [?SHUTDOWN_MIN_MS]);
wanted(on_nodedown) -> "neither restart, reconnect nor a fun of a node and a reason";
wanted(log) -> "neither logger, none nor a fun of a level and a line";
wanted(_) -> "no number that is great enough".

is_text(V) -> is_binary(V) orelse (is_list(V) andalso io_lib:char_list(V)).

is_file({priv, App, File}) -> is_atom(App) andalso is_text(File);
is_file(File) -> is_text(File) andalso File =/= "" andalso File =/= <<>>.

is_variable({Name, Value}) -> is_text(Name) andalso (Value =:= false orelse is_text(Value));
is_variable(_) -> false.

-spec wrong(atom(), unicode:chardata()) -> no_return().
wrong(Key, Text) -> error({bad_option, Key, unicode:characters_to_binary(Text)}).

%% The names of the instances. They hold the name of this node, so that they are the same after each
%% restart (an atom is never freed) and differ from those of another BEAM on the same machine.
-spec node_names(map()) -> [node(), ...].
node_names(#{node := auto, name := Name, instances := 1}) -> [own_name(clean(Name))];
node_names(#{node := auto, name := Name, instances := N}) ->
    [own_name(clean(Name) ++ "-" ++ integer_to_list(I)) || I <- lists:seq(1, N)];
node_names(#{node := Node}) ->
    Text = if is_atom(Node) -> atom_to_list(Node); true -> flitch_program:text(Node) end,
    case string:split(Text, "@") of
        [_, _] -> [list_to_atom(Text)];
        [Alive] -> [list_to_atom(Alive ++ "@" ++ host())]
    end.

own_name(Start) ->
    [Alive, Host] = string:split(atom_to_list(node()), "@"),
    list_to_atom(Start ++ "-" ++ Alive ++ "@" ++ Host).

host() ->
    [_, Host] = string:split(atom_to_list(node()), "@"),
    Host.

%% What a node's name may hold.
clean(Name) -> re:replace(atom_to_list(Name), "[^0-9A-Za-z_-]", "_", [global, unicode, {return, list}]).
