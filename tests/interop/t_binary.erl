%% SPDX-License-Identifier: Apache-2.0
%% Large binaries there and back: 64 KiB, 1 MiB, 100 MiB; they delay nobody else.
-module(t_binary).
-compile([export_all, nowarn_export_all]).
-import(fixture, [probe/1, do/2, down/1]).

echo(Node, Bin) ->
    Start = erlang:monotonic_time(microsecond),
    Bin = gen_server:call({echo, Node}, Bin, 60000),
    Us = erlang:monotonic_time(microsecond) - Start,
    Size = byte_size(Bin),
    io:format("   echo of ~b bytes: ~b us, ~b MB/s~n", [Size, Us, Size div max(Us, 1)]).

edges_test(#{node := Node}) ->
    Sizes = [Edge + D || Edge <- [16#ffff, 16#10000, 16#20000], D <- lists:seq(-40, 40)],
    [begin
         Bin = binary:copy(<<N>>, N),
         Bin = gen_server:call({echo, Node}, Bin)
     end || N <- Sizes].

kib_64_test(#{node := Node}) ->
    Bin = bytes(64 bsl 10),
    fixture:repeat(100, fun() -> Bin = gen_server:call({echo, Node}, Bin) end),
    echo(Node, Bin).

mib_1_test(#{node := Node}) ->
    Bin = bytes(1 bsl 20),
    fixture:repeat(20, fun() -> Bin = gen_server:call({echo, Node}, Bin) end),
    echo(Node, Bin).

mib_100_test(#{node := Node}) ->
    echo(Node, bytes(100 bsl 20)).

inside_terms_test(#{node := Node}) ->
    Bin = bytes(300000),
    Term = {Bin, [#{bin => Bin}], <<Bin/binary, 1:3>>, Bin},
    Term = gen_server:call({echo, Node}, Term).

several_at_once_test(#{node := Node}) ->
    Bin = bytes(5 bsl 20),
    Refs = [element(2, spawn_monitor(fun() -> echo_own(Node, Bin, N) end))
            || N <- lists:seq(1, 8)],
    [normal = down(Ref) || Ref <- Refs].

echo_own(Node, Bin, N) ->
    Own = <<N, Bin/binary>>,
    Own = gen_server:call({echo, Node}, Own, 60000).

%% A small call beside one of 100 MiB is answered long before it.
small_calls_go_past_large_ones_test(#{node := Node}) ->
    Bin = bytes(100 bsl 20),
    Pid = probe(Node),
    Id = gen_server:send_request({echo, Node}, Bin),
    Times = small_calls(Pid, Id, []), % one after the other, as long as it takes
    io:format("   ~b small calls beside one of 100 MiB, the longest ~b us~n",
              [length(Times), lists:max(Times)]),
    %% Those that waited for the large one would be one on its way in and one on its way out.
    true = length(Times) > 3.

small_calls(Pid, Id, Times) ->
    {Us, _} = timer:tc(fun() -> other_process(fun() -> Pid = do(Pid, self) end) end),
    case gen_server:wait_response(Id, 0) of
        timeout -> small_calls(Pid, Id, [Us | Times]);
        {reply, Bin} when byte_size(Bin) =:= 100 bsl 20 -> [Us | Times]
    end.

other_process(Fun) ->
    {_, Ref} = spawn_monitor(Fun),
    normal = down(Ref).

%% Beyond limits.frame: the sender's connection ends, with a line that says so; it comes back.
too_large_test(Config) ->
    C = fixture:c_node(Config, ["--hidden", "--set", "limits.frame=1MiB"]),
    #{node := Node} = C,
    Bin = bytes(2 bsl 20),
    {{nodedown, Node}, _} = fixture:exit_of(fun() -> gen_server:call({echo, Node}, Bin) end),
    _ = fixture:line(C, "what this node cannot take"),
    small = gen_server:call({echo, Node}, small).

%% Not all alike, and quickly made.
bytes(Size) ->
    Part = << <<(N * 2654435761):32>> || N <- lists:seq(1, 16384) >>,
    binary:part(binary:copy(Part, Size div 65536 + 1), 0, Size).
