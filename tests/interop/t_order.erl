%% SPDX-License-Identifier: Apache-2.0
%% What one process sends to another arrives in that order, whatever its size and whoever else sends.
-module(t_order).
-compile([export_all, nowarn_export_all]).
-import(fixture, [probe/1, do/2, down/1]).

calls_in_order_test(#{node := Node}) ->
    Pid = probe(Node),
    [{true, N} = gen_server:call(Pid, {number, N}) || N <- lists:seq(1, 20000)],
    {20000, 0} = do(Pid, numbers).

requests_under_way_at_once_test(#{node := Node}) ->
    Pid = probe(Node),
    Numbers = lists:seq(1, 20000),
    [Pid ! {'$gen_call', {self(), N}, {number, N}} || N <- Numbers],
    [receive {N, {true, N}} -> ok after 60000 -> exit({no_reply, N}) end || N <- Numbers],
    {20000, 0} = do(Pid, numbers).

casts_in_order_test(#{node := Node}) ->
    Pid = probe(Node),
    [ok = gen_server:cast(Pid, {number, self(), N, x}) || N <- lists:seq(1, 20000)],
    {20000, 0} = do(Pid, numbers).

casts_by_name_in_order_test(#{node := Node}) ->
    Pid = probe(Node),
    ok = do(Pid, {register, ordered}),
    [ok = gen_server:cast({ordered, Node}, {number, self(), N, x}) || N <- lists:seq(1, 20000)],
    {20000, 0} = do(Pid, numbers).

infos_in_order_test(#{node := Node}) ->
    Pid = probe(Node),
    [Pid ! {number, self(), N, x} || N <- lists:seq(1, 20000)],
    {20000, 0} = do(Pid, numbers).

abcast_test(#{node := Node}) ->
    Pid = probe(Node),
    ok = do(Pid, {register, many}),
    [abcast = gen_server:abcast([Node], many, {number, self(), N, x}) || N <- lists:seq(1, 1000)],
    {1000, 0} = do(Pid, numbers).

%% Large ones travel in fragments, between which those of the other senders go.
senders_of_large_and_small_messages_test(#{node := Node}) ->
    Pid = probe(Node),
    Sizes = {0, 10, 100000, 1, 300000, 64, 70000, 0},
    Send = fun(N) ->
        Payload = <<0:(8 * element(N rem 8 + 1, Sizes))>>,
        Message = {number, self(), N, Payload},
        case N rem 2 of
            0 -> gen_server:cast(Pid, Message);
            1 -> Pid ! Message
        end
    end,
    Refs = [element(2, spawn_monitor(fun() -> [Send(N) || N <- lists:seq(1, 400)] end))
            || _ <- lists:seq(1, 8)],
    [normal = down(Ref) || Ref <- Refs],
    fixture:eventually(fun() -> do(Pid, numbers) =:= {3200, 0} end).

from_the_c_node_in_order_test(#{node := Node}) ->
    Payloads = [{2000, x}, {200, <<0:800000>>}, {2000, <<"y">>}, {20, <<0:8000000>>}],
    Senders = [{probe(Node), Times, Payload} || {Times, Payload} <- Payloads],
    [ok = gen_server:cast(Pid, {do, {repeat, Times, self(), Payload}})
     || {Pid, Times, Payload} <- Senders],
    [[receive {Pid, N, Payload} -> ok after 60000 -> exit({missing, N}) end
      || N <- lists:seq(1, Times)] || {Pid, Times, Payload} <- Senders],
    fixture:no_message().

replies_and_sends_in_order_test(#{node := Node}) ->
    Pid = probe(Node),
    [begin
         ok = do(Pid, {send, self(), {before, N}}),
         receive {before, N} -> ok after 0 -> exit({overtaken, N}) end
     end || N <- lists:seq(1, 1000)].

%% The end of a process does not overtake a large message of its own.
large_message_before_its_senders_end_test(#{node := Node}) ->
    [begin
         Pid = probe(Node),
         Ref = monitor(process, Pid),
         gen_server:cast(Pid, {do, {send, self(), <<0:(8 * 1000000)>>}}),
         gen_server:cast(Pid, {stop, stop_now}),
         receive
             {'DOWN', Ref, process, Pid, stop_now} -> exit(overtaken);
             Bin when is_binary(Bin) -> stop_now = down(Ref)
         end
     end || _ <- lists:seq(1, 10)].

%% Nor does it overtake an answer, by whatever tag it was asked for.
large_answer_before_its_senders_end_test(#{node := Node}) ->
    [begin
         Pid = probe(Node),
         Ref = monitor(process, Pid),
         Tag = Make(Ref),
         Pid ! {'$gen_call', {self(), Tag}, {stop, stop_now, <<N:(8 * 4000000)>>}},
         receive
             {'DOWN', Ref, process, Pid, stop_now} -> exit(overtaken);
             {Tag, <<N:(8 * 4000000)>>} -> stop_now = down(Ref)
         end
     end || Make <- [fun(Ref) -> Ref end, fun(Ref) -> {tag, Ref} end, fun(_) -> an_atom end],
            N <- lists:seq(1, 3)].

%% The same from here to there.
large_message_before_an_exit_test(#{node := Node}) ->
    [begin
         Pid = fixture:probe(Node, [trap]),
         Large = <<N:(8 * 1000000)>>,
         {Sender, Ref} = spawn_monitor(fun() -> link(Pid), Pid ! Large, exit(after_it) end),
         after_it = down(Ref),
         Large = fixture:told(Pid, info),
         {'EXIT', Sender, after_it} = fixture:told(Pid, info)
     end || N <- lists:seq(1, 10)].
