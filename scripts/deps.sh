#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs the Debian packages that are missing: `deps.sh build`, `deps.sh demo` or `deps.sh test`
# (each holds the one before). When nothing is missing, apt is not called at all.
set -eu

build='gcc libc6-dev make pkg-config libuv1-dev libssl-dev libconfig-dev liblmdb-dev'
# elixir brings erlang-base and the applications that iex needs.
demo='elixir erlang-base erlang-dev'
tests='libcunit1-dev clang libclang-rt-14-dev clang-format debootstrap procps iproute2 erlang-eunit erlang-mnesia libzstd-dev zstd libargon2-dev'
# The clang of later releases brings another version of its runtime.
if grep -q VERSION_ID= /etc/os-release && ! grep -q 'VERSION_ID="12"' /etc/os-release; then
	tests=$(echo "$tests" | sed 's/libclang-rt-14-dev/libclang-rt-dev/')
fi

case ${1:-test} in
build) wanted=$build ;;
demo) wanted="$build $demo" ;;
test) wanted="$build $demo $tests" ;;
*)
	echo "usage: deps.sh build|demo|test" >&2
	exit 64
	;;
esac

missing=
for package in $wanted; do
	status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || :)
	[ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

sudo=
if [ "$(id -u)" -ne 0 ]; then
	command -v sudo >/dev/null || {
		echo "deps.sh: missing:$missing; installing them needs root or sudo" >&2
		exit 77
	}
	sudo=sudo
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt() {
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Use-Pty=0 \
		-o DPkg::Lock::Timeout=300 "$@" >"$log" 2>&1 </dev/null
}

echo "installing:$missing" >&2
# A list that is absent or stale makes the first try fail; only then is it fetched.
# shellcheck disable=SC2086
install() { apt install --no-install-recommends $missing; }
install || { apt update && install; } || {
	tail -n 30 "$log" >&2
	echo "deps.sh: apt-get could not install:$missing" >&2
	exit 69
}
