#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The term layer against a real VM: run.sh [RELEASE]
#
# RELEASE is an OTP release that scripts/peers.sh knows, by default the host's own. Order and text are
# OTP 27's, so that release checks the most. SEED and TERMS in the environment replay a run.
set -euo pipefail

cd "$(dirname "$0")/../../.."
top=$PWD
peers=$top/scripts/peers.sh
release=${1:-$("$peers" host)}
seed=${SEED:-$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}
terms=${TERMS:-20000}
build=${BUILD:-build}
limit_s=${FL_SUITE_LIMIT_S:-300}
export ERL_CRASH_DUMP=/dev/null

make --no-print-directory -s BUILD="$build" termtool >&2
"$peers" ensure "$release" >&2
work=$(mktemp -d "$top/$build/terms.XXXXXX")
trap 'rm -rf "$work"' EXIT
cp "$build/tests/termtool" tests/interop/terms/oracle.erl "$work/"
cd "$work"
# The peers have no make; what they compile stays here.
compile='case compile:file(oracle, [report, nowarn_format]) of {ok, _} -> halt(0); _ -> halt(1) end.'
"$peers" run "$release" erl -noinput -boot start_clean -eval "$compile" </dev/null >&2
status=0
timeout "$limit_s" "$peers" run "$release" erl +pc unicode -noinput -boot start_clean -pa . \
	-eval "oracle:main([\"./termtool\", \"$seed\", \"$terms\"])." </dev/null || status=$?
[ "$status" -eq 0 ] || echo "replay: SEED=$seed TERMS=$terms tests/interop/terms/run.sh $release"
[ "$status" -le 1 ] || echo "0 passed, 1 failed" # it was killed, or too slow
exit "$status"
