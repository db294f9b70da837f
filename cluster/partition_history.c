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
#include "cluster/partition_options.h"
#include "node/events.h"

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

/* What was configured, as far as a decision depends on it. */
static void write_config(const fli_partition_service *s, fl_buf *buf)
{
	const fli_partition_rules *rules = fli_partition_rules_of(s->engine);
	const fli_roster *roster = fli_partition_roster(s->engine);
	fl_buf referees = FL_BUF_INIT, tie = FL_BUF_INIT;

	fl_list_open(&referees);
	for (uint32_t i = 0; i < roster->count; i++) {
		if (roster->entries[i]->is_referee)
			(void)fl_build(&referees, "~", name_of(roster, i));
		if (roster->entries[i]->is_tie)
			(void)fl_build(&tie, "~", name_of(roster, i));
	}
	fl_list_close(&referees);
	if (tie.size == 0)
		(void)fl_build(&tie, "~",
			fl_atom_of(rules->tie_by_lease ? "lease"
				   : rules->has_tie    ? "lowest"
						       : "none"));
	(void)fl_build(buf,
		"#{policy => ~, nontransitive => ~, limit => ~, tie => ~, quorum => ~, "
		"referees => ~, all_referees => ~, down_if_alone => ~, stable_ms => ~}",
		fl_atom_of(fli_partition_policy_word(rules->policy)),
		fl_atom_of(fli_partition_views_word(fli_partition_views_of(s->engine))),
		rules->tangled_percent, fl_buf_term(&tie), rules->quorum, fl_buf_term(&referees),
		fl_bool(rules->all_referees), fl_bool(rules->down_if_alone),
		fli_partition_stable_ms(s->engine));
	fl_buf_free(&referees);
	fl_buf_free(&tie);
}

static void write_event(
	const fli_partition_service *s, fl_buf *buf, const fli_partition_event *event)
{
	fl_buf members = FL_BUF_INIT, side = FL_BUF_INIT, up = FL_BUF_INIT, sees = FL_BUF_INIT;
	fl_buf config = FL_BUF_INIT;
	bool has_loss = event->first_loss_ms != 0;

	write_set(&members, event->roster, NULL);
	write_set(&side, event->roster, event->verdict->side);
	write_up(&up, event->roster);
	write_links(&sees, event);
	write_config(s, &config);
	(void)fl_build(buf,
		"#{at => ~, from => ~, to => ~, reason => ~, here => ~, stale => ~, "
		"first_loss => ~, last_loss => ~, members => ~, side => ~, up => ~, sees => ~, "
		"illness => ~, config => ~}",
		event->now_ms - s->start_ms, fl_atom_of(fli_partition_state_atom(event->from)),
		fl_atom_of(fli_partition_state_atom(event->to)),
		fl_atom_of(fli_partition_reason_atom(event->reason)), event->verdict->here,
		fl_bool(event->is_stale), has_loss ? event->first_loss_ms - s->start_ms : 0,
		has_loss ? event->last_loss_ms - s->start_ms : 0, fl_buf_term(&members),
		fl_buf_term(&side), fl_buf_term(&up), fl_buf_term(&sees),
		fli_partition_illness(s->engine), fl_buf_term(&config));
	fl_buf_free(&config);
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
	if (buf.error == FL_OK && fli_event_wanted(s->node, FLI_EVENT_PARTITION))
		fli_event_tell(s->node, FLI_EVENT_PARTITION, fl_spec("~", term));
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
