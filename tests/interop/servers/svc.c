/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A singleton, {global, svc}, whose state is as large as one likes, and a member of the group `svc`
 * on each node:
 *
 *     {ask, N}     {N, Node, Epoch}        both; the member's epoch is 0
 *     {put, Bin}   ok      get   Bin      the singleton
 *     {copy, Bin}  ok                     the same, and a copy for who takes over
 */
#include <flitch.h>
#include <stdlib.h>
#include <string.h>

struct svc {
	uint8_t *bytes;
	size_t size;
};

static bool keep(struct svc *s, fl_bin bin)
{
	uint8_t *bytes = malloc(bin.size + 1);

	if (bytes == NULL)
		return false;
	memcpy(bytes, bin.data, bin.size);
	free(s->bytes);
	s->bytes = bytes;
	s->size = bin.size;
	return true;
}

static int on_init(fl_proc *self, void *state, fl_term args)
{
	fl_bin bin;

	if (fl_match(args, "{handed, _, _, ~}", &bin) || fl_match(args, "{resume, _, ~, _}", &bin))
		return keep(state, bin) ? FL_OK : fl_stop(self, "enomem");
	return fl_match(args, "{start, _, []}") ? FL_OK : fl_stop(self, "badarg");
}

static int on_ask(fl_proc *self, void *state, fl_from from, fl_term request)
{
	int64_t number;

	(void)state;
	if (!fl_match(request, "{ask, ~}", &number))
		return fl_unhandled(self, request);
	return fl_reply(from, "{~, ~, ~}", number, fl_node_name(fl_self_node(self)),
		fl_singleton_epoch(self));
}

static int on_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	struct svc *s = state;
	fl_bin bin;

	if (fl_match(request, "{put, ~}", &bin))
		return keep(s, bin) ? fl_reply(from, "ok") : fl_reply(from, "enomem");
	if (fl_match(request, "{copy, ~}", &bin))
		return keep(s, bin) && fl_singleton_replicate(self, "~", bin) == FL_OK
			       ? fl_reply(from, "ok")
			       : fl_reply(from, "enomem");
	if (fl_match(request, "get"))
		return fl_reply(from, "~", ((fl_bin){s->bytes, s->size}));
	return on_ask(self, state, from, request);
}

static int give(fl_proc *self, const void *state, fl_buf *ret_state)
{
	const struct svc *s = state;

	(void)self;
	return fl_build(ret_state, "~", ((fl_bin){s->bytes, s->size}));
}

static void on_terminate(fl_proc *self, void *state, fl_term reason)
{
	(void)self;
	(void)reason;
	free(((struct svc *)state)->bytes);
}

static const fl_behaviour svc = {.name = "svc",
	.state_size = sizeof(struct svc),
	.init = on_init,
	.call = on_call,
	.terminate = on_terminate,
	.trap_exit = true};
static const fl_singleton singleton = {
	FL_SINGLETON_GUARD("svc_guard"), .server = &svc, .name = "svc", .give = give};
static const fl_behaviour member = {
	.name = "svc_member", .call = on_ask, .groups = (const fl_group[]){{.name = "svc"}, {0}}};

FL_MODULE(&singleton.guard, &member);
