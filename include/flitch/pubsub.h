/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLITCH_PUBSUB_H
#define FLITCH_PUBSUB_H

/*
 * The topics of a Phoenix.PubSub that the Elixir nodes of the cluster run, from C.
 *
 *     fl_pubsub_start(node, "MyApp.PubSub", 1);                    as in the application's tree
 *     fl_pubsub_subscribe(self, "MyApp.PubSub", "room:1");         `info` gets what is broadcast
 *     fl_pubsub_broadcast(self, "MyApp.PubSub", "room:1", "{new, ~}", id);
 *     fl_channel_broadcast(self, "MyApp.PubSub", "room:1", "new_msg", "#{body => ~}", text);
 *
 *     broadcast --> subscribers of this node
 *               `-> one member a node of the group 'Elixir.MyApp.PubSub.Adapter', in the scope
 *                   'Elixir.Phoenix.PubSub': {forward_to_local, Topic, Message, Dispatcher}
 *
 * It is Phoenix's own adapter (PG2, as of Phoenix.PubSub 2.x) that the nodes understand each other
 * by; nothing is installed on the Elixir side. A node is in it by a visible connection. A process
 * that subscribes twice is told twice, as there; its end unsubscribes it.
 *
 * Threads: functions with `self` as <flitch/process.h> says; none waits.
 * Memory: texts and terms are copied. Errors: FL_ENOPROC where that PubSub does not run here.
 * Limits: a topic has at most 64 KiB, a pool 64 groups.
 */

#include "flitch/process.h"

/*
 * `name` is the module's, without "Elixir."; `pool_size` that of the Elixir nodes (1 unless they
 * say otherwise): a smaller one here misses messages. FL_ETAKEN when it runs. Any thread.
 */
int fl_pubsub_start(fl_node *node, const char *name, unsigned pool_size);

int fl_pubsub_subscribe(fl_proc *self, const char *name, const char *topic);
/* All subscriptions of this process to the topic; FL_ENOENT when it had none. */
int fl_pubsub_unsubscribe(fl_proc *self, const char *name, const char *topic);

typedef enum fl_pubsub_reach {
	FL_PUBSUB_ALL,        /* subscribers of all nodes */
	FL_PUBSUB_ALL_OTHERS, /* the same without this process */
	FL_PUBSUB_HERE        /* those of this node */
} fl_pubsub_reach;

/* What is said to whom. */
typedef struct fl_pubsub_to {
	const char *name;
	const char *topic;
	fl_pubsub_reach reach;
} fl_pubsub_to;

int fl_pubsub_broadcast_spec(fl_proc *self, fl_pubsub_to to, fl_spec message);
#define fl_pubsub_broadcast(self, name, topic, ...)                                                \
	fl_pubsub_broadcast_spec(                                                                  \
		(self), (fl_pubsub_to){(name), (topic), FL_PUBSUB_ALL}, fl_spec(__VA_ARGS__))
#define fl_pubsub_broadcast_from(self, name, topic, ...)                                           \
	fl_pubsub_broadcast_spec((self), (fl_pubsub_to){(name), (topic), FL_PUBSUB_ALL_OTHERS},    \
		fl_spec(__VA_ARGS__))
#define fl_pubsub_local_broadcast(self, name, topic, ...)                                          \
	fl_pubsub_broadcast_spec(                                                                  \
		(self), (fl_pubsub_to){(name), (topic), FL_PUBSUB_HERE}, fl_spec(__VA_ARGS__))

int fl_pubsub_direct_spec(fl_proc *self, const char *node, fl_pubsub_to to, fl_spec message);
/* To the subscribers of one other node. */
#define fl_pubsub_direct_broadcast(self, node, name, topic, ...)                                   \
	fl_pubsub_direct_spec((self), (node), (fl_pubsub_to){(name), (topic), FL_PUBSUB_ALL},      \
		fl_spec(__VA_ARGS__))

int fl_channel_broadcast_spec(fl_proc *self, fl_pubsub_to to, const char *event, fl_spec payload);
/*
 * To the channels of a topic, and so to the browsers on them: a %Phoenix.Socket.Broadcast{} with
 * that event and payload, a map.
 */
#define fl_channel_broadcast(self, name, topic, event, ...)                                        \
	fl_channel_broadcast_spec((self), (fl_pubsub_to){(name), (topic), FL_PUBSUB_ALL}, (event), \
		fl_spec(__VA_ARGS__))

#endif
