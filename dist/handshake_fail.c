/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a person is told when a handshake fails: which step, what the peer said (from where it
 * happened), most likely why and what to do (from the tables here).
 *
 * The protocol itself says little: a peer that dislikes a digest, a flag or a name just closes. So
 * the step at which it closed is the best hint there is, and the second table is about that.
 */
#include <stdarg.h>
#include <stdio.h>

#include "dist/handshake_steps.h"

static const char *const cause_words[] = {
#define WORD(name, word, text) word,
	FLI_HANDSHAKE_CAUSES(WORD)
#undef WORD
};

static const char *const cause_texts[] = {
#define TEXT(name, word, text) text,
	FLI_HANDSHAKE_CAUSES(TEXT)
#undef TEXT
};

struct advice {
	int code;
	const char *why;  /* NULL: nothing to say */
	const char *next; /* NULL: nothing to do */
};

static const struct advice by_cause[FLI_HANDSHAKE_CAUSE_COUNT] = {
	[FLI_CAUSE_COOKIE] = {FL_EAUTH, "the two nodes have different cookies",
		"compare erlang:get_cookie() there with the cookie file here; see --cookie-file"},
	[FLI_CAUSE_NO_COOKIE] = {FL_EAUTH, "neither a cookie of that name nor a general one is set",
		"set one with --cookie-file or FLITCH_COOKIE, or list the node under peers"},
	[FLI_CAUSE_REFLECTED] = {FL_EAUTH, "somebody without the cookie relays messages",
		"find out who listens at that address; use TLS where the network is not yours"},
	[FLI_CAUSE_NAME] = {FL_EFORMAT, "the node is not named alive@host in plain ASCII",
		"rename the node"},
	[FLI_CAUSE_OTHER_NAME] = {FL_EREFUSED,
		"that port belongs to another node: an old entry "
		"in epmd, or a wrong address",
		"compare `flitch epmd --names` on its host with the node's listening port"},
	[FLI_CAUSE_OWN_NAME] = {FL_ETAKEN, "two nodes run under one name", "rename one of them"},
	[FLI_CAUSE_FLAGS] = {FL_EREFUSED,
		"the peer is older than OTP 23, or a partial "
		"implementation",
		"upgrade the peer to OTP 23 or later"},
	[FLI_CAUSE_NOT_ALLOWED] = {FL_EREFUSED, "the list of allowed nodes does not have it",
		"add it to dist.allow if it belongs to the cluster"},
	[FLI_CAUSE_PEER_NOT_ALLOWED] = {FL_EREFUSED,
		"its net_kernel:allow/1 list lacks this node, or it wants flags that we lack",
		"see the peer's log; call net_kernel:allow(['this@node']) there"},
	[FLI_CAUSE_SIMULTANEOUS] = {FL_EBUSY, "both nodes dialled at once, the greater name wins",
		"nothing: the other attempt goes on"},
	[FLI_CAUSE_ALIVE] = {FL_EALREADY, "a connection between the two is up already", NULL},
	[FLI_CAUSE_STATUS] = {FL_EFORMAT, "the peer speaks a newer or a different protocol",
		"check which program listens at that address"},
	[FLI_CAUSE_MALFORMED] = {FL_EFORMAT,
		"the other end is no Erlang node, or only one of the "
		"two uses TLS",
		"check address and port, and that both nodes use the same carrier"},
	[FLI_CAUSE_TOO_LONG] = {FL_ELIMIT,
		"the other end is no Erlang node, or only one of the "
		"two uses TLS",
		"check address and port, and that both nodes use the same carrier"},
	[FLI_CAUSE_CARRIER] = {FL_EFORMAT,
		"one node uses TLS and the other does not, or something else knocked at the port",
		"start both with the same -proto_dist, or close the port to others"},
	[FLI_CAUSE_CLOSED] = {FL_ECLOSED, NULL, NULL},
	[FLI_CAUSE_TIMEOUT] = {FL_ETIMEOUT, NULL, NULL},
	[FLI_CAUSE_RANDOM] = {FL_EIO, "the system gave no random numbers", NULL},
	[FLI_CAUSE_NO_MEMORY] = {FL_ENOMEM, NULL, NULL},
};

/* The peer closed: by the step that it left unfinished. */
static const struct advice by_closed_step[] = {
	[FLI_STEP_START] = {FL_ECLOSED, NULL, NULL},
	[FLI_STEP_STATUS] = {FL_ECLOSED,
		"it wants TLS, finds our name malformed, or waits for an earlier attempt of ours",
		"see the peer's log; check that both use the same carrier"},
	[FLI_STEP_CHALLENGE] = {FL_ECLOSED, "the peer is stopping, or its set-up time ran out",
		"see the peer's log"},
	[FLI_STEP_ACK] = {FL_EAUTH, "a node closes here without a word when the cookies differ",
		"compare erlang:get_cookie() there with the cookie file here; see --cookie-file"},
	[FLI_STEP_NAME] = {FL_ECLOSED, "a port scan or a health check", NULL},
	[FLI_STEP_ALIVE] = {FL_ECLOSED, "it gave the attempt up", NULL},
	[FLI_STEP_COMPLEMENT] = {FL_ECLOSED, "it does not accept our name or our flags",
		"see the peer's log"},
	[FLI_STEP_REPLY] = {FL_ECLOSED,
		"it dialled another name than ours, or does not accept our flags",
		"see the peer's log; compare the name that it dials with this node's name"},
};

const char *fli_handshake_cause_word(fli_handshake_cause cause)
{
	return cause_words[cause];
}

const char *fli_handshake_cause_text(fli_handshake_cause cause)
{
	return cause_texts[cause];
}

static void give(fli_handshake *hs, const struct advice *advice)
{
	hs->error.code = advice->code;
	fl_error_why(&hs->error, "%s", advice->why == NULL ? "" : advice->why);
	fl_error_next(&hs->error, "%s", advice->next == NULL ? "" : advice->next);
}

void fli_handshake_fail(fli_handshake *hs, fli_handshake_cause cause, const char *format, ...)
{
	char detail[sizeof hs->error.what];
	const char *who = hs->peer.name.size == 0 ? "an unknown node" : hs->peer.name.text;
	va_list args;

	va_start(args, format);
	(void)vsnprintf(detail, sizeof detail, format, args); /* a cut text is still a text */
	va_end(args);
	hs->state = FLI_HANDSHAKE_FAILED;
	hs->cause = cause;
	(void)fl_error_set(&hs->error, FL_EREFUSED, "handshake with %.120s, awaiting %s: %s", who,
		fli_handshake_step_text(hs), detail);
	give(hs, &by_cause[cause]);
}

static bool is_over(const fli_handshake *hs)
{
	return hs->state == FLI_HANDSHAKE_DONE || hs->state == FLI_HANDSHAKE_FAILED;
}

fli_handshake_state fli_handshake_eof(fli_handshake *hs)
{
	if (is_over(hs) || hs->state == FLI_HANDSHAKE_WAIT)
		return hs->state;
	fli_handshake_fail(hs, hs->step == FLI_STEP_ACK ? FLI_CAUSE_COOKIE : FLI_CAUSE_CLOSED,
		"the peer closed the connection");
	give(hs, &by_closed_step[hs->step]);
	return hs->state;
}

static void say_timeout_of_wait(fli_handshake *hs)
{
	fli_handshake_fail(hs, FLI_CAUSE_TIMEOUT,
		"it said \"nok\", that its own attempt goes on, but did not connect");
	fl_error_why(&hs->error,
		"it cannot reach our listening port, or our name is not acceptable "
		"to it or is its own");
	fl_error_next(
		&hs->error, "check that the peer can connect to this host and find it in epmd");
}

static void say_timeout(fli_handshake *hs)
{
	fli_handshake_fail(hs, FLI_CAUSE_TIMEOUT, "nothing came in time");
	switch (hs->step) {
	case FLI_STEP_STATUS:
		fl_error_why(&hs->error, "the peer is overloaded or stopped, or waits for TLS");
		fl_error_next(&hs->error, "check that it answers others and uses the same carrier");
		break;
	case FLI_STEP_CHALLENGE:
		fl_error_why(&hs->error,
			"a peer of OTP 23 waits here for an old connection to this node to die");
		fl_error_next(&hs->error, "try again after its net_ticktime");
		break;
	default:
		fl_error_why(&hs->error, "the peer is overloaded or stopped");
		fl_error_next(&hs->error, "check that it answers others");
		break;
	}
}

fli_handshake_state fli_handshake_timeout(fli_handshake *hs)
{
	if (is_over(hs))
		return hs->state;
	if (hs->state == FLI_HANDSHAKE_WAIT)
		say_timeout_of_wait(hs);
	else
		say_timeout(hs);
	return hs->state;
}
