/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_DIST_PARTITION_DECIDE_H
#define FLI_DIST_PARTITION_DECIDE_H

/*
 * Whether this node serves while members are missing: one pure function over who is a member, who
 * says to be connected with whom, and the configured rules. Each node decides about itself alone;
 * that no two decide against each other follows from the rules, not from an agreement.
 *
 *     rules    policy, tie, quorum ...
 *     picture  members in the order of their names, and for each the members that it sees
 *        |
 *        v
 *     side     those that count as being with us: see fli_partition_views
 *        |
 *        v
 *     verdict  serve or pause, and why
 *
 * Why two sides never serve: under each policy but `ignore` (and several referees) any two sides
 * that may serve have a member in common. Say a counts the side K and b the side L, both serve, and
 * x is in both. x is connected with all of K and of L, so each of a and b is at most two links from
 * every member of the other's side. With the lists of all nodes at that distance both compare K and
 * L, both take the better one, and so K is L, in which all see each other.
 *
 * A lease is such a member, too: all sides that serve by it have its holder in common.
 *
 * Threads: any. Memory: borrows. Errors: none. Limits: FLI_PARTITION_MEMBERS_MAX members; the
 * largest group is searched among at most 64 of them and in a bounded number of steps, otherwise
 * both ends of a broken link are left out.
 */

#include <stdbool.h>
#include <stdint.h>

enum {
	FLI_PARTITION_MEMBERS_MAX = 1024,
	FLI_PARTITION_WORDS_MAX = FLI_PARTITION_MEMBERS_MAX / 64,
	FLI_PARTITION_CLIQUE_MAX = 64
};

typedef enum fli_partition_policy {
	FLI_POLICY_IGNORE,
	FLI_POLICY_KEEP_MAJORITY,
	FLI_POLICY_STATIC_QUORUM,
	FLI_POLICY_KEEP_OLDEST,
	FLI_POLICY_KEEP_REFEREE,
	FLI_POLICY_REQUIRE_ALL,
	FLI_POLICY_PAUSE_ALL,
	FLI_POLICY_LEASE,
	FLI_POLICY_CUSTOM
} fli_partition_policy;

/* What becomes of links that some have and others have not. */
typedef enum fli_partition_views {
	FLI_VIEWS_CLIQUE,    /* the largest group in which all see each other */
	FLI_VIEWS_BOTH_ENDS, /* both ends of a missing link are left out */
	FLI_VIEWS_OWN,       /* what this node sees itself: somebody else makes the views agree */
	FLI_VIEWS_AUTO,      /* POP where all members run it, else CLIQUE */
	FLI_VIEWS_POP        /* OWN: prevent_overlapping_partitions makes them agree */
} fli_partition_views;

struct fli_partition_picture;
struct fli_partition_verdict;

/* Whether the side of the verdict serves: the user's own rule, which looks and changes nothing. */
typedef bool fli_partition_custom(void *ctx, const struct fli_partition_picture *picture,
	const struct fli_partition_verdict *verdict);

typedef struct fli_partition_rules {
	fli_partition_policy policy;
	fli_partition_views views;
	bool has_tie;       /* at exactly half, the side of fli_partition_seat.is_tie goes on */
	bool tie_by_lease;  /* at exactly half, the side that has the lease goes on */
	bool down_if_alone; /* keep_oldest */
	bool all_referees;  /* keep_referee: all of them, not any */
	uint32_t quorum;    /* static_quorum */
	uint32_t tangled_percent; /* more members at a missing link than that: pause */
	fli_partition_custom *custom;
	void *custom_ctx;
} fli_partition_rules;

typedef struct fli_partition_seat {
	bool is_tie;
	bool is_referee;
	uint32_t age; /* the smallest is the oldest */
} fli_partition_seat;

/* Sets of members are bits: member i is bit i % 64 of word i / 64. */
typedef struct fli_partition_picture {
	uint32_t count;
	uint32_t self;
	const fli_partition_seat *seats;
	const uint64_t *links; /* a row each: whom it says it sees; nothing known: no bits */
	uint32_t stride;       /* words from row to row; 0: as many as a set has */
	bool is_leased;        /* somebody is known to have the lease now */
	uint32_t leaseholder;
} fli_partition_picture;

static inline uint32_t fli_partition_words(uint32_t count)
{
	return (count + 63) / 64;
}

static inline bool fli_partition_has(const uint64_t *set, uint32_t member)
{
	return (set[member / 64] >> member % 64 & 1) != 0;
}

static inline void fli_partition_add(uint64_t *set, uint32_t member)
{
	set[member / 64] |= (uint64_t)1 << member % 64;
}

/* X(ID, "atom", serves, "what it means") */
/* clang-format off */
#define FLI_PARTITION_REASONS(X) \
	X(IGNORED, "ignored", true, "the policy is ignore") \
	X(ALL_HERE, "all_here", true, "all members are here") \
	X(MAJORITY, "majority", true, "more than half of the members are on this side") \
	X(HALF_WITH_TIE, "half_with_tie", true, \
		"exactly half of the members are on this side, with the one that breaks the tie") \
	X(HALF, "half", false, \
		"exactly half of the members are on this side, without one that breaks the tie") \
	X(MINORITY, "minority", false, "less than half of the members are on this side") \
	X(QUORUM, "quorum", true, "the quorum is on this side") \
	X(BELOW_QUORUM, "below_quorum", false, "this side is smaller than the quorum") \
	X(TOO_MANY, "too_many_members", false, \
		"there are so many members that two sides could have the quorum") \
	X(OLDEST_HERE, "oldest_here", true, "the oldest member is on this side") \
	X(OLDEST_ALONE, "oldest_alone", false, "this is the oldest member, and it is alone") \
	X(ONLY_OLDEST_GONE, "only_oldest_gone", true, "the oldest member alone is missing") \
	X(OLDEST_GONE, "oldest_gone", false, "the oldest member is not on this side") \
	X(REFEREE_HERE, "referee_here", true, "a referee is on this side") \
	X(REFEREE_GONE, "referee_gone", false, "the referees are not on this side") \
	X(SOME_GONE, "some_gone", false, "a member is missing, and all are required") \
	X(LEASE_HERE, "lease_here", true, "a member on this side has the lease") \
	X(LEASE_ELSEWHERE, "lease_elsewhere", false, \
		"the lease decides, and no member on this side is known to have it") \
	X(LEASE_OVER, "lease_over", false, "the lease could not be renewed in time") \
	X(CUSTOM_SERVES, "custom_serves", true, "the program's own rule lets this side serve") \
	X(CUSTOM_PAUSES, "custom_pauses", false, \
		"the program's own rule does not let this side serve, or there is none yet") \
	X(LEFT_OUT, "left_out", false, \
		"links are broken between members that others still see, and this one is left out") \
	X(TANGLED, "tangled", false, "too many members are at one end of a broken link") \
	X(UNSTABLE, "unstable", false, "the picture did not settle in time") \
	X(JOINING, "joining", false, "too few members have been met since the start")
/* clang-format on */

typedef enum fli_partition_reason {
#define FLI_REASON_ENUM(id, atom, serves, text) FLI_REASON_##id,
	FLI_PARTITION_REASONS(FLI_REASON_ENUM)
#undef FLI_REASON_ENUM
		FLI_REASONS_COUNT
} fli_partition_reason;

const char *fli_partition_reason_atom(fli_partition_reason reason);
const char *fli_partition_reason_text(fli_partition_reason reason);
bool fli_partition_serves(fli_partition_reason reason);

typedef struct fli_partition_verdict {
	fli_partition_reason reason;
	uint32_t here; /* members on this side */
	bool by_lease; /* who has the lease decides, so it is worth asking for */
	bool is_later; /* this side is to ask for it after the other one */
	uint64_t side[FLI_PARTITION_WORDS_MAX]; /* which */
} fli_partition_verdict;

void fli_partition_decide(const fli_partition_rules *rules, const fli_partition_picture *picture,
	fli_partition_verdict *ret_verdict);

/* ---- between the files ----------------------------------------------------------------------- */

/*
 * The largest set of members of `all` in which each two are linked; of several the one with the
 * lowest names. `links` are symmetric. False: it would take too long.
 */
bool fli_partition_clique(const uint64_t *links, uint64_t all, uint64_t *ret_clique);

#endif
