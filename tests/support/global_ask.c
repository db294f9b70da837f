/* SPDX-License-Identifier: Apache-2.0 */
/* What a test asks of one core by itself. */
#include <string.h>

#include "tests/support/global_net.h"

fl_pid net_pid(fli_global *g, uint32_t id)
{
	return (fl_pid){.node = g->name, .id = id, .creation = 1};
}

static fl_buf read(const char *text)
{
	fl_buf buf = FL_BUF_INIT;
	fl_error err;

	if (fl_read(&buf, text, strlen(text), &err) != FL_OK)
		net_note("cannot read %s: %s;", text, err.what);
	return buf;
}

static bool find(fli_global *g, const char *name, fl_pid *ret_pid)
{
	fl_buf buf = read(name);
	bool found = fli_global_whereis(g, fl_buf_term(&buf), ret_pid);

	fl_buf_free(&buf);
	return found;
}

uint32_t net_whereis(fli_global *g, const char *name)
{
	fl_pid pid;

	return find(g, name, &pid) ? pid.id : 0;
}

const char *net_holder(fli_global *g, const char *name)
{
	fl_pid pid;

	return find(g, name, &pid) ? pid.node.text : "";
}

static void wish(fli_global *g, fli_global_wish *w, const char *name, const char *method)
{
	fl_buf n = read(name), m = read(method);

	w->name = fl_buf_term(&n);
	w->method = fl_buf_term(&m);
	w->from.slot = UINT32_MAX;
	net_begin(g);
	fli_global_wish_for(g, w);
	net_settle(g);
	fl_buf_free(&n);
	fl_buf_free(&m);
}

void net_wish(fli_global *g, fli_global_change change, const char *name, uint32_t pid)
{
	fli_global_wish w = {.change = change, .pid = net_pid(g, pid)};

	wish(g, &w, name, "default");
}

void net_wish_method(fli_global *g, const char *name, uint32_t pid, const char *method)
{
	fli_global_wish w = {.change = FLI_GLOBAL_REGISTER, .pid = net_pid(g, pid)};

	wish(g, &w, name, method);
}

void net_call(fli_global *g, fl_pid caller, const char *request)
{
	fl_buf buf = read(request);
	fl_from from = {.slot = UINT32_MAX};

	net_begin(g);
	if (!fli_global_call(g, &caller, from, fl_buf_term(&buf)))
		net_note("not understood;");
	net_settle(g);
	fl_buf_free(&buf);
}

void net_cast(fli_global *g, const char *message)
{
	fl_buf buf = read(message);

	net_begin(g);
	if (!fli_global_cast(g, fl_buf_term(&buf)))
		net_note("not understood;");
	net_settle(g);
	fl_buf_free(&buf);
}

void net_info(fli_global *g, const char *message)
{
	fl_buf buf = read(message);

	net_begin(g);
	if (!fli_global_info(g, fl_buf_term(&buf)))
		net_note("not understood;");
	net_settle(g);
	fl_buf_free(&buf);
}
