/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server on the topics of a Phoenix.PubSub: it hears what is said in "lobby", counts it, and says
 * {counted, N} in "counts". In an Elixir node of the same cluster:
 *
 *     children = [{Phoenix.PubSub, name: Demo.PubSub}]
 *     Phoenix.PubSub.subscribe(Demo.PubSub, "counts")
 *     Phoenix.PubSub.broadcast(Demo.PubSub, "lobby", {:said, "hello"})
 *
 * flitch run --visible --load chat.so --join app@127.0.0.1
 */
#include <flitch.h>

#define PUBSUB "Demo.PubSub"

struct chat {
	int64_t count;
};

static int on_init(fl_proc *self, void *state, fl_term args)
{
	int rc = fl_pubsub_start(fl_self_node(self), PUBSUB, 1);

	(void)state;                        /* zeroed */
	(void)args;                         /* none */
	if (rc == FL_OK || rc == FL_ETAKEN) /* started before: this is a restart */
		rc = fl_pubsub_subscribe(self, PUBSUB, "lobby");
	return rc == FL_OK ? FL_OK : fl_stop(self, "~", fl_atom_of(fl_error_atom(rc)));
}

static int on_info(fl_proc *self, void *state, fl_term message)
{
	struct chat *chat = state;
	fl_text text;

	if (!fl_match(message, "{said, ~}", &text))
		return fl_unhandled(self, message);
	return fl_pubsub_broadcast(self, PUBSUB, "counts", "{counted, ~}", ++chat->count);
}

static const fl_behaviour chat = {
	.name = "chat",
	.state_size = sizeof(struct chat),
	.init = on_init,
	.info = on_info,
};

FL_MODULE(&chat);
