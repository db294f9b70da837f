/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_TESTS_OTP_MODEL_H
#define FLI_TESTS_OTP_MODEL_H

/*
 * A modelled OTP node as a driver sees it: events in, things to do, questions.
 *
 *     node = otp_node_create(&config, &host, ctx)
 *     host's events:  otp_node_accepted, _opened, _read, _ended, _timer
 *     to do:          otp_do_connect, otp_do_register, otp_do_lock, otp_do_join, ...
 *     questions:      otp_ask_nodes, otp_ask_known, otp_ask_names, otp_ask_locks, ...
 *
 * Processes that a driver starts are numbered; a number is never used again. They keep what they
 * got as texts. Things to do that take a conversation (registering, locking, calling) give a
 * ticket; otp_result tells how it ended.
 *
 * Threads: the host's. Memory: answers are texts in the caller's storage, cut when they do not fit.
 */

#include "tests/sim/otp_node.h"

/* ---- life, and the host's events ------------------------------------------------------------- */

otp_node *otp_node_create(const otp_config *config, const otp_host *host, void *ctx);
/* Nothing is said to anybody; closing sockets is the host's. */
void otp_node_delete(otp_node *node);

void otp_node_accepted(otp_node *node, uint32_t conn);
void otp_node_opened(otp_node *node, uint32_t conn);
void otp_node_read(otp_node *node, uint32_t conn, const uint8_t *data, size_t size);
void otp_node_ended(otp_node *node, uint32_t conn);
void otp_node_timer(otp_node *node);

/* ---- to do ----------------------------------------------------------------------------------- */

typedef enum otp_method {
	OTP_RANDOM_EXIT,
	OTP_RANDOM_NOTIFY,
	OTP_NOTIFY_ALL,
	OTP_LOCAL_FUN /* the default of register_name/2: a fun that only this release can run */
} otp_method;

typedef enum otp_outcome {
	OTP_PENDING,
	OTP_YES, /* yes, true, ok, a reply */
	OTP_NO,  /* no, false, aborted, an exit */
	OTP_UNKNOWN
} otp_outcome;

void otp_do_connect(otp_node *node, const char *peer);
void otp_do_disconnect(otp_node *node, const char *peer);

/* A process that keeps what it gets; `name` may be NULL. */
unsigned otp_do_spawn(otp_node *node, const char *name);
/* exit(Pid, kill), or it exits itself for another reason. False: there is none. */
bool otp_do_kill(otp_node *node, unsigned proc, const char *reason);
bool otp_do_link(otp_node *node, unsigned proc, otp_term other);
bool otp_do_monitor(otp_node *node, unsigned proc, otp_term other);
bool otp_do_send(otp_node *node, unsigned proc, otp_term to, otp_term message);
otp_term otp_pid_of(otp_node *node, unsigned proc); /* borrowed; none when it is dead */

/* global:register_name/3, re_register_name/3, unregister_name/1, set_lock/3, del_lock/2, sync/0. */
unsigned otp_do_register(otp_node *node, const char *name, unsigned proc, otp_method method);
unsigned otp_do_reregister(otp_node *node, const char *name, unsigned proc, otp_method method);
unsigned otp_do_register_ext(otp_node *node, const char *name, otp_term pid);
unsigned otp_do_unregister(otp_node *node, const char *name);
/* On this node and all that it is connected to; asks `retries` times more. */
unsigned otp_do_lock(
	otp_node *node, const char *resource, const char *requester, unsigned proc, int retries);
unsigned otp_do_unlock(otp_node *node, const char *resource, const char *requester, unsigned proc);
unsigned otp_do_sync(otp_node *node);

bool otp_do_join(otp_node *node, const char *scope, const char *group, unsigned proc);
/* False: it was no member. */
bool otp_do_leave(otp_node *node, const char *scope, const char *group, unsigned proc);
void otp_do_start_scope(otp_node *node, const char *scope);
void otp_do_stop_scope(otp_node *node, const char *scope);

/* gen_server:call({Name,Node}, Request, Timeout). */
unsigned otp_do_call(
	otp_node *node, const char *name, const char *peer, otp_term request, uint64_t timeout_ms);
/* erpc:call(Node, M, F, Args, infinity). */
unsigned otp_do_erpc(
	otp_node *node, const char *peer, const char *module, const char *function, otp_term args);

/* ---- questions ------------------------------------------------------------------------------- */

otp_outcome otp_result(otp_node *node, unsigned ticket);
/* With the reply or the reason, as text. */
otp_outcome otp_result_text(otp_node *node, unsigned ticket, char *ret_text, size_t size);

/* Sorted, with a blank between two. */
void otp_ask_nodes(otp_node *node, char *ret_text, size_t size);
void otp_ask_known(otp_node *node, char *ret_text, size_t size);
void otp_ask_synced(otp_node *node, char *ret_text, size_t size);
/* "name=<pid>", and "resource=requester(pids)". */
void otp_ask_names(otp_node *node, char *ret_text, size_t size);
void otp_ask_locks(otp_node *node, char *ret_text, size_t size);
/* Of all nodes, or of this one; sorted, with repeats. */
void otp_ask_members(
	otp_node *node, const char *scope, const char *group, char *ret_text, size_t size);
/* "group: pids; group: pids" of every group that has members. */
void otp_ask_groups(otp_node *node, const char *scope, char *ret_text, size_t size);
/* What that process got since it was asked last, one message a line. */
void otp_ask_mail(otp_node *node, unsigned proc, char *ret_text, size_t size);
bool otp_ask_is_alive(otp_node *node, unsigned proc);
bool otp_ask_is_connected(otp_node *node, const char *peer);
/* The pid under which this node knows a global name; none: unknown. Borrowed. */
otp_term otp_ask_where(otp_node *node, const char *name);

/* Findings: what OTP would not have survived, or would have complained about. */
typedef struct otp_findings {
	unsigned scopes_crashed;  /* a pg scope got what it cannot handle */
	unsigned protocol_errors; /* connections ended for what came over them */
	unsigned unexpected;      /* messages that a service of kernel knows nothing of */
	char last[256];           /* the last of them, for people */
} otp_findings;

otp_findings otp_ask_findings(otp_node *node);

#endif
