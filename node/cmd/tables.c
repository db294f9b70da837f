/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `flitch tables`: the tables of a node, of C or a BEAM, by ets:all/0 and ets:info/1 through its
 * rex.
 *
 * A table that ends between the two questions is left out.
 */
#include <stdio.h>

#include "node/cmd/cmd.h"
#include "node/cmd/visit.h"

enum { WORD_BYTES = 8, NAME_MAX_SHOWN = 512 };

static int ask(fl_proc *self, fli_visit *visit, const char *function, fl_term args, fl_term *ret)
{
	int rc = fl_call(self, fl_name_at("rex", visit->node), visit->timeout_ms, ret,
		"{call, ets, ~, ~, ~}", fl_atom_of(function), args, fl_self(self));
	fl_term why;

	if (rc != FL_OK)
		return fli_visit_failed(visit, rc, "rex", *ret);
	if (fl_match(*ret, "{badrpc, ~}", &why)) {
		char text[NAME_MAX_SHOWN];

		return fl_error_set(&visit->err, FL_EREFUSED, "ets:%s on %s: %s", function,
			visit->node, fl_print_to(text, sizeof text, why));
	}
	return FL_OK;
}

static void text_of(fl_term info, const char *key, char *ret_text)
{
	fl_term value;

	if (fl_get(info, key, &value))
		(void)fl_print_to(ret_text, NAME_MAX_SHOWN, value);
	else
		(void)snprintf(ret_text, NAME_MAX_SHOWN, "-");
}

static void show(fl_term info)
{
	char name[NAME_MAX_SHOWN], type[NAME_MAX_SHOWN], access[NAME_MAX_SHOWN],
		owner[NAME_MAX_SHOWN];
	uint64_t size = 0, words = 0;
	fl_term value;

	text_of(info, "name", name);
	text_of(info, "type", type);
	text_of(info, "protection", access);
	text_of(info, "owner", owner);
	if (fl_get(info, "size", &value))
		(void)fl_match(value, "~", &size);
	if (fl_get(info, "memory", &value))
		(void)fl_match(value, "~", &words);
	(void)printf("%-32s %-13s %-9s %10llu %14llu  %s\n", name, type, access,
		(unsigned long long)size, (unsigned long long)words * WORD_BYTES, owner);
}

static int list_tables(fl_proc *self, fli_visit *visit)
{
	static const uint8_t nil[] = {106};
	fl_buf args = FL_BUF_INIT;
	fl_term all, one, info;
	int rc = ask(self, visit, "all", (fl_term){.data = nil, .size = sizeof nil}, &all);

	if (rc == FL_OK)
		(void)printf("%-32s %-13s %-9s %10s %14s  %s\n", "NAME", "TYPE", "ACCESS",
			"OBJECTS", "BYTES", "OWNER");
	while (rc == FL_OK && fl_list_next(&all, &one)) {
		fl_buf_reset(&args);
		(void)fl_build(&args, "[~]", one);
		rc = ask(self, visit, "info", fl_buf_term(&args), &info);
		if (rc == FL_OK && fl_term_kind(info) == FL_LIST)
			show(info);
	}
	fl_buf_free(&args);
	return rc;
}

int fli_cmd_tables(int argc, char *const *argv)
{
	static const fli_args_spec spec = {
		.usage = "flitch tables [flags] NODE",
		.about =
			"Lists the ets tables of NODE, a C node or a BEAM: name, type, access, number\n"
			"of objects, bytes, owner.\n" FLI_VISIT_WITHOUT_EPMD,
		.tables = {fli_visit_flags},
		.words_min = 1,
		.words_max = 1,
	};
	fli_visit visit = {.errand = list_tables};
	fli_args args;
	int code;

	if (!fli_cmd_parse(&args, &spec, argc, argv, &code))
		return code;
	return fli_visit_run(&visit, &args, args.words[0]);
}
