# SPDX-License-Identifier: Apache-2.0
# For scripts that let real nodes of one release drive what is built here. They are in the top folder
# and have set: release, host_release, build, work (a folder of their own).
# shellcheck shell=bash disable=SC2154

# Ends PID: first asked, then killed.
stop() { # PID
	[ -n "$1" ] || return 0
	kill -CONT "$1" || :
	kill "$1" || :
	timeout 10 tail -s 0.05 --pid="$1" -f /dev/null || kill -9 "$1" || :
	wait "$1" || :
} 2>/dev/null

# Its pid is then in epmd_pid. epmd cannot choose a port itself: ports are tried until one starts and
# answers.
start_epmd() {
	local try
	for try in $(shuf -i 20000-32000 -n 20); do
		ERL_EPMD_ADDRESS=127.0.0.1 epmd -port "$try" </dev/null >/dev/null 2>&1 &
		local pid=$!
		until ERL_EPMD_PORT=$try epmd -names >/dev/null 2>&1; do
			kill -0 $pid 2>/dev/null || continue 2
		done
		kill -0 $pid 2>/dev/null || continue
		# shellcheck disable=SC2034
		epmd_pid=$pid
		export ERL_EPMD_PORT=$try ERL_CRASH_DUMP_SECONDS=0 ERL_EPMD_ADDRESS=127.0.0.1
		return
	done
	echo "no free port for epmd" >&2
	return 1
}

# The trees of other releases lack the libraries of what is built here: there it runs with the host's
# loader and copies of the host's libraries.
wrap() { # NAME PROGRAM
	{
		echo '#!/bin/sh'
		if [ "$release" = "$host_release" ]; then
			echo "exec '$2' \"\$@\""
		else
			echo "exec '$work/lib/$loader' --library-path '$work/lib' '$2' \"\$@\""
		fi
	} >"$work/$1"
	chmod 755 "$work/$1"
}

# Before the first wrap.
copy_libraries() {
	mkdir "$work/lib"
	ldd "$build/flitch" | awk '{ for (i = 1; i <= NF; i++) if ($i ~ "^/") print $i }' |
		xargs -I{} cp -L {} "$work/lib"
	loader=$(basename "$(ldd "$build/flitch" | awk '/ld-linux/ { print $1 }')")
}
