#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# `flitch new`, without a network: what it writes builds, passes its tests, and runs as a release. With
# mix, and with rebar3 where the host has it.
set -euo pipefail

cd "$(dirname "$0")/../.."
if [ "${FL_ALONE:-}" != yes ]; then
	# Nothing but a loopback device.
	FL_ALONE=yes exec unshare -rn sh -c 'ip link set lo up && exec "$@"' new "$PWD/beam/test/new.sh" "$@"
fi
build=$(realpath -m "${BUILD:-build}")
flitch=$build/flitch
work=$(mktemp -d)
release_pid=
epmd_pid=
passed=0 failed=0
# shellcheck source=tests/interop/tools.sh
. tests/interop/tools.sh

stop_all() {
	stop "$release_pid"
	stop "$epmd_pid"
	rm -rf "$work"
}
trap stop_all EXIT
trap 'exit 130' INT TERM

# The reason of a failure is the end of the log.
it() { # NAME COMMAND...
	local name=$1
	shift
	if timeout -k 5 300 "$@" >"$work/log" 2>&1 </dev/null; then
		echo "ok - new: $name"
		passed=$((passed + 1))
	else
		echo "FAIL - new: $name"
		tail -n 40 "$work/log"
		failed=$((failed + 1))
	fi
}

mix_project() {
	it "mix project is made" "$flitch" new with_mix
	cd with_mix
	it "its tests pass" sh -c 'mix test && mix test' # what is built is not built again
	it "it is a release" env MIX_ENV=prod mix release
	export RELEASE_DISTRIBUTION=name RELEASE_NODE=with_mix@127.0.0.1
	_build/prod/rel/with_mix/bin/with_mix start >"$work/release.log" 2>&1 </dev/null &
	release_pid=$!
	it "the release serves" timeout 60 sh -c \
		'until _build/prod/rel/with_mix/bin/with_mix rpc "5 = WithMix.add(5)"; do sleep 0.2; done'
	it "the release stops" _build/prod/rel/with_mix/bin/with_mix stop
	timeout 30 tail -s 0.05 --pid=$release_pid -f /dev/null || :
	it "and its C node with it" sh -c '! epmd -names | grep with_mix'
	cd ..
}

rebar3_project() {
	it "rebar3 project is made" "$flitch" new --rebar3 with_rebar3
	cd with_rebar3
	it "its tests pass" rebar3 eunit
	it "it is a release" rebar3 as prod release
	cd ..
}

export HOME=$work LANG=C.UTF-8 LC_ALL=C.UTF-8 FLITCH=$flitch
unset "${!RELEASE_@}" "${!FLITCH_@}" "${!MIX_@}"
start_epmd
cd "$work"
mix_project
if command -v rebar3 >/dev/null; then rebar3_project; else echo "left out: rebar3 is not installed"; fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
