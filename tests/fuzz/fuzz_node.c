/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole node, its services and two servers, under whatever a peer with the right cookie sends.
 *
 * The input is a list of frames: a choice, a size, and so many bytes. The choice names a control
 * message (a send to one of the node's own names, a monitor, a link, a spawn request, ...) whose
 * payload are the bytes, as they are or as Erlang's notation for a term; or the bytes are the frame
 * alone. After each frame the node runs until nothing is left to do; at the end it must close.
 */
#include <stdlib.h>
#include <string.h>

#include "dist/digest.h"
#include "dist/flags.h"
#include "dist/services.h"
#include "node/supervisor.h"
#include "tests/support/lab.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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

/* ---- frames ---------------------------------------------------------------------------------- */

#define ME "<x@h.x.1.0>"
#define REF "#Ref<x@h.x.1.2.3>"

/* Those that end in `!` take a payload. */
static const char *const controls[] = {
	"{6, " ME ", '', rex}!",
	"{6, " ME ", '', net_kernel}!",
	"{6, " ME ", '', user}!",
	"{6, " ME ", '', logger}!",
	"{6, " ME ", '', flitch_services}!",
	"{6, " ME ", '', flitch_sup}!",
	"{6, " ME ", '', friendly}!",
	"{6, " ME ", '', plain}!",
	"{29, " REF ", " ME ", " ME ", {erpc, execute_call, 4}, [monitor]}!",
	"{29, " REF ", " ME ", " ME ", {erlang, process_info, 2}, [link]}!",
	"{29, " REF ", " ME ", " ME ", {gen_server, call, 2}, [link, monitor]}!",
	"{29, " REF ", " ME ", " ME ", {sys, get_state, 1}, []}!",
	"{19, " ME ", friendly, " REF "}",
	"{19, " ME ", plain, " REF "}",
	"{20, " ME ", friendly, " REF "}",
	"{19, " ME ", <a@h.x.1.0>, " REF "}",
	"{1, " ME ", <a@h.x.2.0>}",
	"{35, 1, " ME ", <a@h.x.2.0>}",
	"{24, " ME ", <a@h.x.2.0>}!",
	"{26, " ME ", <a@h.x.3.0>}!",
	"{37, 24, " ME ", friendly}!",
};

/* `<a@h.x.1.0>` has no creation in text: the node's own is put in where it belongs. */
static bool add_text(fli_buf *frame, const char *text, size_t size)
{
	fl_buf term = FL_BUF_INIT;
	bool ok = fl_read(&term, text, size, NULL) == FL_OK;

	if (ok)
		fli_buf_add(frame, term.data, term.size);
	fl_buf_free(&term);
	return ok;
}

static void localize(fli_buf *frame, const fl_node *node)
{
	static const uint8_t name[] = {119, 5, 'a', '@', 'h', '.', 'x'};
	const size_t pid_size = sizeof name + 12;

	for (size_t at = 0; at + 1 + pid_size <= frame->size; at++)
		if (frame->data[at] == 88 && memcmp(frame->data + at + 1, name, sizeof name) == 0)
			fli_put32(frame->data + at + 1 + sizeof name + 8, node->creation);
}

static bool build(fli_buf *frame, uint8_t choice, const uint8_t *bytes, size_t size)
{
	const char *control = controls[(choice & 0x3f) % (sizeof controls / sizeof *controls)];
	size_t length = strlen(control);
	bool has_payload = control[length - 1] == '!';

	fli_buf_add8(frame, 131);
	fli_buf_add8(frame, 68);
	fli_buf_add8(frame, 0);
	if (!add_text(frame, control, has_payload ? length - 1 : length))
		abort();
	if (!has_payload)
		return true;
	if ((choice & 0x40) == 0)
		return add_text(frame, (const char *)bytes, size);
	fli_buf_add(frame, bytes, size);
	return true;
}

static void send_frame(lab *l, lab_sock *sock, uint8_t choice, const uint8_t *bytes, size_t size)
{
	uint8_t length[4];
	fli_buf frame;

	fli_buf_create(&frame, fli_mem_libc(), 0);
	if ((choice & 0x80) != 0) {
		fli_buf_add(&frame, bytes, size);
	} else if (!build(&frame, choice, bytes, size)) {
		fli_buf_destroy(&frame);
		return;
	}
	localize(&frame, l->hosts[0].node);
	fli_put32(length, (uint32_t)frame.size);
	lab_visit_write(sock, length, sizeof length);
	if (frame.size > 0)
		lab_visit_write(sock, frame.data, frame.size);
	fli_buf_destroy(&frame);
	lab_run(l);
}

static void talk(lab *l, lab_sock *sock, fli_cursor c)
{
	const uint8_t *bytes;
	uint8_t choice, size;

	for (int i = 0; i < 8 && fli_take8(&c, &choice) && fli_take8(&c, &size); i++) {
		size_t wanted = i == 7 || size == 255 || size > fli_left(&c) ? fli_left(&c) : size;

		(void)fli_take(&c, wanted, &bytes);
		send_frame(l, sock, choice, bytes, wanted);
		if (lab_visit_is_over(sock))
			return;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static lab l;
	lab_host *host;
	lab_sock *sock;

	lab_open(&l, fli_mem_libc());
	host = lab_add(&l, "a@h.x", NULL);
	if (host == NULL)
		abort();
	furnish(host);
	lab_run(&l);
	sock = lab_visit(host);
	lab_run(&l);
	if (!get_in(&l, sock))
		abort();
	talk(&l, sock, fli_cursor_make(data, size));
	lab_close(&l);
	return 0;
}
