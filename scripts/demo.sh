#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# `make demo`: a C node with its servers, a real Elixir node beside it, and what the one says to the
# other, as it happens. Exit code 0 when all answers were those of a GenServer.
#
# The port of epmd and the cookie are private, so that nothing on the machine is touched; whatever
# was started here is gone at the end.
set -euo pipefail

cd "$(dirname "$0")/.."
build=$(realpath -m "${BUILD:-build}")
if [ ! -x "$build/flitch" ]; then
	scripts/deps.sh demo
	make -j"$(nproc)" all
fi
work=$(mktemp -d)
pids=()

stop_all() {
	for pid in "${pids[@]}"; do
		kill "$pid" || :
		timeout 10 tail -s 0.05 --pid="$pid" -f /dev/null || kill -9 "$pid" || :
	done
	rm -rf "$work"
} 2>/dev/null
trap stop_all EXIT
trap 'exit 130' INT TERM

# erl, elixir and flitch all find the cookie in the home folder.
export HOME=$work ERL_CRASH_DUMP_SECONDS=0 LANG=C.UTF-8 LC_ALL=C.UTF-8
unset "${!RELEASE_@}" "${!FLITCH_@}" ERL_EPMD_ADDRESS ERL_FLAGS ERL_AFLAGS ERL_ZFLAGS XDG_CONFIG_HOME
(umask 077 && od -An -N18 -tx1 /dev/urandom | tr -d ' \n' >"$work/.erlang.cookie")
chmod 400 "$work/.erlang.cookie"

# epmd says `names` once it serves; a port that somebody else has is passed over.
start_epmd() {
	for ERL_EPMD_PORT in $(shuf -i 20000-32000 -n 20); do
		export ERL_EPMD_PORT
		! "$build/flitch" epmd --names >/dev/null 2>&1 || continue
		"$build/flitch" epmd --address 127.0.0.1 </dev/null >"$work/epmd.log" 2>&1 &
		pids+=($!)
		for _ in $(seq 250); do
			! "$build/flitch" epmd --names >/dev/null 2>&1 || return 0
			kill -0 $! 2>/dev/null || break
			sleep 0.02
		done
	done
	cat "$work/epmd.log" >&2
	return 1
}

show() { echo "\$ $*"; }

start_epmd

show flitch run --name c1@127.0.0.1 --load counter.so --load echo.so
mkfifo "$work/out"
"$build/flitch" run --name c1@127.0.0.1 --load "$build/examples/counter.so" \
	--load "$build/examples/echo.so" </dev/null >"$work/out" 2>"$work/c1.log" &
pids+=($!)
exec 8<"$work/out"
if ! read -r -t 20 line <&8 || [ "${line#READY}" = "$line" ]; then
	echo "${line:-nothing came}"
	cat "$work/c1.log" >&2
	exit 1
fi
echo "$line"

show iex --name me@127.0.0.1
rc=0
timeout 120 elixir --name me@127.0.0.1 scripts/demo.exs c1@127.0.0.1 </dev/null || rc=$?

echo
show "flitch call c1@127.0.0.1 echo '{hello, \"from the command line\"}'"
"$build/flitch" call c1@127.0.0.1 echo '{hello, "from the command line"}' || rc=$?
if [ $rc -ne 0 ]; then
	echo "--- the C node's log" >&2
	cat "$work/c1.log" >&2
fi
exit $rc
