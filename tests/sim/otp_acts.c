/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a recorded node was told (tests/sim/record/recorder.erl has the words), done by the model.
 */
#include "tests/sim/otp_acts.h"

#include <stdio.h>
#include <string.h>

static unsigned actor(otp_acts *r, const char *name)
{
	for (unsigned i = 0; i < r->actor_count; i++)
		if (strcmp(r->actors[i].name, name) == 0)
			return r->actors[i].number;
	return 0;
}

static otp_method method(const char *word)
{
	if (strcmp(word, "random_notify_name") == 0)
		return OTP_RANDOM_NOTIFY;
	if (strcmp(word, "notify_all_name") == 0)
		return OTP_NOTIFY_ALL;
	return strcmp(word, "default") == 0 ? OTP_LOCAL_FUN : OTP_RANDOM_EXIT;
}

static bool act_on_names(otp_acts *r, const char *verb, char args[3][32])
{
	otp_node *node = r->node;

	if (strcmp(verb, "register") == 0)
		(void)otp_do_register(node, args[0], actor(r, args[1]), method(args[2]));
	else if (strcmp(verb, "reregister") == 0)
		(void)otp_do_reregister(node, args[0], actor(r, args[1]), method(args[2]));
	else if (strcmp(verb, "unregister") == 0)
		(void)otp_do_unregister(node, args[0]);
	else if (strcmp(verb, "lock") == 0)
		(void)otp_do_lock(node, args[0], args[1], actor(r, args[2]), 0);
	else if (strcmp(verb, "unlock") == 0)
		(void)otp_do_unlock(node, args[0], args[1], actor(r, args[2]));
	else
		return false;
	return true;
}

static bool act_on_processes(otp_acts *r, const char *verb, char args[3][32])
{
	otp_node *node = r->node;

	if (strcmp(verb, "spawn") == 0 && r->actor_count < OTP_ACTORS_MAX) {
		(void)snprintf(r->actors[r->actor_count].name, 16, "%.15s", args[0]);
		r->actors[r->actor_count++].number = otp_do_spawn(node, NULL);
	} else if (strcmp(verb, "kill") == 0) {
		(void)otp_do_kill(node, actor(r, args[0]), "kill");
	} else if (strcmp(verb, "join") == 0) {
		(void)otp_do_join(node, "pg", args[0], actor(r, args[1]));
	} else if (strcmp(verb, "leave") == 0) {
		(void)otp_do_leave(node, "pg", args[0], actor(r, args[1]));
	} else {
		return false;
	}
	return true;
}

static bool act_on_nodes(otp_acts *r, const char *verb, const char *peer)
{
	const otp_player *other = otp_recording_player(r->recording, peer[0]);
	otp_node *node = r->node;

	if (other == NULL)
		return false;
	if (strcmp(verb, "connect") == 0)
		otp_do_connect(node, other->name);
	else if (strcmp(verb, "disconnect") == 0)
		otp_do_disconnect(node, other->name);
	else if (strcmp(verb, "ping") == 0)
		(void)otp_do_call(node, "net_kernel", other->name,
			otp_make(node, "{is_auth,~a}", r->player->name), 0);
	else if (strcmp(verb, "erpc_nodes") == 0)
		(void)otp_do_erpc(node, other->name, "erlang", "nodes", otp_make(node, "[]"));
	else
		return false;
	return true;
}

bool otp_act(otp_acts *r, const char *text)
{
	char verb[32] = "", args[3][32] = {"", "", ""};

	(void)sscanf(text, "%31s %31s %31s %31s", verb, args[0], args[1], args[2]);
	return act_on_names(r, verb, args) || act_on_processes(r, verb, args) ||
	       act_on_nodes(r, verb, args[0]);
}
