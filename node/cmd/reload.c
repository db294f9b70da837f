/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `flitch reload`: flitch:reload/0 at a node, which says whether its configuration was taken. Where
 * somebody else has just had it read, it waits and asks again, since files may have changed after.
 */
#include <poll.h>

#include "node/cmd/cmd.h"
#include "node/cmd/visit.h"

static int busy(fli_visit *visit)
{
	fl_error_set(&visit->err, FL_EBUSY, "%s read its configuration for others all the time",
		visit->node);
	fl_error_why(
		&visit->err, "some node asks for it again and again: it is read once a second");
	fl_error_next(
		&visit->err, "see its log for flitch:reload/0, shut it by `access`, use SIGHUP");
	return visit->err.code;
}

static int take_answer(fli_visit *visit, fl_term reply)
{
	char text[512];
	fl_bin why;

	if (fl_match(reply, "ok"))
		return FL_OK;
	if (fl_match(reply, "{error, ~}", &why))
		fl_error_set(&visit->err, FL_ECONFIG, "%s changed nothing: %.*s", visit->node,
			(int)why.size, (const char *)why.data);
	else if (fl_match(reply, "{error, {too_soon, _}}"))
		return busy(visit);
	else
		fl_error_set(&visit->err, FL_ENOTSUP, "%s cannot read its configuration anew: %s",
			visit->node, fl_print_to(text, sizeof text, reply));
	fl_error_why(&visit->err, "a file is wrong, or the node is none that reads one");
	fl_error_next(&visit->err, "see its log, and flitch config check --config FILE there");
	return visit->err.code;
}

static int ask(fl_proc *self, const fli_visit *visit, fl_term *ret_reply)
{
	return fl_call(self, fl_name_at("rex", visit->node), visit->timeout_ms, ret_reply,
		"{call, flitch, reload, [], ~}", fl_self(self));
}

static int errand(fl_proc *self, fli_visit *visit)
{
	fl_term reply = {0};
	uint64_t end_ms = fl_now_ms(self) + visit->timeout_ms;
	uint32_t wait_ms;
	int rc = ask(self, visit, &reply);

	while (rc == FL_OK && fl_match(reply, "{error, {too_soon, ~}}", &wait_ms) &&
		wait_ms <= visit->timeout_ms && fl_now_ms(self) + wait_ms < end_ms) {
		(void)poll(NULL, 0, (int)wait_ms); /* a signal ends it early: asked again */
		rc = ask(self, visit, &reply);
	}
	return rc == FL_OK ? take_answer(visit, reply) : fli_visit_failed(visit, rc, "rex", reply);
}

int fli_cmd_reload(int argc, char *const *argv)
{
	static const fli_args_spec spec = {
		.usage = "flitch reload [flags] NODE",
		.about =
			"Has NODE read its configuration anew, as SIGHUP does: certificates, who may\n"
			"connect and ask for what, log level. Connections stay.\n" FLI_VISIT_WITHOUT_EPMD,
		.tables = {fli_visit_flags},
		.words_min = 1,
		.words_max = 1,
	};
	fli_visit visit = {.errand = errand};
	fli_args args;
	int code;

	if (!fli_cmd_parse(&args, &spec, argc, argv, &code))
		return code;
	return fli_visit_run(&visit, &args, args.words[0]);
}
