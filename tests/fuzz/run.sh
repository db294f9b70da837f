#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs the fuzz targets that make built in build/fuzz, as many at once as there are processors:
#
#   run.sh check TARGET...           the corpus, and so many inputs beyond it, the same each time
#   run.sh long SECONDS TARGET...    SECONDS in all; what covers more stays in build/fuzz/corpus
#   run.sh merge TARGET...           makes tests/corpus anew of what was recorded (record.sh) and,
#                                    for the places that it does not reach, of what was found; where
#                                    nothing was recorded, adds to what is there
#
# An input that breaks a target is left in build/fuzz/crash and named; so is one that takes longer
# than 20 s or more than 2 GiB. The last line is "N passed, N failed".
set -euo pipefail

cd "$(dirname "$0")/../.."
build=$(realpath -m "${BUILD:-build}")/fuzz
mode=${1:?usage: run.sh check|long|merge [SECONDS] TARGET...}
shift
seconds=0
if [ "$mode" = long ]; then seconds=$1 && shift; fi
jobs=$(nproc)
each=$(((seconds * jobs + $# - 1) / $#))
mkdir -p "$build/crash" "$build/log"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# Whole nodes take about a millisecond an input, decoders some microseconds.
runs_of() {
	case $1 in
	node | services | sys) echo 1000 ;;
	config | options) echo 3000 ;;
	*) echo 20000 ;;
	esac
}

# What was recorded comes first, and more of it stays: how often a place was passed counts as well.
begin_merge() { # TARGET
	if [ -d "$build/recorded/$1" ]; then
		"$build/fuzz_$1" -merge=1 "$scratch/$1" "$build/recorded/$1"
	else
		cp -r "tests/corpus/$1/." "$scratch/$1"
	fi
}

run() { # TARGET
	local name=$1 found=$build/corpus/$1 seeds=tests/corpus/$1
	local options=(-timeout=20 -rss_limit_mb=2048 -max_len=4096 -print_final_stats=1
		-artifact_prefix="$build/crash/$name-")
	mkdir -p "$found" "$scratch/$name" "$seeds"
	export UBSAN_OPTIONS=print_stacktrace=1
	case $mode in
	check) "$build/fuzz_$name" "${options[@]}" -seed=1 -runs="$(runs_of "$name")" \
		-max_total_time=5 "$scratch/$name" "$seeds" ;;
	long) "$build/fuzz_$name" "${options[@]}" -max_total_time="$each" "$found" "$seeds" ;;
	merge)
		begin_merge "$name" || return
		"$build/fuzz_$name" -merge=1 -use_counters=0 "$scratch/$name" "$seeds" "$found" || return
		rm -f "$seeds"/*
		cp "$scratch/$name"/* "$seeds"
		;;
	esac
}

report() { # TARGET; a line, and a result that is added up
	local name=$1 log=$build/log/$1 from=$SECONDS
	if run "$name" >"$log" 2>&1; then
		local units
		units=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log" | tail -n 1)
		echo "${units:-0}" >"$scratch/$name.passed"
		echo "ok - fuzz: $name, ${units:-0} inputs in $((SECONDS - from)) s," \
			"$(find "tests/corpus/$name" -type f | wc -l) seeds"
		return
	fi
	: >"$scratch/$name.failed"
	echo "FAIL - fuzz: $name"
	{ grep -E 'ERROR|runtime error|Test unit written|#[0-9]+ .* in ' "$log" || tail -n 20 "$log"; } |
		head -n 20 | sed 's/^/    /'
}

export -f run runs_of report begin_merge
export mode build seconds each scratch
printf '%s\n' "$@" | xargs -P "$jobs" -I{} bash -euc 'report {}'
total=$(cat "$scratch"/*.passed 2>/dev/null | awk '{ n += $1 } END { print n + 0 }')
passed=$(find "$scratch" -name '*.passed' | wc -l)
failed=$(($# - passed))
echo "fuzz: $total inputs to $# targets, $(cat tests/corpus/*/* | wc -c) bytes of seeds"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
