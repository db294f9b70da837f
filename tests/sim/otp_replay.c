/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The replayer: a host for one model whose peers are a recording.
 *
 * - What the model writes is cut like the recording and waits, connection by connection, until a
 * recorded message claims it. A message that nobody has sent yet when the recording comes to it may
 * still come: it is claimed at the end of each event, and only what is left in the end is missing.
 * - What the others sent is translated to the model's identifiers and written anew, with a plain
 * header.
 */
#include "tests/sim/otp_replay.h"

#include "tests/sim/otp_acts.h"
#include "tests/sim/otp_unify.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONNS_MAX 64
#define AHEAD_MS 4000 /* how far a timer may be before its time */
#define ON_DEMAND INT64_MIN

/* What the model has said, or what it should have said. */
typedef struct said {
	struct said *next;
	otp_event_kind kind;
	otp_term control;
	otp_term payload;
} said;

typedef struct wire {
	struct replay *replay;
	bool is_dialled; /* the model did, and nobody has answered yet */
	bool is_matched; /* `conn` of the recording is this one */
	bool is_closed;  /* by the model */
	unsigned conn;   /* of the recording */
	char peer[64];
	otp_cutter cutter;
	uint64_t flags[2]; /* the model's, the peer's */
	said *said;
	said *wanted;
} wire;

typedef struct replay {
	const otp_recording *recording;
	const otp_player *player;
	otp_verdict verdict;
	otp_bindings bindings;
	otp_node *node;
	wire wires[CONNS_MAX]; /* the model's number is the index plus 1 */
	unsigned wire_count;
	uint64_t now;
	uint64_t due;
	int64_t slack; /* timers fire by themselves when they are due so much before an event */
	size_t next_challenge; /* events before it have given theirs */
	otp_acts acts;
} replay;

static void complain(replay *r, const char *format, ...)
{
	size_t used = strlen(r->verdict.report);
	va_list args;

	va_start(args, format);
	(void)vsnprintf(r->verdict.report + used, sizeof r->verdict.report - used, format, args);
	va_end(args);
}

static void complain_of(replay *r, const char *word, const wire *w, const said *s)
{
	char control[600], payload[900];

	otp_print(s->kind == OTP_SHAKE ? OTP_NONE : s->control, control, sizeof control);
	otp_print(s->payload, payload, sizeof payload);
	complain(r, "%s: to %s: %s %s\n", word, w->peer, control, payload);
}

/* ---- what was said --------------------------------------------------------------------------- */

static void add_said(said **list, otp_event_kind kind, otp_term control, otp_term payload)
{
	said *s = otp_alloc(sizeof *s);

	s->kind = kind;
	s->control = otp_keep(control);
	s->payload = payload.data != NULL ? otp_keep(payload) : OTP_NONE;
	while (*list != NULL)
		list = &(*list)->next;
	*list = s;
}

static void free_said(said **at)
{
	said *s = *at;

	*at = s->next;
	otp_drop(&s->control);
	otp_drop(&s->payload);
	free(s);
}

static void on_said(void *ctx, otp_event_kind kind, otp_term control, otp_term payload)
{
	wire *w = ctx;

	if (kind == OTP_TICK)
		return;
	add_said(&w->said, kind, control, payload);
	if (kind == OTP_SHAKE && otp_shake_flags(control) != 0)
		w->flags[0] = otp_shake_flags(control);
	w->cutter.conn.flags = w->flags[0] & w->flags[1];
}

/* Whom a signal is from: what one process says keeps its order. None: nobody in particular. */
static otp_term sender_of(otp_term control)
{
	int64_t op = 0;

	(void)otp_get_int64(otp_element(control, 0), &op);
	if (op == 2 || op == 12 || op == 31)
		return OTP_NONE;
	return otp_element(control, op == 29 || op == 35 || op == 36 || op == 37 ? 2 : 1);
}

/* {lost_connection,A,Creation,Operation,B} counts from anywhere. */
static bool is_numbered(otp_term payload)
{
	return otp_match(payload, "{lost_connection,_,_,_,_}");
}

/* Whose group leader is told does not matter: the scenario's own is none of the nodes'. */
static otp_term without_leader(replay *r, otp_term control)
{
	otp_term id, from, mfa, options;

	if (!otp_match(control, "{29,~t,~t,_,~t,~t}", &id, &from, &mfa, &options))
		return control;
	return otp_make(r->node, "{29,~t,~t,~t,~t}", id, from, mfa, options);
}

static bool is_same(replay *r, const said *recorded, const said *model)
{
	otp_term pair[2][2] = {{without_leader(r, recorded->control), recorded->payload},
		{without_leader(r, model->control), model->payload}};
	unsigned count = r->bindings.count;

	if (recorded->kind != model->kind)
		return false;
	if (recorded->kind == OTP_SHAKE)
		return otp_equal(recorded->control, model->control);
	if (!otp_unify(&r->bindings, pair[0][0], pair[1][0], false))
		return false;
	if (pair[0][1].data == NULL && pair[1][1].data == NULL)
		return true;
	if (pair[0][1].data != NULL && pair[1][1].data != NULL &&
		otp_unify(&r->bindings, pair[0][1], pair[1][1], is_numbered(pair[0][1])))
		return true;
	otp_unbind(&r->bindings, count);
	return false;
}

static bool is_overtaking(const wire *w, const said *model)
{
	otp_term sender = sender_of(model->control);

	for (const said *s = w->said; s != model; s = s->next)
		if (s->kind == OTP_SHAKE || otp_equal(sender_of(s->control), sender))
			return true;
	return false;
}

/* One recorded message finds its like among what the model has said. */
static bool claim(replay *r, wire *w, const said *recorded)
{
	for (said **at = &w->said; *at != NULL; at = &(*at)->next) {
		if (is_overtaking(w, *at) || !is_same(r, recorded, *at))
			continue;
		r->verdict.shakes += recorded->kind == OTP_SHAKE;
		r->verdict.signals += recorded->kind == OTP_SIGNAL;
		free_said(at);
		return true;
	}
	return false;
}

static void claim_all(replay *r)
{
	for (unsigned i = 0; i < r->wire_count; i++)
		for (said **at = &r->wires[i].wanted; *at != NULL;)
			if (claim(r, &r->wires[i], *at))
				free_said(at);
			else
				at = &(*at)->next;
}

/* ---- the model's host ------------------------------------------------------------------------ */

static wire *new_wire(replay *r, const char *peer)
{
	wire *w = &r->wires[r->wire_count++];

	if (r->wire_count == CONNS_MAX)
		abort();
	w->replay = r;
	w->cutter.add = on_said;
	w->cutter.ctx = w;
	(void)snprintf(w->peer, sizeof w->peer, "%s", peer);
	return w;
}

static uint32_t dial(void *ctx, const char *node)
{
	replay *r = ctx;
	wire *w = new_wire(r, node);

	w->is_dialled = true;
	return r->wire_count;
}

static void write_bytes(void *ctx, uint32_t conn, const void *bytes, size_t size)
{
	replay *r = ctx;

	if (!otp_cutter_feed(&r->wires[conn - 1].cutter, bytes, size))
		complain(r, "the model wrote no frame\n");
}

static void close_conn(void *ctx, uint32_t conn)
{
	((replay *)ctx)->wires[conn - 1].is_closed = true;
}

static void set_timer(void *ctx, uint64_t due_ms)
{
	((replay *)ctx)->due = due_ms;
}

static uint64_t now_ms(void *ctx)
{
	return ((replay *)ctx)->now;
}

/* Challenges are those of the recording, in the order of its messages. */
static uint64_t draw(void *ctx, otp_draw what)
{
	replay *r = ctx;

	if (what != OTP_DRAW_CHALLENGE)
		return 12345;
	for (size_t i = r->next_challenge; i < r->recording->count; i++) {
		const otp_event *e = &r->recording->events[i];
		otp_term m = e->control;

		if (e->kind != OTP_SHAKE || e->from != r->player->alive)
			continue;
		r->next_challenge = i + 1;
		if (m.size == 21 && m.data[0] == 'r')
			return otp_get_int(m.data + 1, 4);
		if (m.data[0] == 'N' && m.size == 19 + otp_get_int(m.data + 17, 2))
			return otp_get_int(m.data + 9, 4);
	}
	return 1;
}

static const otp_host host = {dial, write_bytes, close_conn, set_timer, now_ms, draw, NULL};

/* The next timer, if it is not too far away. */
static bool let_time_pass(replay *r, uint64_t until)
{
	if (r->due == 0 || r->due > until)
		return false;
	r->now = r->due > r->now ? r->due : r->now;
	r->due = 0;
	otp_node_timer(r->node);
	return true;
}

/* ---- events ---------------------------------------------------------------------------------- */

static wire *wire_of(replay *r, unsigned conn)
{
	for (unsigned i = 0; i < r->wire_count; i++)
		if (r->wires[i].is_matched && r->wires[i].conn == conn)
			return &r->wires[i];
	return NULL;
}

static uint32_t number_of(const replay *r, const wire *w)
{
	return (uint32_t)(w - r->wires) + 1;
}

static wire *dialled_to(replay *r, const char *peer)
{
	for (unsigned i = 0; i < r->wire_count; i++)
		if (r->wires[i].is_dialled && strcmp(r->wires[i].peer, peer) == 0)
			return &r->wires[i];
	return NULL;
}

static void begin_conn(replay *r, const otp_event *e)
{
	bool is_ours = e->from == r->player->alive;
	const otp_player *peer = otp_recording_player(r->recording, is_ours ? e->to : e->from);
	wire *w;

	if ((!is_ours && e->to != r->player->alive) || peer == NULL)
		return;
	w = is_ours ? dialled_to(r, peer->name) : new_wire(r, peer->name);
	while (w == NULL && let_time_pass(r, e->ms + AHEAD_MS))
		w = dialled_to(r, peer->name);
	if (w == NULL) {
		complain(r, "the model does not dial %s\n", peer->name);
		r->verdict.broken++;
		return;
	}
	w->conn = e->conn;
	w->is_matched = true;
	w->is_dialled = false;
	if (is_ours)
		otp_node_opened(r->node, number_of(r, w));
	else
		otp_node_accepted(r->node, number_of(r, w));
}

static void said_by_player(replay *r, wire *w, const otp_event *e)
{
	said **last = &w->wanted;

	add_said(&w->wanted, e->kind, e->control, e->payload);
	claim_all(r);
	while (*last != NULL && (*last)->next != NULL)
		last = &(*last)->next;
	while (w->wanted != NULL && let_time_pass(r, e->ms + AHEAD_MS))
		claim_all(r);
}

static void feed(replay *r, wire *w, otp_buf *frame, unsigned head)
{
	otp_buf out = {0};

	otp_buf_int(&out, frame->size, head);
	otp_buf_add(&out, frame->data, frame->size);
	if (!w->is_closed)
		otp_node_read(r->node, number_of(r, w), out.data, out.size);
	otp_buf_free(&out);
	otp_buf_free(frame);
}

static void said_by_peer(replay *r, wire *w, const otp_event *e)
{
	otp_buf frame = {0}, term = {0};
	otp_refs none = {.count = 0};

	if (e->kind == OTP_SHAKE) {
		otp_buf_add(&frame, e->control.data, e->control.size);
		if (otp_shake_flags(e->control) != 0)
			w->flags[1] = otp_shake_flags(e->control);
		w->cutter.conn.flags = w->flags[0] & w->flags[1];
	} else if (e->kind == OTP_SIGNAL) {
		otp_buf_int(&frame, 131, 1);
		otp_buf_int(&frame, 68, 1);
		otp_refs_write(&none, &frame);
		otp_translate(&r->bindings, e->control, &frame);
		if (e->payload.data != NULL)
			otp_translate(&r->bindings, e->payload, &term);
		otp_buf_add(&frame, term.data, term.size);
		otp_buf_free(&term);
	}
	feed(r, w, &frame, e->kind == OTP_SHAKE ? 2 : 4);
	claim_all(r);
}

static void end_conn(replay *r, const otp_event *e)
{
	wire *w = wire_of(r, e->conn);

	if (w == NULL)
		return;
	if (e->from == r->player->alive) {
		while (!w->is_closed && let_time_pass(r, e->ms + AHEAD_MS))
			claim_all(r);
		if (!w->is_closed) {
			complain(r, "the model does not close %s\n", w->peer);
			r->verdict.broken++;
		}
	} else if (!w->is_closed) {
		w->is_closed = true;
		otp_node_ended(r->node, number_of(r, w));
	}
	claim_all(r);
}

static void act(replay *r, const otp_event *e)
{
	if (e->from != r->player->alive)
		return;
	r->acts.node = r->node;
	if (!otp_act(&r->acts, e->text + 2))
		complain(r, "nobody knows how to %s\n", e->text + 2);
	claim_all(r);
}

/* ---- all of it ------------------------------------------------------------------------------- */

static void replay_event(replay *r, const otp_event *e)
{
	int64_t until = (int64_t)e->ms + r->slack;
	wire *w;

	while (r->slack != ON_DEMAND && until > 0 && let_time_pass(r, (uint64_t)until))
		claim_all(r);
	r->now = e->ms > r->now ? e->ms : r->now;
	switch (e->kind) {
	case OTP_ACT: act(r, e); break;
	case OTP_DIALLED: begin_conn(r, e); break;
	case OTP_CLOSED: end_conn(r, e); break;
	case OTP_SHAKE:
	case OTP_SIGNAL:
	case OTP_TICK:
		w = wire_of(r, e->conn);
		if (w != NULL && e->from != r->player->alive)
			said_by_peer(r, w, e);
		else if (w != NULL && e->kind != OTP_TICK)
			said_by_player(r, w, e);
		break;
	}
}

/*
 * Of two attempts that cross the one that is given up may have said its name or not, and its end
 * may pass the answer to it: that much is a matter of time.
 */
static bool is_crossed(const wire *w)
{
	return w->is_closed && !w->cutter.is_up;
}

static void count_rest(replay *r)
{
	for (unsigned i = 0; i < r->wire_count; i++) {
		wire *w = &r->wires[i];

		for (; w->wanted != NULL; free_said(&w->wanted)) {
			if (is_crossed(w))
				continue;
			complain_of(r, "missing", w, w->wanted);
			r->verdict.missing++;
		}
		for (; w->said != NULL; free_said(&w->said)) {
			if (is_crossed(w))
				continue;
			complain_of(r, "surplus", w, w->said);
			r->verdict.surplus++;
		}
		otp_cutter_free(&w->cutter);
	}
}

/*
 * Locks have the lockers' pids in order: the model's locker gets the number of the real one, which
 * that has said in its first init_connect.
 */
static uint32_t first_pid(const otp_recording *recording, char player)
{
	otp_term locker;
	otp_pid pid;

	for (size_t i = 0; i < recording->count; i++) {
		const otp_event *e = &recording->events[i];

		if (e->from == player && e->payload.data != NULL &&
			otp_match(
				e->payload, "{$gen_cast,{init_connect,_,_,{_,_,_,~t}}}", &locker) &&
			otp_pid_parts(locker, &pid) && pid.id > 5)
			return pid.id - 5;
	}
	return 0;
}

static otp_verdict replay_with(const otp_recording *recording, char player, int64_t slack)
{
	replay *r = otp_alloc(sizeof *r);
	otp_verdict verdict;
	otp_config config = {.cookie = recording->cookie};

	r->recording = recording;
	r->player = otp_recording_player(recording, player);
	r->slack = slack;
	r->acts.recording = recording;
	r->acts.player = r->player;
	config.name = r->bindings.player = r->player->name;
	config.release = r->player->release;
	config.creation = r->player->creation;
	config.has_pop = config.release >= 25;
	/* Nodes before 26 do not survive the scope of 29: there is none in mixed clusters. */
	config.pg_scopes = strcmp(recording->scenario, "mixed") == 0 ? NULL : "pg";
	config.first_pid = first_pid(recording, player);
	r->node = otp_node_create(&config, &host, r);
	for (size_t i = 0; i < recording->count; i++)
		replay_event(r, &recording->events[i]);
	count_rest(r);
	otp_node_delete(r->node);
	otp_bindings_free(&r->bindings);
	verdict = r->verdict;
	free(r);
	return verdict;
}

static unsigned faults(const otp_verdict *v)
{
	return v->missing + v->surplus + v->broken;
}

/* The real node's timers went by a clock that nobody recorded: some reading of it has to fit. */
otp_verdict otp_replay(const otp_recording *recording, char player)
{
	static const int64_t slacks[] = {
		ON_DEMAND, 0, 2, -2, 5, -5, 10, -10, 20, -20, 50, -50, 100, -100};
	otp_verdict best = {0};

	for (size_t i = 0; i < sizeof slacks / sizeof slacks[0]; i++) {
		otp_verdict v = replay_with(recording, player, slacks[i]);

		if (i == 0 || faults(&v) < faults(&best))
			best = v;
		if (faults(&best) == 0)
			break;
	}
	return best;
}
