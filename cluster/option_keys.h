/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_CLUSTER_OPTION_KEYS_H
#define FLI_CLUSTER_OPTION_KEYS_H

/*
 * The one table of configuration keys: every name, type, range, default and help text.
 *
 *     X(ID, "dotted.key", TYPE, min, max, "words", "default", "help")
 *
 *     TEXT    any text              LIST  texts, separated by commas as text
 *     SECRET  a text never printed  WORD  one of "a|b|c"; its number is the position
 *     INT     min..max              SIZE  bytes: 65536, 64KiB, 256MiB
 *     BOOL    true, false           TIME  milliseconds: 7000, 7000ms, 7s, 1m
 *
 * Threads: immutable. Memory: constants.
 */

#include <stdint.h>

/* clang-format off */
#define FLI_OPTIONS_NODE(X) \
	X(NODE_NAME, "node.name", TEXT, 0, 0, "", "", \
		"name of the node: alive@host, or alive alone") \
	X(NODE_NAME_TYPE, "node.name_type", WORD, 0, 0, "auto|short|long", "auto", \
		"short names have no dot in their host, long ones do; the two do not mix") \
	X(NODE_COOKIE, "node.cookie", SECRET, 0, 0, "", "", \
		"the cluster's shared secret; better kept in a file") \
	X(NODE_COOKIE_FILE, "node.cookie_file", TEXT, 0, 0, "", "", \
		"file that holds the cookie, readable by its owner alone") \
	X(NODE_VISIBLE, "node.visible", BOOL, 0, 0, "", "true", \
		"whether other nodes count this one in nodes(); a dynamic name is always hidden") \
	X(RUN_USER, "run.user", TEXT, 0, 0, "", "", \
		"user that the process becomes once it listens, where root started it") \
	X(RUN_SANDBOX, "run.sandbox", BOOL, 0, 0, "", "false", \
		"whether it then gives up core files, new rights, and system calls that no node needs") \
	X(NODE_SHUTDOWN_TIME, "node.shutdown_time", TIME, 0, 3600000, "", "10s", \
		"how long a stop may take before the program ends at once") \
	X(NODE_LOAD, "node.load", LIST, 0, 0, "", "", \
		"shared objects whose servers are started") \
	X(NODE_JOIN, "node.join", LIST, 0, 0, "", "", \
		"nodes to connect to and to stay connected with")

#define FLI_OPTIONS_DIST(X) \
	X(DIST_LISTEN, "dist.listen", TEXT, 0, 0, "", "127.0.0.1", \
		"address to listen on; none: no listener, the name comes from the first peer") \
	X(DIST_FAMILY, "dist.family", WORD, 0, 0, "auto|inet|inet6", "auto", \
		"kind of addresses that names of hosts stand for: inet, inet6 as BEAM nodes with " \
		"-proto_dist inet6_tcp; auto: inet first, inet6 first where dist.listen is such a one") \
	X(DIST_INSECURE_LISTEN, "dist.insecure_listen", BOOL, 0, 0, "", "false", \
		"allow an address off loopback without TLS") \
	X(DIST_PORT, "dist.port", INT, 0, 65535, "", "0", \
		"port to listen on; 0: any, or one of port_min..port_max") \
	X(DIST_PORT_MIN, "dist.port_min", INT, 0, 65535, "", "0", \
		"first port to try; 0: no range") \
	X(DIST_PORT_MAX, "dist.port_max", INT, 0, 65535, "", "0", \
		"last port to try") \
	X(DIST_TICKTIME, "dist.ticktime", INT, 1, 86400, "", "60", \
		"seconds of silence after which a peer is lost") \
	X(DIST_TICKINTENSITY, "dist.tickintensity", INT, 4, 1000, "", "4", \
		"ticks sent in each ticktime") \
	X(DIST_SETUP_TIME, "dist.setup_time", TIME, 100, 600000, "", "7s", \
		"limit of each step of a handshake") \
	X(DIST_PREAUTH_MAX, "dist.preauth_max", SIZE, 512, 2048, "", "2KiB", \
		"longest message before a peer has shown the cookie") \
	X(DIST_PENDING_MAX, "dist.pending_max", INT, 1, 65536, "", "64", \
		"handshakes under way at once") \
	X(DIST_PENDING_PER_IP, "dist.pending_per_ip", INT, 1, 65536, "", "8", \
		"the same, from one address") \
	X(DIST_ALLOW, "dist.allow", LIST, 0, 0, "", "", \
		"patterns (app*@10.0.*) of nodes that may connect; none: all with the cookie") \
	X(DIST_EPMD, "dist.epmd", WORD, 0, 0, "auto|on|off|embedded", "auto", \
		"auto starts an epmd where none answers; off needs fixed ports") \
	X(DIST_OUT_SOFT, "dist.out_soft", SIZE, 1024, 1LL << 40, "", "1MiB", \
		"output to one peer from which its senders wait") \
	X(DIST_OUT_HARD, "dist.out_hard", SIZE, 4096, 1LL << 40, "", "64MiB", \
		"output to one peer, its largest message aside, at which it is disconnected") \
	X(EPMD_PORT, "epmd.port", INT, 1, 65535, "", "4369", \
		"where epmd listens; ERL_EPMD_PORT") \
	X(EPMD_ADDRESS, "epmd.address", TEXT, 0, 0, "", "", \
		"addresses that flitch epmd listens on besides loopback; ERL_EPMD_ADDRESS") \
	X(EPMD_PROGRAM, "epmd.program", TEXT, 0, 0, "", "", \
		"program that `auto` starts; none: this binary's own epmd")

#define FLI_OPTIONS_LIMITS(X) \
	X(LIMITS_FRAME, "limits.frame", SIZE, 65536, 2047LL << 20, "", "256MiB", \
		"longest message of a peer; over 256MiB it raises that of mailboxes and output too") \
	X(LIMITS_FRAGMENTS, "limits.fragments", INT, 1, 1 << 20, "", "4096", \
		"fragmented messages that one peer may have open") \
	X(LIMITS_FRAGMENT_BYTES, "limits.fragment_bytes", SIZE, 65536, 1LL << 40, "", "256MiB", \
		"bytes in fragments of one peer that are not complete yet") \
	X(LIMITS_ATOMS, "limits.atoms", INT, 1024, 1 << 30, "", "65536", \
		"texts that the node stores once") \
	X(LIMITS_PROCESSES, "limits.processes", INT, 16, 1 << 27, "", "4000000", \
		"processes alive at once") \
	X(LIMITS_MAILBOX, "limits.mailbox", INT, 1, 1 << 30, "", "1000000", \
		"messages that wait for one process, where its behaviour says nothing") \
	X(LIMITS_SIGNALS, "limits.signals", INT, 16, 1 << 30, "", "1000000", \
		"links and monitors of one peer") \
	X(LIMITS_THREADS, "limits.threads", INT, 2, 4096, "", "64", \
		"threads for handlers that block") \
	X(LIMITS_OFFLOADS, "limits.offloads", INT, 1, 1 << 30, "", "65536", \
		"works of fl_offload that wait or run")

#define FLI_OPTIONS_PARTITION(X) \
	X(PARTITION_POLICY, "partition.policy", WORD, 0, 0, \
		"ignore|keep_majority|static_quorum|keep_oldest|keep_referee|require_all|pause_all" \
		"|lease|custom|pause_minority|pause_if_all_down|autoheal", "ignore", \
		"who serves in a split; keep_majority where there are partition.members") \
	X(PARTITION_MEMBERS, "partition.members", LIST, 0, 0, "", "", \
		"all nodes of the cluster, the oldest first; none: those that were seen") \
	X(PARTITION_TIE, "partition.tie", TEXT, 0, 0, "", "lowest", \
		"keep_majority at exactly half: lowest (name), none, lease, or a node, whose side goes on") \
	X(PARTITION_LEASE, "partition.lease", TEXT, 0, 0, "", "", \
		"where the lease is kept: file:PATH on shared storage, or callbacks (fl_partition_use)") \
	X(PARTITION_LEASE_TTL, "partition.lease_ttl", TIME, 1000, 3600000, "", "40s", \
		"how long the lease is held unless it is renewed; the holder gives up a fifth earlier") \
	X(PARTITION_LEASE_RENEW, "partition.lease_renew", TIME, 100, 3600000, "", "10s", \
		"how often it is renewed") \
	X(PARTITION_MINORITY_DELAY, "partition.minority_delay", TIME, 0, 3600000, "", "2s", \
		"how much later than the larger side the smaller one asks for the lease") \
	X(PARTITION_QUORUM, "partition.quorum", INT, 0, 1024, "", "0", \
		"static_quorum: members that a side needs") \
	X(PARTITION_DOWN_IF_ALONE, "partition.down_if_alone", BOOL, 0, 0, "", "true", \
		"keep_oldest: an oldest of three or more that is alone pauses, the others go on") \
	X(PARTITION_REFEREES, "partition.referees", LIST, 0, 0, "", "", \
		"keep_referee: the nodes whose side serves") \
	X(PARTITION_REFEREE_MODE, "partition.referee_mode", WORD, 0, 0, "any|all", "any", \
		"whether a side needs one of the referees or all") \
	X(PARTITION_NONTRANSITIVE, "partition.nontransitive", WORD, 0, 0, \
		"max_clique|drop_both_ends|off|auto|pop", "auto", \
		"links that some have and others have not: the largest group without a gap goes on") \
	X(PARTITION_NONTRANSITIVE_LIMIT, "partition.nontransitive_limit", INT, 0, 100, "", "50", \
		"percent of members at such gaps beyond which all pause; by itself for drop_both_ends alone") \
	X(PARTITION_COUNT, "partition.count", LIST, 0, 0, "", "", \
		"patterns (db*@*) of the nodes that count, where members are those seen; none: all") \
	X(PARTITION_DRAIN, "partition.drain", TIME, 0, 60000, "", "1s", \
		"how long a pause waits for handlers that run and calls that came before it") \
	X(PARTITION_MIN_MEMBERS, "partition.min_members", INT, 0, 1024, "", "0", \
		"members that must be here before the node serves; 0: a majority of the list") \
	X(PARTITION_FORGET_AFTER, "partition.forget_after", TIME, 0, 1LL << 40, "", "0", \
		"a member that was seen and is gone for so long is none any more; 0: never") \
	X(PARTITION_STABLE_AFTER, "partition.stable_after", TIME, 0, 3600000, "", "0", \
		"calm after the last loss before the decision; 0: 10 s x log10(members), at least 3 s") \
	X(PARTITION_UNSTABLE, "partition.down_all_when_unstable", INT, 0, 1000, "", "75", \
		"percent of stable_after beyond it, at least 4 s, until it pauses without a calm; 0: never") \
	X(PARTITION_ON_SUSPECT, "partition.on_suspect", WORD, 0, 0, "serve|reject|hold", "serve", \
		"between loss and decision, a side that would pause: refuses at once, or has calls wait") \
	X(PARTITION_PAUSE_REPLY, "partition.pause_reply", TEXT, 0, 0, "", "noproc", \
		"what a call gets of a paused node: noproc, drop, hold(ms), or an Erlang term as its answer") \
	X(PARTITION_ALLOW_CALL, "partition.allow_call_during_partition", BOOL, 0, 0, "", "false", \
		"whether a paused node still serves calls of other nodes") \
	X(PARTITION_ALLOW_CAST, "partition.allow_cast_during_partition", BOOL, 0, 0, "", "false", \
		"the same for casts") \
	X(PARTITION_ALLOW_REGISTER, "partition.allow_register_during_partition", BOOL, 0, 0, "", \
		"false", "whether a paused node keeps its global names, and may take more") \
	X(PARTITION_ALLOW_JOIN, "partition.allow_join_during_partition", BOOL, 0, 0, "", "false", \
		"whether a paused node keeps its process groups, and may join more") \
	X(PARTITION_ALLOW_SPAWN, "partition.allow_spawn_during_partition", BOOL, 0, 0, "", "false", \
		"whether other nodes may run a paused node's exported functions") \
	X(PARTITION_ACTION, "partition.action", WORD, 0, 0, "pause|leave|exit|notify", "pause", \
		"what a side does that does not serve: pause, and close its links, or end with 75, or only tell") \
	X(HEAL_STABLE_AFTER, "heal.stable_after", TIME, 0, 3600000, "", "5s", \
		"how long a paused node must have been able to serve before it does") \
	X(HEAL_NAME_CONFLICT, "heal.name_conflict", WORD, 0, 0, \
		"otp|notify|notify_all|keep_oldest|callback", "otp", \
		"a global name that two halves had: the loser is killed, or told, or both are, or heal.resolver says") \
	X(HEAL_RESOLVER, "heal.resolver", TEXT, 0, 0, "", "", \
		"module:function that all nodes export and that answers which of the two stays") \
	X(HEAL_LOSER, "heal.loser", WORD, 0, 0, "none|restart_smaller", "none", \
		"after a split under `ignore`: whether all but the largest side start their servers anew") \
	X(HEAL_INTENSITY, "heal.restart_intensity", WORD, 0, 0, "count|ignore_conflicts", \
		"ignore_conflicts", \
		"whether supervisors count the end of a server whose global name another one keeps") \
	X(SELF_SUSPEND_GAP, "self.suspend_gap", TIME, 0, 3600000, "", "0", \
		"not having run for so long is a loss of its own; 0: 5 s or a quarter of ticktime") \
	X(SELF_HEALTH, "self.health", BOOL, 0, 0, "", "true", \
		"whether a node that keeps coming too late waits longer before it serves again") \
	X(CLUSTER_RECONNECT, "cluster.reconnect", WORD, 0, 0, "members|none|seen", "members", \
		"whether a node with a policy keeps connected with its partition.members, or also those seen")

#define FLI_OPTIONS_REST(X) \
	X(GLOBAL_POP, "global.prevent_overlapping_partitions", WORD, 0, 0, "guest|otp|off", "guest", \
		"lost links: guest obeys the others and accuses nobody; else as on the BEAM nodes") \
	X(RPC_PROFILE, "rpc.profile", WORD, 0, 0, "default|strict", "default", \
		"functions that remote nodes may call; strict: what membership needs") \
	X(RPC_ALLOW, "rpc.allow", LIST, 0, 0, "", "", \
		"further functions (module:function/arity) that remote nodes may call") \
	X(SYS_ALLOW, "sys.allow", LIST, 0, 0, "", "*", \
		"requests of sys and supervisors that remote nodes may make, exit/2 and group_leader " \
		"among them; with rpc.profile = strict none unless they are listed") \
	X(PG_SCOPES, "pg.scopes", LIST, 0, 0, "", "pg", \
		"scopes of process groups that run from the start") \
	X(PG_MEMBERS, "pg.members", INT, 1, 1 << 30, "", "16000000", \
		"memberships that one scope holds, of all nodes together") \
	X(COMPAT_OTP23, "compat.otp23", BOOL, 0, 0, "", "false", \
		"narrow pids, for peers of OTP 23") \
	X(SCHED_SPIN_US, "sched.spin_us", INT, 0, 100000, "", "50", \
		"how long a scheduler polls after activity before it sleeps") \
	X(SCHED_SPACING_US, "sched.spacing_us", INT, 0, 10000, "", "200", \
		"longest pause between reads under load, so that a peer batches its writes") \
	X(LOG_LEVEL, "log.level", WORD, 0, 0, \
		"emergency|alert|critical|error|warning|notice|info|debug", "notice", \
		"the least severe level that is logged; SIGHUP reads it again") \
	X(LOG_FORMAT, "log.format", WORD, 0, 0, "text|json|journal", "text", \
		"journal puts <N> before each line, for systemd and ports") \
	X(LOG_OUTPUT, "log.output", WORD, 0, 0, "stderr|stdout", "stderr", \
		"where log lines go; stdout with --parent-stdin")

#define FLI_OPTIONS_TLS(X) \
	X(TLS_CERT, "tls.cert", TEXT, 0, 0, "", "", \
		"PEM file of this node's certificate and those above it; connections then are TLS") \
	X(TLS_KEY, "tls.key", TEXT, 0, 0, "", "", \
		"PEM file of its private key, which others must not read") \
	X(TLS_CA, "tls.ca", TEXT, 0, 0, "", "", \
		"PEM file of the authorities that other nodes' certificates come from") \
	X(TLS_CRL, "tls.crl", TEXT, 0, 0, "", "", \
		"PEM file of certificates that these have taken back; none: nobody asks") \
	X(TLS_VERSIONS, "tls.versions", WORD, 0, 0, "1.2+|1.3", "1.2+", \
		"versions of TLS; BEAM nodes before OTP 29 offer 1.2 alone unless told otherwise") \
	X(TLS_CIPHERS, "tls.ciphers", TEXT, 0, 0, "", "", \
		"ciphers of TLS 1.2, as OpenSSL lists them; none: its own choice") \
	X(TLS_CIPHERSUITES, "tls.ciphersuites", TEXT, 0, 0, "", "", \
		"the same for TLS 1.3") \
	X(TLS_CHECK_CLIENT_NAME, "tls.check_client_name", BOOL, 0, 0, "", "true", \
		"whether a node that connects has to have a certificate for its name, dynamic names aside")

#define FLI_OPTIONS(X) \
	FLI_OPTIONS_NODE(X) FLI_OPTIONS_DIST(X) FLI_OPTIONS_TLS(X) FLI_OPTIONS_LIMITS(X) \
	FLI_OPTIONS_PARTITION(X) FLI_OPTIONS_REST(X)
/* clang-format on */

typedef enum fli_key {
#define FLI_KEY_ENUM(id, key, type, min, max, words, value, help) FLI_KEY_##id,
	FLI_OPTIONS(FLI_KEY_ENUM)
#undef FLI_KEY_ENUM
		FLI_KEYS_COUNT
} fli_key;

/* Values of the WORD keys, in the order of their words; those of rpc.profile are fli_rpc_profile,
 * those of global.prevent_overlapping_partitions fli_global_mode, those of partition.nontransitive
 * fli_partition_views, those of partition.action fli_partition_action. */
enum { FLI_NAME_TYPE_AUTO, FLI_NAME_TYPE_SHORT, FLI_NAME_TYPE_LONG };
enum { FLI_FAMILY_AUTO, FLI_FAMILY_INET, FLI_FAMILY_INET6 };
enum { FLI_EPMD_MODE_AUTO, FLI_EPMD_MODE_ON, FLI_EPMD_MODE_OFF, FLI_EPMD_MODE_EMBEDDED };
enum {
	FLI_PARTITION_IGNORE,
	FLI_PARTITION_KEEP_MAJORITY,
	FLI_PARTITION_STATIC_QUORUM,
	FLI_PARTITION_KEEP_OLDEST,
	FLI_PARTITION_KEEP_REFEREE,
	FLI_PARTITION_REQUIRE_ALL,
	FLI_PARTITION_PAUSE_ALL,
	FLI_PARTITION_LEASE,
	FLI_PARTITION_CUSTOM,
	FLI_PARTITION_PAUSE_MINORITY,    /* RabbitMQ's: keep_majority, tie none */
	FLI_PARTITION_PAUSE_IF_ALL_DOWN, /* RabbitMQ's: keep_referee, any */
	FLI_PARTITION_AUTOHEAL           /* RabbitMQ's: ignore, and heal.loser = restart_smaller */
};
enum { FLI_HEAL_LEAVE, FLI_HEAL_RESTART_SMALLER };
enum { FLI_TLS_12_ON, FLI_TLS_13 };
enum {
	FLI_HEAL_OTP,
	FLI_HEAL_NOTIFY,
	FLI_HEAL_NOTIFY_ALL,
	FLI_HEAL_KEEP_OLDEST,
	FLI_HEAL_CALLBACK
};
enum { FLI_HEAL_COUNT, FLI_HEAL_IGNORE_CONFLICTS };
enum { FLI_PARTITION_SUSPECT_SERVE, FLI_PARTITION_SUSPECT_REJECT, FLI_PARTITION_SUSPECT_HOLD };
enum { FLI_LOG_TEXT, FLI_LOG_JSON, FLI_LOG_JOURNAL };
enum { FLI_LOG_STDERR, FLI_LOG_STDOUT };

typedef enum fli_option_type {
	FLI_OPTION_TEXT,
	FLI_OPTION_SECRET,
	FLI_OPTION_INT,
	FLI_OPTION_BOOL,
	FLI_OPTION_LIST,
	FLI_OPTION_WORD,
	FLI_OPTION_SIZE,
	FLI_OPTION_TIME
} fli_option_type;

typedef struct fli_option {
	const char *key;
	fli_option_type type;
	long long min, max;
	const char *words;
	const char *value; /* the default */
	const char *help;
} fli_option;

/* One row; `key` is below FLI_KEYS_COUNT. */
const fli_option *fli_option_of(fli_key key);
/* The key of that dotted name, or FLI_KEYS_COUNT. */
fli_key fli_option_find(const char *name);

#endif
