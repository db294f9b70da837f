/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System messages, as sys and proc_lib send them, to servers of all kinds, with calls and casts in
 * between: a suspended server keeps them, a resumed one serves them.
 *
 * The input: as form_talk takes it.
 */
#include "tests/fuzz/form.h"
#include "tests/fuzz/fuzz.h"

#define SYSTEM(request) "{system, " FORM_FROM ", " request "}"

static const form forms[] = {{FORM_TO("friendly"), SYSTEM("get_state")},
	{FORM_TO("friendly"), SYSTEM("get_status")}, {FORM_TO("friendly"), SYSTEM("suspend")},
	{FORM_TO("friendly"), SYSTEM("resume")}, {FORM_TO("friendly"), SYSTEM("{terminate, ~}")},
	{FORM_TO("friendly"), SYSTEM("{debug, ~}")}, {FORM_TO("friendly"), SYSTEM("~")},
	{FORM_TO("friendly"), SYSTEM("{change_code, ~, ~, ~}")},
	{FORM_TO("friendly"), "{system, {~, [alias | ~]}, ~}"},
	{FORM_TO("friendly"), "{system, ~, ~}"}, {FORM_TO("friendly"), "{system, ~}"},
	{FORM_TO("friendly"), "{'$gen_call', " FORM_FROM ", ~}"},
	{FORM_TO("friendly"), "{'$gen_call', " FORM_FROM ", later}"},
	{FORM_TO("friendly"), "{'$gen_cast', ~}"}, {FORM_TO("friendly"), "~"},
	{FORM_TO("plain"), SYSTEM("get_state")}, {FORM_TO("plain"), SYSTEM("get_status")},
	{FORM_TO("plain"), SYSTEM("suspend")}, {FORM_TO("plain"), SYSTEM("resume")},
	{FORM_TO("plain"), SYSTEM("{terminate, ~}")}, {FORM_TO("plain"), SYSTEM("~")},
	{FORM_TO("rex"), SYSTEM("get_state")}, {FORM_TO("rex"), SYSTEM("{terminate, ~}")},
	{FORM_TO("rex"), SYSTEM("suspend")}, {FORM_TO("rex"), SYSTEM("~")},
	{FORM_TO("net_kernel"), SYSTEM("get_status")}, {FORM_TO("net_kernel"), SYSTEM("~")},
	{FORM_TO("user"), SYSTEM("get_status")}, {FORM_TO("user"), SYSTEM("~")},
	{FORM_TO("flitch_sup"), SYSTEM("get_state")}, {FORM_TO("flitch_sup"), SYSTEM("get_status")},
	{FORM_TO("flitch_sup"), SYSTEM("~")}, {FORM_TO("flitch_services"), SYSTEM("~")}};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	form_talk(forms, sizeof forms / sizeof *forms, data, size);
	return 0;
}
