/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of the table of keys, and looking a row up by its dotted name. */
#include "cluster/option_keys.h"

#include <string.h>

#include "node/base/mem.h"

static const fli_option options[FLI_KEYS_COUNT] = {
#define ROW(id, name, kind, low, high, choice, fallback, text)                                     \
	[FLI_KEY_##id] = {                                                                         \
		.key = (name),                                                                     \
		.type = FLI_OPTION_##kind,                                                         \
		.min = (low),                                                                      \
		.max = (high),                                                                     \
		.words = (choice),                                                                 \
		.value = (fallback),                                                               \
		.help = (text),                                                                    \
	},
	FLI_OPTIONS(ROW)
#undef ROW
};

const fli_option *fli_option_of(fli_key key)
{
	fl_assert((unsigned)key < FLI_KEYS_COUNT);
	return &options[key];
}

fli_key fli_option_find(const char *name)
{
	for (unsigned i = 0; i < FLI_KEYS_COUNT; i++)
		if (strcmp(options[i].key, name) == 0)
			return (fli_key)i;
	return FLI_KEYS_COUNT;
}
