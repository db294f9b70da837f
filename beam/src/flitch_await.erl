%% SPDX-License-Identifier: Apache-2.0
%% Who waits for a node to be up: told when it is, without asking again and again.
%%
%% While a node starts anew there may be no process under its name, so the waiting are kept here. This
%% process is started by the first who waits, as timer's is, under kernel's supervisor; where nobody
%% ever waits there is none.
-module(flitch_await).
-behaviour(gen_server).

-export([wait/2, is_up/1, start_link/0]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2]).

-spec wait(atom(), timeout()) -> ok | {error, timeout}.
wait(Name, Ms) ->
    case flitch_nodes:pick(Name) of
        {ok, _} -> ok;
        error when Ms =:= 0 -> {error, timeout};
        error ->
            ok = ensure_started(),
            gen_server:call(?MODULE, {wait, Name, Ms}, infinity)
    end.

%% A node of that name is up: after flitch_nodes says so.
-spec is_up(atom()) -> ok.
is_up(Name) -> gen_server:cast(?MODULE, {up, Name}).

start_link() -> gen_server:start_link({local, ?MODULE}, ?MODULE, [], []).

ensure_started() ->
    case whereis(?MODULE) of
        undefined ->
            Spec = #{id => ?MODULE, start => {?MODULE, start_link, []}, shutdown => brutal_kill},
            case supervisor:start_child(kernel_safe_sup, Spec) of
                {ok, _} -> ok;
                {error, {already_started, _}} -> ok;
                {error, already_present} -> restarted(supervisor:restart_child(kernel_safe_sup, ?MODULE))
            end;
        _ -> ok
    end.

restarted({ok, _}) -> ok;
restarted({error, running}) -> ok;
restarted({error, restarting}) -> ok.

%% ---- gen_server ----------------------------------------------------------------------------------

%% The state: each by the reference of the monitor of who waits, #{Ref => {Name, From, Timer}}.
init([]) -> {ok, #{}}.

handle_call({wait, Name, Ms}, {Pid, _} = From, Waiting) ->
    case flitch_nodes:pick(Name) of
        {ok, _} -> {reply, ok, Waiting};
        error ->
            Ref = monitor(process, Pid),
            {noreply, Waiting#{Ref => {Name, From, timer(Ms, Ref)}}}
    end;
handle_call(_, _, Waiting) -> {reply, {error, bad_call}, Waiting}.

handle_cast({up, Name}, Waiting) ->
    Told = [Ref || {Ref, {N, _, _}} <- maps:to_list(Waiting), N =:= Name],
    {noreply, lists:foldl(fun(Ref, Left) -> answer(Ref, ok, Left) end, Waiting, Told)};
handle_cast(_, Waiting) -> {noreply, Waiting}.

handle_info({late, Ref}, Waiting) -> {noreply, answer(Ref, {error, timeout}, Waiting)};
handle_info({'DOWN', Ref, process, _, _}, Waiting) -> {noreply, answer(Ref, gone, Waiting)};
handle_info(_, Waiting) -> {noreply, Waiting}.

timer(infinity, _) -> none;
timer(Ms, Ref) -> erlang:send_after(Ms, self(), {late, Ref}).

%% An answer to one who is gone goes nowhere.
answer(Ref, Answer, Waiting) ->
    case maps:take(Ref, Waiting) of
        {{_, From, Timer}, Left} ->
            _ = Timer =:= none orelse erlang:cancel_timer(Timer),
            _ = demonitor(Ref, [flush]),
            gen_server:reply(From, Answer),
            Left;
        error -> Waiting
    end.
