# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2154,SC2034,SC2046,SC2086,SC2015
# The back-end without containers: a network namespace for each node, on one bridge, the host's own
# programs and scripts/peers.sh's trees of other OTP releases.
#
# Everything hangs from one process, the anchor: it has mount, network and process namespaces of its
# own, in which the nodes run. When it ends, however it ends, nothing of them is left.

build=$(realpath -m "${BUILD:-$top/build}")

be_check() {
	local tool
	for tool in ip unshare nsenter elixir; do
		command -v $tool >/dev/null || die 69 "$tool is not installed" "the netns back-end runs on the host" \
			"$top/scripts/deps.sh test"
	done
	[ -x "$build/flitch" ] && [ -x "$build/docker/flitch-delay" ] ||
		die 69 "$build/flitch is not built" "the netns back-end runs it" "make"
}

# Namespaces need root.
be_attach() { # VERB ARG...
	[ "$(id -u)" -eq 0 ] || as_root "$@"
}

anchor() { cat "$state/anchor" 2>/dev/null || echo 0; }
# In the checkout's folder, which a program of another release sees as well.
inside() { nsenter -t "$(anchor)" -m -n -p -- sh -c 'cd "$0" && exec "$@"' "$top" "$@"; }

# Everybody's addresses stand in a hosts file that only the anchor's namespace sees.
hosts() {
	local node
	echo '127.0.0.1 localhost'
	for node in driver $(members); do echo "$(address "$node") $node"; done
}

# The first process of the namespace: it reaps what is left behind by others.
# shellcheck disable=SC2016
first='mount -t tmpfs none /run && mkdir /run/netns && mount --bind "$0" /etc/hosts &&
ip link set lo up && ip link add br0 type bridge && ip link set br0 up && echo up >"$1"
while :; do sleep 3600 & wait $!; done'

raise() {
	local child
	hosts >"$state/hosts"
	rm -f "$state/raised"
	# A session of its own, without the descriptors of whoever called.
	setsid -f unshare --mount --net --pid --fork --kill-child --mount-proc --propagation private \
		sh -c 'exec sh -c "$0" "$1" "$2"' "$first" "$state/hosts" "$state/raised" \
		>"$state/anchor.log" 2>&1 </dev/null 3>&- &
	wait_for 10 test -e "$state/raised" || {
		cat "$state/anchor.log" >&2
		die 69 "no namespaces" "unshare or ip failed, see above" "docker/lab up --backend docker"
	}
	child=$(pgrep -f "sh -c mount -t tmpfs none /run.* $state/raised\$" | head -n 1)
	echo "$child" >"$state/anchor"
}

wait_for() { # SECONDS CMD...
	local deadline=$(($(now_ms) + $1 * 1000))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$(now_ms)" -lt $deadline ] || return 1
		sleep 0.05
	done
}

plug() { # NODE
	inside sh -euc 'ip netns add "$0"; ip link add "v$0" type veth peer name eth0 netns "$0"
		ip link set "v$0" master br0 up; ip -n "$0" link set lo up
		ip -n "$0" addr add "$1/24" dev eth0; ip -n "$0" link set eth0 up' "$1" "$(address "$1")"
}

be_certs() { be_new_certs; }
be_new_certs() { "$build/flitch" tls dev-certs "$state/certs" driver $(members) >/dev/null; }

be_up() {
	local node
	mkdir -p "$state/log" "$state/pid" "$state/tmp" "$results"
	# shellcheck disable=SC2086
	"$top/scripts/peers.sh" ensure $beams
	compile
	raise
	for node in driver $(members); do
		plug "$node"
		be_start "$node"
	done
}

# For each release by its own compiler.
compile() {
	local release
	for release in $beams; do
		mkdir -p "$state/ebin/$release"
		(cd "$here/driver" && TMPDIR=$state/tmp "$top/scripts/peers.sh" run "$release" \
			elixirc -o "$state/ebin/$release" ./*.ex) >"$state/log/compile" 2>&1 ||
			{ cat "$state/log/compile" >&2 && die 70 "the driver does not compile" "see above" "mend it"; }
	done
}

be_down() {
	local pid
	pid=$(anchor)
	[ "$pid" = 0 ] || { kill -9 "$pid" 2>/dev/null || :; wait_for 10 test ! -d "/proc/$pid"; }
}

# The processes of the anchor's namespace, if any outlived it.
be_left() { [ ! -d "/proc/$(anchor)" ] || anchor; }

release_of() { # NODE
	case $1 in
	driver) echo "${beams%% *}" ;;
	beam*) echo "${1#beam}" ;;
	esac
}

c_environment() { # NODE
	echo "FLITCH_NODE_NAME=$1@$1 FLITCH_COOKIE_FILE=$state/cookie FLITCH_DIST_LISTEN=$(address "$1")
		FLITCH_DIST_PORT=9100 FLITCH_DIST_TICKTIME=$ticktime FLITCH_DIST_SETUP_TIME=3s
		FLITCH_GLOBAL_PREVENT_OVERLAPPING_PARTITIONS=$(c_pop)
		FLITCH_PARTITION_POLICY=$policy FLITCH_PARTITION_QUORUM=3 FLITCH_PARTITION_REFEREES=c1@c1
		FLITCH_PARTITION_STABLE_AFTER=2s FLITCH_PARTITION_MEMBERS=$(members_by_comma)
		FLITCH_HEAL_STABLE_AFTER=2s ERL_EPMD_ADDRESS=0.0.0.0"
	if [ -n "$tls" ]; then
		echo "FLITCH_TLS_CERT=$state/certs/node.pem FLITCH_TLS_KEY=$state/certs/node.key FLITCH_TLS_CA=$state/certs/ca.pem"
	else
		echo FLITCH_DIST_INSECURE_LISTEN=true
	fi
}

start_c() { # NODE
	# shellcheck disable=SC2046
	run_in "$1" env $(c_environment "$1") "$build/flitch" run --load "$build/examples/counter.so" \
		--load "$build/examples/echo.so" --load "$build/examples/worker.so" --load "$build/examples/singleton.so"
}

start_beam() { # NODE
	local release
	release=$(release_of "$1")
	run_in "$1" env "LAB_NODE=$1" "LAB_COOKIE=$cookie" "LAB_NODES=$(members)" "LAB_TICKTIME=$ticktime" \
		"LAB_POP=$pop" "LAB_RESULTS=$results" "LAB_EBIN=$state/ebin/$release" "LAB_TLS=${tls:+$state/certs}" \
		"TMPDIR=$state/tmp" "LANG=C.UTF-8" "FLITCH_CACHE=${FLITCH_CACHE:-}" \
		"$top/scripts/peers.sh" run "$release" "$here/driver/start.sh"
}

# In the node's namespace, detached; its process id is that of the first program, since each executes the next.
run_in() { # NODE CMD...
	local node=$1
	shift
	# shellcheck disable=SC2016
	inside setsid -f sh -c 'echo $$ >"$0"; cd "$1"; shift; exec ip netns exec "$@"' \
		"$state/pid/$node" "$top" "$node" "$@" >>"$state/log/$node" 2>&1 </dev/null 3>&-
}

be_start() { # NODE
	if is_c "$1"; then start_c "$1"; else start_beam "$1"; fi
}

pid_of() { cat "$state/pid/$1"; }
# A process that has ended and that nobody has reaped yet is none.
runs() { inside sh -c 'grep -q "^State:.[^ZX]" "/proc/$0/status"' "$(pid_of "$1")" 2>/dev/null; }
ended() { ! runs "$1"; }

be_stop() { # NODE
	inside kill -TERM "$(pid_of "$1")" 2>/dev/null || :
	wait_for 15 ended "$1" || be_kill "$1"
}

# All that runs in the node's namespace, as a container ends with all that is in it.
be_kill() { # NODE
	inside sh -c 'ip netns pids "$0" | xargs -r kill -9 2>/dev/null || :' "$1" # some end meanwhile
	wait_for 5 ended "$1"
}

be_apply() {
	local node
	for node in $(c_nodes); do
		be_stop "$node"
		be_start "$node"
	done
}

be_hup() { inside kill -HUP "$(pid_of "$1")"; }
be_freeze() { inside kill -STOP "$(pid_of "$1")"; }
be_thaw() { inside kill -CONT "$(pid_of "$1")" 2>/dev/null || :; }
be_logs() { cat "$state/log/$1"; }

be_exec() { # NODE CMD...
	local node=$1
	shift
	inside ip netns exec "$node" "$@"
}

# What standard input says, a line NODE COMMAND each, in the nodes' network namespaces.
be_net() {
	inside sh -euc "$(sed 's/^/ip netns exec /')"
}

be_iex() { # NODE
	be_exec "$1" env "TMPDIR=$state/tmp" LANG=C.UTF-8 "$top/scripts/peers.sh" run "$(release_of "$1")" \
		sh -euc "$shell_of_guest" "$1"
}

be_state() { # NODE
	if ended "$1"; then
		echo exited
	elif inside grep -q '^State:.T' "/proc/$(pid_of "$1")/status"; then
		echo paused
	else
		echo running
	fi
}

be_delay() { # NODE ADDRESS MS
	inside setsid -f ip netns exec "$1" "$build/docker/flitch-delay" "$2" "$3" >>"$state/log/delay" 2>&1 </dev/null
}

be_call() { # TERM SECONDS
	be_exec driver env "FLITCH_COOKIE_FILE=$state/cookie" $(tls_of_call) "$build/flitch" call driver@driver lab "$1" --timeout "$2s"
}

tls_of_call() {
	[ -z "$tls" ] || echo "FLITCH_TLS_CERT=$state/certs/node.pem FLITCH_TLS_KEY=$state/certs/node.key FLITCH_TLS_CA=$state/certs/ca.pem"
}

be_fds() { inside sh -c 'ls "/proc/$0/fd" | wc -l' "$(pid_of "$1")"; }

be_kill_epmd() { # NODE
	# shellcheck disable=SC2016
	inside sh -c 'for p in $(ip netns pids "$0"); do
		case $(tr "\0" " " <"/proc/$p/cmdline") in *[/" "]"epmd "*) kill -9 "$p" ;; esac; done' "$1"
}

be_start_epmd() { be_exec "$1" "$top/scripts/peers.sh" run "$(release_of "$1")" epmd -daemon; }

be_fetch() { :; } # it is there
be_clear() { rm -rf "${results:?}/$1"; } # RUN

be_filter() { # EXPRESSION
	local ebin rc=0
	ebin=$(mktemp -d)
	elixirc -o "$ebin" "$here"/driver/*.ex >/dev/null </dev/null && elixir -pa "$ebin" -e "$1" || rc=$?
	rm -rf "$ebin"
	return $rc
}
