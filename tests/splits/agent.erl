%% SPDX-License-Identifier: Apache-2.0
%% Runs in a node of a cluster that is split: applies what comes by standard input, since the
%% distribution is what is cut. A line is a term {Ref, M, F, A} in base64; an answer is a line
%% "ANSWER " with {Ref, Result}. The node ends with its input. Keeps to what OTP 23 understands.
-module(agent).
-export([main/0]).

main() ->
    Reader = self(),
    Printer = spawn_link(fun print/0),
    io:put_chars("READY\n"),
    loop(Reader, Printer).

loop(Reader, Printer) ->
    case io:get_line("") of
        eof -> erlang:halt(0);
        {error, _} -> erlang:halt(1);
        Line ->
            {Ref, M, F, A} = binary_to_term(base64:decode(string:trim(Line))),
            spawn(fun() -> Printer ! {answer, Ref, result(M, F, A)} end),
            loop(Reader, Printer)
    end.

result(M, F, A) ->
    try {ok, apply(M, F, A)}
    catch Class:Reason:Stack -> {Class, Reason, Stack}
    end.

print() ->
    receive
        {answer, Ref, Result} ->
            io:put_chars(["ANSWER ", base64:encode(term_to_binary({Ref, Result})), "\n"]),
            print()
    end.
