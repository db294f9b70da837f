#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Feeds the decoders: run.sh [TARGET...], each fuzz_NAME.c under libFuzzer with ASan and UBSan.
#
#   SECONDS_EACH=600 make fuzz     longer than the default of 10 s each
#
# What is found on the way stays in $BUILD/fuzz/corpus/NAME for the next run; the seeds of
# tests/corpus are only read. An input that breaks a target is left in $BUILD/fuzz/crash and named.
# The last line is "N passed, N failed".
set -euo pipefail

cd "$(dirname "$0")/../.."
build=$(realpath -m "${BUILD:-build}")/fuzz
seconds=${SECONDS_EACH:-10}
jobs=$(nproc)
cc=${FUZZ_CC:-clang}
command -v "$cc" >/dev/null || { echo "clang is needed: make deps" >&2; exit 69; }

packages="libuv libcrypto libconfig"
# shellcheck disable=SC2046,SC2206 # words on purpose
flags=(-std=c11 -O1 -g -fno-omit-frame-pointer -D_GNU_SOURCE -DFLITCH_VERSION='"fuzz"' -Iinclude -I.
	$(pkg-config --cflags $packages) -fno-sanitize-recover=all)
# shellcheck disable=SC2206
libs=($(pkg-config --libs $packages) -ldl -pthread)
sources=(node/base/*.c node/term/*.c node/*.c dist/*.c cluster/*.c
	tests/support/handshake_pair.c tests/support/lab.c tests/support/lab_net.c)

targets=("$@")
[ $# -gt 0 ] || for f in tests/fuzz/fuzz_*.c; do
	f=${f##*/fuzz_}
	targets+=("${f%.c}")
done

mkdir -p "$build/obj" "$build/crash"
export build
compile() { # SOURCE; again when it or any header is newer
	local out=$build/obj/${1//\//_}.o
	[ "$out" -nt "$1" ] && [ "$out" -nt "$build/stamp" ] && return
	"$cc" "${flags[@]}" -fsanitize=fuzzer-no-link,address,undefined -c -o "$out" "$1"
}
newest=$(find include node dist -name '*.h' -newer "$build/stamp" -print -quit 2>/dev/null || echo new)
[ -e "$build/stamp" ] && [ -z "$newest" ] || touch "$build/stamp"

objects=()
running=0
for source in "${sources[@]}"; do
	compile "$source" &
	objects+=("$build/obj/${source//\//_}.o")
	running=$((running + 1))
	[ $running -lt "$jobs" ] || { wait -n; running=$((running - 1)); }
done
wait
rm -f "$build/lib.a"
ar rcs "$build/lib.a" "${objects[@]}"

passed=0
failed=0
fuzz() { # TARGET; its own folder of what was found, and seeds
	local name=$1 seeds=() folder
	for folder in tests/corpus/"$name" tests/corpus/terms; do
		[ ! -d "$folder" ] || seeds+=("$folder")
	done
	mkdir -p "$build/corpus/$name"
	"$cc" "${flags[@]}" -fsanitize=fuzzer,address,undefined -o "$build/fuzz_$name" \
		"tests/fuzz/fuzz_$name.c" "$build/lib.a" "${libs[@]}" || return
	timeout -k 10 $((seconds + 60)) "$build/fuzz_$name" -max_total_time="$seconds" -timeout=5 \
		-rss_limit_mb=2048 -max_len=4096 -print_final_stats=1 -artifact_prefix="$build/crash/$name-" \
		"$build/corpus/$name" "${seeds[@]}" >"$build/$name.log" 2>&1
}
for name in "${targets[@]}"; do
	if fuzz "$name"; then
		units=$(sed -n 's/^stat::number_of_executed_units: *//p' "$build/$name.log")
		echo "ok - fuzz: $name ($units inputs in $seconds s)"
		passed=$((passed + 1))
	else
		echo "FAIL - fuzz: $name"
		grep -E 'ERROR|runtime error|Test unit written|#[0-9]+ .* in ' "$build/$name.log" |
			head -n 20 | sed 's/^/    /' || tail -n 20 "$build/$name.log"
		failed=$((failed + 1))
	fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
