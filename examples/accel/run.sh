#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Tests or benchmarks of the accelerators from Elixir: run.sh test|bench [NAME...]
#
# With the host's Elixir, or that of another release (RELEASE=29). What a sanitizer finds in a build
# that has one is a failure (make accel SAN=...).
set -euo pipefail

cd "$(dirname "$0")/../.."
verb=${1:?usage: run.sh test|bench [NAME...]}
shift
build=$(realpath -m "${BUILD:-build}")
peers=$PWD/scripts/peers.sh
host_release=$("$peers" host)
release=${RELEASE:-$host_release}
work=$(mktemp -d)
chmod 755 "$work"
epmd_pid=
# shellcheck source=tests/interop/tools.sh
. tests/interop/tools.sh

stop_all() {
	stop "$epmd_pid"
	rm -rf "$work"
}
trap stop_all EXIT
trap 'exit 130' INT TERM

at_peer() { timeout -k 5 600 "$peers" run "$release" "$@" </dev/null; }

# The shared objects need libraries, too.
copy_more() { # FILE...
	local file
	for file; do
		[ ! -e "$file" ] || ldd "$file" | awk '{ for (i = 1; i <= NF; i++) if ($i ~ "^/") print $i }'
	done | sort -u | xargs -r -I{} cp -L {} "$work/lib"
}

# Programs are children of the BEAM; ThreadSanitizer may need a prefix. Reports go to files.
under_sanitizer() {
	printf '#!/bin/sh\nexec %s %s "$@"\n' "${FL_SUITE_PREFIX:-}" "$build/flitch" >"$work/flitch"
	ASAN_OPTIONS+=:log_path=$work/found
	UBSAN_OPTIONS+=:log_path=$work/found
	TSAN_OPTIONS+=:log_path=$work/found
}

[ $# -gt 0 ] || set -- zstd vectors argon2 store
"$peers" ensure "$release"
start_epmd
copy_libraries
copy_more "$build"/examples/accel/*.so "$(command -v zstd || :)"
wrap flitch "$build/flitch"
[ -z "${ASAN_OPTIONS:-}" ] || under_sanitizer
FL_ZSTD=
if command -v zstd >/dev/null; then
	# Another release's tree has none; its name says to it what it is to do.
	mkdir "$work/bin"
	cp -L "$(command -v zstd)" "$work/bin/zstd"
	wrap zstd "$work/bin/zstd"
	FL_ZSTD=$work/zstd
fi
export FL_BUILD=$build FL_FLITCH=$work/flitch FL_ZSTD
mkdir "$work/ebin"
at_peer erlc -o "$work/ebin" beam/src/*.erl
rc=0
passed=0
failed=0

# One whole run; without its counts it has failed.
counted() { # COMMAND...
	local counts
	"$@" >"$work/log" 2>&1 || :
	counts=$(sed -n 's/^COUNTS \([0-9]* [0-9]*\)$/\1/p; s/^\([0-9]*\) tests*, 0 failures$/\1 0/p' "$work/log" | tail -n 1)
	[ -n "$counts" ] || counts="0 1"
	[ "${counts#* }" = 0 ] || cat "$work/log"
	passed=$((passed + ${counts% *}))
	failed=$((failed + ${counts#* }))
}

# The application of examples/archive, with what it needs of this tree.
archive() {
	(cd examples/archive && HOME=$work FLITCH_BUILD=$build MIX_BUILD_PATH=$work/archive \
		timeout 300 mix test </dev/null)
}

for name; do
	folder=examples/accel/$name
	if [ ! -e "$build/examples/accel/$name.so" ]; then
		echo "left out: $name, its library is not installed"
		continue
	fi
	${FL_SUITE_PREFIX:-} "$build/flitch" describe "$build/examples/accel/$name.so" --format elixir --out "$work"
	if [ "$verb" = bench ]; then
		script=(-r examples/accel/load.ex -r "$folder/bench.exs")
	else
		script=(-e 'ExUnit.start(autorun: false, capture_log: true)' -r "$folder/${name}_test.exs"
			-e 'r = ExUnit.run(); IO.puts("COUNTS #{r.total - r.failures} #{r.failures}")')
	fi
	run=()
	[ "$verb" = bench ] || run=(counted)
	"${run[@]}" at_peer elixir --name "accel_$$@127.0.0.1" --cookie "$(head -c 18 /dev/urandom | base64 | tr -d '+/=\n')" \
		--erl "-pa $work/ebin" -r "$work/${name}_client.ex" -r "$folder/$name.ex" "${script[@]}" || rc=1
	[ "$verb$name$release${ASAN_OPTIONS:-}" != "testzstd$host_release" ] || counted archive
done
for report in "$work"/found.*; do
	[ -e "$report" ] || continue
	cat "$report"
	failed=$((failed + 1))
done
[ "$verb" = bench ] && exit $rc
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
