/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests as rex, erpc, spawn, gen, io and the logger know them, from a peer with the right
 * cookie: the outer form is right, what stands in it grows from the input.
 *
 * The input is a list of requests: a number in the table below, the number of a function where the
 * form names one, then bytes for each `~` of the form.
 */
#include "tests/fuzz/form.h"
#include "tests/fuzz/fuzz.h"

#define SPAWN(mfa, options) "{29, " GUEST_REF ", " GUEST_ME ", " GUEST_ME ", " mfa ", " options "}"

static const form forms[] = {{FORM_TO("rex"), "{'$gen_call', " FORM_FROM ", {call, %, user}}"},
	{FORM_TO("rex"), "{'$gen_call', " FORM_FROM ", {block_call, %, " GUEST_ME "}}"},
	{FORM_TO("rex"), "{'$gen_cast', {cast, %, " GUEST_ME "}}"},
	{FORM_TO("rex"), "{" GUEST_ME ", {call, %, ~}}"},
	{FORM_TO("rex"), "{" GUEST_ME ", {sbcast, ~, ~}}"},
	{FORM_TO("rex"), "{" GUEST_ME ", {send, ~, ~}}"},
	{FORM_TO("rex"), "{'DOWN', ~, process, ~, ~}"},
	{SPAWN("{erpc, execute_call, 4}", "[monitor]"), "[" GUEST_REF ", %]"},
	{SPAWN("{erpc, execute_call, 4}", "[link, monitor]"), "[~, ~, ~, ~]"},
	{SPAWN("{erpc, execute_cast, 3}", "[]"), "[%]"},
	{SPAWN("{erlang, apply, 3}", "[monitor]"), "[%]"},
	{SPAWN("{erlang, apply, 2}", "[monitor]"), "[~, ~]"},
	{SPAWN("{gen_server, call, 3}", "[monitor]"), "[~, ~, 100]"},
	{SPAWN("{gen_server, cast, 2}", "[]"), "[~, ~]"},
	{SPAWN("{erlang, send, 3}", "[monitor]"), "[~, ~, ~]"},
	{FORM_TO("net_kernel"), "{'$gen_call', " FORM_FROM ", {is_auth, ~}}"},
	{FORM_TO("net_kernel"), "{'$gen_call', ~, ~}"},
	{FORM_TO("user"), "{io_request, " GUEST_ME ", ~, {put_chars, unicode, ~}}"},
	{FORM_TO("user"),
		"{io_request, " GUEST_ME ", 1, {put_chars, latin1, io_lib, format, [~, ~]}}"},
	{FORM_TO("user"), "{io_request, " GUEST_ME ", 1, {requests, [{requests, ~}, ~]}}"},
	{FORM_TO("user"), "{io_request, ~, ~, ~}"}, {FORM_TO("logger"), "{log, error, ~, ~, ~}"},
	{FORM_TO("logger_proxy"), "{log, ~, ~, ~, #{gl => " GUEST_ME "}}"},
	{FORM_TO("flitch_sup"), "{'$gen_call', " FORM_FROM ", ~}"},
	{FORM_TO("flitch_sup"), "{'$gen_call', " FORM_FROM
				", {start_child, #{id => ~, start => {friendly, start_link, ~}}}}"},
	{FORM_TO("flitch_sup"), "{'$gen_call', " FORM_FROM ", {start_child, {~, ~, ~, ~, ~, ~}}}"},
	{FORM_TO("flitch_sup"), "{'$gen_call', " FORM_FROM ", {terminate_child, ~}}"},
	{FORM_TO("flitch_sup"), "{'EXIT', ~, ~}"},
	{FORM_TO("flitch_services"), "{'DOWN', ~, process, ~, ~}"},
	{FORM_TO("friendly"), "{'$gen_call', {" GUEST_ME ", ~}, {link, ~}}"},
	{FORM_TO("friendly"), "{'$gen_call', {" GUEST_ME ", [alias | ~]}, {monitor, ~}}"},
	{FORM_TO("friendly"), "{'$gen_cast', ~}"}, {FORM_TO("friendly"), "~"},
	{FORM_TO("plain"), "{'$gen_call', ~, ~}"}, {FORM_TO("plain"), "{'EXIT', ~, ~}"}};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	form_talk(forms, sizeof forms / sizeof *forms, data, size);
	return 0;
}
