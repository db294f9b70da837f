/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Promises that are judged by a look into the nodes: after each step, and when all is quiet.
 */
#include <stdio.h>
#include <string.h>

#include "dist/peers.h"
#include "tests/sim/draw.h"
#include "tests/sim/invariant.h"
#include "tests/sim/peers.h"
#include "tests/support/termgen.h"

enum { MAILBOX_MAX = 20000 };
#define NODE_BYTES_MAX ((size_t)256 << 20)

/* Visits the peers of a node, whether up or not. */
static fli_dist_peer *next_peer(const run_host *host, size_t *cursor)
{
	fl_node *node = run_node(host);
	fli_dist *dist = node == NULL ? NULL : node->dist;

	return dist == NULL ? NULL : fli_map_next(&dist->peers, cursor);
}

/* ---- of steps -------------------------------------------------------------------------------- */

static bool queues_are_bounded(run *r, char *text)
{
	for (unsigned i = 0; i < r->hosts_count; i++) {
		size_t cursor = 0;
		const fli_dist_peer *peer;

		while ((peer = next_peer(&r->hosts[i], &cursor)) != NULL) {
			const fli_dist_limits *limits = &peer->dist->config.limits;

			if (peer->queue.bytes > limits->waiting_bytes_max)
				return invariant_broken(text, "%zu bytes wait for %s",
					peer->queue.bytes, peer->name.text);
			if (peer->conn != NULL &&
				fli_outbound_size(&peer->conn->out) >
					limits->out_hard_bytes + limits->frame_bytes_max)
				return invariant_broken(text, "the output to %s has %zu bytes",
					peer->name.text, fli_outbound_size(&peer->conn->out));
		}
	}
	return true;
}

static bool memory_is_bounded(run *r, char *text)
{
	for (unsigned i = 0; i < r->hosts_count; i++) {
		fl_node *node = run_node(&r->hosts[i]);
		const fli_dist *dist = node == NULL ? NULL : node->dist;

		if (fl_sim_bytes(r->hosts[i].node) > NODE_BYTES_MAX)
			return invariant_broken(
				text, "node %u holds %zu bytes", i, fl_sim_bytes(r->hosts[i].node));
		if (dist != NULL && fli_pending_count(dist, NULL) > dist->config.limits.pending_max)
			return invariant_broken(text, "node %u has too many handshakes", i);
	}
	return true;
}

static bool mailboxes_are_bounded(run *r, char *text)
{
	for (uint32_t id = 1; id <= r->books.actors_count; id++) {
		const fl_proc *proc = run_proc(r, id);

		if (proc != NULL && proc->mailbox_count > MAILBOX_MAX)
			return invariant_broken(
				text, "%u messages wait for actor %u", proc->mailbox_count, id);
	}
	return true;
}

static bool peers_are_sound(run *r, char *text)
{
	for (unsigned i = 0; i < r->hosts_count; i++) {
		size_t cursor = 0;
		const fli_dist_peer *peer;

		while ((peer = next_peer(&r->hosts[i], &cursor)) != NULL) {
			bool is_up = peer->state == FLI_PEER_UP;

			if (is_up != (peer->conn != NULL) || is_up != peer->base.is_up)
				return invariant_broken(text,
					"node %u: %s is in state %d, %s connection", i,
					peer->name.text, (int)peer->state,
					peer->conn == NULL ? "without a" : "with a");
		}
	}
	return true;
}

/* Who has another cookie is no peer. */
static bool stranger_stays_out(run *r, char *text)
{
	const char *name = fl_sim_name(r->stranger);

	for (unsigned i = 0; i < r->hosts_count; i++) {
		if (run_node(&r->hosts[i]) != NULL && fl_sim_is_connected(r->hosts[i].node, name))
			return invariant_broken(text, "node %u let the stranger in", i);
	}
	return true;
}

/* A term of any kind, and then with a few bytes turned: it is refused, or it is a term like any. */
static bool any_bytes_are_a_term_or_none(run *r, char *text)
{
	draw d = draw_part(r->plan->settings.seed, (uint64_t)r->step << 8 | 5);
	fl_buf first = FL_BUF_INIT, again = FL_BUF_INIT;
	fl_termgen gen;
	fli_buf bytes;
	bool is_fine = true;

	fl_termgen_create(&gen, draw_u64(&d));
	fli_buf_create(&bytes, fli_mem_libc(), 0);
	fl_termgen_term(&gen, &bytes);
	for (uint64_t n = draw_below(&d, 4); n > 0 && bytes.size > 0; n--)
		bytes.data[draw_below(&d, bytes.size)] ^= (uint8_t)draw_u64(&d);
	if (fl_build_encoded(&first, bytes.data, bytes.size) == FL_OK &&
		fl_build(&again, "~", fl_buf_term(&first)) == FL_OK)
		is_fine = fl_equal(fl_buf_term(&first), fl_buf_term(&again));
	fli_buf_destroy(&bytes);
	fl_buf_free(&first);
	fl_buf_free(&again);
	return is_fine || invariant_broken(text, "a term is not what it was after encoding it");
}

/* ---- of quiet -------------------------------------------------------------------------------- */

static const fli_dist_peer *peer_of(run *r, unsigned from, unsigned to)
{
	const fl_node *node = run_node(&r->hosts[from]);
	const char *name = r->hosts[to].name;

	return node == NULL ? NULL : fli_peers_find(node->dist, name, strlen(name));
}

bool run_is_joined(run *r, unsigned from, unsigned to)
{
	const fli_dist_peer *peer = peer_of(r, from, to);
	const fl_node *other = run_node(&r->hosts[to]);

	return peer != NULL && other != NULL && peer->conn != NULL &&
	       peer->base.creation == other->creation;
}

bool run_is_held(run *r, unsigned from, unsigned to)
{
	const fli_dist_peer *peer = peer_of(r, from, to);

	return peer != NULL && peer->want.is_held;
}

uint32_t quiet_open_call(run *r)
{
	const books *b = &r->books;

	for (uint32_t id = 1; id <= b->asks_count; id++) {
		const ask *a = books_at(b, id);

		if ((a->kind == ASK_CALL || a->kind == ASK_RPC) && a->end == END_NONE &&
			!a->is_timeless && run_is_alive(r, a->from))
			return id;
	}
	return 0;
}

bool quiet_has_output(run *r)
{
	for (unsigned i = 0; i < r->hosts_count; i++) {
		size_t cursor = 0;
		const fli_dist_peer *peer;

		while ((peer = next_peer(&r->hosts[i], &cursor)) != NULL)
			if (peer->conn != NULL && fli_outbound_size(&peer->conn->out) > 0)
				return true;
	}
	return false;
}

static bool all_are_connected(run *r, char *text)
{
	for (unsigned i = 0; i < r->hosts_count; i++) {
		for (unsigned k = 0; k < r->hosts_count; k++)
			if (i != k && !run_is_joined(r, i, k))
				return invariant_broken(
					text, "node %u is not connected to node %u", i, k);
	}
	if (!peers_agree(r))
		return invariant_broken(text, "the OTP node is not connected to all");
	return true;
}

static bool every_call_has_ended(run *r, char *text)
{
	uint32_t id = quiet_open_call(r);

	if (id == 0)
		return true;
	return invariant_broken(
		text, "call %u of actor %u never ended", id, books_at(&r->books, id)->from);
}

static bool all_anchors_answer(run *r, char *text)
{
	for (uint32_t id = 1; id <= r->books.asks_count; id++) {
		const ask *a = books_at(&r->books, id);

		if (a->order >= r->orders_before && a->end != END_REPLY)
			return invariant_broken(text, "call %u from node %u to node %u: no answer",
				id, books_actor(&r->books, a->from)->host, a->to_host);
	}
	return true;
}

bool run_is_forged(const run *r, unsigned one, unsigned other)
{
	return books_is_tampered(&r->books, one) || books_is_tampered(&r->books, other);
}

/* A link or monitor whose target has died, and nobody said so. */
static bool every_end_was_told(run *r, char *text)
{
	const books *b = &r->books;

	for (uint32_t id = 1; id <= b->asks_count; id++) {
		const ask *a = books_at(b, id);
		bool is_link = a->kind == ASK_LINK && !a->is_crossed &&
			       !books_actor(b, a->from)->is_mortal;

		if ((is_link || a->kind == ASK_MONITOR) && a->end == END_NONE && a->to != NOBODY &&
			run_is_alive(r, a->from) && !run_is_alive(r, a->to) &&
			!run_is_forged(r, books_actor(b, a->from)->host, a->to_host))
			return invariant_broken(text,
				"actor %u was not told that actor %u ended "
				"(ask %u)",
				a->from, a->to, id);
	}
	return true;
}

/* ---- tables of both ends --------------------------------------------------------------------- */

/* The two ends of a connection, each seen from its own node. */
typedef struct ends {
	fl_node *here, *there;
	const fli_dist_peer *peer; /* there, as here knows it */
	fli_dist_peer *back;       /* here, as there knows it */
} ends;

static bool disagree(const ends *e, char *text, uint32_t process, const char *what)
{
	return invariant_broken(text, "process %u of %s has, with %s, %s", process,
		e->back->name.text, e->peer->name.text, what);
}

static bool links_agree(const ends *e, char *text)
{
	const fli_link *head = &e->peer->base.links;

	for (const fli_link *at = head->next; at != head; at = at->next) {
		const fli_plink *plink = fli_container_of(at, fli_plink, in_peer);
		const fl_pid here = fli_proc_pid(plink->proc);
		const fl_proc *other = fli_proc_of(e->there, &plink->other);

		if (plink->unlink_id != 0)
			return disagree(e, text, here.id, "an unlink that was never acknowledged");
		if (other == NULL || fli_plink_find(other, &here) == NULL)
			return disagree(e, text, here.id, "a link that the other does not know of");
	}
	return true;
}

static bool monitors_agree(const ends *e, char *text)
{
	const fli_link *head = &e->peer->base.watched;

	for (const fli_link *at = head->next; at != head; at = at->next) {
		const fli_monitor *monitor = fli_container_of(at, fli_monitor, in_target);

		if (fli_monitor_find(e->there, &e->back->base, &monitor->ref) == NULL)
			return disagree(e, text, monitor->watcher->id,
				"a monitor that the other does not know of");
	}
	head = &e->peer->base.watchers;
	for (const fli_link *at = head->next; at != head; at = at->next) {
		const fli_monitor *monitor = fli_container_of(at, fli_monitor, in_watcher);

		if (fli_monitor_find(e->there, NULL, &monitor->ref) == NULL)
			return disagree(e, text, monitor->target->id,
				"a watcher that the other has forgotten");
	}
	return true;
}

static bool tables_agree(run *r, char *text)
{
	for (unsigned i = 0; i < r->hosts_count; i++) {
		for (unsigned k = 0; k < r->hosts_count; k++) {
			ends e = {run_node(&r->hosts[i]), run_node(&r->hosts[k]), peer_of(r, i, k),
				NULL};

			e.back = (fli_dist_peer *)(uintptr_t)peer_of(r, k, i);
			if (e.peer == NULL || e.back == NULL || run_is_forged(r, i, k))
				continue;
			if (!links_agree(&e, text) || !monitors_agree(&e, text))
				return false;
		}
	}
	return true;
}

bool quiet_is_at_rest(run *r, char *text)
{
	return tables_agree(r, text) && services_are_at_rest(r, text);
}

/* ---- the tables ------------------------------------------------------------------------------ */

const state_invariant step_invariants[] = {
	{"I17 queues_are_bounded", "a slow peer must not take the node's memory",
		queues_are_bounded},
	{"I17 memory_is_bounded", "nor must anybody who has not shown the cookie",
		memory_is_bounded},
	{"I17 mailboxes_are_bounded", "a process that does not read must not, either",
		mailboxes_are_bounded},
	{"I19 peers_are_sound", "a peer is up when it has a connection, and only then",
		peers_are_sound},
	{"I19 stranger_stays_out", "who has another cookie is no peer", stranger_stays_out},
	{"I19 peers_understand", "what no BEAM would take must not be sent", peers_understand},
	{"I20 any_bytes_are_a_term_or_none", "a peer chooses every byte that is decoded",
		any_bytes_are_a_term_or_none},
};
const size_t step_invariants_count = sizeof step_invariants / sizeof *step_invariants;

const state_invariant quiet_invariants[] = {
	{"I19 all_are_connected", "after the last fault the cluster is whole within a bound",
		all_are_connected},
	{"I2 every_call_has_ended", "a caller that waits for ever is lost", every_call_has_ended},
	{"I19 all_anchors_answer", "a connected node that does not serve is worse than none",
		all_anchors_answer},
	{"I19 peers_are_served", "an OTP node gets what a C node gets", peers_are_served},
	{"I6 every_end_was_told", "who watches is told, or watches for ever", every_end_was_told},
	{"I11 global_is_whole", "a lock that is never freed stops every registration",
		global_is_whole},
	{"I10 names_agree", "a name that two nodes give two processes has two holders",
		names_agree},
	{"I10 last_names_are_there", "who was told yes has the name", last_names_are_there},
	{"I11 locks_are_whose_they_are", "what was given back, or whose holder died, is free",
		locks_are_whose_they_are},
	{"I8 groups_agree", "work goes to members: to all of them, and to nobody who left",
		groups_agree},
	{"I8 watchers_were_told", "who keeps count of a group must not be off by one for ever",
		watchers_were_told},
	{"I6 tables_agree", "a link or monitor that one side forgot never fires", tables_agree},
};
const size_t quiet_invariants_count = sizeof quiet_invariants / sizeof *quiet_invariants;

bool invariants_hold(run *r, const state_invariant *table, size_t count)
{
	char text[BOOKS_TEXT] = "";

	for (size_t i = 0; i < count && r->books.breach == NULL; i++) {
		if (!table[i].holds(r, text))
			books_fail(&r->books, table[i].name, text);
	}
	return r->books.breach == NULL;
}

static void print_line(const char *name, const char *why)
{
	printf("%-40s %s\n", name, why);
}

void invariants_print(void)
{
	for (size_t i = 0; i < event_invariants_count; i++)
		print_line(event_invariants[i].name, event_invariants[i].why);
	for (size_t i = 0; i < step_invariants_count; i++)
		print_line(step_invariants[i].name, step_invariants[i].why);
	for (size_t i = 0; i < quiet_invariants_count; i++)
		print_line(quiet_invariants[i].name, quiet_invariants[i].why);
}
