#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The house rules that a program can check. Prints each breach as file:line: text and exits 1 if
# there was any. The rules: layout by clang-format; arrows between folders; who may include whose
# headers; each header compiles alone; sizes of functions, files and parameter lists; one SPDX line;
# no unfinished marks.
set -eu
cd "$(dirname "$0")/.."

CC=${CC:-gcc}
files=$(git ls-files -co --exclude-standard '*.c' '*.h' | while read -r f; do
	[ -e "$f" ] && echo "$f"
done)
[ -n "$files" ] || exit 0
report=$(mktemp)
trap 'rm -f "$report"' EXIT

say() { echo "$*" >>"$report"; }

check_format() {
	# shellcheck disable=SC2086
	clang-format --dry-run -Werror $files 2>&1 |
		grep -E '^[^ ]*: (error|warning)' | sort -u -t: -k1,1 >>"$report" || :
}

# One pass of awk a subject: each gets all files and prints breaches.
check_with() {
	# shellcheck disable=SC2086
	awk -f "scripts/$1" $files >>"$report"
}

check_headers() {
	flags="-std=c11 -D_GNU_SOURCE -Wall -Wextra -Wpedantic -Werror -Iinclude -I."
	flags="$flags $(pkg-config --cflags libuv libssl libcrypto libconfig lmdb cunit)"
	for h in $(echo "$files" | grep '\.h$'); do
		# shellcheck disable=SC2086
		why=$(printf '#include "%s"\nextern int fl_not_empty;\n' "$h" |
			$CC $flags -fsyntax-only -x c - 2>&1 | grep -m 1 'error:' || :)
		[ -z "$why" ] || say "$h:1: does not compile alone: $why"
	done
}

check_marks() {
	for f in $files; do
		head -n 1 "$f" | grep -q 'SPDX-License-Identifier: Apache-2.0' ||
			say "$f:1: the first line has no SPDX-License-Identifier"
	done
	# shellcheck disable=SC2086
	git grep --untracked -nE '\b(TODO|FIXME)\b' -- . ':!scripts/tidy.sh' >>"$report" || :
}

check_format
check_with tidy-arrows.awk
check_with tidy-size.awk
check_headers
check_marks

cat "$report"
if [ -s "$report" ]; then
	echo "tidy: $(wc -l <"$report") breaches" >&2
	exit 1
fi
echo "tidy: $(echo "$files" | wc -l) files, no breach"
