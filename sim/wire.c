/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes on their way.
 *
 *  - push: a segment gets its time of arrival, never before the one in front of it.
 *  - arrive: it is moved to the other end, whose program gets a turn.
 *  - tell: in that turn the program hears of it, and the writer gets room again.
 *
 * What goes wrong:
 *  - the path is lost at the time of arrival: the segment is held, tried again after 200 ms and
 *    twice as long each time, up to 8 s, and given up in the end. A reset is not tried again.
 *  - the other end's program has gone: what arrives for it is answered by a reset.
 *  - news that bytes were read are lost: the writer's window stays as full as it was.
 */
#include "sim/wire.h"

#include "node/base/map.h"

#define RETRY_NS (200 * FLI_SIM_MS)
#define RETRY_NS_MAX (8000 * FLI_SIM_MS)
#define READ_BYTES_MAX 65536
#define READS_PER_TURN 16
#define IN_KEEP 65536

static fli_path *path_to(fli_end *end)
{
	return fli_path_of(end->host, fli_end_other(end)->host);
}

static void clear_segments(fli_end *end)
{
	fli_link *link;

	while ((link = fli_list_pop(&end->segments)) != NULL)
		fli_store_free(fli_container_of(link, fli_segment, link));
	fli_heap_unset(&end->pair->sim->heap, &end->arrive);
	end->lost_ns = 0;
}

static uint64_t retry_ns(unsigned tries)
{
	return tries >= 6 ? RETRY_NS_MAX : RETRY_NS << tries;
}

/* ---- sending --------------------------------------------------------------------------------- */

/* When the last of so many bytes comes out on the other side. */
static uint64_t arrival_of(fli_end *end, size_t size)
{
	fli_path *path = path_to(end);
	uint64_t now = end->pair->sim->now_ns, at;

	if (end->gate_ns < now)
		end->gate_ns = now;
	if (path->link.bytes_per_s > 0)
		end->gate_ns += size * UINT64_C(1000000000) / path->link.bytes_per_s;
	at = end->gate_ns + fli_path_delay_ns(path);
	if (end->last_ns > now && path->link.gather_us > 0 && size > 0)
		at = end->last_ns > at ? end->last_ns : at; /* joins what is gathered already */
	else
		at += (uint64_t)path->link.gather_us * 1000;
	return at < end->last_ns ? end->last_ns : at;
}

void fli_end_push(fli_end *end, fli_segment_kind kind, const uint8_t *bytes, size_t size)
{
	fli_segment *s = fli_store_zalloc(sizeof *s + size);

	s->kind = kind;
	s->size = size;
	s->at_ns = end->last_ns = arrival_of(end, size);
	if (size > 0)
		memcpy(s->bytes, bytes, size);
	fli_list_append(&end->segments, &s->link);
	if (!fli_event_is_set(&end->arrive))
		fli_heap_set(&end->pair->sim->heap, &end->arrive, s->at_ns);
}

static bool is_resetting(const fli_end *end)
{
	return !fli_list_is_empty(&end->segments) &&
	       fli_container_of(end->segments.prev, fli_segment, link)->kind == FLI_SEGMENT_RST;
}

void fli_end_push_reset(fli_end *end)
{
	if (is_resetting(end))
		return;
	clear_segments(end);
	end->last_ns = 0;
	fli_end_push(end, FLI_SEGMENT_RST, NULL, 0);
}

void fli_end_emit(fli_end *end, const uint8_t *bytes, size_t size)
{
	end->unread += size;
	fli_end_push(end, FLI_SEGMENT_DATA, bytes, size);
}

/* ---- arriving -------------------------------------------------------------------------------- */

static const char *name_of(const fli_end *end)
{
	return end->prog == NULL ? end->host->name : end->prog->name;
}

static void trace(fli_end *from, const fli_segment *s)
{
	static const char *const verbs[] = {"bytes", "opens", "is accepted", "ends", "resets"};
	fl_sim *sim = from->pair->sim;
	fli_trace_line *line = fli_trace_begin(&sim->trace, sim->now_ns, verbs[s->kind]);

	line->who = name_of(from);
	line->whom = name_of(fli_end_other(from));
	line->number = s->size;
	if (s->kind == FLI_SEGMENT_DATA)
		line->sum = (uint32_t)fli_hash(0, s->bytes, s->size);
	fli_trace_end(&sim->trace, line);
}

void fli_end_over(fli_end *end, int code, const char *why)
{
	if (end->tells_end || end->has_ended)
		return;
	end->tells_end = true;
	end->end_code = code;
	end->end_why = why;
	if (code != FL_ECLOSED) {
		end->is_open = false;
		clear_segments(end);
	}
	fli_end_ready(end);
}

static void arrive(fli_end *to, const fli_segment *s)
{
	if (to->prog == NULL) { /* nobody is there any more */
		if (s->kind != FLI_SEGMENT_RST && s->kind != FLI_SEGMENT_FIN)
			fli_end_push_reset(to);
		return;
	}
	switch (s->kind) {
	case FLI_SEGMENT_DATA: fli_buf_add(&to->in, s->bytes, s->size); break;
	case FLI_SEGMENT_OPEN: to->tells_open = to->is_open = true; break;
	case FLI_SEGMENT_ACCEPT: to->tells_accept = to->is_open = true; break;
	case FLI_SEGMENT_FIN: fli_end_over(to, FL_ECLOSED, "closed by the other side"); break;
	case FLI_SEGMENT_RST: fli_end_over(to, FL_EIO, "connection reset by peer"); break;
	}
	fli_end_ready(to);
}

static void give_up(fli_end *end)
{
	fl_sim *sim = end->pair->sim;

	fli_world_note(sim, "gives up", name_of(end), name_of(fli_end_other(end)));
	clear_segments(end);
	if (end->prog != NULL)
		fli_end_over(end, FL_ETIMEOUT, "connection timed out");
	fli_pair_unless_used(end->pair);
}

/* True: it is held, or has been given up. */
static bool is_held(fli_end *end, const fli_segment *s)
{
	fl_sim *sim = end->pair->sim;

	if (!fli_path_is_lost(end->host, fli_end_other(end)->host)) {
		end->lost_ns = 0;
		return false;
	}
	if (s->kind == FLI_SEGMENT_RST)
		return false; /* TCP says it once; arrive_first drops it */
	if (end->lost_ns == 0) {
		end->lost_ns = sim->now_ns;
		end->tries = 0;
		fli_world_note(sim, "held", name_of(end), name_of(fli_end_other(end)));
	}
	if (sim->now_ns - end->lost_ns >= sim->give_up_ns)
		give_up(end);
	else
		fli_heap_set(&sim->heap, &end->arrive, sim->now_ns + retry_ns(end->tries++));
	return true;
}

static void arrive_first(fli_end *end, fli_segment *s)
{
	bool is_lost = fli_path_is_lost(end->host, fli_end_other(end)->host);

	fli_list_remove(&s->link);
	if (!is_lost) {
		trace(end, s);
		arrive(fli_end_other(end), s);
	}
	fli_store_free(s);
}

static void on_arrive(fli_event *event)
{
	fli_end *end = fli_container_of(event, fli_end, arrive);
	fl_sim *sim = end->pair->sim;

	while (!fli_list_is_empty(&end->segments)) {
		fli_segment *s = fli_container_of(end->segments.next, fli_segment, link);

		if (s->at_ns > sim->now_ns) {
			fli_heap_set(&sim->heap, &end->arrive, s->at_ns);
			return;
		}
		if (is_held(end, s))
			return;
		arrive_first(end, s);
	}
	fli_pair_unless_used(end->pair);
}

/* ---- room for more --------------------------------------------------------------------------- */

static void credit(fli_end *end, size_t size)
{
	fli_path *back = fli_path_of(fli_end_other(end)->host, end->host);

	end->unread -= size < end->unread ? size : end->unread;
	if (end->queued != NULL)
		fli_heap_set_earlier(&end->pair->sim->heap, &end->room,
			end->pair->sim->now_ns + fli_path_delay_ns(back));
}

static void on_credit(fli_event *event)
{
	fli_end *end = fli_container_of(event, fli_end, credit);
	fl_sim *sim = end->pair->sim;

	if (fli_path_is_lost(fli_end_other(end)->host, end->host)) {
		if (sim->now_ns - end->credit_lost_ns >= sim->give_up_ns)
			give_up(end);
		else
			fli_heap_set(&sim->heap, &end->credit,
				sim->now_ns + retry_ns(end->credit_tries++));
		return;
	}
	credit(end, end->credit_held);
	end->credit_held = 0;
}

void fli_end_credit(fli_end *end, size_t size)
{
	fl_sim *sim = end->pair->sim;

	if (end->prog == NULL)
		return;
	if (!fli_path_is_lost(fli_end_other(end)->host, end->host)) {
		credit(end, size);
		return;
	}
	end->credit_held += size;
	if (fli_event_is_set(&end->credit))
		return;
	end->credit_tries = 0;
	end->credit_lost_ns = sim->now_ns;
	fli_heap_set(&sim->heap, &end->credit, sim->now_ns + RETRY_NS);
}

static void on_room(fli_event *event)
{
	fli_end_go_on(fli_container_of(event, fli_end, room));
}

/* ---- telling --------------------------------------------------------------------------------- */

void fli_end_ready(fli_end *end)
{
	if (end->prog == NULL)
		return;
	if (fli_list_is_empty(&end->ready))
		fli_list_append(&end->prog->ready, &end->ready);
	fli_prog_wake(end->prog, end->pair->sim->now_ns);
}

static void accept(fli_end *end)
{
	fli_listen *listen = end->listen;
	fli_prog *prog = end->prog;

	end->tells_accept = false;
	end->listen = NULL;
	if (listen == NULL) {
		fli_end_close(end);
	} else if (prog->socks_max > 0 && prog->socks_count > prog->socks_max) {
		fli_end_close(end);
		listen->at.on_error(listen->at.ctx, "too many open files");
	} else {
		listen->at.on_accept(listen->at.ctx, &end->base);
	}
}

/* One read; false: there is nothing more, or nobody to read it. */
static bool read_once(fli_end *end)
{
	fli_path *path = fli_path_of(fli_end_other(end)->host, end->host);
	const fl_sim_link *link = &path->link;
	size_t size = end->in.size - end->in_at;
	const uint8_t *data;

	if (size == 0 || end->prog == NULL || end->base.events == NULL)
		return false;
	data = end->in.data + end->in_at;
	if (size > READ_BYTES_MAX)
		size = READ_BYTES_MAX;
	if (link->read_max > 0) {
		size_t most = (size_t)fli_dice_below(&path->dice, link->read_max) + 1;

		size = size > most ? most : size;
	}
	end->in_at += size;
	fli_end_credit(fli_end_other(end), size);
	end->base.events->on_read(end->base.owner, data, size);
	if (end->in_at == end->in.size && end->prog != NULL) {
		fli_buf_clear(&end->in, IN_KEEP);
		end->in_at = 0;
	}
	return end->prog != NULL && end->in.size > 0;
}

static void tell_reads(fli_end *end)
{
	int left = READS_PER_TURN;

	while (left-- > 0 && read_once(end))
		;
	if (end->prog != NULL && end->in.size > 0 && end->base.events != NULL) {
		if (fli_list_is_empty(&end->ready))
			fli_list_append(&end->prog->ready, &end->ready);
		fli_prog_wake(end->prog, end->pair->sim->now_ns + 1000);
	}
}

static bool has_owner(const fli_end *end)
{
	return end->prog != NULL && end->base.events != NULL;
}

void fli_end_tell(fli_end *end)
{
	if (end->tells_accept)
		accept(end);
	if (end->tells_open && has_owner(end)) {
		end->tells_open = false;
		end->base.events->on_open(end->base.owner);
	}
	if (end->tells_written && has_owner(end)) {
		end->tells_written = false;
		end->base.events->on_written(end->base.owner, end->queued_all);
	}
	if (has_owner(end))
		tell_reads(end);
	if (end->tells_end && end->in.size == 0 && has_owner(end)) {
		end->tells_end = false;
		end->has_ended = true;
		end->base.events->on_end(end->base.owner, end->end_code, end->end_why);
	}
	if (end->tells_end && end->prog != NULL && end->base.events == NULL)
		fli_end_close(end); /* over before it was accepted: nobody ever hears of it */
}

/* ---- life of an end -------------------------------------------------------------------------- */

void fli_end_create(fli_end *end, fli_pair *pair, fli_host *host)
{
	end->pair = pair;
	end->host = host;
	end->base.fd = -1;
	end->arrive.fire = on_arrive;
	end->credit.fire = on_credit;
	end->room.fire = on_room;
	fli_list_create(&end->in_prog);
	fli_list_create(&end->ready);
	fli_list_create(&end->segments);
	fli_buf_create(&end->in, fli_store_mem(), 0);
	fli_forge_create(&end->forge);
}

void fli_end_destroy(fli_end *end)
{
	fl_sim *sim = end->pair->sim;

	clear_segments(end);
	fli_heap_unset(&sim->heap, &end->credit);
	fli_heap_unset(&sim->heap, &end->room);
	fli_buf_destroy(&end->in);
	fli_forge_destroy(&end->forge);
}
