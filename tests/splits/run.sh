#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Clusters of real OTP nodes and C nodes, each in a network namespace of its own, between which
# packets are lost: run.sh [SUITE...]; all s_*.erl without arguments.
#
# Everything happens in mount, network and process namespaces of this run: when it ends, however it
# ends, nothing of it is left. It needs root (or sudo), iproute2, and for other releases than the
# host's their trees (scripts/peers.sh). The last line is "N passed, N failed".
set -euo pipefail

cd "$(dirname "$0")/../.."
top=$PWD
build=$(realpath -m "${BUILD:-build}")

if [ "$(id -u)" -ne 0 ]; then
	command -v sudo >/dev/null || { echo "splits: namespaces need root or sudo" >&2; exit 77; }
	exec sudo --preserve-env=BUILD,FL_SUITE_LIMIT_S,FLITCH_CACHE,HOME "$0" "$@"
fi
for tool in ip unshare erl erlc elixirc; do
	command -v $tool >/dev/null || { echo "splits: $tool is not installed" >&2; exit 69; }
done
[ -x "$build/flitch" ] || { echo "splits: $build/flitch is not built" >&2; exit 69; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
mkdir "$work/ebin"
chmod 755 "$work"
(umask 077 && head -c 18 /dev/urandom | base64 | tr -d '+/=\n' >"$work/cookie")
# All releases load the agent: it is compiled without what only later ones know.
erlc -o "$work/ebin" tests/splits/*.erl
elixirc -o "$work/ebin" tests/splits/*.ex

suites=("$@")
[ $# -gt 0 ] || for f in tests/splits/s_*.erl; do suites+=("$(basename "$f" .erl)"); done
suites=("${suites[@]%.erl}")
# Trees are made outside: from within there is no way to a mirror.
scripts/peers.sh ensure ${FL_RELEASES:-27 29}

export FL_WORK=$work FL_TOP=$top FL_BUILD=$build FL_HOST_RELEASE
FL_HOST_RELEASE=$(scripts/peers.sh host)
passed=0
failed=0
for suite in "${suites[@]}"; do
	suite=${suite##*/}
	echo "-- $suite"
	# shellcheck disable=SC2016
	timeout -k 5 "${FL_SUITE_LIMIT_S:-600}" \
		unshare --mount --net --pid --fork --kill-child --mount-proc --propagation private \
		sh -euc 'mount -t tmpfs none /run; mkdir /run/netns; ip link set lo up
			exec erl -noshell -pa "$FL_WORK/ebin" -run splits main "$0"' "$suite" \
		</dev/null >"$work/out" 2>&1 || :
	grep -v '^COUNTS ' "$work/out" || :
	counts=$(sed -n 's/^COUNTS //p' "$work/out")
	[ -n "$counts" ] || { echo "FAIL - $suite ended without counts"; counts='0 1'; }
	passed=$((passed + ${counts% *}))
	failed=$((failed + ${counts#* }))
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
