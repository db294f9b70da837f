/* SPDX-License-Identifier: Apache-2.0 */
/* Rooms found by any name, and what is said on a floor heard in all of its rooms.
 *     {open, Name, Floor}   a room, found by {room, Name}: {ok, Pid} | {error, taken}
 *     {say, Floor, Text}    ok          {heard, Name}   how much it has heard: N | nobody
 * :erpc.call(node, Registry, :lookup, [:rooms, {:room, "blue"}]) gives [{pid, nil}]. */
#include <flitch.h>

static int room_init(fl_proc *self, void *state, fl_term floor)
{
	(void)state; /* zeroed; its end unregisters the room, here and there */
	return fl_registry_register(self, "floors", NULL, "{~, []}", floor);
}

static int room_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	(void)self, (void)request; /* whatever is asked */
	return fl_reply(from, "~", *(int64_t *)state);
}

static int room_info(fl_proc *self, void *state, fl_term message)
{
	(void)self;
	*(int64_t *)state += fl_match(message, "{said, _}");
	return FL_OK;
}

static const fl_behaviour rooms = {.name = "rooms", .registry = &(const fl_registry){0}};
static const fl_behaviour floors = {
	.name = "floors", .registry = &(const fl_registry){.keys = FL_DUPLICATE}};
static const fl_behaviour room = {.name = "room",
	.state_size = sizeof(int64_t),
	.init = room_init,
	.call = room_call,
	.info = room_info};

static int lobby_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	fl_term name, floor, reply;
	fl_pid pid;

	(void)state; /* it has none */
	if (fl_match(request, "{open, ~, ~}", &name, &floor)) {
		fl_start_options as = {.via = fl_via("rooms", "{room, ~}", name)};

		return fl_start(self, &room, &as, &pid, "~", floor) == FL_OK
			       ? fl_reply(from, "{ok, ~}", pid)
			       : fl_reply(from, "{error, taken}");
	}
	if (fl_match(request, "{heard, ~}", &name))
		return fl_call(self, fl_via("rooms", "{room, ~}", name), 5000, &reply, "heard")
			       ? fl_reply(from, "nobody")
			       : fl_reply(from, "~", reply);
	if (fl_match(request, "{say, ~, ~}", &floor, &name) &&
		fl_registry_publish(self, "floors", "{~, {said, ~}}", floor, name) == FL_OK)
		return fl_reply(from, "ok");
	return fl_unhandled(self, request);
}

static const fl_behaviour lobby = {.name = "lobby", .call = lobby_call};
FL_MODULE(&rooms, &floors, &lobby);
