%% SPDX-License-Identifier: Apache-2.0
%% Client modules of what a shared object or a node says about itself, written by the binary's
%% `flitch describe`: for a build, where no node runs yet.
-module(flitch_client).
-export([write/1]).

%% Writes NAME_client.erl or NAME_client.ex into a folder, for each server and module of functions that
%% is described. `from` is a file (with a / in its path) or a node. The error is what the binary said.
-spec write(#{from := node() | flitch_options:text(), to := flitch_options:text(), format := erlang | elixir,
              exe => flitch_options:file()}) -> ok | {error, binary()}.
write(#{from := From, to := To, format := Format} = Options) ->
    Args = ["describe", from(From), "--format", atom_to_list(Format), "--out",
            flitch_program:text(To)],
    case exe(Options) of
        false -> {error, <<"flitch is not in the PATH">>};
        Exe ->
            Port = open_port({spawn_executable, Exe},
                             [{args, Args}, {env, cookie()}, exit_status, stderr_to_stdout, binary, hide]),
            collect(Port, [])
    end.

from(Node) when is_atom(Node) -> atom_to_list(Node);
from(Text) -> flitch_program:text(Text).

exe(#{exe := Exe}) -> flitch_program:path(Exe);
exe(#{}) -> os:find_executable("flitch").

%% For a node: that of this VM, where it is a node itself.
cookie() -> [{"FLITCH_COOKIE", atom_to_list(erlang:get_cookie())} || is_alive()].

collect(Port, Said) ->
    receive
        {Port, {data, More}} -> collect(Port, [Said, More]);
        {Port, {exit_status, 0}} -> ok;
        {Port, {exit_status, _}} -> {error, iolist_to_binary(Said)}
    end.
