#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Real Erlang and Elixir of other releases, each in a root file system made by debootstrap.
#
#   peers.sh ensure RELEASE...    make what is missing (kept in $FLITCH_CACHE)
#   peers.sh path RELEASE         where it is ("/" for the host's own release)
#   peers.sh host                 the release of the host's own erl
#   peers.sh run RELEASE CMD...   run CMD there, in the current folder and with the same network
#
# The command sees the checkout, the current folder and $TMPDIR under their own names, by bind mounts
# in a mount namespace of its own: they vanish with the command, whatever ends it.
set -eu

cache=${FLITCH_CACHE:-${HOME:-/root}/.cache/flitch}
top=$(cd "$(dirname "$0")/.." && pwd)
default_mirror=http://deb.debian.org/debian

die() {
	echo "peers.sh: $*" >&2
	exit 69
}

suite_of() {
	case $1 in
	23) echo bullseye ;; # Elixir 1.10
	25) echo bookworm ;; # Elixir 1.14
	27) echo trixie ;;   # Elixir 1.18
	29) echo forky ;;    # Elixir 1.20
	*) die "no Debian suite is known for OTP release $1 (23, 25, 27 and 29 are)" ;;
	esac
}

host_release() {
	command -v erl >/dev/null || { echo none; return; }
	erl -noinput -boot start_clean \
		-eval 'io:put_chars(erlang:system_info(otp_release)), halt().'
}

# The first Debian archive among the host's apt sources, both formats; security archives are skipped.
mirror() {
	{
		cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
			sed -n 's/^deb \(\[[^]]*\] \)\{0,1\}\([^ ]*\) .*/\2/p'
		sed -n 's/^URIs: *\([^ ]*\).*/\1/p' /etc/apt/sources.list.d/*.sources 2>/dev/null
	} | grep -E '^https?://.*/debian/?$' | head -n 1 | grep . || echo "$default_mirror"
}

# A suite newer than the host's keyring is signed by a key that it cannot know. debootstrap is then
# told not to check: these trees only ever hold test peers. --force-check-gpg is tried first.
bootstrap() { # SUITE DIR
	include=erlang-base,elixir
	script=/usr/share/debootstrap/scripts/$1
	[ -e "$script" ] || script=/usr/share/debootstrap/scripts/sid
	for check in --force-check-gpg --no-check-gpg; do
		rm -rf "$2"
		if debootstrap $check --variant=minbase --include="$include" \
			"$1" "$2" "$(mirror)" "$script" >"$2.log" 2>&1 </dev/null; then
			return 0
		fi
		grep -qiE 'signature|keyring|gpg' "$2.log" || break
	done
	tail -n 20 "$2.log" "$2/debootstrap/debootstrap.log" >&2 2>/dev/null || :
	return 1
}

ensure() { # RELEASE
	[ "$1" = "$(host_release)" ] && return 0
	[ -d "$cache/otp$1" ] && return 0
	suite=$(suite_of "$1")
	command -v debootstrap >/dev/null || die "debootstrap is missing (make deps installs it)"
	[ "$(id -u)" -eq 0 ] || die "debootstrap needs root"
	mkdir -p "$cache"
	echo "peers.sh: making OTP $1 from Debian $suite; this takes minutes, once" >&2
	new=$cache/otp$1.new.$$
	trap 'rm -rf "$new" "$new.log"' EXIT
	bootstrap "$suite" "$new" || die "debootstrap of $suite failed"
	rm -rf "$new/var/cache/apt/archives" "$new/var/lib/apt/lists" "$new/usr/share/doc"
	mkdir -p "$new/var/cache/apt/archives/partial"
	# Somebody else may have been faster; theirs is as good.
	mv -T "$new" "$cache/otp$1" 2>/dev/null || [ -d "$cache/otp$1" ]
	rm -rf "$new" "$new.log"
	trap - EXIT
}

path() { # RELEASE
	if [ "$1" = "$(host_release)" ]; then echo /; else echo "$cache/otp$1"; fi
}

# Inside the new mount namespace: $1 is the tree, $2 the folder to work in, $3 a list of folders to
# show, one a line, the rest is the command.
# shellcheck disable=SC2016
enter='
root=$1 dir=$2 shown=$3
shift 3
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
echo "$shown" | while read -r d; do
	mkdir -p "$root$d" && mount --rbind "$d" "$root$d"
done
cp /etc/hosts /etc/resolv.conf "$root/etc/" 2>/dev/null || :
exec chroot "$root" /bin/sh -c "cd \"\$0\" && exec \"\$@\"" "$dir" "$@"
'

run() { # RELEASE CMD...
	release=$1
	shift
	if [ "$release" = "$(host_release)" ]; then exec "$@"; fi
	tree=$cache/otp$release
	[ -d "$tree" ] || die "OTP $release is not there (peers.sh ensure $release makes it)"
	shown=$(printf '%s\n' "$top" "$PWD" "${TMPDIR:-/tmp}" | sort -u)
	LC_ALL=C.UTF-8 HOME=/root exec unshare -m --propagation private \
		sh -euc "$enter" enter "$tree" "$PWD" "$shown" "$@"
}

verb=${1:-}
[ $# -gt 0 ] && shift
case $verb in
ensure) for release in "$@"; do ensure "$release"; done ;;
path) path "$1" ;;
host) host_release ;;
run) run "$@" ;;
*)
	echo "usage: peers.sh ensure|path|host|run RELEASE..." >&2
	exit 64
	;;
esac
