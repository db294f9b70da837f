#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Real erl and elixir of one release drive, the C node answers: run.sh RELEASE [SUITE...]
#
# Each suite (t_NAME.erl or t_NAME.exs, all without arguments) gets a fresh C node c1@127.0.0.1 with
# counter, echo, calc and probe (servers/probe.c) loaded, and a fresh VM that runs its *_test/1 functions
# through runner.erl. FL_OTHER=RELEASE lets further BEAM nodes of the suites on mesh.erl be of that
# release, a later one. epmd is private, on a port found free. FL_PEER=beam lets an Erlang node play c1 instead:
# what a suite expects can so be checked against OTP itself.
#
# A suite with the line "Needs OTP N." is left out with older releases.
#
# Most suites lose nodes on purpose, and are not about what OTP then does to the others: their nodes
# run without prevent_overlapping_partitions. A suite that names the setting has it as it is by default.
set -euo pipefail

cd "$(dirname "$0")/../.."
top=$PWD
release=${1:?usage: run.sh RELEASE [SUITE...]}
shift
other=${FL_OTHER:-}
build=$(realpath -m "${BUILD:-build}")
peers=$top/scripts/peers.sh
host_release=$("$peers" host)
suite_limit_s=${FL_SUITE_LIMIT_S:-900}
work=$(mktemp -d)
c1_pid=
epmd_pid=
# shellcheck source=tests/interop/tools.sh
. tests/interop/tools.sh

stop_all() {
	stop "$c1_pid"
	stop "$epmd_pid"
	rm -rf "$work"
}
trap stop_all EXIT
trap 'exit 130' INT TERM

c1_command() {
	if [ "${FL_PEER:-}" = beam ]; then
		exec erl -noshell -name c1@127.0.0.1 -setcookie "$(cat "$work/cookie")" \
			-pa "$work/peer" ${FL_POP:+-kernel prevent_overlapping_partitions false} -s reference
	fi
	exec "$build/flitch" run --name c1@127.0.0.1 --cookie-file "$work/cookie" \
		--load "$build/examples/counter.so" --load "$build/examples/echo.so" \
		--load "$build/examples/calc.so" \
		--load "$build/tests/servers/probe.so" --load "$build/tests/servers/namer.so" \
		--load "$build/tests/servers/trees.so" --load "$build/tests/servers/machine.so" \
		--load "$build/tests/servers/jobs.so" --load "$build/tests/servers/scripted.so" \
		--load "$build/tests/servers/tables.so" --load "$build/tests/servers/puppets.so" \
		${FL_POP:+--set global.prevent_overlapping_partitions=off}
}

# Leaves c1 running with its pid in c1_pid; its output goes to $work/c1.log.
start_c1() {
	local line ready
	rm -f "$work/c1.out"
	mkfifo "$work/c1.out"
	: >"$work/c1.log"
	c1_command </dev/null >"$work/c1.out" 2>>"$work/c1.log" &
	c1_pid=$!
	exec {ready}<"$work/c1.out"
	while read -r -t 60 line <&"$ready"; do
		echo "$line" >>"$work/c1.log"
		case $line in
		READY*)
			cat <&"$ready" >>"$work/c1.log" &
			exec {ready}<&-
			return 0
			;;
		FAILED*) break ;;
		esac
	done
	exec {ready}<&-
	return 1
}

stop_c1() { # true when it had still been alive
	local alive=0
	kill -0 "$c1_pid" 2>/dev/null || alive=1
	stop "$c1_pid"
	c1_pid=
	return $alive
}

make_programs() {
	[ -x "$build/flitch" ] || return 0
	make --no-print-directory -s BUILD="$build" ei_named make_certs >&2
	copy_libraries
	wrap flitch "$build/flitch"
	wrap ei_named "$build/tests/ei_named"
	mkdir "$work/certs"
	"$build/tests/make_certs" "$work/certs"
}

drive() { # FILE
	local name=${1##*/}
	export FL_NODE=c1@127.0.0.1 FL_COOKIE FL_COOKIE_FILE=$work/cookie FL_RELEASE=$release
	export FL_C1_PID=$c1_pid FL_WORK=$work FL_BUILD=$build FL_C1_LOG=$work/c1.log
	FL_COOKIE=$(cat "$work/cookie")
	export FL_FLITCH=$work/flitch
	case $name in
	*.erl)
		timeout -k 5 "$suite_limit_s" "$peers" run "$release" erl -noshell \
			-name "beam_$release@127.0.0.1" -setcookie "$FL_COOKIE" \
			-pa "$work/ebin" ${FL_POP:+-kernel prevent_overlapping_partitions false} \
			-run runner main "${name%.erl}"
		;;
	*.exs)
		timeout -k 5 "$suite_limit_s" "$peers" run "$release" elixir \
			--name "elixir_$release@127.0.0.1" --cookie "$FL_COOKIE" \
			--erl "-pa $work/ebin ${FL_POP:+-kernel prevent_overlapping_partitions false}" -e ":runner.main_exs(\"$top/$1\")"
		;;
	esac </dev/null >"$work/suite.log" 2>&1
}

fail() { # SUITE REASON
	echo "FAIL - $1: $2"
	sed 's/^/    c1: /' "$work/c1.log" | tail -n 30
	failed=$((failed + 1))
}

run_suite() { # FILE
	local suite=${1##*/} rc=0 counts least
	least=$(sed -n 's/^[%#]* *Needs OTP \([0-9]*\)\..*/\1/p' "$1" | head -n 1)
	if [ -n "$least" ] && [ "$release" -lt "$least" ]; then
		echo "   left out: it needs OTP $least"
		return
	fi
	export FL_POP=off
	! grep -q prevent_overlapping_partitions "$1" || FL_POP=
	if ! start_c1; then
		stop_c1 || :
		fail "$suite" "c1 did not become ready"
		return
	fi
	drive "$1" || rc=$?
	grep -v '^COUNTS ' "$work/suite.log" || :
	counts=$(sed -n 's/^COUNTS //p' "$work/suite.log")
	if [ -n "$counts" ]; then
		passed=$((passed + ${counts% *}))
		failed=$((failed + ${counts#* }))
	else
		fail "$suite" "the VM ended without counts (exit code $rc; 124 is the time limit)"
	fi
	stop_c1 || fail "$suite" "c1 did not live to the end of the suite"
}

suites=("$@")
[ $# -gt 0 ] || for f in tests/interop/t_*.erl tests/interop/t_*.exs; do
	[ ! -e "$f" ] || suites+=("$f")
done
passed=0
failed=0
"$peers" ensure "$release"
if [ -n "$other" ]; then
	"$peers" ensure "$other"
	FL_OTHER_TREE=$("$peers" path "$other")
	export FL_OTHER_TREE
fi
(umask 077 && head -c 18 /dev/urandom | base64 | tr -d '+/=\n' >"$work/cookie")
mkdir "$work/ebin" "$work/peer"
chmod 755 "$work"
start_epmd
make_programs
"$peers" run "$release" erlc -o "$work/ebin" tests/interop/{runner,fixture,mesh}.erl tests/interop/t_*.erl beam/src/flitch_pick.erl
[ "${FL_PEER:-}" != beam ] || erlc -o "$work/peer" tests/interop/reference.erl
for suite in "${suites[@]}"; do
	case $suite in
	*/*) ;;
	*.*) suite=tests/interop/$suite ;;
	*) suite=$(ls tests/interop/"$suite".e*) ;;
	esac
	echo "-- OTP $release, ${suite##*/}"
	run_suite "$suite"
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
