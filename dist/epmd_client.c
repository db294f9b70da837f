/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A node as a client of epmd.
 *
 * - Registration: connect, one ALIVE2, a reply of six bytes (four from an epmd that takes us for an
 *   old node), and from then on silence in both directions.
 * - Look-up and names: connect, one request, the reply, the end.
 *
 * Failure modes: epmd is not there, goes away, or answers nonsense: all the same, once more in 2 s,
 * for ever, with the creation that we have. A name that is taken ends a first registration, since a
 * person must choose another one; later on (epmd was restarted, somebody was faster) it is retried,
 * since the links of the node live on without epmd.
 */
#include "dist/epmd_client.h"

#include <string.h>

#include "node/base/mem.h"

/* ---- registration ---------------------------------------------------------------------------- */

void fli_epmd_registration_create(
	fli_epmd_registration *reg, const fli_node_name *name, uint16_t port, bool is_visible)
{
	*reg = (fli_epmd_registration){
		.name = *name, .port = port, .is_visible = is_visible, .deadline_ms = UINT64_MAX};
}

void fli_epmd_registration_set_random(
	fli_epmd_registration *reg, fli_epmd_random *random, void *context)
{
	reg->random = random;
	reg->context = context;
}

void fli_epmd_registration_set_creation(fli_epmd_registration *reg, uint32_t creation)
{
	reg->creation = creation;
}

uint32_t fli_epmd_creation_draw(fli_epmd_random *random, void *context)
{
	uint32_t creation = 0;

	if (!random(context, &creation, sizeof creation))
		return 0;
	/* Folds the four that are reserved onto others. */
	return creation < FLI_EPMD_CREATION_MIN ? creation + FLI_EPMD_CREATION_MIN : creation;
}

static fli_epmd_todo retry(fli_epmd_registration *reg, uint64_t now_ms)
{
	reg->phase = FLI_EPMD_WAITING;
	reg->deadline_ms = now_ms + FLI_EPMD_RETRY_MS;
	reg->retries++;
	return FLI_EPMD_RETRY;
}

static fli_epmd_todo fail(fli_epmd_registration *reg, const char *reason, uint64_t now_ms)
{
	(void)fl_error_set(
		&reg->error, FL_EIO, "registration of %s in epmd: %s", reg->name.text, reason);
	fl_error_why(&reg->error, "no epmd runs on this machine, or something else has its port");
	fl_error_next(&reg->error, "start one with `flitch epmd`, or run without: --epmd off");
	return retry(reg, now_ms);
}

fli_epmd_todo fli_epmd_registration_start(fli_epmd_registration *reg, uint64_t now_ms)
{
	reg->phase = FLI_EPMD_CONNECTING;
	reg->deadline_ms = now_ms + FLI_EPMD_STEP_MS;
	return FLI_EPMD_CONNECT;
}

fli_epmd_todo fli_epmd_registration_connected(
	fli_epmd_registration *reg, uint64_t now_ms, fli_buf *out)
{
	fli_epmd_node node = {.port = reg->port,
		.type = reg->is_visible ? FLI_EPMD_TYPE_NORMAL : FLI_EPMD_TYPE_HIDDEN,
		.highest = FLI_EPMD_VERSION,
		.lowest = FLI_EPMD_VERSION_LOWEST,
		.name = reg->name.text,
		.name_size = reg->name.alive_size};

	if (reg->phase != FLI_EPMD_CONNECTING)
		return FLI_EPMD_NOTHING;
	if (!fli_epmd_write_alive2(out, &node))
		return fail(reg, "the node has no name", now_ms);
	if (out->failed)
		return fail(reg, "out of memory", now_ms);
	reg->phase = FLI_EPMD_ASKED;
	reg->deadline_ms = now_ms + FLI_EPMD_STEP_MS;
	reg->in_size = 0;
	return FLI_EPMD_SEND;
}

static fli_epmd_todo refuse(fli_epmd_registration *reg, uint64_t now_ms)
{
	(void)fl_error_set(
		&reg->error, FL_ETAKEN, "epmd does not register the name %s", reg->name.text);
	fl_error_why(&reg->error, "another node of that name runs on this machine");
	fl_error_next(&reg->error,
		"choose another name, or stop that node (flitch epmd --names lists them)");
	if (reg->was_registered)
		return retry(reg, now_ms);
	reg->phase = FLI_EPMD_IDLE;
	reg->deadline_ms = UINT64_MAX;
	return FLI_EPMD_TAKEN;
}

static fli_epmd_todo hold(fli_epmd_registration *reg, uint32_t creation, uint64_t now_ms)
{
	if (reg->creation == 0 && creation >= FLI_EPMD_CREATION_MIN)
		reg->creation = creation;
	if (reg->creation == 0)
		reg->creation = fli_epmd_creation_draw(reg->random, reg->context);
	if (reg->creation == 0)
		return fail(reg, "no random number for a creation", now_ms);
	reg->phase = FLI_EPMD_HELD;
	reg->was_registered = true;
	reg->retries = 0;
	reg->deadline_ms = UINT64_MAX;
	return FLI_EPMD_REGISTERED;
}

fli_epmd_todo fli_epmd_registration_feed(
	fli_epmd_registration *reg, const uint8_t *bytes, size_t size, uint64_t now_ms)
{
	fli_epmd_alive_reply reply;

	if (size == 0 || reg->phase == FLI_EPMD_IDLE || reg->phase == FLI_EPMD_WAITING)
		return FLI_EPMD_NOTHING;
	if (reg->phase != FLI_EPMD_ASKED)
		return fail(reg, "epmd spoke out of turn", now_ms);
	if (size > sizeof reg->in - reg->in_size)
		return fail(reg, "epmd's reply is too long", now_ms);
	memcpy(reg->in + reg->in_size, bytes, size);
	reg->in_size += size;
	switch (fli_epmd_read_alive_reply(reg->in, reg->in_size, &reply)) {
	case FLI_EPMD_MORE: return FLI_EPMD_NOTHING;
	case FLI_EPMD_BAD: return fail(reg, "epmd's reply makes no sense", now_ms);
	default: break;
	}
	return reply.result == 0 ? hold(reg, reply.creation, now_ms) : refuse(reg, now_ms);
}

fli_epmd_todo fli_epmd_registration_lost(
	fli_epmd_registration *reg, const char *reason, uint64_t now_ms)
{
	if (reg->phase == FLI_EPMD_IDLE || reg->phase == FLI_EPMD_WAITING)
		return FLI_EPMD_NOTHING;
	return fail(reg, reason, now_ms);
}

fli_epmd_todo fli_epmd_registration_timer(fli_epmd_registration *reg, uint64_t now_ms)
{
	if (now_ms < reg->deadline_ms)
		return FLI_EPMD_NOTHING;
	if (reg->phase == FLI_EPMD_WAITING)
		return fli_epmd_registration_start(reg, now_ms);
	return fail(reg, "epmd does not answer", now_ms);
}

/* ---- look-up --------------------------------------------------------------------------------- */

static fli_epmd_lookup_state lookup_fail(
	fli_epmd_lookup *lookup, int code, const char *reason, const char *why)
{
	lookup->state = FLI_LOOKUP_FAILED;
	(void)fl_error_set(&lookup->error, code, "look-up of %s in epmd on %s: %s",
		lookup->name.text, fli_node_name_host(&lookup->name), reason);
	fl_error_why(&lookup->error, "%s", why);
	fl_error_next(&lookup->error, "ask on that host: flitch epmd --names, or epmd -names");
	return lookup->state;
}

fli_epmd_lookup_state fli_epmd_lookup_start(
	fli_epmd_lookup *lookup, const fli_node_name *name, fli_buf *out)
{
	lookup->state = FLI_LOOKUP_MORE;
	lookup->port = 0;
	lookup->is_visible = false;
	lookup->in_size = 0;
	lookup->error = (fl_error){0};
	lookup->name = *name;
	if (!fli_epmd_write_port2(out, name->text, name->alive_size))
		return lookup_fail(lookup, FL_EINVAL, "nothing stands before the '@'", "");
	if (out->failed)
		return lookup_fail(lookup, FL_ENOMEM, "out of memory", "");
	return lookup->state;
}

static fli_epmd_lookup_state absent(fli_epmd_lookup *lookup)
{
	const fli_node_name *name = &lookup->name;

	lookup->state = FLI_LOOKUP_ABSENT;
	(void)fl_error_set(&lookup->error, FL_ENOENT, "epmd on %s does not know %.*s",
		fli_node_name_host(name), (int)name->alive_size, name->text);
	fl_error_why(&lookup->error, "the node is not running there, or has another name");
	fl_error_next(&lookup->error, "ask on that host: flitch epmd --names, or epmd -names");
	return lookup->state;
}

static fli_epmd_lookup_state found(fli_epmd_lookup *lookup, const fli_epmd_node *node)
{
	if (node->port == 0)
		return lookup_fail(lookup, FL_EFORMAT, "it is registered with port 0",
			"the node does not listen");
	if (node->highest < FLI_EPMD_VERSION || node->lowest > FLI_EPMD_VERSION)
		return lookup_fail(lookup, FL_ENOTSUP,
			"it does not speak version 6 of the distribution protocol",
			"the node is older than OTP 23");
	lookup->port = node->port;
	lookup->is_visible = node->type == FLI_EPMD_TYPE_NORMAL;
	lookup->state = FLI_LOOKUP_FOUND;
	return lookup->state;
}

fli_epmd_lookup_state fli_epmd_lookup_feed(
	fli_epmd_lookup *lookup, const uint8_t *bytes, size_t size)
{
	static const char no_epmd[] = "something other than epmd has that port";
	size_t room = sizeof lookup->in - lookup->in_size;
	size_t taken = size < room ? size : room;
	fli_epmd_port_reply reply;
	fli_epmd_read read;

	if (lookup->state != FLI_LOOKUP_MORE || size == 0)
		return lookup->state;
	memcpy(lookup->in + lookup->in_size, bytes, taken);
	lookup->in_size += taken;
	read = fli_epmd_read_port_reply(lookup->in, lookup->in_size, &reply);
	if (read == FLI_EPMD_BAD || (read == FLI_EPMD_MORE && taken == room))
		return lookup_fail(lookup, FL_EFORMAT, "the reply makes no sense", no_epmd);
	if (read == FLI_EPMD_MORE)
		return lookup->state;
	return reply.result == 0 ? found(lookup, &reply.node) : absent(lookup);
}

fli_epmd_lookup_state fli_epmd_lookup_lost(fli_epmd_lookup *lookup, const char *reason)
{
	if (lookup->state != FLI_LOOKUP_MORE)
		return lookup->state;
	return lookup_fail(lookup, FL_EIO, reason,
		lookup->in_size == 0 ? "no epmd runs there, or a firewall is in between"
				     : "epmd stopped in the middle of its reply");
}

/* ---- names ----------------------------------------------------------------------------------- */

#define PORT_BYTES 4

void fli_epmd_names_create(fli_epmd_names *names, fli_mem *mem)
{
	names->epmd_port = 0;
	fli_buf_create(&names->reply, mem, FLI_EPMD_NAMES_BYTES_MAX);
}

void fli_epmd_names_destroy(fli_epmd_names *names)
{
	fli_buf_destroy(&names->reply);
}

int fli_epmd_names_feed(fli_epmd_names *names, const uint8_t *bytes, size_t size)
{
	fli_buf *reply = &names->reply;

	if (size > FLI_EPMD_NAMES_BYTES_MAX - reply->size)
		return FL_ELIMIT;
	fli_buf_add(reply, bytes, size);
	if (reply->failed)
		return FL_ENOMEM;
	if (reply->size >= PORT_BYTES)
		names->epmd_port = (uint16_t)fli_get32(reply->data);
	return FL_OK;
}

bool fli_epmd_names_next(const fli_epmd_names *names, size_t *cursor, fli_epmd_node *ret_node)
{
	const fli_buf *reply = &names->reply;

	if (reply->size < PORT_BYTES)
		return false;
	return fli_epmd_read_names(
		fli_cursor_make(reply->data + PORT_BYTES, reply->size - PORT_BYTES), cursor,
		ret_node);
}
