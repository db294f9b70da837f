%% SPDX-License-Identifier: Apache-2.0
%% examples/chat.c from Erlang: the messages of Phoenix.PubSub's adapter over a scope of pg.
-module(t_chat).
-export([what_is_said_is_counted_and_told_test/1]).

-define(SCOPE, 'Elixir.Phoenix.PubSub').
-define(GROUP, 'Elixir.Demo.PubSub.Adapter').

what_is_said_is_counted_and_told_test(#{build := Build} = Config) ->
    {ok, _} = pg:start_link(?SCOPE),
    ok = pg:join(?SCOPE, ?GROUP, self()),
    #{node := Node} =
        fixture:c_node(Config, ["--visible", "--load", Build ++ "/examples/chat.so"]),
    pong = net_adm:ping(Node),
    fixture:eventually(fun() -> members(Node) =/= [] end),
    [Adapter] = members(Node),
    [begin
         Adapter ! {forward_to_local, <<"lobby">>, {said, <<"hello">>}, ?SCOPE},
         {counted, N} = heard(<<"counts">>)
     end || N <- [1, 2, 3]],
    Adapter ! {forward_to_local, <<"elsewhere">>, {said, <<"hello">>}, ?SCOPE},
    Adapter ! {forward_to_local, <<"lobby">>, {said, <<"again">>}, ?SCOPE},
    {counted, 4} = heard(<<"counts">>),
    ok = pg:leave(?SCOPE, ?GROUP, self()).

members(Node) -> [Pid || Pid <- pg:get_members(?SCOPE, ?GROUP), node(Pid) =:= Node].

heard(Topic) ->
    receive {forward_to_local, Topic, Message, ?SCOPE} -> Message
    after 60000 -> exit({nothing_heard, process_info(self(), messages)})
    end.
