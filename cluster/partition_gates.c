/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a paused node refuses, and how: the keys partition.pause_reply, .allow_*_during_partition
 * and .on_suspect.
 *
 * A word that is none of those of pause_reply is refused: an answer that is meant to be an atom is
 * written in quotes, so that a mistyped word becomes nobody's answer.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cluster/partition.h"
#include "cluster/partition_options.h"
#include "cluster/suggest.h"
#include "dist/fence.h"

enum { HOLD_MAX_MS = 3600000 };

typedef struct told {
	fli_fence_reply reply;
	uint64_t hold_ms;
	fl_buf term;
} told;

static bool is_word(const char *text)
{
	for (; *text != '\0'; text++)
		if (!isalnum((unsigned char)*text) && *text != '_')
			return false;
	return true;
}

static int refuse(const fl_options *options, const char *text, fl_error *err)
{
	static const char *const words[] = {"noproc", "drop", "hold"};
	fli_suggest suggest = fli_suggest_start(text);

	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		fli_suggest_offer(&suggest, words[i]);
	fl_error_set(err, FL_ECONFIG,
		"%s: \"%s\" is no value for partition.pause_reply%s%s%s, which takes noproc, drop, "
		"hold(ms) or a term",
		fli_options_origin(options, FLI_KEY_PARTITION_PAUSE_REPLY), text,
		suggest.best != NULL ? " (did you mean \"" : "",
		suggest.best != NULL ? suggest.best : "", suggest.best != NULL ? "\"?)" : "");
	fl_error_next(err, "hold(5000) for 5 s; {error, paused} or 'paused' for an answer");
	return FL_ECONFIG;
}

static bool read_hold(const char *text, uint64_t *ret_ms)
{
	char *end;
	unsigned long long ms;

	if (strncmp(text, "hold(", 5) != 0 || !isdigit((unsigned char)text[5]))
		return false;
	ms = strtoull(text + 5, &end, 10);
	*ret_ms = ms;
	return strcmp(end, ")") == 0 && ms > 0 && ms <= HOLD_MAX_MS;
}

static int tell(const fl_options *options, told *ret, fl_error *err)
{
	const char *text = fli_options_text(options, FLI_KEY_PARTITION_PAUSE_REPLY);
	fl_error why;

	*ret = (told){.term = FL_BUF_INIT};
	if (strcmp(text, "noproc") == 0) {
		ret->reply = FLI_FENCE_NOPROC;
	} else if (strcmp(text, "drop") == 0) {
		ret->reply = FLI_FENCE_DROP;
	} else if (read_hold(text, &ret->hold_ms)) {
		ret->reply = FLI_FENCE_HOLD;
	} else {
		ret->reply = FLI_FENCE_TERM;
		if (is_word(text) || fl_read(&ret->term, text, strlen(text), &why) != FL_OK)
			return refuse(options, text, err);
	}
	return FL_OK;
}

int fli_partition_check_reply(const fl_options *options, fl_error *err)
{
	told t;
	int rc = tell(options, &t, err);

	fl_buf_free(&t.term);
	return rc;
}

static uint32_t gates_of(const fl_options *options)
{
	static const fli_key keys[FLI_GATES] = {FLI_KEY_PARTITION_ALLOW_CALL,
		FLI_KEY_PARTITION_ALLOW_CAST, FLI_KEY_PARTITION_ALLOW_REGISTER,
		FLI_KEY_PARTITION_ALLOW_JOIN, FLI_KEY_PARTITION_ALLOW_SPAWN};
	uint32_t open = 0;

	for (uint32_t gate = 0; gate < FLI_GATES; gate++)
		if (fli_options_bool(options, keys[gate]))
			open |= 1u << gate;
	return open;
}

int fli_partition_gates_open(fli_partition_service *s, const fl_options *options, fl_error *err)
{
	told t;
	int rc = tell(options, &t, err);

	if (rc == FL_OK &&
		fli_fence_new(s->node, t.reply,
			t.reply == FLI_FENCE_TERM ? fl_buf_term(&t.term) : (fl_term){.data = NULL},
			t.hold_ms) != FL_OK)
		rc = fl_error_set(err, FL_ENOMEM, "out of memory");
	fl_buf_free(&t.term);
	s->node->gates_open = fli_partition_rules_of(s->engine)->policy == FLI_POLICY_IGNORE
				      ? UINT32_MAX /* it serves whatever happens */
				      : gates_of(options);
	s->holds = fli_options_int(options, FLI_KEY_PARTITION_ON_SUSPECT) ==
		   FLI_PARTITION_SUSPECT_HOLD;
	return rc;
}

/* While it is not decided yet, calls and casts may wait for that. */
void fli_partition_gate(void *ctx, bool is_closed, bool queued)
{
	fli_partition_service *s = ctx;

	if (s->action == FLI_ACTION_NOTIFY)
		return;
	s->node->is_fenced = is_closed;
	fli_fence_hold(s->node, s->holds && is_closed &&
					fli_partition_state_of(s->engine) == FLI_PARTITION_SUSPECT);
	if (queued)
		fli_fence_refuse_queued(s->node);
	if (is_closed)
		return;
	fli_fence_release(s->node);
	fli_partition_take_names(s);
}
