#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The binary as a person meets it: exit codes, three-part errors, READY and FAILED, signals.
#
# Nothing here needs Erlang. epmd is the binary's own, private, on a port found free; HOME is a
# folder of its own, so that no cookie of the user matters. `run.sh PART` runs the tests whose name
# contains PART.
set -uo pipefail

cd "$(dirname "$0")/../.." || exit 70
top=$PWD
build=$(realpath -m "${BUILD:-build}")
flitch=$build/flitch
part=${1:-}
[ -x "$flitch" ] || { echo "FAIL - cmd: $flitch is not built"; echo "0 passed, 1 failed"; exit 1; }
work=$(mktemp -d)
passed=0 failed=0
pids=()

stop_all() {
	for pid in "${pids[@]}"; do kill -9 "$pid"; done
	wait
	rm -rf "$work"
} 2>/dev/null
trap stop_all EXIT
trap 'exit 130' INT TERM

export HOME=$work/home FLITCH_COOKIE=Xk29fjw0Qm38dkLs02mz
unset "${!FLITCH_DIST@}" "${!RELEASE_@}" FLITCH_CONFIG FLITCH_NODE_NAME XDG_CONFIG_HOME
mkdir -p "$HOME"
cd "$work" || exit 70

# ---- small words -------------------------------------------------------------------------------

fail() { echo "    $*" >>"$work/why"; }

# Runs a command; its output is in $work/out and $work/err. What it refuses has three parts.
try() { # CODE COMMAND...
	local wanted=$1
	shift
	timeout -k 2 60 "$@" >"$work/out" 2>"$work/err" </dev/null
	local rc=$?
	[ $rc -eq "$wanted" ] || fail "exit code $rc, not $wanted: $* :: $(head -c 300 "$work/err")"
	! grep -q '^flitch: ' "$work/err" || three_parts
}

says() { # FILE TEXT
	grep -qF -- "$2" "$work/$1" || fail "$1 lacks: $2 :: $(head -c 400 "$work/$1")"
}

silent() { [ ! -s "$work/$1" ] || fail "$1 is not empty: $(head -c 300 "$work/$1")"; }

# Among log lines, which go to stderr as well.
three_parts() {
	grep -q '^flitch: ' "$work/err" || fail "no first part: $(cat "$work/err")"
	grep -q '^  why:  ' "$work/err" || fail "no second part: $(cat "$work/err")"
	grep -q '^  next: ' "$work/err" || fail "no third part: $(cat "$work/err")"
}

# Waits until a line of the file matches.
await() { # FILE PATTERN
	timeout 60 sh -c 'until grep -qE -- "$1" "$0" 2>/dev/null; do sleep 0.02; done' "$work/$1" "$2" ||
		{ fail "$1 never had: $2 :: $(head -c 400 "$work/$1")"; return 1; }
}

# Starts a node in the background: its output in NAME.out and NAME.err, its pid in $node.
start() { # NAME FLAGS...
	local name=$1
	shift
	: >"$work/$name.out"
	"$flitch" run --name "$name@127.0.0.1" "$@" >"$work/$name.out" 2>"$work/$name.err" </dev/null &
	node=$!
	pids+=("$node")
	await "$name.out" '^(READY|FAILED)' && ! grep -q ^FAILED "$work/$name.out" ||
		{ fail "$name did not start: $(cat "$work/$name.out" "$work/$name.err")"; return 1; }
}

# Waits for the end of a node and checks its exit code.
ends() { # PID CODE
	timeout 60 tail -s 0.05 --pid="$1" -f /dev/null || { fail "still runs"; kill -9 "$1"; }
	wait "$1"
	local rc=$?
	[ $rc -eq "$2" ] || fail "ended with $rc, not $2"
}

it() { # FUNCTION
	case $1 in *"$part"*) ;; *) return ;; esac
	: >"$work/why"
	"$1"
	if [ -s "$work/why" ]; then
		failed=$((failed + 1))
		echo "FAIL - cmd: ${1//_/ }"
		cat "$work/why"
	else
		passed=$((passed + 1))
		echo "ok - cmd: ${1//_/ }"
	fi
}

# ---- usage -------------------------------------------------------------------------------------

no_command_is_a_usage_error() { try 64 "$flitch"; says err "usage: flitch COMMAND"; }

unknown_command_names_the_nearest() {
	try 64 "$flitch" rnu
	says err 'unknown command "rnu" (did you mean "run"?)'
	says err '  next: flitch help'
}

unknown_flag_names_the_nearest() {
	try 64 "$flitch" run --cookei x
	says err 'unknown flag "--cookei" (did you mean "--cookie"?)'
	says out 'FAILED code=64 reason="'
	three_parts
	try 64 "$flitch" call --tiemout 1s a b c
	says err 'did you mean "--timeout"?'
}

every_command_has_help() {
	for command in run demo call cast ping epmd gen-cookie reload config version help; do
		try 0 "$flitch" "$command" --help
		says out "usage: flitch"
		try 0 "$flitch" help "$command"
	done
	try 0 "$flitch" version
	says out "flitch 0."
}

each_refusal_has_three_parts() {
	: >empty
	mkdir -p folder
	chmod 400 empty
	while read -r code words; do
		eval "try $code \"$flitch\" $words"
		three_parts
	done <<-'EOF'
	78 run --name x@127.0.0.1 --port 99999
	78 run --name x@127.0.0.1 --port many
	78 run --name x@127.0.0.1 --set dist.ticktime=0
	78 run --name x@127.0.0.1 --set dist.ticktime=soon
	78 run --name x@127.0.0.1 --set dist.epmd=maybe
	78 run --name x@127.0.0.1 --set node.visible=perhaps
	78 run --name x@127.0.0.1 --set bogus=1
	78 run --name x@127.0.0.1 --set bogus
	78 run --name x@127.0.0.1 --set dist.port_min=5
	78 run --name x@127.0.0.1 --set dist.out_soft=2GiB
	78 run --name x@127.0.0.1 --cookie-file empty
	78 run --name x@127.0.0.1 --cookie-file folder
	78 run --name x@127.0.0.1 --config missing.conf
	78 run --name x@127.0.0.1 --config folder
	78 run --name x@127.0.0.1 --epmd embedded --load folder
	78 run --name x@127.0.0.1 --listen 999.1.1.1
	64 run --name x@127.0.0.1 --epmd embedded --join 'no node'
	64 run --name
	64 run --name x@127.0.0.1 extra
	64 run --name x@127.0.0.1 --hidden=yes
	78 run --name 'a b@127.0.0.1'
	78 run --sname x@127.0.0.1
	78 run --name x@host
	78 run
	64 call c1
	64 call c1 counter '{add,'
	64 ping --timeout soon c1
	64 ping --timeout
	78 ping
	78 ping --config missing.conf
	78 epmd --port 99999
	69 epmd --names --port 1
	64 config bogus
	78 config check --config missing.conf
	64 version now
	64 help bogus
	EOF
	printf 'peers = ({ name = "a@h"; adress = "b"; });\n' >flitch.conf
	try 78 "$flitch" config check --config flitch.conf
	printf 'dist = { port = 1\n' >flitch.conf
	try 78 "$flitch" config check --config flitch.conf
}

epmd_that_nobody_used_ends() {
	"$flitch" epmd --port "$ERL_EPMD_PORT" --linger 1ms >lone.out 2>&1 </dev/null &
	pids+=($!)
	ends $! 0
}

node_without_epmd_is_visited_by_its_port() {
	try 0 "$flitch" ping --help
	says out '--set dist.epmd=off --set dist.port=P'
	local port
	for port in $(shuf -i 20000-32000 -n 20); do
		: >why
		start off --epmd off --port "$port" && break
	done
	try 0 "$flitch" ping --set dist.epmd=off --set dist.port="$port" off@127.0.0.1
	grep -q '^pong off@127.0.0.1' out || fail "$(cat out)"
	kill "$node"
	ends "$node" 0
}

wrong_number_of_words_is_a_usage_error() {
	try 64 "$flitch" call c1
	says err 'too few arguments: flitch call [flags] NODE NAME TERM'
	try 64 "$flitch" ping a b
	says err '"b" is one argument too many'
}

# ---- configuration -----------------------------------------------------------------------------

unknown_key_names_file_line_and_the_nearest() {
	printf 'dist = {\n  tiktime = 60;\n};\n' >flitch.conf
	try 78 "$flitch" run --sname x --config flitch.conf
	says err 'flitch.conf:2: unknown key "dist.tiktime" (did you mean "dist.ticktime"?)'
	says out 'FAILED code=78 reason="flitch.conf:2: unknown key'
	try 78 "$flitch" config check --config flitch.conf
	try 78 "$flitch" config show --set dist.prot=1
	says err 'did you mean "dist.port"?'
}

wrong_value_names_where_and_what_would_do() {
	printf 'dist = { port = 70000; };\n' >flitch.conf
	try 78 "$flitch" config show --config flitch.conf
	says err 'flitch.conf:1: 70000 is out of range for dist.port: 0 to 65535'
	try 78 env FLITCH_LOG_LEVEL=loud "$flitch" config show
	says err 'FLITCH_LOG_LEVEL: "loud" is no value for log.level'
}

partition_keys_that_do_not_go_together_name_where() {
	printf 'partition = {\n  policy = "keep_majorty";\n};\n' >flitch.conf
	try 78 "$flitch" run --config flitch.conf
	says err 'flitch.conf:2: "keep_majorty" is no value for partition.policy (did you mean "keep_majority"?)'
	printf 'partition = {\n  policy = "static_quorum";\n  quorum = 4;\n  members = ["a@h", "b@h", "c@h"];\n};\n' >flitch.conf
	try 78 "$flitch" run --config flitch.conf
	says err 'flitch.conf:3: partition.quorum = 4 does not go with 3 members (flitch.conf:4)'
	three_parts
	printf 'partition = {\n  policy = "keep_referee";\n  referees = ["node1@h"];\n  members = ["nod1@h", "b@h"];\n};\n' >flitch.conf
	try 78 "$flitch" run --config flitch.conf
	says err 'flitch.conf:3: node1@h of partition.referees is not in partition.members (did you mean "nod1@h"?)'
}

partition_simulate_tells_who_would_serve() {
	local five='partition.members=a@h,b@h,c@h,d@h,e@h'
	try 0 "$flitch" partition simulate --set "$five" --split a,b
	says out '  b@h pauses: less than half of the members are on this side (2 of 5)'
	says out '  c@h serves: more than half of the members are on this side (3 of 5)'
	says out '3 of 5 serve'
	try 0 "$flitch" partition simulate --set "$five" --down a@h,b --cut c,d
	says out '  a@h is down'
	says out '0 of 5 serve'
	try 0 "$flitch" partition simulate --set "$five" --set partition.policy=keep_oldest --split a,b --split c
	says out '2 of 5 serve'
	try 64 "$flitch" partition simulate --set "$five" --down f@h
	says err '"f@h" is none of the members, or several (did you mean "a@h"?)'
	try 78 "$flitch" partition simulate --down a
	says err 'there are no partition.members to simulate with'
}

value_of_a_wrong_type_names_where() {
	printf 'node = {\n  name = 5;\n};\n' >flitch.conf
	try 78 "$flitch" run --config flitch.conf
	says err 'flitch.conf:2: node.name takes a text, in quotes'
	says out 'FAILED code=78 reason="flitch.conf:2: node.name'
	printf 'node = { cookie = 123456; };\n' >flitch.conf
	try 78 "$flitch" run --sname x --config flitch.conf
	! grep -q 123456 err || fail "the cookie is shown: $(cat err)"
	try 78 "$flitch" config show --set limits.frame=4GiB
	says err 'out of range for limits.frame'
}

empty_and_contradicting_flags_are_refused() {
	try 64 "$flitch" run --sname x --cookie ''
	says err '--cookie needs C, not an empty text'
	try 78 "$flitch" run --sname x --set node.cookie=
	says err 'node.cookie is empty'
	try 64 "$flitch" run --name x@127.0.0.1 --sname x
	says err '--name and --sname are both given'
	try 64 "$flitch" run --sname x --sname y
	says err '--sname is given twice'
}

origin_of_each_value_is_shown() {
	printf 'dist = { ticktime = 8; port = 1; };\n' >flitch.conf
	try 0 env FLITCH_DIST_LISTEN=::1 ERL_EPMD_PORT=5000 "$flitch" config show --origin \
		--config flitch.conf --set log.level=debug --port 7 --join a@h --join b@h
	grep -qE '^dist.ticktime = 8 +# flitch.conf:1$' out || fail "$(grep ticktime out)"
	grep -qE '^dist.listen = ::1 +# FLITCH_DIST_LISTEN$' out || fail "$(grep listen out)"
	grep -qE '^epmd.port = 5000 +# ERL_EPMD_PORT$' out || fail "$(grep epmd.port out)"
	grep -qE '^log.level = debug +# --set$' out || fail "$(grep log.level out)"
	grep -qE '^dist.port = 7 +# --port$' out || fail "$(grep dist.port out)"
	grep -qE '^node.join = a@h,b@h +# --join$' out || fail "$(grep node.join out)"
	grep -qE '^dist.setup_time = 7s +# default$' out || fail "$(grep setup out)"
}

secrets_are_never_shown() {
	try 0 "$flitch" config show --origin
	says out 'node.cookie = <set>'
	! grep -q "$FLITCH_COOKIE" out || fail "the cookie is shown"
}

# ---- cookies -----------------------------------------------------------------------------------

cookie_file_that_others_can_read_is_refused() {
	echo secret-secret-secret >cookie
	chmod 644 cookie
	try 78 "$flitch" run --name x@127.0.0.1 --cookie-file cookie
	says err 'group or others may access it (mode 0644)'
	says err '  next: chmod 400 cookie'
	says out 'FAILED code=78'
	three_parts
}

missing_cookie_is_explained_and_none_is_made() {
	try 78 env -u FLITCH_COOKIE "$flitch" run --name x@127.0.0.1
	says err 'there is no cookie'
	three_parts
	[ ! -e "$HOME/.erlang.cookie" ] || fail "a cookie was made"
	try 78 "$flitch" run --name x@127.0.0.1 --cookie-file /nonexistent
	says err 'No such file'
	three_parts
}

empty_cookie_is_refused() {
	printf '' >empty.cookie
	printf '\nbehind-an-empty-line' >blank.cookie
	chmod 400 empty.cookie blank.cookie
	for file in empty.cookie blank.cookie; do
		try 78 env -u FLITCH_COOKIE "$flitch" run --name x@127.0.0.1 --cookie-file $file
		says err "the cookie file $file holds no cookie on its first line"
		three_parts
	done
	try 78 env FLITCH_COOKIE= "$flitch" run --name x@127.0.0.1
	says err 'there is no cookie'
	three_parts
}

short_and_well_known_cookies_off_loopback_are_refused() {
	printf 'peers = ({ name = "a@h"; cookie = "abcdefghijklmno"; });\n' >peers.conf
	for cookie in abcdefghijklmno nocookie monster emqxsecretcookie changemechangeme aaaaaaaaaaaaaaaaaaaa; do
		try 78 env FLITCH_COOKIE=$cookie "$flitch" run --name x@127.0.0.1 --listen :: \
			--set dist.insecure_listen=true
		says err 'the cookie from FLITCH_COOKIE is too weak to listen on ::'
		says err 'flitch gen-cookie'
		three_parts
		! grep -q "$cookie" err out || fail "the cookie is shown"
	done
	try 78 "$flitch" run --name x@127.0.0.1 --listen :: --set dist.insecure_listen=true --config peers.conf
	says err 'peers.conf:1 is too weak to listen on ::'
	! grep -q abcdefghijklmno err out || fail "the cookie is shown"
}

gen_cookie_makes_one_that_will_do() {
	try 0 "$flitch" gen-cookie made.cookie
	says out 'made.cookie holds a new cookie; its mode is 0400'
	says out 'flitch run --cookie-file made.cookie'
	silent err
	[ "$(stat -c %a made.cookie)" = 400 ] || fail "mode $(stat -c %a made.cookie)"
	grep -qxE '[A-Za-z0-9]{43}' made.cookie || fail "not 43 letters and digits"
	! grep -qf made.cookie out || fail "the cookie is shown"
	cp made.cookie before
	try 69 "$flitch" gen-cookie made.cookie
	says err 'made.cookie is there already, and is left as it is'
	cmp -s made.cookie before || fail "it was changed"
	rm -f before
	try 70 "$flitch" gen-cookie /nonexistent/cookie
	mkdir -p fresh
	try 0 env HOME="$work/fresh" "$flitch" gen-cookie
	try 0 env -u FLITCH_COOKIE HOME="$work/fresh" "$flitch" config check --set node.name=x@127.0.0.1 \
		--set dist.listen=0.0.0.0 --set dist.insecure_listen=true
	try 64 env -u HOME "$flitch" gen-cookie
}

weak_cookie_off_loopback_is_refused() {
	try 78 env FLITCH_COOKIE=monster "$flitch" run --name x@127.0.0.1 --listen 0.0.0.0 \
		--set dist.insecure_listen=true
	says err 'too weak to listen on 0.0.0.0'
	three_parts
	! grep -q monster err || fail "the cookie is shown"
}

address_off_loopback_needs_leave() {
	try 78 "$flitch" run --name x@127.0.0.1 --listen 0.0.0.0
	says err 'dist.listen = 0.0.0.0 is off loopback'
	three_parts
}

name_forms_are_checked() {
	try 78 "$flitch" run --sname x@127.0.0.1
	says out 'FAILED code=78'
	try 78 "$flitch" run --name x@host
	try 78 "$flitch" run
	says err 'the node has no name'
}

# ---- a node ------------------------------------------------------------------------------------

node_says_ready_and_leaves_on_sigterm() {
	start c2 --load "$build/examples/counter.so" || return
	grep -qE '^READY node=c2@127\.0\.0\.1 port=[1-9][0-9]* pid=[0-9]+ vsn=0\.[0-9.]+$' c2.out ||
		fail "$(cat c2.out)"
	grep -q "pid=$node " c2.out || fail "not its own pid: $(cat c2.out)"
	[ "$(wc -l <c2.out)" -eq 1 ] || fail "more on stdout than one line: $(cat c2.out)"
	kill -TERM "$node"
	ends "$node" 0
	try 0 "$flitch" epmd --names
	! grep -q 'name c2 ' out || fail "still registered: $(cat out)"
}

missing_shared_object_is_refused() {
	try 78 "$flitch" run --name x@127.0.0.1 --load /nonexistent.so
	says out 'FAILED code=78'
	says err '/nonexistent.so'
	three_parts
}

broken_shared_object_is_refused() {
	echo 'no object' >broken.so
	try 78 "$flitch" run --name x@127.0.0.1 --load "$work/broken.so"
	says out 'FAILED code=78'
	three_parts
}

function_of_the_nodes_own_is_not_replaced() {
	cat >theirs.c <<-'EOF'
	#include <flitch.h>
	static int no(fl_proc *self, fl_term args, fl_buf *result)
	{
		(void)self, (void)args;
		return fl_build(result, "no");
	}
	FL_EXPORTS({"mine", "no", 0, no}, {"erlang", "node", 0, no});
	EOF
	${CC:-cc} -shared -fPIC -o theirs.so theirs.c -I"$top/include" 2>own.log ||
		{ fail "$(cat own.log)"; return; }
	try 69 "$flitch" run --name x@127.0.0.1 --load "$work/theirs.so"
	says err 'cannot add the functions of'
	three_parts
}

init_that_knows_why_says_it_to_whoever_starts_the_node() {
	cat >picky.c <<-'EOF'
	#include <flitch.h>
	#include <stdlib.h>
	static int on_init(fl_proc *self, void *state, fl_term args)
	{
		(void)state, (void)args;
		return fl_stop(self, "{~, ~}", fl_atom_of(getenv("PICKY")), "no colour is set");
	}
	static const fl_behaviour picky = {.name = "picky", .init = on_init};
	FL_MODULE(&picky);
	EOF
	${CC:-cc} -shared -fPIC -o picky.so picky.c -I"$top/include" 2>own.log ||
		{ fail "$(cat own.log)"; return; }
	local node=(run --name picky@127.0.0.1 --load "$work/picky.so")
	PICKY=config try 78 "$flitch" "${node[@]}"
	says out 'FAILED code=78 reason="'
	says out 'cannot start picky: no colour is set"'
	PICKY=busy try 75 "$flitch" "${node[@]}"
	PICKY=colour try 70 "$flitch" "${node[@]}"
	says out 'cannot start picky: its init stopped with {colour,'
}

# Once it was told to, the server ends whenever it is started.
server_that_always_ends_takes_the_node_with_it() {
	cat >doomed.c <<-'EOF'
	#include <flitch.h>
	static _Atomic(bool) is_doomed;
	static int on_init(fl_proc *self, void *state, fl_term args)
	{
		(void)state, (void)args;
		return is_doomed ? fl_next_continue(self, "again") : FL_OK;
	}
	static int on_continue(fl_proc *self, void *state, fl_term what)
	{
		(void)state;
		return fl_stop(self, "{doomed, ~}", what);
	}
	static int on_cast(fl_proc *self, void *state, fl_term message)
	{
		is_doomed = true;
		return on_continue(self, state, message);
	}
	static const fl_behaviour doomed = {
		.name = "doomed", .init = on_init, .cast = on_cast, .continue_ = on_continue,
	};
	FL_MODULE(&doomed);
	EOF
	${CC:-cc} -shared -fPIC -o doomed.so doomed.c -I"$top/include" 2>own.log ||
		{ fail "$(cat own.log)"; return; }
	start c12 --load "$work/doomed.so" || return
	try 0 "$flitch" cast c12@127.0.0.1 doomed now
	ends "$node" 70
	says c12.err 'Reason for termination == {doomed,now}'
	says c12.err 'Reason for termination == {doomed,again}'
	says c12.err 'this node ends with code 70: its supervisor gave up; a server ended more often'
}

# Its init waits until somebody opens the pipe for writing.
build_waiting() {
	cat >waiting.c <<-'EOF'
	#include <fcntl.h>
	#include <stdio.h>
	#include <unistd.h>
	#include <flitch.h>
	static int on_init(fl_proc *self, void *state, fl_term args)
	{
		(void)self, (void)state, (void)args;
		(void)fprintf(stderr, "init runs\n");
		(void)close(open("gate", O_RDONLY));
		return FL_OK;
	}
	static void on_terminate(fl_proc *self, void *state, fl_term reason)
	{
		(void)self, (void)state, (void)reason;
		(void)fprintf(stderr, "terminated\n");
	}
	static const fl_behaviour waiting = {
		.name = "waiting", .init = on_init, .terminate = on_terminate, .trap_exit = true,
	};
	FL_MODULE(&waiting);
	EOF
	${CC:-cc} -shared -fPIC -o waiting.so waiting.c -I"$top/include" 2>own.log ||
		{ fail "$(cat own.log)"; return 1; }
	rm -f gate
	mkfifo gate
}

start_waiting() { # FLAGS...
	build_waiting || return
	"$flitch" run --name c13@127.0.0.1 --load "$work/waiting.so" "$@" >c13.out 2>c13.err </dev/null &
	node=$!
	pids+=("$node")
	await c13.err '^init runs' || return
	kill -TERM "$node"
	await c13.err 'SIGTERM received'
}

stop_while_it_starts_is_carried_out_then() {
	start_waiting || return
	timeout 60 sh -c ': >gate'
	ends "$node" 0
	says c13.err terminated
	silent c13.out
}

stop_ends_a_start_that_hangs() {
	start_waiting --set node.shutdown_time=50ms || return
	ends "$node" 75
	says c13.err 'the stop took longer than 50 ms'
	start_waiting || return
	kill -TERM "$node"
	ends "$node" 143
}

taken_name_is_refused() {
	start c3 || return
	try 69 "$flitch" run --name c3@127.0.0.1
	says out 'FAILED code=69'
	says err 'c3'
	three_parts
	! grep -q 'is leaving' err || fail "it never was there: $(cat err)"
	kill "$node"
	ends "$node" 0
}

port_in_use_is_refused() {
	start c4 || return
	local port
	port=$(sed -n 's/.* port=\([0-9]*\) .*/\1/p' c4.out)
	try 69 "$flitch" run --name c5@127.0.0.1 --port "$port"
	says out 'FAILED code=69'
	says err "$port"
	three_parts
	! grep -q 'is leaving' err || fail "it never was there: $(cat err)"
	kill "$node"
	ends "$node" 0
}

end_of_stdin_ends_a_child_of_a_port() {
	mkfifo stdin
	"$flitch" run --name c6@127.0.0.1 --parent-stdin --set log.level=info \
		<stdin >c6.out 2>c6.err &
	node=$!
	pids+=("$node")
	exec 9>stdin
	await c6.out '^READY' || return
	kill -HUP "$node"
	await c6.out '^<5>SIGHUP received'
	exec 9>&-
	ends "$node" 0
	grep -q '^<5>stdin closed by the parent' c6.out || fail "no log line: $(cat c6.out)"
	[ ! -s c6.err ] || fail "stderr is not empty: $(cat c6.err)"
}

sigusr1_writes_a_state_dump_and_the_node_goes_on() {
	start c7 --load "$build/examples/counter.so" || return
	kill -USR1 "$node"
	await c7.err 'state dump in' || return
	grep -q '^=node' "flitch_dump.$node" || fail "no dump"
	grep -q '^Name: counter' "flitch_dump.$node" || fail "no counter: $(cat "flitch_dump.$node")"
	kill -0 "$node" || fail "gone"
	kill "$node"
	ends "$node" 0
}

sighup_reads_the_log_level_again() {
	printf 'log = { level = "notice"; };\n' >reload.conf
	start c8 --config reload.conf || return
	printf 'log = { level = "debug"; };\n' >reload.conf
	kill -HUP "$node"
	await c8.err 'SIGHUP received: log level debug'
	printf 'log = { level = "loud"; };\n' >reload.conf
	kill -HUP "$node"
	await c8.err 'SIGHUP received: nothing changed'
	kill -QUIT "$node"
	ends "$node" 131
}

reload_command_says_what_came_of_it() {
	printf 'log = { level = "notice"; };\n' >reload.conf
	start c14 --config reload.conf || return
	printf 'log = { level = "debug"; };\naccess = ({ nodes = "*"; rpc = "strict"; allow = "flitch:reload"; });\n' >reload.conf
	try 0 "$flitch" reload c14@127.0.0.1
	says c14.err 'flitch:reload/0: log level debug'
	printf 'access = ({ nodes = "x"; sys = ["terminat"]; });\n' >reload.conf
	try 78 "$flitch" reload c14@127.0.0.1
	says err 'c14@127.0.0.1 changed nothing: reload.conf:1: "terminat" is no request of sys or of a supervisor (did you mean "terminate"?)'
	printf 'access = ({ nodes = "*"; rpc = "strict"; });\n' >reload.conf
	try 0 "$flitch" reload c14@127.0.0.1
	try 78 "$flitch" reload c14@127.0.0.1
	says err 'cannot read its configuration anew'
	kill -USR1 "$node"
	await c14.err 'state dump in' || return
	grep -q '^Refused functions: 1$' "flitch_dump.$node" || fail "$(grep -A3 =access "flitch_dump.$node")"
	kill "$node"
	ends "$node" 0
}

access_rules_that_are_wrong_name_where() {
	while IFS='|' read -r rule said; do
		printf 'access = (%s);\n' "$rule" >access.conf
		try 78 "$flitch" config check --config access.conf
		says err "access.conf:1: $said"
	done <<-'EOF'
	{ rpc = "strict"; }|a rule needs nodes, a pattern of names
	{ nodes = "*"; rpc = "none"; }|rpc is default or strict
	{ nodes = "*"; alow = "a:b"; }|unknown key "alow" (did you mean "allow"?)
	{ nodes = "*"; allow = ["init"]; }|"init" names no function
	{ nodes = "*"; allow = 7; }|this key takes texts
	{ nodes = "*"; sys = [ "stop" ]; }|"stop" is no request of sys or of a supervisor
	7|access holds groups
	EOF
	try 78 "$flitch" config check --set sys.allow=get_stat
	says err '"get_stat" is no request of sys or of a supervisor (did you mean "get_state"?)'
	try 78 "$flitch" config check --set rpc.allow=init
	says err 'rpc.allow: "init" names no function'
}

# ---- what an attacker would like to find ---------------------------------------------------------

# Whether what readelf said has the pattern.
elf() { grep -qE -- "$1" elf; }

binary_and_library_are_hardened() {
	nm "$flitch" >elf
	if elf '__asan_init|__ubsan_handle|__tsan_init'; then
		return # sanitizers do this their way
	fi
	local file
	for file in "$flitch" "$build/libflitch.so"; do
		readelf -hldsW "$file" >elf
		elf 'Type: +DYN' || fail "$file is at a fixed address"
		elf GNU_RELRO || fail "$file: no RELRO"
		elf 'BIND_NOW|FLAGS_1.*NOW' || fail "$file: RELRO is not full"
		elf 'GNU_STACK .* RW +0x' || fail "$file: a stack that can be run"
		! elf 'LOAD .* RWE ' || fail "$file: memory to write and to run"
		! elf 'TEXTREL|RPATH|RUNPATH' || fail "$file: text relocations, or a path of its own"
		elf __stack_chk_fail || fail "$file: no stack protector"
		elf '__(snprintf|memcpy|vsnprintf|read)_chk' || fail "$file: no FORTIFY"
	done
	readelf -hdW "$flitch" >elf
	elf 'FLAGS_1.*PIE' || fail 'no PIE'
	# As far as this system goes: an empty program says.
	echo 'int main(void) { return 0; }' >empty.c
	${CC:-cc} -fcf-protection=full -o empty empty.c 2>/dev/null || return 0
	readelf -nW empty >elf
	elf IBT || return 0
	readelf -nW "$flitch" >elf
	elf IBT || fail "no CET: $(head -5 elf)"
}

# The node is told its secrets in every way there is, fails at what may fail, logs all it can log.
secrets_are_nowhere_to_be_found() {
	local env=EnvSecret9f3k2l1m8n7b6 argv=ArgvSecret7h2j4k5l6z8x set=SetSecret3q9w8e7r6t5y1
	local file=FileSecret5g6h7j8k9l0p peer=PeerSecret1a2s3d4f5g6h
	printf '%s' $file >secret.cookie
	printf 'peers = ({ name = "p@127.0.0.1"; cookie = "%s"; });\n' $peer >secret.conf
	chmod 400 secret.cookie
	"$flitch" tls dev-certs secret.tls 127.0.0.1 >/dev/null
	local node way
	for way in "env FLITCH_COOKIE=$env RELEASE_COOKIE=$env x" "env -u FLITCH_COOKIE x --cookie $argv" \
		"env -u FLITCH_COOKIE x --cookie=$argv" "env -u FLITCH_COOKIE x --set node.cookie=$set" \
		"env -u FLITCH_COOKIE x --cookie-file secret.cookie"; do
		: >secret.out
		rm -f flitch_dump.*
		eval "exec ${way/ x/ $flitch run --name secret@127.0.0.1} --config secret.conf --join p@127.0.0.1 \
			--set log.level=debug --set tls.cert=secret.tls/node.pem --set tls.key=secret.tls/node.key \
			--set tls.ca=secret.tls/ca.pem" >secret.out 2>secret.err </dev/null &
		node=$!
		pids+=("$node")
		await secret.out '^(READY|FAILED)' || return
		timeout 20 env FLITCH_COOKIE=WrongSecret4r5t6y7u8i9o "$flitch" ping secret@127.0.0.1 \
			--set tls.cert=secret.tls/node.pem --set tls.key=secret.tls/node.key \
			--set tls.ca=secret.tls/ca.pem >>secret.out 2>>secret.err
		kill -HUP "$node"
		await secret.err 'SIGHUP received'
		kill -USR1 "$node"
		await secret.err 'state dump in' || return
		tr '\0' '\n' <"/proc/$node/cmdline" >secret.cmdline
		tr '\0' '\n' <"/proc/$node/environ" >secret.environ
		! grep -lE 'Secret[0-9a-z]{12}' secret.out secret.err secret.cmdline secret.environ flitch_dump.* ||
			fail "by $way: $(grep -hoE '.{0,20}Secret[0-9a-z]{12}' secret.out secret.err secret.cmdline secret.environ flitch_dump.* | head -3)"
		! grep -qE 'PRIVATE KEY|digest [0-9a-f]{32}' secret.out secret.err flitch_dump.* || fail 'a key or digest is shown'
		kill "$node"
		ends "$node" 0
	done
}

descriptors() { find "/proc/$1/fd" -mindepth 1 | wc -l; }

# PID of an epmd at $ERL_EPMD_PORT that may have few descriptors, and has the node $1 registered.
floods_leave_epmd_as_it_was() { # PID NAME
	local before fds=() fd count
	before=$(descriptors "$1")
	for count in $(seq 120); do
		exec {fd}<>"/dev/tcp/127.0.0.1/$ERL_EPMD_PORT" || break
		[ $((count % 2)) -eq 0 ] || printf '\0\x09' >&"$fd" 2>/dev/null # half a request
		fds+=("$fd")
	done 2>/dev/null
	[ ${#fds[@]} -gt 60 ] || fail "only ${#fds[@]} connections could be opened"
	kill -0 "$1" || fail 'it ended for want of descriptors'
	for fd in "${fds[@]}"; do exec {fd}>&-; done
	timeout 60 sh -c "until '$flitch' epmd --names 2>/dev/null | grep -q '^name $2 at'; do sleep 0.02; done" ||
		fail 'nobody is answered after the flood'
	timeout 60 sh -c "until [ \$(find /proc/$1/fd -mindepth 1 | wc -l) -le $((before + 1)) ]; do sleep 0.02; done" ||
		fail "$(descriptors "$1") descriptors after the flood, $before before"
}

epmd_survives_a_flood_that_takes_all_its_descriptors() {
	local ERL_EPMD_PORT=$((ERL_EPMD_PORT + 1)) daemon
	export ERL_EPMD_PORT
	(ulimit -n 48 && exec "$flitch" epmd --address 127.0.0.1) >flood.out 2>&1 </dev/null &
	daemon=$!
	pids+=("$daemon")
	timeout 60 sh -c "until '$flitch' epmd --names >/dev/null 2>&1; do sleep 0.02; done"
	start c15 --epmd on || return
	floods_leave_epmd_as_it_was "$daemon" c15
	kill "$node"
	ends "$node" 0
}

embedded_epmd_survives_a_flood_that_takes_all_its_descriptors() {
	local ERL_EPMD_PORT=$((ERL_EPMD_PORT + 2))
	export ERL_EPMD_PORT
	local was
	was=$(ulimit -Sn)
	ulimit -Sn 64
	start c16 --epmd embedded || return
	ulimit -Sn "$was"
	floods_leave_epmd_as_it_was "$node" c16
	try 0 "$flitch" ping c16@127.0.0.1
	kill "$node"
	ends "$node" 0
}

# The library's constructor and an exported function try what a server should not.
sandbox_gives_up_what_no_node_needs() {
	cat >escape.c <<-'EOF'
	#define _GNU_SOURCE
	#include <errno.h>
	#include <sched.h>
	#include <sys/ptrace.h>
	#include <sys/syscall.h>
	#include <unistd.h>
	#include <flitch.h>
	static int escape(fl_proc *self, fl_term args, fl_buf *result)
	{
		char *const argv[] = {"/bin/false", NULL};
		int run, trace, root, space, other;
		(void)self, (void)args;
		run = execv(argv[0], argv) < 0 ? errno : 0;
		trace = ptrace(PTRACE_TRACEME, 0, 0, 0) < 0 ? errno : 0;
		root = setuid(0) < 0 ? errno : 0;
		/* a kernel says EINVAL to both */
		space = syscall(SYS_clone, CLONE_NEWUSER | CLONE_FS, 0, 0, 0, 0) < 0 ? errno : 0;
		other = syscall(SYS_clone3, (void *)0, 0) < 0 ? errno : 0;
		return fl_build(result, "{~, ~, ~, ~, ~, ~}", run, trace, root, space, other,
			(int)geteuid());
	}
	FL_EXPORTS({"escape", "escape", 0, escape});
	EOF
	mkdir -p open.box
	${CC:-cc} -shared -fPIC -o open.box/escape.so escape.c -I"$top/include" 2>own.log ||
		{ fail "$(cat own.log)"; return; }
	cp "$build/examples/counter.so" open.box
	local user=() uid
	uid=$(id -u)
	if [ "$uid" -eq 0 ]; then
		chmod 755 "$work" open.box
		user=(--set run.user=nobody)
		uid=$(id -u nobody)
	fi
	start c17 "${user[@]}" --set run.sandbox=true --load "$work/open.box/escape.so" \
		--load "$work/open.box/counter.so" || return
	for status in /proc/"$node"/task/*/status; do
		grep -qE '^NoNewPrivs:\s1$' "$status" || fail "$(grep NoNew "$status") in $status"
		grep -qE '^Seccomp:\s2$' "$status" || fail "$(grep Seccomp "$status") in $status"
		grep -qE "^Uid:\s$uid\s$uid\s$uid" "$status" || fail "$(grep Uid "$status")"
	done
	grep -qE '^Max core file size +0 +0' "/proc/$node/limits" || fail "$(grep core "/proc/$node/limits")"
	try 0 "$flitch" call c17@127.0.0.1 rex '{call, escape, escape, [], user}'
	says out "{1,1,1,1,38,$uid}"
	try 0 "$flitch" call c17@127.0.0.1 counter '{add, 1}'
	kill "$node"
	ends "$node" 0
	chmod 700 "$work"
	try 78 "$flitch" run --name x@127.0.0.1 --set run.user=nobody-of-that-name
	says err '--set: run.user = nobody-of-that-name is no user of this machine'
}

# ---- visits ------------------------------------------------------------------------------------

c1=c1@127.0.0.1

calls_and_casts_reach_a_server() {
	try 0 "$flitch" call $c1 counter '{add, 5}'
	[ "$(cat out)" = 5 ] || fail "$(cat out)"
	try 0 "$flitch" call $c1 counter '{add, -2}'
	[ "$(cat out)" = 3 ] || fail "$(cat out)"
	try 0 "$flitch" cast $c1 counter reset
	silent out
	try 0 "$flitch" call $c1 counter get
	[ "$(cat out)" = 0 ] || fail "$(cat out)"
	try 0 "$flitch" call $c1 echo '#{a => [1,2.5,<<"bin">>], "s" => {x}}'
	silent err
}

ping_tells_who_answers() {
	try 0 "$flitch" ping $c1
	grep -qE '^pong c1@127\.0\.0\.1 in [0-9.]+ ms$' out || fail "$(cat out)"
	try 0 env FLITCH_NODE_NAME=$c1 "$flitch" ping
	try 69 "$flitch" ping nobody@127.0.0.1
	says err 'cannot reach nobody@127.0.0.1'
	grep -q '^  next: ' err || fail "no third part: $(cat err)"
}

wrong_cookie_is_told_as_such() {
	try 69 "$flitch" ping --cookie another-cookie-entirely $c1
	says err cookie
	three_parts
}

unknown_server_is_told_as_such() {
	try 69 "$flitch" call $c1 nobody get
	says err "no process has that name"
	three_parts
}

refused_request_is_a_software_error() {
	try 70 "$flitch" call $c1 counter '{no, such, request}'
	says err 'ended before it answered'
	says err bad_call
	three_parts
}

bad_term_and_bad_name_are_usage_errors() {
	try 64 "$flitch" call $c1 counter '{add,'
	says err 'cannot read the term'
	try 64 "$flitch" call 'c 1@h' counter get
	try 64 "$flitch" call $c1 '<nonsense>' get
	says err 'is no pid'
}

visits_leave_no_name_behind() {
	try 0 "$flitch" ping $c1
	try 0 "$flitch" epmd --names
	[ "$(grep -c '^name ' out)" -eq 1 ] || fail "$(cat out)"
}

join_of_an_absent_node_is_told_once() {
	start joiner --join nobody@127.0.0.1
	await joiner.err 'nobody@127.0.0.1 is not connected, tried again until it is: .*; why: .*; next: '
	kill "$node"
	ends "$node" 0
	[ "$(grep -c 'nobody@127.0.0.1 is not connected' joiner.err)" -eq 1 ] || fail "$(cat joiner.err)"
}

# Functions beside a behaviour, and what the environment says.
program_of_ones_own_adds_functions() {
	cat >own.c <<-'EOF'
	#include <flitch.h>
	static int twice(fl_proc *self, fl_term args, fl_buf *result)
	{
		int64_t n;
		(void)self;
		if (!fl_match(args, "[~]", &n)) return fl_raise(result, FL_ERROR, "badarg");
		return fl_build(result, "~", 2 * n);
	}
	static int on_call(fl_proc *self, void *state, fl_from from, fl_term request)
	{
		(void)self, (void)state;
		return fl_reply(from, "~", request);
	}
	static const fl_behaviour mirror = {.name = "mirror", .call = on_call};
	static const fl_behaviour *const behaviours[] = {&mirror, NULL};
	static const fl_export exports[] = {{"own", "twice", 1, twice}};
	int main(int argc, char **argv)
	{
		const fl_program program = {behaviours, exports, 1};
		return fl_main_program(&program, argc, argv);
	}
	EOF
	ln -sf "$build/libflitch.so" libflitch.so.0
	${CC:-cc} -o own own.c -I"$top/include" libflitch.so.0 -Wl,-rpath,"$work" 2>own.log ||
		{ fail "$(cat own.log)"; return; }
	: >own.out
	./own --name own@127.0.0.1 >own.out 2>own.err </dev/null &
	node=$!
	pids+=("$node")
	await own.out '^READY' || return
	try 0 "$flitch" call own@127.0.0.1 mirror '{a, 1}'
	says out '{a,1}'
	try 0 "$flitch" call own@127.0.0.1 rex '{call, own, twice, [21], user}'
	says out 42
	kill "$node"
	ends "$node" 0
}

# ---- all ---------------------------------------------------------------------------------------

# A port where nothing listens, for the whole run.
for try in $(shuf -i 20000-32000 -n 20); do
	export ERL_EPMD_PORT=$try
	"$flitch" epmd --names >/dev/null 2>&1 || break
done

partition_status_and_explain_ask_a_node() {
	start p1 --set partition.members=p1@127.0.0.1,p2@127.0.0.1,p3@127.0.0.1
	try 0 "$flitch" partition status p1@127.0.0.1
	says out 'state => joining'
	says out "missing => ['p2@127.0.0.1','p3@127.0.0.1']"
	try 0 "$flitch" partition explain p1@127.0.0.1
	says out 'reason => joining'
	try 64 "$flitch" partition statut
	try 0 "$flitch" partition status c1@127.0.0.1
	says out 'policy => ignore'
}

describe_writes_text_and_clients() {
	try 0 "$flitch" describe "$build/examples/counter.so"
	says out 'call {add, By :: integer()} -> integer()'
	try 0 "$flitch" describe "$build/examples/calc.so" --format elixir --module My.Sums
	says out 'defmodule My.Sums do'
	try 64 "$flitch" describe "$build/tests/servers/typed.so" --format erlang
	says err 'there are typed, typed_fun'
	try 0 "$flitch" describe "$build/tests/servers/typed.so" --format erlang typed_fun
	says out '-module(typed_fun_client).'
	try 64 "$flitch" describe "$build/examples/counter.so" nobody
	try 64 "$flitch" describe "$build/examples/counter.so" --format c
	try 64 "$flitch" describe "$build/examples/counter.so" --out .
	try 0 "$flitch" describe "$build/examples/counter.so" --format elixir --out "$work/made"
	[ -s "$work/made/counter_client.ex" ] || fail "the folder is not made"
	try 70 "$flitch" describe "$build/examples/counter.so" --format elixir --out "$work/not/there"
	says err 'mkdir -p'
	try 78 "$flitch" describe "$build/examples/echo.so"
	try 78 "$flitch" describe /nowhere.so
}

new_refuses_names_and_folders_that_are_there() {
	try 64 "$flitch" new Foo
	try 64 "$flitch" new flitch_beam
	try 64 "$flitch" new --mix --rebar3 a_project
	try 0 "$flitch" new a_project
	says out 'cd a_project && mix test'
	[ -s a_project/mix.exs ] && [ -s a_project/c_src/a_project.c ] || fail "files are missing"
	! grep -rq '@name@\|@Name@\|@client@' a_project || fail "$(grep -r '@name@' a_project)"
	try 69 "$flitch" new a_project
	try 0 "$flitch" new --rebar3 b_project
	[ -e b_project/_checkouts/flitch_beam/rebar.config ] || fail "flitch_beam is not linked"
}

wrong_specifications_are_named() {
	local name
	for name in no_arrow no_result no_word an_end a_fun a_variable brackets open_end cast_result own_name \
		unquoting two_words nothing newline No_Name many deep; do
		try 78 "$flitch" describe "$build/tests/servers/mistyped.so" "$name" --format elixir
		says err "$name"
	done
	try 78 "$flitch" describe "$build/tests/servers/mistyped.so" twice --format erlang
	says err 'get/3 would be there twice'
	try 0 "$flitch" describe "$build/tests/servers/mistyped.so" twice
}

node_describes_what_it_has_loaded() {
	try 0 "$flitch" describe c1@127.0.0.1 counter
	says out 'cast reset'
	try 69 "$flitch" describe nobody@127.0.0.1
}

for name in no_command_is_a_usage_error unknown_command_names_the_nearest \
	unknown_flag_names_the_nearest every_command_has_help each_refusal_has_three_parts wrong_number_of_words_is_a_usage_error \
	unknown_key_names_file_line_and_the_nearest wrong_value_names_where_and_what_would_do \
	partition_keys_that_do_not_go_together_name_where partition_simulate_tells_who_would_serve \
	value_of_a_wrong_type_names_where empty_and_contradicting_flags_are_refused \
	access_rules_that_are_wrong_name_where \
	origin_of_each_value_is_shown secrets_are_never_shown \
	cookie_file_that_others_can_read_is_refused missing_cookie_is_explained_and_none_is_made \
	empty_cookie_is_refused short_and_well_known_cookies_off_loopback_are_refused \
	gen_cookie_makes_one_that_will_do \
	describe_writes_text_and_clients wrong_specifications_are_named \
	new_refuses_names_and_folders_that_are_there \
	weak_cookie_off_loopback_is_refused address_off_loopback_needs_leave name_forms_are_checked; do
	it $name
done

it epmd_that_nobody_used_ends
"$flitch" epmd --address 127.0.0.1 >epmd.out 2>&1 </dev/null &
pids+=($!)
timeout 60 sh -c "until '$flitch' epmd --names >/dev/null 2>&1; do sleep 0.02; done"

for name in node_without_epmd_is_visited_by_its_port node_says_ready_and_leaves_on_sigterm missing_shared_object_is_refused \
	broken_shared_object_is_refused function_of_the_nodes_own_is_not_replaced \
	server_that_always_ends_takes_the_node_with_it \
	init_that_knows_why_says_it_to_whoever_starts_the_node \
	stop_while_it_starts_is_carried_out_then stop_ends_a_start_that_hangs taken_name_is_refused port_in_use_is_refused \
	end_of_stdin_ends_a_child_of_a_port sigusr1_writes_a_state_dump_and_the_node_goes_on \
	sighup_reads_the_log_level_again reload_command_says_what_came_of_it binary_and_library_are_hardened \
	secrets_are_nowhere_to_be_found sandbox_gives_up_what_no_node_needs \
	epmd_survives_a_flood_that_takes_all_its_descriptors embedded_epmd_survives_a_flood_that_takes_all_its_descriptors; do
	it $name
done

: >why
start c1 --load "$build/examples/counter.so" --load "$build/examples/echo.so"
for name in calls_and_casts_reach_a_server ping_tells_who_answers wrong_cookie_is_told_as_such \
	unknown_server_is_told_as_such bad_term_and_bad_name_are_usage_errors \
	visits_leave_no_name_behind refused_request_is_a_software_error \
	join_of_an_absent_node_is_told_once partition_status_and_explain_ask_a_node node_describes_what_it_has_loaded program_of_ones_own_adds_functions; do
	it $name
done

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
