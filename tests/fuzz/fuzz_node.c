/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole node, its services and two servers, under whatever a peer with the right cookie sends.
 *
 * The input is a list of frames: a choice, a size, and so many bytes. The choice names a control
 * message (a send to one of the node's own names, a monitor, a link, a spawn request, ...) whose
 * payload are the bytes, as they are or as Erlang's notation for a term; or the bytes are the frame
 * alone. After each frame the node runs until nothing is left to do; at the end it must close.
 */
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/guest.h"

/* Those that end in `!` take a payload. */
static const char *const controls[] = {
	"{6, " GUEST_ME ", '', rex}!",
	"{6, " GUEST_ME ", '', net_kernel}!",
	"{6, " GUEST_ME ", '', user}!",
	"{6, " GUEST_ME ", '', logger}!",
	"{6, " GUEST_ME ", '', flitch_services}!",
	"{6, " GUEST_ME ", '', flitch_sup}!",
	"{6, " GUEST_ME ", '', friendly}!",
	"{6, " GUEST_ME ", '', plain}!",
	"{29, " GUEST_REF ", " GUEST_ME ", " GUEST_ME ", {erpc, execute_call, 4}, [monitor]}!",
	"{29, " GUEST_REF ", " GUEST_ME ", " GUEST_ME ", {erlang, process_info, 2}, [link]}!",
	"{29, " GUEST_REF ", " GUEST_ME ", " GUEST_ME ", {gen_server, call, 2}, [link, monitor]}!",
	"{29, " GUEST_REF ", " GUEST_ME ", " GUEST_ME ", {sys, get_state, 1}, []}!",
	"{19, " GUEST_ME ", friendly, " GUEST_REF "}",
	"{19, " GUEST_ME ", plain, " GUEST_REF "}",
	"{20, " GUEST_ME ", friendly, " GUEST_REF "}",
	"{19, " GUEST_ME ", <a@h.x.1.0>, " GUEST_REF "}",
	"{1, " GUEST_ME ", <a@h.x.2.0>}",
	"{35, 1, " GUEST_ME ", <a@h.x.2.0>}",
	"{24, " GUEST_ME ", <a@h.x.2.0>}!",
	"{26, " GUEST_ME ", <a@h.x.3.0>}!",
	"{37, 24, " GUEST_ME ", friendly}!",
};

static bool build(guest *g, uint8_t choice, const uint8_t *bytes, size_t size)
{
	char control[128];
	size_t length;

	strcpy(control, controls[(choice & 0x3f) % (sizeof controls / sizeof *controls)]);
	length = strlen(control);
	if (control[length - 1] != '!') {
		guest_begin(g, control);
		return true;
	}
	control[length - 1] = '\0';
	guest_begin(g, control);
	if ((choice & 0x40) == 0)
		return guest_add_text(&g->frame, (const char *)bytes, size);
	fli_buf_add(&g->frame, bytes, size);
	return true;
}

static bool step(guest *g, uint8_t choice, const uint8_t *bytes, size_t size)
{
	if ((choice & 0x80) == 0)
		return !build(g, choice, bytes, size) || guest_send(g);
	g->frame.size = 0;
	fli_buf_add(&g->frame, bytes, size);
	return guest_send(g);
}

static void talk(guest *g, fli_cursor c)
{
	const uint8_t *bytes;
	uint8_t choice, size;

	for (int i = 0; i < 8 && fli_take8(&c, &choice) && fli_take8(&c, &size); i++) {
		size_t wanted = i == 7 || size == 255 || size > fli_left(&c) ? fli_left(&c) : size;

		(void)fli_take(&c, wanted, &bytes);
		if (!step(g, choice, bytes, wanted))
			return;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static guest g;

	guest_open(&g);
	talk(&g, fli_cursor_make(data, size));
	guest_close(&g);
	return 0;
}
