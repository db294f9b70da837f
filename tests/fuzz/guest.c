/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/guest.h"

#include <string.h>

#include "dist/digest.h"
#include "dist/flags.h"
#include "dist/services.h"
#include "node/supervisor.h"
#include "tests/fuzz/fuzz.h"

/* ---- what it talks to ------------------------------------------------------------------------ */

static int on_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	fl_pid pid;
	fl_ref ref;

	(void)state;
	if (fl_match(request, "{link, ~}", &pid))
		(void)fl_link(self, pid);
	else if (fl_match(request, "{monitor, ~}", &pid))
		(void)fl_monitor(self, pid, &ref);
	else if (fl_match(request, "later"))
		return fl_later(self, from);
	return fl_reply(from, "{ok, ~}", request);
}

static int on_any(fl_proc *self, void *state, fl_term message)
{
	(void)self;
	(void)state;
	(void)message;
	return FL_OK;
}

static const fl_behaviour friendly = {
	.name = "friendly", .call = on_call, .cast = on_any, .info = on_any, .trap_exit = true};
static const fl_behaviour plain = {.name = "plain"};

static void furnish(lab_host *host)
{
	fl_error err;

	fli_drive_begin(host->node);
	if (fli_supervisor_start(host->node) == FL_OK) {
		(void)fli_supervisor_start_child(host->node, &friendly, &err);
		(void)fli_supervisor_start_child(host->node, &plain, &err);
	}
	(void)fli_services_start(host->node);
	fli_drive_end(host->node);
}

/* ---- getting in ------------------------------------------------------------------------------ */

static void send_message(lab_sock *sock, const fli_buf *body)
{
	uint8_t length[2] = {(uint8_t)(body->size >> 8), (uint8_t)body->size};

	lab_visit_write(sock, length, sizeof length);
	lab_visit_write(sock, body->data, body->size);
}

/* The challenge stands behind the status "sok": length:2 's' 'o' 'k' length:2 'N' flags:8. */
static bool read_challenge(lab_sock *sock, uint32_t *ret_challenge)
{
	const uint8_t *got;

	if (lab_visit_read(sock, &got) < 5 + 2 + 1 + 8 + 4)
		return false;
	*ret_challenge = fli_get32(got + 5 + 2 + 1 + 8);
	return true;
}

static bool get_in(lab *l, lab_sock *sock)
{
	uint8_t digest[FLI_MD5_BYTES];
	uint32_t challenge;
	fli_buf body;

	fli_buf_create(&body, fli_mem_libc(), 0);
	fli_buf_add8(&body, 'N');
	fli_buf_add64(&body, FLI_DFLAGS_OWN);
	fli_buf_add32(&body, 17);
	fli_buf_add16(&body, 5);
	fli_buf_add_text(&body, "x@h.x");
	send_message(sock, &body);
	lab_run(l);
	if (read_challenge(sock, &challenge)) {
		fli_digest("secret", 6, challenge, digest);
		body.size = 0;
		fli_buf_add8(&body, 'r');
		fli_buf_add32(&body, 4711);
		fli_buf_add(&body, digest, sizeof digest);
		send_message(sock, &body);
		lab_run(l);
	}
	fli_buf_destroy(&body);
	return !lab_visit_is_over(sock);
}

/* ---- what the targets call ------------------------------------------------------------------- */

/* Pids of the node carry creation 0 in text: the node's own is put in where it belongs. */
static void localize(fli_buf *frame, const fl_node *node)
{
	static const uint8_t name[] = {119, 5, 'a', '@', 'h', '.', 'x'};
	const size_t pid_size = sizeof name + 12;

	for (size_t at = 0; at + 1 + pid_size <= frame->size; at++)
		if (frame->data[at] == 88 && memcmp(frame->data + at + 1, name, sizeof name) == 0)
			fli_put32(frame->data + at + 1 + sizeof name + 8, node->creation);
}

void guest_open(guest *g)
{
	lab_open(&g->net, fli_mem_libc());
	g->host = lab_add(&g->net, FUZZ_OWN, NULL);
	CHECK(g->host != NULL);
	furnish(g->host);
	lab_run(&g->net);
	g->sock = lab_visit(g->host);
	lab_run(&g->net);
	CHECK(get_in(&g->net, g->sock));
	fli_buf_create(&g->frame, fli_mem_libc(), 0);
}

void guest_close(guest *g)
{
	fli_buf_destroy(&g->frame);
	lab_pass(&g->net, GUEST_LAST_MS);
	lab_close(&g->net);
}

bool guest_add_text(fli_buf *out, const char *text, size_t size)
{
	fl_buf term = FL_BUF_INIT;
	bool ok = fl_read(&term, text, size, NULL) == FL_OK;

	if (ok)
		fli_buf_add(out, term.data, term.size);
	fl_buf_free(&term);
	return ok;
}

void guest_begin(guest *g, const char *control)
{
	static const uint8_t header[] = {131, 68, 0};

	g->frame.size = 0;
	fli_buf_add(&g->frame, header, sizeof header);
	CHECK(guest_add_text(&g->frame, control, strlen(control)));
}

bool guest_send(guest *g)
{
	uint8_t length[4];

	localize(&g->frame, g->host->node);
	fli_put32(length, (uint32_t)g->frame.size);
	lab_visit_write(g->sock, length, sizeof length);
	if (g->frame.size > 0)
		lab_visit_write(g->sock, g->frame.data, g->frame.size);
	lab_run(&g->net);
	return !lab_visit_is_over(g->sock);
}
