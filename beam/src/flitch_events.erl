%% SPDX-License-Identifier: Apache-2.0
%% Events of telemetry, where the system has that library; nothing where it has not.
%%
%%     [flitch, node, up | down]                    #{name, node}, down: reason too
%%     [flitch, call, start | stop | exception]     #{name, node, server}, exception: kind, reason too
-module(flitch_events).
-export([emit/3, span/3]).

-spec emit([atom()], map(), map()) -> ok.
emit(Event, Measurements, Metadata) ->
    case is_there() of
        true -> execute(Event, Measurements, Metadata);
        false -> ok
    end.

%% Runs Fun between start and stop, or exception.
-spec span([atom()], map(), fun(() -> Value)) -> Value.
span(Prefix, Metadata, Fun) ->
    case is_there() of
        true -> measured(Prefix, Metadata, Fun);
        false -> Fun()
    end.

measured(Prefix, Metadata, Fun) ->
    Start = erlang:monotonic_time(),
    execute(Prefix ++ [start], #{monotonic_time => Start, system_time => erlang:system_time()}, Metadata),
    try Fun() of
        Value ->
            execute(Prefix ++ [stop], #{duration => erlang:monotonic_time() - Start}, Metadata),
            Value
    catch
        Kind:Reason:Stack ->
            execute(Prefix ++ [exception], #{duration => erlang:monotonic_time() - Start},
                    Metadata#{kind => Kind, reason => Reason, stacktrace => Stack}),
            erlang:raise(Kind, Reason, Stack)
    end.

%% In embedded mode all code is loaded; in interactive mode a system that uses telemetry has loaded
%% it by attaching its first handler.
is_there() -> erlang:function_exported(telemetry, execute, 3).

%% By a variable: the library is no dependency.
execute(Event, Measurements, Metadata) ->
    Library = telemetry,
    Library:execute(Event, Measurements, Metadata),
    ok.
