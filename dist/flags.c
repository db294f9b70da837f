/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The flag arithmetic of the handshake.
 *
 * - A peer that sets MANDATORY_25_DIGEST has all that OTP 25 demands, whether it lists it or not.
 * - What holds on a connection is the AND of both sides after that expansion.
 *
 * Where this departs from OTP: V4_NC and UNLINK_ID, mandatory there since 26, are not demanded, so
 * that 23 is taken; and no node is asked for the digest itself, which no release demands either.
 */
#include "dist/flags.h"

#include <stdio.h>

#include "node/base/mem.h"

static const struct {
	const char *name;
	unsigned bit;
} flags_table[] = {
#define ROW(name, bit, since, text) {#name, (bit)},
	FLI_DFLAGS(ROW)
#undef ROW
};

uint64_t fli_flags_own(bool is_visible)
{
	return is_visible ? FLI_DFLAGS_OWN : FLI_DFLAGS_OWN & ~FLI_DFLAG(PUBLISHED);
}

uint64_t fli_flags_expand(uint64_t flags)
{
	if (flags & FLI_DFLAG(MANDATORY_25_DIGEST))
		flags |= FLI_DFLAGS_DEMANDED_25;
	return flags;
}

uint64_t fli_flags_effective(uint64_t own, uint64_t other)
{
	return fli_flags_expand(own) & fli_flags_expand(other);
}

uint64_t fli_flags_missing(uint64_t other)
{
	return FLI_DFLAGS_DEMANDED_25 & ~fli_flags_expand(other);
}

static const char *name_of(unsigned bit)
{
	for (size_t i = 0; i < sizeof flags_table / sizeof *flags_table; i++)
		if (flags_table[i].bit == bit)
			return flags_table[i].name;
	return NULL;
}

const char *fli_flags_text(char *ret_text, size_t size, uint64_t flags)
{
	size_t used = 0;

	fl_assert(size > 0);
	ret_text[0] = '\0';
	for (unsigned bit = 0; bit < 64 && used < size; bit++) {
		const char *comma = used == 0 ? "" : ", ";
		const char *name = name_of(bit);
		int wrote;

		if ((flags >> bit & 1) == 0)
			continue;
		if (name != NULL)
			wrote = snprintf(ret_text + used, size - used, "%s%s", comma, name);
		else
			wrote = snprintf(ret_text + used, size - used, "%sbit %u", comma, bit);
		used += wrote > 0 ? (size_t)wrote : 0;
	}
	return ret_text;
}
