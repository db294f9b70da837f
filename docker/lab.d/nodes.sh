# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154,SC2034,SC2046,SC2086,SC2015
# Who is in the lab: names, addresses, and as the driver writes them.

c_nodes() { echo c1 c2 c3; }

beam_nodes() {
	local release
	for release in $beams; do printf 'beam%s ' "$release"; done
}

members() { echo $(c_nodes) $(beam_nodes); }

is_c() { [[ $1 == c[1-3] ]]; }

address() { # NODE
	case $1 in
	driver) echo "$subnet.2" ;;
	chaos) echo "$subnet.3" ;;
	c*) echo "$subnet.1${1#c}" ;;
	beam*) echo "$subnet.${1#beam}" ;;
	esac
}

known() { # NODE
	local node
	for node in $(members); do [ "$node" != "$1" ] || return 0; done
	die 64 "\"$1\" is no node of this lab" "there are $(members)" "take one of these"
}

# Killed, and not started again.
is_dead() { [ -e "$state/dead/$1" ]; }

# Whether lost links make others be cut has to be the same on OTP nodes and C nodes.
c_pop() { if [ "$pop" = true ]; then echo guest; else echo off; fi; }

# [c1@c1,beam25@beam25]
erlang_list() { # NODE...
	local node out=
	for node in "$@"; do out+=${out:+,}"'$node@$node'"; done
	echo "[$out]"
}

members_by_comma() {
	local node out=
	for node in $(members); do out+=${out:+,}$node@$node; done
	echo "$out"
}
