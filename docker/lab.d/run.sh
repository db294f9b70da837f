# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154,SC2034,SC2046,SC2086,SC2015
# Runs: calls, faults, and a verdict. A scenario is a file of scenarios/, sourced between begin and
# finish; it uses the verbs of faults.sh and what is below.

seed=1

# ---- for scenarios ----

# Lets the callers call for a while.
traffic() { sleep "$1"; }

# The nodes become what they should, or the run has failed; it goes on, so that the lab is mended.
expect() { # STATE SECONDS NODE...
	local text
	if text=$(await "$@"); then
		mark "${*:3}: $1"
	else
		record "await" bad "after $2 s not $1: $text"
	fi
}

record() { # NAME ok|bad TEXT
	ctl "{record, <<\"$1\">>, $2, <<\"${3//\"/}\">>}" >/dev/null
	[ "$2" = ok ] || say "$1: $3"
}

silent() { ctl "{silent, $(erlang_list "$@")}" >/dev/null; }
audible() { ctl "{audible, $(erlang_list "$@")}" >/dev/null; }

# Members that are not among the words.
others_than() {
	local node
	for node in $(members); do [[ " $* " == *" $node "* ]] || printf '%s ' "$node"; done
}

by_comma() { local IFS=,; echo "$*"; }

# ---- begin and finish ----

begin() { # NAME
	local text
	text=$(await whole 60 $(members)) || die 75 "the cluster is not whole" "$text" "docker/lab heal, or down and up"
	open_files >"$state/fds"
	be_clear "$1"
	ctl "{start, <<\"$1\">>}" 30 >/dev/null || die 75 "the driver does not answer" "see its log" "docker/lab logs driver"
	echo "$1" >"$state/run"
}

# Everything is mended, comes to rest, and is counted.
finish() {
	local run rc=0 text
	run=$(cat "$state/run")
	rejoin
	text=$(await whole 60 $(members)) || record whole bad "60 s after the end: $text"
	ctl stop 30 >/dev/null || :
	ctl "{check, $(erlang_list $(members)), 20000}" 60 >/dev/null || record check bad "the driver did not answer"
	check_open_files
	rm -f "$state/run"
	ctl verdict 60 | tee "$state/verdict"
	be_fetch "$run"
	cp "$state/verdict" "$results/$run/verdict.txt"
	[[ $(tail -n 1 "$state/verdict") == PASS* ]] || rc=1
	return $rc
}

rejoin() {
	local node
	[ ! -e "$state/cuts" ] && [ ! -e "$state/slow" ] || lab_heal
	for node in $(members); do [ ! -e "$state/dead/$node" ] || lab_restart "$node"; done
}

open_files() {
	local node
	for node in $(c_nodes); do echo "$node $(be_fds "$node")"; done
}

# A health check that is under way has a connection of its own: the least of some looks counts.
check_open_files() {
	local deadline=$(($(now_ms) + 15000)) now
	until now=$(open_files) && no_more_than_before "$now"; do
		[ "$(now_ms)" -lt $deadline ] || {
			record files bad "open files $(echo "$now" | tr '\n' ' '), before $(tr '\n' ' ' <"$state/fds")"
			return
		}
		sleep 0.3
	done
	record files ok "open files $(echo "$now" | tr '\n' ' ')as before"
}

no_more_than_before() { # LINES
	local node n before
	while read -r node n; do
		before=$(sed -n "s/^$node //p" "$state/fds")
		[ "$n" -le "$before" ] || return 1
	done <<<"$1"
}

# ---- verbs ----

lab_verify() {
	local started
	started=$(now_ms)
	begin verify
	traffic 5
	finish || die 1 "verify failed" "see the rows above" "docker/lab logs c1"
	say "verify: $(seconds_of $(($(now_ms) - started))) s"
}

lab_scenario() {
	local name='' new_policy='' failed=0
	while [ $# -gt 0 ]; do
		case $1 in
		--seed) seed=${2:?} && shift ;;
		--policy) new_policy=${2:?} && shift ;;
		-*) die 64 "scenario does not know $1" "it takes --seed and --policy" "docker/lab help" ;;
		*) name=$1 ;;
		esac
		shift
	done
	case $name in
	'') list_scenarios ;;
	all) all_scenarios || failed=1 ;;
	*)
		[ -e "$here/scenarios/$name.sh" ] || die 64 "there is no scenario \"$name\"" "docker/lab scenario lists them" "take one of these"
		play "$name" "$new_policy" || failed=1
		;;
	esac
	return $failed
}

list_scenarios() {
	local file
	for file in "$here"/scenarios/*.sh; do
		printf '%-18s%s\n' "$(basename "$file" .sh)" "$(sed -n '3s/^# //p' "$file")"
	done
}

all_scenarios() {
	local file name rc=0
	for name in keep_majority static_quorum keep_oldest keep_referee; do play split-heal $name || rc=1; done
	for file in "$here"/scenarios/*.sh; do
		name=$(basename "$file" .sh)
		[ "$name" = split-heal ] || play "$name" keep_majority || rc=1
	done
	return $rc
}

# In a process of its own: what a scenario defines ends with it.
play() { # NAME POLICY
	local run rc=0 started
	started=$(now_ms)
	if [ -n "$2" ] && [ "$2" != "$policy" ]; then
		policy=$2
		remember
		say "the C nodes start with policy $policy"
		be_apply
	fi
	run=$1-$policy-$seed${tls:+-tls}
	say "scenario $1, policy $policy, seed $seed"
	(
		begin "$run"
		RANDOM=$seed
		# shellcheck source=/dev/null
		source "$here/scenarios/$1.sh"
		finish
	) || rc=1
	rm -f "$state/run"
	say "scenario $1, policy $policy, seed $seed: $([ $rc = 0 ] && echo passed || echo FAILED) in $(seconds_of $(($(now_ms) - started))) s"
	return $rc
}
