# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154,SC2034,SC2046,SC2086,SC2015
# Messages, the description of what is up, and choices by a seed.

say() { echo "lab: $*" >&2; }

die() { # CODE WHAT WHY NEXT
	printf 'lab: %s\n  why:   %s\n  next:  %s\n' "$2" "$3" "$4" >&2
	exit "$1"
}

# What `up` decided; every later verb reads it.
backend='' beams='25 27' policy=keep_majority tls='' pop=true cookie='' ticktime=${LAB_TICKTIME:-4}
subnet=${LAB_SUBNET:-10.77.9} project=${LAB_PROJECT:-flitchlab}

remember() {
	mkdir -p "$state"
	(umask 077 && declare -p backend beams policy tls pop cookie ticktime subnet project >"$state/lab")
}

# What root has started is root's to read: the verb is done again as root.
recall() {
	[ -e "$state/lab" ] || return 1
	[ -r "$state/lab" ] || as_root "${argv[@]}"
	# shellcheck source=/dev/null
	source <(sed 's/^declare --/declare -g --/' "$state/lab")
	load_backend
}

as_root() { # VERB ARG...
	command -v sudo >/dev/null || die 77 "this needs root" "you are not root, and sudo is not there" "become root"
	exec sudo --preserve-env=BUILD,FLITCH_CACHE,HOME,LAB_PROJECT,LAB_SUBNET,LAB_TICKTIME "$here/lab" "$@"
}

load_backend() {
	# shellcheck source=/dev/null
	source "$here/lab.d/$backend.sh"
}

# A verb that needs a lab.
attach() { # VERB ARG...
	recall || die 69 "no lab is up" "docker/lab up was not called, or down was" "docker/lab up"
	be_attach "$@"
}

# 10s, 250ms, 3: as milliseconds.
ms_of() { # TIME
	local number=${1%%[!0-9]*}
	case ${1#"$number"} in
	ms) ;;
	s | '') number=${number:+${number}000} ;;
	*) number= ;;
	esac
	[ -n "$number" ] || die 64 "\"$1\" is no time" "a number with ms or s is expected" "write 50ms, or 10s"
	echo "$number"
}

seconds_of() { # MS
	printf '%d.%03d' $(($1 / 1000)) $(($1 % 1000))
}

now_ms() { date +%s%3N; }

# One of the arguments into REPLY. RANDOM has the scenario's seed; a subshell would lose its state.
choose() { # WORD...
	local all=("$@")
	REPLY=${all[RANDOM % $#]}
}
