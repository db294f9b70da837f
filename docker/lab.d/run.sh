# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154,SC2034,SC2046,SC2086,SC2015
# Runs: calls, faults, and a verdict. A scenario is a file of scenarios/, sourced between begin and
# finish; it uses the verbs of faults.sh and what is below.

seed=1
faults=15

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

# Claims about the run so far; the verdict says whether they hold.
claim() { ctl "{claim, $1, $(erlang_list "${@:2}")}" >/dev/null; }
never_lost() { claim never_lost; }
never_paused() { claim never_paused; }
lost_by_all() { claim lost_by_all "$@"; }

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

lab_verify() { lab_scenario verify --seed 1; }

lab_scenario() {
	local name='' new_policy=''
	while [ $# -gt 0 ]; do
		case $1 in
		--seed) seed=${2:?} && shift ;;
		--policy) new_policy=${2:?} && shift ;;
		--faults) faults=${2:?} && shift ;;
		-*) die 64 "scenario does not know $1" "it takes --seed, --policy, --faults" "docker/lab help" ;;
		*) name=$1 ;;
		esac
		shift
	done
	case $name in
	'') list_scenarios ;;
	all) all_scenarios ;;
	*)
		[ -e "$here/scenarios/$name.sh" ] ||
			die 64 "there is no scenario \"$name\"" "docker/lab scenario lists them" "take one of these"
		[ -z "$new_policy" ] || [ "$new_policy" = "$policy" ] || change_policy "$new_policy"
		play "$name"
		;;
	esac
}

list_scenarios() {
	local file
	for file in "$here"/scenarios/*.sh; do
		printf '%-18s%s\n' "$(basename "$file" .sh)" "$(sed -n '3s/^# //p' "$file")"
	done
}

# Each in a process of its own; all of them, whatever fails.
all_scenarios() {
	local file name rc=0
	for name in keep_majority static_quorum keep_oldest keep_referee; do
		"$here/lab" scenario split-heal --seed "$seed" --policy $name || rc=1
	done
	for file in "$here"/scenarios/*.sh; do
		name=$(basename "$file" .sh)
		[ "$name" != split-heal ] || continue
		[ "$name" != tls-rotation ] || [ -n "$tls" ] || continue
		"$here/lab" scenario "$name" --seed "$seed" --policy keep_majority --faults "$faults" || rc=1
	done
	return $rc
}

change_policy() { # POLICY
	policy=$1
	remember
	say "the C nodes start with policy $policy"
	be_apply
}

play() { # NAME
	playing="scenario $1, policy $policy, seed $seed"
	started=$(now_ms)
	say "$playing"
	trap 'played $?' EXIT
	begin "$1-$policy-$seed${tls:+-tls}"
	RANDOM=$((seed * 7919)) # neighbours would begin alike
	# shellcheck source=/dev/null
	source "$here/scenarios/$1.sh"
	finish
}

# A scenario that broke off leaves the lab mended, too.
played() { # EXIT-CODE
	if is_running_scenario; then
		rejoin || :
		ctl stop 30 >/dev/null || :
		rm -f "$state/run"
	fi
	say "$playing: $([ "$1" = 0 ] && echo passed || echo FAILED) in $(seconds_of $(($(now_ms) - started))) s"
}

# ---- the report ----

# Works without a lab, from what runs have left.
lab_report() { # [FILE]
	local file=${1:-$results/report.html} run count=0
	recall || {
		backend=$(default_backend)
		load_backend
	}
	for run in "$results"/*/; do [ ! -d "$run" ] || count=$((count + 1)); done
	[ $count -gt 0 ] || die 69 "there is nothing to report" "no scenario was run here" "docker/lab scenario split-heal"
	events_of_runs | be_filter 'Lab.Report.main()' >"$file"
	say "$count runs in $file"
}

events_of_runs() {
	local run
	for run in "$results"/*/; do
		echo "{\"t\":0,\"ev\":\"run\",\"run\":\"$(basename "$run")\"}"
		cat "$run"*.jsonl
	done
}
