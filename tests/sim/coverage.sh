#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Lines and branches that the simulation alone, and then the unit suites with it, reach: of each
# folder that is simulated, by gcov over a build of its own.
#
#   SEEDS=n   how many seeds are played (200)
set -eu
cd "$(dirname "$0")/../.."

build=build/coverage
seeds=${SEEDS:-200}
jobs=$(nproc 2>/dev/null || echo 2)

# gcov prints, for each file, "Lines executed:P% of N" and "Taken at least once:P% of N".
count() {
	for object in "$build/obj/$1"/*.gcda; do
		[ -e "$object" ] || continue
		gcov -b -n -o "$(dirname "$object")" "$1/$(basename "$object" .gcda).c" 2>/dev/null
	done | awk -v folder="$1" '
		/^File/ { mine = index($0, "'"'"'" folder "/") > 0 && $0 ~ /\.c/ }
		mine && /^Lines executed/ { split($0, f, /[:% ]+/); l += f[3] * f[5] / 100; n += f[5] }
		mine && /^Taken at least/ { split($0, f, /[:% ]+/); t += f[5] * f[7] / 100; b += f[7] }
		END { if (n) printf "%s/: %.1f %% of %d lines, %.1f %% of %d branches\n",
			folder, 100 * l / n, n, b ? 100 * t / b : 0, b }'
}

show() {
	echo "$1"
	for folder in dist pg node; do count $folder; done
}

plain='-O0 -fno-lto --coverage -Wno-error'
make --no-print-directory -j"$jobs" BUILD="$build" CFLAGS="$plain" LDFLAGS=--coverage \
	"$build/tests/sim" unit >&2
find "$build" -name '*.gcda' -delete
"$build/tests/sim" --first 1 --count "$seeds" --jobs "$jobs" >&2
show "$seeds seeds of the simulation:"
BUILD=$build tests/run.sh "$build"/tests/unit/test_* >&2 || :
show "and the unit suites with it:"
