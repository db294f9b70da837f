/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pool of printers, each of which prints one text at a time.
 *     GenServer.call({:desk, node}, {:print, "text"})        {ok, Printer, Count} | busy
 *     :poolboy.transaction({:printers, node}, fn printer -> GenServer.call(printer, ..) end)
 */
#include <flitch.h>

static int print_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	fl_term text;

	if (!fl_match(request, "{print, ~}", &text))
		return fl_unhandled(self, request);
	return fl_reply(from, "{ok, ~, ~}", fl_self(self), ++*(int64_t *)state);
}

static const fl_behaviour printer = {
	.name = "printer", .state_size = sizeof(int64_t), .call = print_call};

/* Two of them, a third one while both are lent, and four texts in line. */
static const fl_behaviour printers = {.name = "printers",
	.pool = &(const fl_pool){
		.worker = &printer, .size = 2, .max_overflow = 1, .waiting_max = 4}};

typedef struct job {
	fl_term text, reply;
} job;

static int print(fl_proc *self, fl_pid worker, void *arg)
{
	job *j = arg;

	return fl_call(self, worker, 5000, &j->reply, "{print, ~}", j->text);
}

static int desk_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	job j;

	(void)state; /* it has none */
	if (!fl_match(request, "{print, ~}", &j.text))
		return fl_unhandled(self, request);
	if (fl_pool_transaction(self, "printers", 1000, print, &j) != FL_OK)
		return fl_reply(from, "busy");
	return fl_reply(from, "~", j.reply);
}

static const fl_behaviour desk = {.name = "desk", .call = desk_call};
FL_MODULE(&printers, &desk);
