# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154,SC2034,SC2046,SC2086,SC2015
# Up, down, and what is asked of the driver.

lab_up() {
	local word started
	! recall || die 69 "a lab is up" "it is the one of $state" "docker/lab down"
	up_options "$@"
	cookie=$(od -An -N18 -tx1 /dev/urandom | tr -d ' \n')
	load_backend
	be_attach up "$@"
	be_check
	started=$(now_ms)
	remember
	(umask 077 && printf %s "$cookie" >"$state/cookie")
	say "back-end $backend; $(members); policy $policy${tls:+; TLS}"
	[ -z "$tls" ] || be_certs
	be_up || die 70 "the lab did not start" "see above" "docker/lab down, then up"
	word=$(await whole 60 $(members)) ||
		die 75 "the cluster did not come together in 60 s" "$word" "docker/lab logs c1, then down"
	say "up in $(seconds_of $(($(now_ms) - started))) s: all see each other, all C nodes serve"
}

up_options() {
	while [ $# -gt 0 ]; do
		case $1 in
		--backend) backend=${2:?} && shift ;;
		--beams) beams=${2//,/ } && shift ;;
		--policy) policy=${2:?} && shift ;;
		--tls) tls=yes ;;
		--no-pop) pop=false ;;
		*) die 64 "up does not know \"$1\"" "it takes --backend, --beams, --policy, --tls, --no-pop" "docker/lab help" ;;
		esac
		shift
	done
	[ -n "$backend" ] || backend=$(default_backend)
	[ -e "$here/lab.d/$backend.sh" ] && [[ $backend == docker || $backend == netns ]] ||
		die 64 "\"$backend\" is no back-end" "there are docker and netns" "take one of these"
}

default_backend() {
	if docker info >/dev/null 2>&1; then echo docker; else echo netns; fi
}

lab_images() {
	backend=docker
	up_options "$@"
	docker info >/dev/null 2>&1 || die 69 "no Docker engine answers" "images are made by it" \
		"start it; docker/lab up --backend netns needs no images"
	images
}

lab_down() {
	local left
	if ! recall; then
		backend=$(default_backend)
		load_backend
	fi
	be_attach down
	be_down || :
	left=$(be_left)
	[ -z "$left" ] || die 70 "something is left" "$left" "docker/lab down again"
	rm -rf "$state"
	say "down; nothing is left (results are kept in docker/results)"
}

# ---- the driver ----

# Asks it and prints its answer, texts as they are.
ctl() { # TERM [SECONDS]
	local answer
	answer=$(be_call "$1" "${2:-15}") || return 1
	case $answer in
	'<<"'*) answer=${answer#'<<"'} && answer=${answer%'">>'} && printf '%b\n' "$answer" ;;
	*) echo "$answer" ;;
	esac
}

is_running_scenario() { [ -e "$state/run" ]; }

# A line on the timeline, and one for whoever looks on.
mark() { # TEXT
	say "$*"
	! is_running_scenario || ctl "{mark, <<\"$*\">>}" >/dev/null ||
		die 75 "the driver does not answer" "it was killed, or its machine is too busy" "docker/lab logs driver"
}

# Waits until the nodes are what they should be; prints what lacks, and fails, when they are not in time.
await() { # STATE SECONDS NODE...
	local what=$1 limit=$2 answer='the driver does not answer' deadline=$(($(now_ms) + $2 * 1000))
	shift 2
	# The driver may be about to start.
	until [ "$(ctl ping 1 2>/dev/null)" = pong ] || [ "$(now_ms)" -ge $deadline ]; do sleep 0.1; done
	answer=$(ctl "{await, $what, $(erlang_list "$@"), $((deadline - $(now_ms)))}" $((limit + 10)) 2>&1) || :
	[ "$answer" != ok ] || return 0
	echo "$answer"
	return 1
}

lab_status() {
	local node
	echo "back-end $backend, policy $policy${tls:+, TLS}"
	for node in $(members) driver; do printf '%-8s%s\n' "$node" "$(be_state "$node")"; done
	echo "as the driver sees it:"
	ctl status
}

# A shell in an OTP node, beside that node: with the cookie, and the TLS, of one that driver/start.sh started.
# shellcheck disable=SC2016
shell_of_guest='HOME=$(dirname "$(ls "${TMPDIR:-/tmp}"/tmp.*/.erlang.cookie | head -n 1)") && export HOME
set -- --sname "guest$$@$0" --hidden --remsh "$0@$0"
[ ! -e "$HOME/ssl.conf" ] || set -- "$@" --erl "-proto_dist inet_tls -ssl_dist_optfile $HOME/ssl.conf"
exec iex "$@"'

lab_iex() { # NODE
	[ $# -eq 1 ] && [[ $1 == beam* ]] || die 64 "iex takes an OTP node" "C nodes have no shell" "docker/lab iex ${beams##* }"
	known "$1"
	be_iex "$1"
}

lab_logs() { # NODE
	[ $# -eq 1 ] || die 64 "logs takes a node" "$# were given" "docker/lab logs c1"
	[ "$1" = driver ] || known "$1"
	be_logs "$1"
}

lab_exec() { # NODE CMD...
	[ $# -ge 2 ] || die 64 "exec takes a node and a command" "$# words were given" "docker/lab exec c1 flitch ping"
	[ "$1" = driver ] || known "$1"
	be_exec "$@"
}
