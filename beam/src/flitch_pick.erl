%% SPDX-License-Identifier: Apache-2.0
%% The owner of a key among the members of a process group, the same one that C nodes find by
%% fl_pick_by_key: the member with the greatest phash2({Key, Node, Id, Serial}); of equals the one
%% that is last by node, serial and id. When a member comes or goes, only the keys that it gets or
%% had change their owner.
-module(flitch_pick).
-export([by_key/2, by_key/3, owner/2]).

%% A member of the group, or none when it is empty.
-spec by_key(Key :: term(), Group :: term()) -> pid() | none.
by_key(Key, Group) -> by_key(pg, Key, Group).

-spec by_key(Scope :: atom(), Key :: term(), Group :: term()) -> pid() | none.
by_key(Scope, Key, Group) -> owner(Key, pg:get_members(Scope, Group)).

%% The same of any list of pids.
-spec owner(Key :: term(), [pid()]) -> pid() | none.
owner(_, []) -> none;
owner(Key, Pids) ->
    {_, Pid} = lists:max([{weight(Key, Pid), Pid} || Pid <- Pids]),
    Pid.

weight(Key, Pid) ->
    {Id, Serial} = numbers(term_to_binary(Pid)),
    Node = node(Pid),
    {erlang:phash2({Key, Node, Id, Serial}, 1 bsl 32), atom_to_binary(Node, utf8), Serial, Id}.

%% NEW_PID_EXT and PID_EXT end in Id:32, Serial:32, Creation:32 or :8.
numbers(<<131, 88, _/binary>> = Pid) -> numbers(Pid, 12);
numbers(<<131, 103, _/binary>> = Pid) -> numbers(Pid, 9).

numbers(Pid, Size) ->
    <<Id:32, Serial:32, _/binary>> = binary:part(Pid, byte_size(Pid), -Size),
    {Id, Serial}.
