#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Real Erlang and Elixir of other releases, each in a root file system made by debootstrap.
#
#   peers.sh ensure RELEASE...    make what is missing (kept in $FLITCH_CACHE)
#   peers.sh path RELEASE         where it is ("/" for the host's own release)
#   peers.sh host                 the release of the host's own erl
#   peers.sh run RELEASE CMD...   run CMD there, in the current folder and with the same network
#   peers.sh tree DIR SUITE LIST  make a tree of any suite with the packages of LIST (a,b,c)
#
# The command sees the checkout, the current folder, $TMPDIR and $FL_OTHER_TREE (the tree of a further
# release, for clusters of two) under their own names, by bind mounts
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
bootstrap() { # SUITE DIR PACKAGES
	script=/usr/share/debootstrap/scripts/$1
	[ -e "$script" ] || script=/usr/share/debootstrap/scripts/sid
	for check in --force-check-gpg --no-check-gpg; do
		rm -rf "$2"
		if debootstrap $check --variant=minbase --include="$3" \
			"$1" "$2" "$(mirror)" "$script" >"$2.log" 2>&1 </dev/null; then
			return 0
		fi
		grep -qiE 'signature|keyring|gpg' "$2.log" || break
	done
	tail -n 20 "$2.log" "$2/debootstrap/debootstrap.log" >&2 2>/dev/null || :
	return 1
}

make_tree() { # DIR SUITE PACKAGES
	[ ! -d "$1" ] || return 0
	command -v debootstrap >/dev/null || die "debootstrap is missing (make deps installs it)"
	mkdir -p "$(dirname "$1")"
	echo "peers.sh: making $1 from Debian $2; this takes minutes, once" >&2
	new=$1.new.$$
	trap 'rm -rf "$new" "$new.log"' EXIT
	trap 'exit 130' INT TERM
	bootstrap "$2" "$new" "$3" || die "debootstrap of $2 failed"
	rm -rf "$new/var/cache/apt/archives" "$new/var/lib/apt/lists" "$new/usr/share/doc"
	mkdir -p "$new/var/cache/apt/archives/partial"
	# Somebody else may have been faster; theirs is as good.
	mv -T "$new" "$1" 2>/dev/null || [ -d "$1" ]
	rm -rf "$new" "$new.log"
	trap - EXIT INT TERM
}

ensure() { # RELEASE
	[ "$1" != "$(host_release)" ] || return 0
	make_tree "$cache/otp$1" "$(suite_of "$1")" erlang-base,elixir
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
	shown=$(printf '%s\n' "$top" "$PWD" "${TMPDIR:-/tmp}" ${FL_OTHER_TREE:+"$FL_OTHER_TREE"} |
		sort -u)
	# Inside a plain chroot "/" is no mount whose propagation could be changed.
	propagation=unchanged
	if mountpoint -q /; then propagation=private; fi
	LC_ALL=C.UTF-8 HOME=/root exec unshare -m --propagation "$propagation" \
		sh -euc "$enter" enter "$tree" "$PWD" "$shown" "$@"
}

# Trees and mount namespaces need root; what the host itself runs does not.
become_root() {
	[ "$(id -u)" -ne 0 ] || return 0
	command -v sudo >/dev/null || die "debootstrap and chroot need root or sudo"
	kept=$(env | sed -n 's/^\(\(FL\|ERL\|ELIXIR\)_*[A-Z0-9_]*\|TMPDIR\|HOME\)=.*/\1/p' | paste -sd, -)
	exec sudo --preserve-env="$kept" "$0" "$@"
}

verb=${1:-}
case $verb in
ensure)
	shift
	for release in "$@"; do
		[ -d "$cache/otp$release" ] || [ "$release" = "$(host_release)" ] ||
			become_root ensure "$release"
		ensure "$release"
	done
	;;
path) path "$2" ;;
host) host_release ;;
run)
	[ "$2" = "$(host_release)" ] || become_root "$@"
	shift
	run "$@"
	;;
tree)
	become_root "$@"
	make_tree "$2" "$3" "$4"
	;;
*)
	echo "usage: peers.sh ensure|path|host|run RELEASE..., or tree DIR SUITE PACKAGES" >&2
	exit 64
	;;
esac
