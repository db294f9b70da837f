/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Casts between C nodes.
 *
 * A node speaks for itself alone: what it says of others is not believed. What is said changes how
 * its loss is seen and who is the oldest, no more.
 */
#include "cluster/news.h"

#include "cluster/partition.h"
#include "node/sched.h"
#include "node/silent.h"

#define NAME "fl_cluster"

static void take(fli_core *core, fl_atom sender, fl_atom kind, fl_term map)
{
	fl_term value;
	fl_atom node;
	uint32_t stamp;

	if (core->partition == NULL || !fl_get(map, "node", &value) ||
		!fl_match(value, "~", &node) || !fl_atom_eq(node, sender))
		return;
	if (fl_atom_is(kind, "leaving"))
		fli_partition_hear_leaving(core->partition, node);
	else if (fl_atom_is(kind, "side") && fl_get(map, "side", &value))
		fli_partition_hear_side(core->partition, node, value);
	else if (fl_atom_is(kind, "ages") && fl_get(map, "stamp", &value) &&
		 fl_match(value, "~", &stamp))
		fli_partition_hear_stamp(core->partition, node, stamp);
}

static int on_cast(fl_proc *self, void *state, fl_term message)
{
	fl_node *node = fl_self_node(self);
	fl_term map;
	fl_atom kind;
	uint32_t vsn;

	(void)state;
	if (!fl_match(message, "{fl, ~, ~, ~}", &vsn, &kind, &map) || vsn < FLI_NEWS_VSN ||
		fl_term_kind(map) != FL_MAP)
		return FL_OK;
	fli_enter(node);
	take(fli_core_of(node), fl_sender_node(self), kind, map);
	fli_leave(node);
	return FL_OK;
}

/* In the order in which they came: what a node said at last, and then its end. */
static int on_node_up(fl_proc *self, void *state, fl_atom name)
{
	(void)state;
	return fli_partition_node_up(self, name);
}

static int on_node_down(fl_proc *self, void *state, fl_atom name, fl_term reason)
{
	(void)state;
	(void)reason; /* lost is lost */
	return fli_partition_node_down(self, name);
}

static const fl_behaviour behaviour = {.name = NAME,
	.call = fli_silent_call,
	.cast = on_cast,
	.node_up = on_node_up,
	.node_down = on_node_down};

bool fli_news_is_open(const fl_node *node)
{
	return fli_name_find(node, fl_atom_of(NAME)) != NULL;
}

int fli_news_open(fl_node *node)
{
	static const uint8_t nil[] = {106};
	fli_start how = {.behaviour = &behaviour, .name = NAME, .is_system = true};
	fl_proc *proc;

	return fli_proc_start(node, &how, fli_term(node, nil, sizeof nil), &proc, NULL);
}

void fli_news_tell(fl_node *node, fl_atom to, const char *kind, fl_spec map)
{
	fl_dest dest = {.kind = FL_TO_NAME, .as.name = {.text = fl_atom_of(NAME), .node = to}};
	fl_buf buf = FL_BUF_INIT;

	if (fl_build_values(&buf, map.pattern, map.values, map.count) == FL_OK)
		(void)fli_send_spec(node, NULL, &dest,
			fl_spec("{'$gen_cast', {fl, ~, ~, ~}}", FLI_NEWS_VSN, fl_atom_of(kind),
				fl_buf_term(&buf)));
	fl_buf_free(&buf);
}

void fli_news_tell_all(fl_node *node, const char *kind, fl_spec map)
{
	fli_dist *dist = fli_dist_of(node);
	const fli_peer *peer;
	size_t cursor = 0;

	while ((peer = fli_dist_next(dist, &cursor)) != NULL)
		if (peer->is_up && !peer->is_hidden)
			fli_news_tell(node, peer->name, kind, map);
}
