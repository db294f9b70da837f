/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A network of modelled nodes in memory. Each event takes a millisecond or less, in the order in
 * which it was caused; a connection is a pair of numbers, one for each end.
 */
#include "tests/sim/otp_lab.h"

#include <stdlib.h>
#include <string.h>

enum kind { ACCEPT, OPEN, READ, END };

typedef struct event {
	struct event *next;
	uint64_t at;
	enum kind kind;
	unsigned to;
	uint32_t conn;
	otp_buf bytes;
} event;

typedef struct end {
	struct end *next;
	uint32_t id; /* even: who dialled, odd: who was dialled */
	unsigned owner;
	unsigned other;
	bool is_closed;
} end;

typedef struct place {
	struct otp_lab *lab;
	otp_node *node;
	unsigned index;
	uint64_t due;
	bool is_refused[OTP_LAB_NODES];
	bool is_silent[OTP_LAB_NODES];
} place;

struct otp_lab {
	place places[OTP_LAB_NODES];
	unsigned count;
	uint64_t now;
	uint64_t random;
	uint32_t next_conn;
	size_t read_max;
	event *events;
	event **events_end;
	end *ends;
};

static uint64_t draw(otp_lab *lab)
{
	lab->random ^= lab->random << 13;
	lab->random ^= lab->random >> 7;
	lab->random ^= lab->random << 17;
	return lab->random;
}

static event *post(otp_lab *lab, enum kind kind, unsigned to, uint32_t conn)
{
	event *e = otp_alloc(sizeof *e);

	e->kind = kind;
	e->to = to;
	e->conn = conn;
	e->at = lab->now + 1;
	*lab->events_end = e;
	lab->events_end = &e->next;
	return e;
}

static end *find_end(otp_lab *lab, uint32_t id)
{
	end *e = lab->ends;

	while (e != NULL && e->id != id)
		e = e->next;
	return e;
}

static void add_end(otp_lab *lab, uint32_t id, unsigned owner, unsigned other)
{
	end *e = otp_alloc(sizeof *e);

	e->id = id;
	e->owner = owner;
	e->other = other;
	e->next = lab->ends;
	lab->ends = e;
}

/* ---- what nodes call ------------------------------------------------------------------------- */

static uint32_t dial(void *ctx, const char *node)
{
	place *from = ctx;
	otp_lab *lab = from->lab;
	uint32_t id = lab->next_conn += 2;

	for (unsigned i = 0; i < lab->count; i++) {
		otp_node *other = lab->places[i].node;

		if (other == NULL || strcmp(other->config.name, node) != 0 || from->is_refused[i])
			continue;
		add_end(lab, id, from->index, i);
		add_end(lab, id + 1, i, from->index);
		(void)post(lab, ACCEPT, i, id + 1);
		(void)post(lab, OPEN, from->index, id);
		return id;
	}
	(void)post(lab, END, from->index, id);
	return id;
}

static void write_bytes(void *ctx, uint32_t conn, const void *bytes, size_t size)
{
	place *from = ctx;
	end *other = find_end(from->lab, conn ^ 1);

	if (other != NULL && !other->is_closed && !from->is_silent[other->owner])
		otp_buf_add(&post(from->lab, READ, other->owner, other->id)->bytes, bytes, size);
}

static void close_conn(void *ctx, uint32_t conn)
{
	place *from = ctx;
	end *own = find_end(from->lab, conn), *other = find_end(from->lab, conn ^ 1);

	if (own == NULL || own->is_closed)
		return;
	own->is_closed = true;
	if (other != NULL && !other->is_closed && !from->is_silent[other->owner])
		(void)post(from->lab, END, other->owner, other->id);
}

static void set_timer(void *ctx, uint64_t due_ms)
{
	((place *)ctx)->due = due_ms;
}

static uint64_t now_ms(void *ctx)
{
	return ((place *)ctx)->lab->now;
}

static uint64_t draw_for(void *ctx, otp_draw what)
{
	(void)what;
	return draw(((place *)ctx)->lab);
}

static const otp_host host = {dial, write_bytes, close_conn, set_timer, now_ms, draw_for, NULL};

/* ---- events ---------------------------------------------------------------------------------- */

static void read_in_parts(otp_lab *lab, otp_node *node, const event *e)
{
	size_t max = lab->read_max == 0 ? e->bytes.size : lab->read_max;

	for (size_t at = 0; at < e->bytes.size; at += max)
		otp_node_read(node, e->conn, e->bytes.data + at,
			e->bytes.size - at < max ? e->bytes.size - at : max);
}

static void happen(otp_lab *lab, const event *e)
{
	otp_node *node = lab->places[e->to].node;
	end *own = find_end(lab, e->conn);

	if (node == NULL || (own != NULL && own->is_closed))
		return;
	switch (e->kind) {
	case ACCEPT: otp_node_accepted(node, e->conn); break;
	case OPEN: otp_node_opened(node, e->conn); break;
	case READ: read_in_parts(lab, node, e); break;
	case END:
		if (own != NULL)
			own->is_closed = true;
		otp_node_ended(node, e->conn);
		break;
	}
}

static place *first_due(otp_lab *lab)
{
	place *first = NULL;

	for (unsigned i = 0; i < lab->count; i++) {
		place *p = &lab->places[i];

		if (p->node != NULL && p->due != 0 && (first == NULL || p->due < first->due))
			first = p;
	}
	return first;
}

void otp_lab_run(otp_lab *lab, uint64_t ms)
{
	uint64_t until = lab->now + ms;

	for (;;) {
		event *e = lab->events;
		place *p = first_due(lab);

		if (e != NULL && e->at <= until && (p == NULL || e->at <= p->due)) {
			lab->events = e->next;
			if (lab->events == NULL)
				lab->events_end = &lab->events;
			lab->now = e->at > lab->now ? e->at : lab->now;
			happen(lab, e);
			otp_buf_free(&e->bytes);
			free(e);
		} else if (p != NULL && p->due <= until) {
			lab->now = p->due > lab->now ? p->due : lab->now;
			p->due = 0;
			otp_node_timer(p->node);
		} else {
			break;
		}
	}
	lab->now = until;
}

uint64_t otp_lab_now(const otp_lab *lab)
{
	return lab->now;
}

/* ---- faults ---------------------------------------------------------------------------------- */

static place *place_of(otp_node *node)
{
	return node->ctx;
}

void otp_lab_reset(otp_lab *lab, otp_node *a, otp_node *b)
{
	unsigned ia = place_of(a)->index, ib = place_of(b)->index;

	for (end *e = lab->ends; e != NULL; e = e->next)
		if (!e->is_closed &&
			((e->owner == ia && e->other == ib) || (e->owner == ib && e->other == ia)))
			(void)post(lab, END, e->owner, e->id);
}

void otp_lab_refuse(otp_lab *lab, otp_node *a, otp_node *b, bool is_refused)
{
	(void)lab;
	place_of(a)->is_refused[place_of(b)->index] = is_refused;
	place_of(b)->is_refused[place_of(a)->index] = is_refused;
}

void otp_lab_silence(otp_lab *lab, otp_node *a, otp_node *b, bool is_silent)
{
	(void)lab;
	place_of(a)->is_silent[place_of(b)->index] = is_silent;
	place_of(b)->is_silent[place_of(a)->index] = is_silent;
}

void otp_lab_read_max(otp_lab *lab, size_t bytes)
{
	lab->read_max = bytes;
}

void otp_lab_crash(otp_lab *lab, otp_node *node)
{
	place *p = place_of(node);

	for (unsigned i = 0; i < lab->count; i++)
		if (lab->places[i].node != NULL && i != p->index)
			otp_lab_reset(lab, node, lab->places[i].node);
	p->node = NULL;
	otp_node_delete(node);
}

/* ---- life ------------------------------------------------------------------------------------ */

otp_lab *otp_lab_new(uint64_t seed)
{
	otp_lab *lab = otp_alloc(sizeof *lab);

	lab->random = seed * 0x9e3779b97f4a7c15u + 1;
	lab->events_end = &lab->events;
	lab->now = 1000;
	return lab;
}

otp_node *otp_lab_add(otp_lab *lab, const otp_config *config)
{
	place *p = &lab->places[lab->count];

	if (lab->count == OTP_LAB_NODES)
		return NULL;
	p->lab = lab;
	p->index = lab->count++;
	p->node = otp_node_create(config, &host, p);
	return p->node;
}

void otp_lab_delete(otp_lab *lab)
{
	for (unsigned i = 0; i < lab->count; i++)
		if (lab->places[i].node != NULL)
			otp_node_delete(lab->places[i].node);
	while (lab->events != NULL) {
		event *e = lab->events;

		lab->events = e->next;
		otp_buf_free(&e->bytes);
		free(e);
	}
	while (lab->ends != NULL) {
		end *e = lab->ends;

		lab->ends = e->next;
		free(e);
	}
	free(lab);
}
