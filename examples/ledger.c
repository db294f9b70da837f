/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A durable table: {add, Id, Entry} is answered when the entry is on the disk, {read, Id} from
 * there. The file is $FLITCH_LEDGER, or ledger.fl where the node was started.
 */
#include <flitch.h>
#include <stdlib.h>

struct ledger {
	fl_durable *file;
};

static int on_init(fl_proc *self, void *state, fl_term args)
{
	struct ledger *l = state;
	fl_durable_options options = {.type = FL_TABLE_DUPLICATE_BAG};
	const char *path = getenv("FLITCH_LEDGER");
	fl_error err = {0};

	(void)args;
	path = path != NULL ? path : "ledger.fl";
	if (fl_durable_open(fl_self_node(self), path, &options, &l->file, &err) != FL_OK)
		return fl_stop(self, "{ledger, ~}", err.what);
	return FL_OK;
}

static int on_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	struct ledger *l = state;
	fl_buf entries = FL_BUF_INIT;
	fl_term id, entry;
	int rc;

	if (fl_match(request, "{add, ~, ~}", &id, &entry)) {
		rc = fl_durable_insert_wait(l->file, "{~, ~}", id, entry);
		return fl_reply(from, "~", fl_atom_of(rc == FL_OK ? "ok" : fl_error_atom(rc)));
	}
	if (!fl_match(request, "{read, ~}", &id))
		return fl_unhandled(self, request);
	rc = fl_durable_lookup(l->file, id, &entries);
	if (rc == FL_OK)
		rc = fl_reply(from, "~", fl_buf_term(&entries));
	fl_buf_free(&entries);
	return rc == FL_OK ? FL_OK : fl_stop(self, "~", fl_atom_of(fl_error_atom(rc)));
}

static void on_terminate(fl_proc *self, void *state, fl_term reason)
{
	(void)self;
	(void)reason;
	fl_durable_close(((struct ledger *)state)->file);
}

static const fl_behaviour ledger = {.name = "ledger",
	.state_size = sizeof(struct ledger),
	.init = on_init,
	.call = on_call,
	.terminate = on_terminate};

FL_MODULE(&ledger);
