/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLITCH_PARTITION_H
#define FLITCH_PARTITION_H

/*
 * What a program adds to a partition policy (docs/PARTITIONS.md): the store of a lease, for
 * `partition.policy = "lease"` and `partition.tie = "lease"`; the rule itself, for "custom".
 *
 *     static bool decide(void *ctx, const fl_partition_view *view)
 *     {
 *             return view->here * 3 >= view->count * 2;          two thirds
 *     }
 *     fl_partition_use(node, &(fl_partition_hooks){.decide = decide});
 *
 * Until a policy has what it needs the node does as if the answer were no: it serves while all
 * members are here, and pauses when one is lost.
 *
 * Threads: fl_partition_use from any thread, and from a handler or init. `decide` is called by the
 * node between handlers: it must not wait, nor call anything of flitch. Calls of a lease come one
 * at a time from a thread of the node's pool, where they may wait; `ctx` must outlive the node.
 * Memory: what is passed lives as long as the call. Errors: FL_E*.
 */

#include "flitch/node.h"

/* ---- a lease --------------------------------------------------------------------------------- */

#define FL_LEASE_OWNER_MAX 255 /* bytes of an owner's name, without the zero */

typedef struct fl_lease_request {
	const char *owner; /* this node's name */
	uint32_t ttl_ms;   /* partition.lease_ttl */
	uint64_t now_ms;   /* this node's monotonic clock, for stores without one of their own */
	char *ret_holder;  /* of FL_ETAKEN: who has it; room for FL_LEASE_OWNER_MAX and a zero */
} fl_lease_request;

/*
 * A store gives the lease to one owner at a time, and to another one only when `ttl_ms` have passed
 * since the holder's last acquire or renew began, by a clock that does not jump; or when it was
 * released. The same owner may have it again at any time.
 */
typedef struct fl_lease {
	/* FL_OK: `owner` has it now. FL_ETAKEN: somebody else has. Other FL_E*: cannot tell. */
	int (*acquire)(void *ctx, const fl_lease_request *request);
	int (*renew)(void *ctx, const fl_lease_request *request);    /* likewise; NULL: acquire */
	void (*release)(void *ctx, const fl_lease_request *request); /* NULL: it runs out */
	void *ctx;
} fl_lease;

/* ---- a rule of one's own --------------------------------------------------------------------- */

typedef struct fl_partition_member {
	fl_atom name;
	bool is_here;      /* on this side: sees and is seen by all others on it */
	bool is_connected; /* with this node; a member may be connected and yet not here */
	uint32_t age;      /* the smallest is the oldest */
} fl_partition_member;

typedef struct fl_partition_view {
	const fl_partition_member *members; /* in the order of their names */
	size_t count;
	size_t here; /* how many are on this side, with this node */
	size_t self; /* this node's place */
} fl_partition_view;

/*
 * Whether this side serves while members are missing. Each node asks its own: two sides must never
 * both be answered true, so it has to follow from what both know, the members and the side.
 */
typedef bool fl_partition_decide(void *ctx, const fl_partition_view *view);

/*
 * Whether that node is to be a member, where members are those that were seen. Asked when it
 * connects; all nodes must answer alike. As `decide` it must not wait.
 */
typedef bool fl_partition_counts(void *ctx, fl_atom node);

typedef struct fl_partition_hooks {
	const fl_lease *lease;       /* copied; NULL: as it is */
	fl_partition_decide *decide; /* NULL: as it is */
	void *decide_ctx;
	fl_partition_counts *counts; /* NULL: as it is */
	void *counts_ctx;
} fl_partition_hooks;

/*
 * FL_ENOTSUP: the node's policy needs none of them, or its lease is kept elsewhere; the
 * configuration says which: partition.policy = "custom", partition.lease = "callbacks".
 */
int fl_partition_use(fl_node *node, const fl_partition_hooks *hooks);

#endif
