/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/guard.h"

static const char *const kinds[] = {
	[FLI_WORD_STATE] = "state",
	[FLI_WORD_CLAIM] = "claim",
	[FLI_WORD_GRANT] = "grant",
	[FLI_WORD_DENY] = "deny",
	[FLI_WORD_RELEASED] = "released",
};

/* To somebody who is gone: nobody hears it. A grant is none while its epoch cannot be kept yet. */
void fli_guard_say(void *ctx, const fl_pid *to, const fli_word *word)
{
	fli_guard *g = ctx;
	bool is_broken = word->kind == FLI_WORD_GRANT && !fli_guard_keep_promise(g);
	fl_atom kind = fl_atom_of(kinds[is_broken ? FLI_WORD_DENY : word->kind]);
	fl_pid me = fl_self(g->self);

	if (word->has_holder)
		(void)fl_cast(g->self, *to,
			"{fl, 1, ~, #{from => ~, epoch => ~, seen => ~, holder => ~, held => ~}}",
			kind, me, word->epoch, word->seen, word->holder, word->held);
	else
		(void)fl_cast(g->self, *to, "{fl, 1, ~, #{from => ~, epoch => ~, seen => ~}}", kind,
			me, word->epoch, word->seen);
}

static bool number(fl_term map, const char *key, uint64_t *ret_number)
{
	fl_term value;

	return fl_get(map, key, &value) && fl_match(value, "~", ret_number);
}

bool fli_word_read(fl_term kind, fl_term map, fli_word *ret_word)
{
	fli_word word = {.kind = FLI_WORD_STATE};
	fl_term holder;
	fl_atom atom;

	if (!fl_match(kind, "~", &atom))
		return false;
	while (word.kind <= FLI_WORD_RELEASED && !fl_atom_is(atom, kinds[word.kind]))
		word.kind++;
	if (word.kind > FLI_WORD_RELEASED || !number(map, "epoch", &word.epoch) ||
		!number(map, "seen", &word.seen))
		return false;
	word.has_holder = fl_get(map, "holder", &holder) && fl_match(holder, "~", &word.holder) &&
			  number(map, "held", &word.held);
	*ret_word = word;
	return true;
}
