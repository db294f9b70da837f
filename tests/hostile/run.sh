#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A hostile peer against a node: run.sh [SUITE...], of before, frames, terms, forged,
# groups, natives, tables, global, joins, pg, floods.
#
# The node runs with short times and small limits, so that reaching them takes little time; its log
# is kept for the cases to look at. A second one is left in peace, to tell what the machine is worth. With SAN= set the node is that build, and what a sanitizer says
# fails the run. FL_RELEASE= takes hostile and honest peer from another release (27, 29) than the
# host's. The last line is "N passed, N failed".
set -euo pipefail

cd "$(dirname "$0")/../.."
top=$PWD
build=$(realpath -m "${BUILD:-build}")
work=$(mktemp -d)
node_pid=
calm_pid=
epmd_pid=

stop() { # PID
	[ -n "$1" ] || return 0
	kill "$1" || :
	timeout 60 tail -s 0.05 --pid="$1" -f /dev/null || kill -9 "$1" || :
	wait "$1" || :
} 2>/dev/null
stop_all() {
	stop "$node_pid"
	stop "$calm_pid"
	stop "$epmd_pid"
	[ -n "${FL_KEEP:-}" ] && cp "$work/log" "$FL_KEEP"
	rm -rf "$work"
}
trap stop_all EXIT
trap 'exit 130' INT TERM

# epmd cannot choose a port itself: ports are tried until one starts and answers.
for try in $(shuf -i 20000-32000 -n 20); do
	ERL_EPMD_ADDRESS=127.0.0.1 epmd -port "$try" </dev/null >/dev/null 2>&1 &
	epmd_pid=$!
	while kill -0 $epmd_pid 2>/dev/null && ! ERL_EPMD_PORT=$try epmd -names >/dev/null 2>&1; do
		sleep 0.02
	done
	kill -0 $epmd_pid 2>/dev/null && break
done
export ERL_EPMD_PORT=$try ERL_EPMD_ADDRESS=127.0.0.1 ERL_CRASH_DUMP_SECONDS=0

(umask 077 && head -c 18 /dev/urandom | base64 | tr -d '+/=\n' >"$work/cookie")
mkdir "$work/ebin"
chmod 755 "$work"
there=${FL_RELEASE:+scripts/peers.sh run $FL_RELEASE}
$there erlc -o "$work/ebin" tests/hostile/*.erl

ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:abort_on_error=0} \
	UBSAN_OPTIONS=print_stacktrace=1 ${FL_PREFIX:-} \
	"$build/flitch" run --name c1@127.0.0.1 --cookie-file "$work/cookie" \
	--load "$build/examples/counter.so" --load "$build/examples/echo.so" \
	--set dist.setup_time=2s --set limits.frame=1MiB --set limits.fragment_bytes=1MiB \
	--set dist.out_soft=256KiB --set dist.out_hard=8MiB --set log.level=warning </dev/null >"$work/out" 2>"$work/log" &
node_pid=$!
"$build/flitch" run --hidden --name c2@127.0.0.1 --cookie-file "$work/cookie" \
	--load "$build/examples/echo.so" </dev/null >"$work/calm" 2>&1 &
calm_pid=$!
await_ready() { # PID FILE
	timeout 60 sh -c "until grep -q '^READY' '$2'; do kill -0 $1 && sleep 0.02; done"
}
await_ready $node_pid "$work/out" && await_ready $calm_pid "$work/calm" || {
	cat "$work/out" "$work/log" "$work/calm"
	echo "FAIL - the node did not become ready"
	echo "0 passed, 1 failed"
	exit 1
}
ready_pid=$(sed -n 's/^READY.* pid=\([0-9]*\) .*/\1/p' "$work/out")

export FL_NODE=c1@127.0.0.1 FL_CALM=c2@127.0.0.1 FL_LOG=$work/log FL_SOURCE=$top FL_NODE_PID=$ready_pid SAN=${SAN:-}
timeout -k 5 "${FL_SUITE_LIMIT_S:-600}" $there erl -noshell -name honest@127.0.0.1 \
	-setcookie "$(cat "$work/cookie")" -pa "$work/ebin" -hidden \
	-run hostile main "${@:-all}" </dev/null >"$work/run" 2>&1 || :
grep -av '^COUNTS ' "$work/run" || :
counts=$(sed -n 's/^COUNTS //p' "$work/run")
passed=${counts% *}
failed=${counts#* }
[ -n "$counts" ] || { passed=0 failed=1; echo "FAIL - hostile: the VM ended without counts"; }

check() { # NAME, and a command that must hold
	local name=$1
	shift
	if "$@"; then
		echo "ok - hostile: $name"
		passed=$((passed + 1))
	else
		echo "FAIL - hostile: $name"
		failed=$((failed + 1))
		tail -n 40 "$work/log" | cut -c -300 | sed 's/^/    c1: /'
	fi
}
lives() { kill -0 "$node_pid" 2>/dev/null; }
ends_well() {
	local rc=0
	kill -TERM "$node_pid" 2>/dev/null || :
	timeout 60 tail -s 0.05 --pid="$node_pid" -f /dev/null || return 1
	wait "$node_pid" || rc=$?
	node_pid=
	[ "$rc" -eq 0 ]
}
is_clean() { ! grep -qE 'Sanitizer|runtime error|assertion|fl_assert' "$work/log"; }
# Neither the cookie nor its digest is ever written.
is_silent() { ! grep -qF "$(cat "$work/cookie")" "$work/log" "$work/out"; }

check "the node lives to the end" lives
check "the node stops when it is told to" ends_well
check "no assertion and no sanitizer spoke" is_clean
check "the cookie is in no line of the log" is_silent
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
