%% SPDX-License-Identifier: Apache-2.0
%% The honest peer: calls the echo server all the time and remembers what went wrong and how long a
%% call took at most.
-module(hostile_witness).
-export([start/1, report/1, reset/1]).

start(Node) ->
    spawn_link(fun() -> loop(Node, 0, 0, []) end).

%% {calls, slowest call in ms, failures}
report(Witness) -> ask(Witness, report).
reset(Witness) -> ask(Witness, reset).

ask(Witness, What) ->
    Witness ! {What, self()},
    receive {Witness, Answer} -> Answer after 120000 -> {0, infinity, [witness_is_stuck]} end.

loop(Node, Count, Slowest, Failed) ->
    receive
        {report, From} ->
            From ! {self(), {Count, Slowest, Failed}},
            loop(Node, Count, Slowest, Failed);
        {reset, From} ->
            From ! {self(), {Count, Slowest, Failed}},
            loop(Node, 0, 0, [])
    after 2 ->
        Start = erlang:monotonic_time(microsecond),
        Result = try gen_server:call({echo, Node}, {n, Count}, 60000) of
                     {n, Count} -> [];
                     Other -> [{odd_answer, Other}]
                 catch _:Reason -> [Reason]
                 end,
        Took = (erlang:monotonic_time(microsecond) - Start) div 1000,
        loop(Node, Count + 1, max(Slowest, Took), lists:sublist(Result ++ Failed, 3))
    end.
