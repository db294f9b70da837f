#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Tests or benchmarks of the accelerators with the host's Elixir: run.sh test|bench [NAME...]
set -euo pipefail

cd "$(dirname "$0")/../.."
verb=${1:?usage: run.sh test|bench [NAME...]}
shift
build=$(realpath -m "${BUILD:-build}")
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

[ $# -gt 0 ] || set -- zstd vectors argon2
start_epmd
FL_ZSTD=$(command -v zstd || :)
export FL_BUILD=$build FL_FLITCH=$build/flitch FL_ZSTD
mkdir "$work/ebin"
erlc -o "$work/ebin" beam/src/*.erl
rc=0
passed=0
failed=0

# One whole run; without its counts it has failed.
counted() { # COMMAND...
	local counts
	"$@" >"$work/log" 2>&1 </dev/null || :
	counts=$(sed -n 's/^COUNTS \([0-9]* [0-9]*\)$/\1/p; s/^\([0-9]*\) tests*, 0 failures$/\1 0/p' "$work/log" | tail -n 1)
	[ -n "$counts" ] || counts="0 1"
	[ "${counts#* }" = 0 ] || cat "$work/log"
	passed=$((passed + ${counts% *}))
	failed=$((failed + ${counts#* }))
}

# The application of examples/archive, with what it needs of this tree.
archive() {
	(cd examples/archive && HOME=$work FLITCH_BUILD=$build MIX_BUILD_PATH=$work/archive \
		timeout 300 mix test)
}

for name; do
	folder=examples/accel/$name
	if [ ! -e "$build/examples/accel/$name.so" ]; then
		echo "left out: $name, its library is not installed"
		continue
	fi
	"$build/flitch" describe "$build/examples/accel/$name.so" --format elixir --out "$work"
	if [ "$verb" = bench ]; then
		script=(-r examples/accel/load.ex -r "$folder/bench.exs")
	else
		script=(-e 'ExUnit.start(autorun: false, capture_log: true)' -r "$folder/${name}_test.exs"
			-e 'r = ExUnit.run(); IO.puts("COUNTS #{r.total - r.failures} #{r.failures}")')
	fi
	run=()
	[ "$verb" = bench ] || run=(counted)
	"${run[@]}" timeout 600 elixir --name "accel_$$@127.0.0.1" --cookie "$(head -c 18 /dev/urandom | base64 | tr -d '+/=\n')" \
		--erl "-pa $work/ebin" -r "$work/${name}_client.ex" -r "$folder/$name.ex" "${script[@]}" \
		</dev/null || rc=1
	[ "$verb" = bench ] || [ "$name" != zstd ] || counted archive
done
[ "$verb" = bench ] && exit $rc
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
