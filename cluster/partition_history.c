/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last decisions as terms, with what they were made from.
 *
 *     #{at => Ms, from => suspect, to => pausing, reason => minority, here => 2, members => [..],
 *       side => [..], up => [..], sees => [{Node, [Node]}], first_loss => Ms, last_loss => Ms, ..}
 *
 * Times are milliseconds since the node began to follow the policy.
 *
 * What goes wrong: a decision that finds no memory is not recorded. Who sees whom is left out above
 * 64 members.
 */
#include <string.h>

#include "cluster/partition.h"

static fl_atom name_of(const fli_roster *roster, uint32_t place)
{
	return (fl_atom){roster->entries[place]->name, roster->entries[place]->size};
}

/* A list of the members in a set; NULL: all. */
static void write_set(fl_buf *buf, const fli_roster *roster, const uint64_t *set)
{
	fl_list_open(buf);
	for (uint32_t i = 0; i < roster->count; i++)
		if (set == NULL || fli_partition_has(set, i))
			(void)fl_build(buf, "~", name_of(roster, i));
	fl_list_close(buf);
}

static void write_up(fl_buf *buf, const fli_roster *roster)
{
	fl_list_open(buf);
	for (uint32_t i = 0; i < roster->count; i++)
		if (roster->entries[i]->is_up)
			(void)fl_build(buf, "~", name_of(roster, i));
	fl_list_close(buf);
}

static void write_links(fl_buf *buf, const fli_partition_event *event)
{
	const fli_partition_picture *p = event->picture;

	fl_list_open(buf);
	for (uint32_t i = 0; i < p->count && p->count <= FLI_PARTITION_CLIQUE_MAX; i++) {
		fl_buf seen = FL_BUF_INIT;

		write_set(&seen, event->roster, p->links + (size_t)i * p->stride);
		(void)fl_build(buf, "{~, ~}", name_of(event->roster, i), fl_buf_term(&seen));
		fl_buf_free(&seen);
	}
	fl_list_close(buf);
}

static void write_event(
	const fli_partition_service *s, fl_buf *buf, const fli_partition_event *event)
{
	fl_buf members = FL_BUF_INIT, side = FL_BUF_INIT, up = FL_BUF_INIT, sees = FL_BUF_INIT;
	bool has_loss = event->first_loss_ms != 0;

	write_set(&members, event->roster, NULL);
	write_set(&side, event->roster, event->verdict->side);
	write_up(&up, event->roster);
	write_links(&sees, event);
	(void)fl_build(buf,
		"#{at => ~, from => ~, to => ~, reason => ~, here => ~, stale => ~, "
		"first_loss => ~, last_loss => ~, members => ~, side => ~, up => ~, sees => ~}",
		event->now_ms - s->start_ms, fl_atom_of(fli_partition_state_atom(event->from)),
		fl_atom_of(fli_partition_state_atom(event->to)),
		fl_atom_of(fli_partition_reason_atom(event->reason)), event->verdict->here,
		fl_bool(event->is_stale), has_loss ? event->first_loss_ms - s->start_ms : 0,
		has_loss ? event->last_loss_ms - s->start_ms : 0, fl_buf_term(&members),
		fl_buf_term(&side), fl_buf_term(&up), fl_buf_term(&sees));
	fl_buf_free(&members);
	fl_buf_free(&side);
	fl_buf_free(&up);
	fl_buf_free(&sees);
}

void fli_partition_record_event(fli_partition_service *s, const fli_partition_event *event)
{
	fli_partition_record *record = &s->history[s->recorded % FLI_PARTITION_HISTORY];
	fl_buf buf = FL_BUF_INIT;
	uint8_t *data = NULL;
	fl_term term;

	write_event(s, &buf, event);
	term = fl_buf_term(&buf);
	if (buf.error == FL_OK)
		data = fli_alloc(s->node->mem, term.size);
	if (data != NULL) {
		memcpy(data, term.data, term.size);
		fli_free(s->node->mem, record->data);
		*record = (fli_partition_record){.data = data, .size = term.size};
		s->recorded++;
	}
	fl_buf_free(&buf);
}

void fli_partition_history(const fli_partition_service *s, fl_buf *buf)
{
	uint64_t count = s->recorded < FLI_PARTITION_HISTORY ? s->recorded : FLI_PARTITION_HISTORY;

	fl_list_open(buf);
	for (uint64_t i = 1; i <= count; i++) {
		const fli_partition_record *record =
			&s->history[(s->recorded - i) % FLI_PARTITION_HISTORY];

		(void)fl_build(buf, "~", fli_term(s->node, record->data, record->size));
	}
	fl_list_close(buf);
}

void fli_partition_history_free(fli_partition_service *s)
{
	for (size_t i = 0; i < FLI_PARTITION_HISTORY; i++)
		fli_free(s->node->mem, s->history[i].data);
}
