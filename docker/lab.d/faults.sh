# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154,SC2034,SC2046,SC2086,SC2015
# What breaks the cluster, and what mends it.
#
# A packet is lost by sending it to an Ethernet address that nobody has: in the sender's own network
# namespace, silently, for one pair in one direction, and without a packet filter. What holds is kept in
# .state, since a node that starts anew has a fresh namespace.

nowhere=02:00:00:00:00:99

# Lines for be_net.
to_cut() { echo "$1 ip neigh replace $(address "$2") lladdr $nowhere dev eth0 nud permanent"; }
to_join() { echo "$1 ip neigh del $(address "$2") dev eth0 2>/dev/null || :"; }
# The program that delays ends with its interface.
to_hurry() { echo "$1 ip link del slow$(address "$2" | sed 's/.*\.//') 2>/dev/null || :"; }
apply_slow() { be_delay "$1" "$(address "$2")" "$3"; }

# Packets from A to B: the line, unless A is to be cut when it starts.
cut() { # A B
	is_dead "$1" || to_cut "$1" "$2"
	echo "$1 $2" >>"$state/cuts"
}

# Both directions of each pair of two groups, at nearly the same time.
lab_partition() { # A,B / C,D [/ ...]
	local group other a b groups=()
	for group in "$@"; do [ "$group" = / ] || groups+=("$group"); done
	[ ${#groups[@]} -ge 2 ] ||
		die 64 "a partition has two sides" "${*:-nothing} was given" "docker/lab partition c1,beam25 / c2,c3"
	for group in "${groups[@]}"; do for a in ${group//,/ }; do known "$a"; done; done
	mark "partition $*"
	for group in "${groups[@]}"; do
		for other in "${groups[@]}"; do
			[ "$group" != "$other" ] || continue
			for a in ${group//,/ }; do for b in ${other//,/ }; do cut "$a" "$b"; done; done
		done
	done | be_net
}

lab_one_way() { # A B
	[ $# -eq 2 ] || die 64 "one-way takes two nodes" "$# were given" "docker/lab one-way c1 c2"
	known "$1" && known "$2"
	mark "no packet from $1 to $2"
	cut "$1" "$2" | be_net
}

lab_slow() { # A B TIME
	[ $# -eq 3 ] || die 64 "slow takes two nodes and a time" "$# words were given" "docker/lab slow c1 c2 50ms"
	known "$1" && known "$2"
	local ms
	ms=$(ms_of "$3")
	mark "packets from $1 to $2 arrive $3 later"
	is_dead "$1" || apply_slow "$1" "$2" "$ms"
	echo "$1 $2 $ms" >>"$state/slow"
}

# A node that is dead may have left its namespace behind, faults and all; where it has not, nothing is undone.
lab_heal() {
	local a b ms
	mark heal
	touch "$state/cuts" "$state/slow"
	{
		while read -r a b; do to_join "$a" "$b"; done <"$state/cuts"
		while read -r a b ms; do to_hurry "$a" "$b"; done <"$state/slow"
	} | be_net
	rm -f "$state/cuts" "$state/slow"
}

# A node that starts has a network without faults.
restore_network() { # NODE
	local a b ms
	[ ! -e "$state/cuts" ] || while read -r a b; do
		[ "$a" != "$1" ] || to_cut "$a" "$b"
	done <"$state/cuts" | be_net
	[ ! -e "$state/slow" ] || while read -r a b ms <&4; do
		[ "$a" != "$1" ] || apply_slow "$a" "$b" "$ms"
	done 4<"$state/slow"
}

lab_freeze() { # NODE [TIME]
	[ $# -ge 1 ] || die 64 "freeze takes a node" "none was given" "docker/lab freeze c1 10s"
	known "$1"
	local ms
	ms=$(ms_of "${2:-5s}")
	! is_dead "$1" || return 0
	mark "freeze $1 for ${2:-5s}"
	be_freeze "$1"
	sleep "$(seconds_of "$ms")"
	be_thaw "$1"
	mark "$1 goes on"
}

lab_kill() { # NODE
	[ $# -eq 1 ] || die 64 "kill takes a node" "$# were given" "docker/lab kill c2"
	known "$1"
	! is_dead "$1" || return 0
	mark "kill -9 $1"
	mkdir -p "$state/dead"
	touch "$state/dead/$1"
	be_kill "$1"
}

# In order, if it runs; then it starts.
lab_restart() { # NODE
	[ $# -eq 1 ] || die 64 "restart takes a node" "$# were given" "docker/lab restart c2"
	known "$1"
	if is_dead "$1"; then
		mark "start $1"
	else
		mark "restart $1"
		be_stop "$1"
	fi
	be_start "$1"
	rm -f "$state/dead/$1"
	restore_network "$1"
}
