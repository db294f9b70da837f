#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The Erlang application flitch_beam on one release: run.sh RELEASE
#
# EUnit, then ExUnit, each in a VM of that release that starts the built binary as its child. No
# package registry is asked: EUnit is the release's own, from Debian where its tree lacks it.
set -euo pipefail

cd "$(dirname "$0")/../.."
release=${1:?usage: run.sh RELEASE}
build=$(realpath -m "${BUILD:-build}")
peers=$PWD/scripts/peers.sh
host_release=$("$peers" host)
limit_s=${FL_SUITE_LIMIT_S:-400}
work=$(mktemp -d)
epmd_pid=
# shellcheck source=tests/interop/tools.sh
. tests/interop/tools.sh

stop_all() {
	stop "$epmd_pid"
	rm -rf "$work"
}
trap stop_all EXIT
trap 'exit 130' INT TERM

at_peer() { timeout -k 5 "$limit_s" "$peers" run "$release" "$@" </dev/null; }

has_eunit() { at_peer sh -c 'ls /usr/lib/erlang/lib/eunit-*/include/eunit.hrl' >/dev/null 2>&1; }

ensure_eunit() {
	has_eunit || at_peer sh -c 'export DEBIAN_FRONTEND=noninteractive
		{ apt-get -q -o Acquire::Check-Valid-Until=false update &&
			apt-get -q -y install --no-install-recommends erlang-eunit erlang-dev; } >&2'
	has_eunit
}

eunit() {
	at_peer erl -noshell -name "eunit_$release@127.0.0.1" -setcookie "$cookie" -pa "$work/ebin" \
		-eval 'logger:set_handler_config(default, level, none),
			eunit:test([flitch_node_tests, flitch_client_tests], [verbose]), halt().' 2>&1 |
		tee "$work/eunit.log" || :
}

exunit() {
	at_peer elixir --name "exunit_$release@127.0.0.1" --cookie "$cookie" --erl "-pa $work/ebin" \
		-e 'ExUnit.start(autorun: false, capture_log: true)' \
		-r beam/test/flitch_node_test.exs -r beam/test/flitch_client_test.exs \
		-e 'r = ExUnit.run(); IO.puts("COUNTS #{r.total - r.failures} #{r.failures}")' 2>&1 |
		tee "$work/exunit.log" || :
}

# EUnit ends with "  All 23 tests passed." or "  Failed: 1.  Skipped: 0.  Passed: 22.". A run without
# its line has failed.
count() {
	awk '
	/^  All [0-9]+ tests passed/ { passed += $2; ended++ }
	/^  Failed: / { failed += $2; passed += $6; ended++ }
	/^One or more tests were cancelled/ { failed++ }
	/^COUNTS / { passed += $2; failed += $3; ended++ }
	END {
		if (ended != 2) failed++
		printf "%d passed, %d failed\n", passed, failed
		exit failed > 0
	}' "$@"
}

"$peers" ensure "$release"
ensure_eunit
mkdir "$work/ebin"
chmod 755 "$work"
start_epmd
copy_libraries
wrap flitch "$build/flitch"
export FL_FLITCH=$work/flitch FL_BUILD=$build
cookie=$(head -c 18 /dev/urandom | base64 | tr -d '+/=\n')
at_peer erlc -Werror -o "$work/ebin" beam/src/*.erl beam/test/*.erl
echo "-- OTP $release, EUnit"
eunit
echo "-- OTP $release, ExUnit"
exunit
count "$work/eunit.log" "$work/exunit.log"
