#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Systems that run on the BEAM, as Debian ships them, with C nodes connected: run.sh [APP...];
# all a_*.erl without arguments.
#
# They are installed in a tree of their own ($FLITCH_CACHE/apps, made by debootstrap once) and run
# on an overlay of it in mount, network, process and host name namespaces: the tree and the host
# stay as they are, and when a run ends, however it ends, nothing of it is left. It needs root (or
# sudo). The last line is "N passed, N failed".
set -euo pipefail

cd "$(dirname "$0")/../.."
build=$(realpath -m "${BUILD:-build}")
tree=${FLITCH_CACHE:-${HOME:-/root}/.cache/flitch}/apps

if [ "$(id -u)" -ne 0 ]; then
	command -v sudo >/dev/null || { echo "apps: namespaces need root or sudo" >&2; exit 77; }
	exec sudo --preserve-env=BUILD,FL_SUITE_LIMIT_S,FLITCH_CACHE,HOME "$0" "$@"
fi
for tool in ip unshare erl erlc; do
	command -v $tool >/dev/null || { echo "apps: $tool is not installed" >&2; exit 69; }
done
[ -x "$build/flitch" ] || { echo "apps: $build/flitch is not built" >&2; exit 69; }

# What the packages start when they are installed ends with the namespace.
unshare --mount --pid --fork --kill-child --mount-proc --propagation private \
	scripts/peers.sh tree "$tree" bookworm rabbitmq-server,ejabberd

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
mkdir "$work/ebin" "$work/overlay"
(umask 077 && head -c 18 /dev/urandom | base64 | tr -d '+/=\n' >"$work/cookie")
erlc -o "$work/ebin" tests/apps/*.erl tests/interop/fixture.erl

apps=("$@")
[ $# -gt 0 ] || for f in tests/apps/a_*.erl; do apps+=("$(basename "$f" .erl)"); done
apps=("${apps[@]%.erl}")

# shellcheck disable=SC2016
enter='
ip link set lo up
hostname apps
mount -t tmpfs none "$FL_WORK/overlay"
cd "$FL_WORK/overlay"
mkdir upper work root
mount -t overlay none -o "lowerdir=$FL_TREE,upperdir=upper,workdir=work" root
mount -t proc proc root/proc
mount --rbind /dev root/dev
echo "127.0.0.1 localhost apps" >root/etc/hosts
export FL_ROOT=$PWD/root
exec erl -noshell -hidden -connect_all false -name eye@127.0.0.1 \
	-setcookie "$(cat "$FL_WORK/cookie")" -pa "$FL_WORK/ebin" -run apps main "$0"
'
export FL_WORK=$work FL_BUILD=$build FL_TREE=$tree ERL_CRASH_DUMP_SECONDS=0
passed=0
failed=0
for app in "${apps[@]}"; do
	app=${app##*/}
	echo "-- $app"
	timeout -k 5 "${FL_SUITE_LIMIT_S:-600}" \
		unshare --mount --net --pid --uts --fork --kill-child --mount-proc \
		--propagation private sh -euc "$enter" "$app" </dev/null >"$work/out" 2>&1 || :
	grep -v '^COUNTS ' "$work/out" || :
	counts=$(sed -n 's/^COUNTS //p' "$work/out")
	[ -n "$counts" ] || { echo "FAIL - $app ended without counts"; counts='0 1'; }
	passed=$((passed + ${counts% *}))
	failed=$((failed + ${counts#* }))
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
