/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of a global name that two halves of a cluster had: the keys heal.*. */
#include <string.h>

#include "cluster/partition_options.h"
#include "dist/global_service.h"
#include "flitch/global.h"
#include "node/conflict.h"

static const char *method_of(const fl_options *options)
{
	switch (fli_options_int(options, FLI_KEY_HEAL_NAME_CONFLICT)) {
	case FLI_HEAL_NOTIFY: return FL_GLOBAL_RANDOM_NOTIFY;
	case FLI_HEAL_NOTIFY_ALL: return FL_GLOBAL_NOTIFY_ALL;
	case FLI_HEAL_KEEP_OLDEST: return "flitch_heal:keep_oldest";
	case FLI_HEAL_CALLBACK: return fli_options_text(options, FLI_KEY_HEAL_RESOLVER);
	default: return "";
	}
}

int fli_heal_apply(fl_node *node, const fl_options *options)
{
	fli_global_set_method(node, method_of(options));
	return fli_options_int(options, FLI_KEY_HEAL_INTENSITY) == FLI_HEAL_IGNORE_CONFLICTS
		       ? fli_conflicts_new(node)
		       : FL_OK;
}

static int refuse(const fl_options *options, fli_key key, const char *what, fl_error *err)
{
	fl_error_set(err, FL_ECONFIG, "%s: %s", fli_options_origin(options, key), what);
	fl_error_next(err, "heal.resolver = \"module:function\", which each node exports");
	return FL_ECONFIG;
}

int fli_heal_check(const fl_options *options, fl_error *err)
{
	const char *text = fli_options_text(options, FLI_KEY_HEAL_RESOLVER);
	const char *colon = strchr(text, ':');

	if (*text == '\0' &&
		fli_options_int(options, FLI_KEY_HEAL_NAME_CONFLICT) == FLI_HEAL_CALLBACK)
		return refuse(options, FLI_KEY_HEAL_NAME_CONFLICT,
			"heal.name_conflict = callback needs heal.resolver", err);
	if (*text != '\0' && (colon == NULL || colon == text || colon[1] == '\0' ||
				     strlen(text) >= FLI_RESOLVE_BYTES))
		return refuse(
			options, FLI_KEY_HEAL_RESOLVER, "heal.resolver is no module:function", err);
	return FL_OK;
}
