#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Records what real nodes say to a C node, and cuts it into seeds: record.sh RELEASE...
#
# A relay stands between an erl of each release, its epmd and a C node, in both directions: erl dials
# c1, then the binary's own commands dial erl. What passed becomes seeds in build/fuzz/recorded, of which
# `make fuzz-merge` takes what covers more.
set -euo pipefail

cd "$(dirname "$0")/../.."
build=$(realpath -m "${BUILD:-build}")
peers=$PWD/scripts/peers.sh
work=$(mktemp -d)
pids=()

stop_all() {
	local pid
	for pid in "${pids[@]}"; do
		kill "$pid" 2>/dev/null || :
		timeout 10 tail -s 0.05 --pid="$pid" -f /dev/null || kill -9 "$pid" || :
	done
	pids=()
}
trap 'stop_all; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

await() { # FILE WORD
	timeout 60 sh -c "until grep -q '$2' '$1' 2>/dev/null; do sleep 0.05; done" ||
		{ cat "$1" >&2; return 1; }
}

# Seven in a row: epmd and the relay to it, c1 and its relay, erl and its relay, and the c1 that dials.
free_ports() {
	local port try
	for try in $(shuf -i 20000-32000 -n 50); do
		for port in $(seq "$try" $((try + 6))); do
			! (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null || continue 2
		done
		first=$try
		return
	done
	return 1
}

start() { # LOG COMMAND...
	local log=$1
	shift
	"$@" </dev/null >"$log" 2>&1 &
	pids+=($!)
}

record() { # RELEASE
	local dir=$work/$1
	mkdir "$dir"
	free_ports
	export ERL_EPMD_PORT=$first ERL_EPMD_ADDRESS=127.0.0.1
	"$peers" run "$1" epmd </dev/null >"$dir/epmd.log" 2>&1 &
	pids+=($!)
	await_epmd
	export ERL_EPMD_PORT=$((first + 1))
	start "$dir/relay.log" erl -noinput -pa "$work" -run relay main "$dir" c1 $((first + 3)) \
		epmd:$((first + 1)):"$first" c1:$((first + 3)):$((first + 2)) otp:$((first + 5)):$((first + 4))
	await "$dir/relay.log" ready
	start "$dir/c1.log" "$build/flitch" run --name c1@127.0.0.1 --set node.cookie=secret \
		--set dist.epmd=off --set dist.port=$((first + 2)) --set log.level=error \
		--load "$build/examples/counter.so" --load "$build/examples/echo.so"
	await "$dir/c1.log" READY
	start "$dir/otp.log" "$peers" run "$1" erl -noinput -name otp@127.0.0.1 -setcookie secret \
		-kernel inet_dist_listen_min $((first + 4)) inet_dist_listen_max $((first + 4)) \
		-pa "$work" -run talker main x
	await "$dir/otp.log" done
	dial_out "$dir"
	grep -E '^[a-z]+: ' "$dir/otp.log" || : # what did not go as meant
	stop_all
}

await_epmd() {
	timeout 20 sh -c 'until epmd -names >/dev/null 2>&1; do sleep 0.05; done'
}

# The other way round: commands, whose node asks for a name, and a c1 dial erl by the relay.
dial_out() { # DIR
	echo "peers = ({ name = \"otp@127.0.0.1\"; address = \"127.0.0.1:$((first + 5))\"; });" >"$1/conf"
	local common=(--config "$1/conf" --set node.cookie=secret)
	{
		"$build/flitch" ping "${common[@]}" otp@127.0.0.1 &&
			"$build/flitch" call "${common[@]}" otp@127.0.0.1 net_kernel '{is_auth, x}' &&
			"$build/flitch" epmd --names
	} </dev/null >"$1/dial.log" 2>&1 || { cat "$1/dial.log" >&2; return 1; }
	start "$1/c1-dials.log" "$build/flitch" run --name c1@127.0.0.1 "${common[@]}" \
		--set dist.epmd=off --set dist.port=$((first + 6)) --set log.level=error --join otp@127.0.0.1
	timeout 20 sh -c "until [ -s '$1/otp.3.b' ]; do sleep 0.05; done"
}

erlc -o "$work" tests/fuzz/relay.erl tests/fuzz/talker.erl
"$peers" ensure "$@"
for release in "$@"; do
	echo "== OTP $release"
	record "$release"
	"$build/fuzz/cut" "$build/fuzz/recorded" "$work/$release"/*.[ab]
done
