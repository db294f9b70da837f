/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who counts, where members are those that were seen: visible nodes with a name of their own that
 * are no shells, fit one of the patterns of partition.count, and that the program does not leave
 * out. And whether they notice losses as fast as this one.
 *
 * What goes wrong: nodes that count differently have different members, and two sides may both
 * have a majority of theirs.
 */
#include <string.h>

#include "cluster/partition.h"
#include "node/base/glob.h"
#include "node/events.h"

int fli_partition_count_open(fli_partition_service *s, const fl_options *options)
{
	size_t count = fli_options_count(options, FLI_KEY_PARTITION_COUNT);

	if (count == 0)
		return FL_OK;
	s->patterns = fli_zalloc(s->node->mem, (count + 1) * sizeof *s->patterns);
	for (size_t i = 0; s->patterns != NULL && i < count; i++) {
		const char *text = fli_options_item(options, FLI_KEY_PARTITION_COUNT, i);

		s->patterns[i] = fli_alloc(s->node->mem, strlen(text) + 1);
		if (s->patterns[i] == NULL)
			return FL_ENOMEM;
		memcpy(s->patterns[i], text, strlen(text) + 1);
	}
	return s->patterns == NULL ? FL_ENOMEM : FL_OK;
}

void fli_partition_count_close(fli_partition_service *s)
{
	for (size_t i = 0; s->patterns != NULL && s->patterns[i] != NULL; i++)
		fli_free(s->node->mem, s->patterns[i]);
	fli_free(s->node->mem, s->patterns);
}

static bool fits(const fli_partition_service *s, fl_atom name)
{
	if (s->patterns == NULL)
		return true;
	for (size_t i = 0; s->patterns[i] != NULL; i++)
		if (fli_glob(s->patterns[i], name.text, name.size))
			return true;
	return false;
}

/* Shells that look in for a while are no members. */
static bool is_shell(fl_atom name)
{
	return name.size > 4 && memcmp(name.text, "rem", 3) == 0 &&
	       (name.text[3] == '-' || memcmp(name.text, "remsh", 5) == 0);
}

bool fli_partition_is_member(const fli_partition_service *s, fl_atom name)
{
	const fli_peer *peer = fli_dist_find(fli_dist_of(s->node), name);

	return peer != NULL && peer->is_up && !peer->is_hidden && !is_shell(name) &&
	       fits(s, name) && (s->counts == NULL || s->counts(s->counts_ctx, name));
}

/* ---- tick times ------------------------------------------------------------------------------ */

static bool is_about(uint64_t a, uint64_t b)
{
	return a <= b + b / 4 && b <= a + a / 4;
}

/* Who has nothing to say ticks four times in its own time; silence is an end after ours. */
static bool is_heard_too_late(uint64_t own, uint64_t theirs)
{
	return theirs / 4 >= own;
}

void fli_partition_told_tick(fli_partition_service *s, fl_atom node, fl_term answer)
{
	uint64_t own = fli_dist_tick_ms(fli_dist_of(s->node)) / 1000, theirs;

	if (answer.data == NULL || !fl_match(answer, "~", &theirs) || is_about(own, theirs))
		return;
	fli_log_write(&s->node->log, FLI_WARNING,
		"partition: net_ticktime of %.*s is %llu s, dist.ticktime here %llu s: one side of a "
		"silent split decides long before the other%s; set the same on all nodes",
		(int)node.size, node.text, (unsigned long long)theirs, (unsigned long long)own,
		is_heard_too_late(own, theirs)
			? ", and this node drops that one whenever it has nothing to say"
			: "");
	if (fli_event_wanted(s->node, FLI_EVENT_TICK_TIME))
		fli_event_tell(s->node, FLI_EVENT_TICK_TIME,
			fl_spec("#{node => ~, here => ~, there => ~}", node, own, theirs));
}
