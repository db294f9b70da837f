/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A door with a code lock, as the state machine of OTP's design principles.
 *     locked --{button, N} .. the code--> open --after 10 s, or `lock`--> locked
 * gen_statem:cast({door, node}, {button, 1}); gen_statem:call({door, node}, state): locked | open.
 * A `lock` that comes too early waits until the door is open.
 */
#include <flitch.h>

#define OPEN_MS 10000
#define CODE_LENGTH 4

static const int code[CODE_LENGTH] = {1, 2, 3, 4};

struct door {
	int right; /* buttons that were right so far */
};

static int locked(fl_proc *self, void *data, const fl_event *event)
{
	struct door *d = data;
	int button;

	if (event->type == FL_EVENT_ENTER) {
		d->right = 0;
		return FL_OK;
	}
	if (event->type == FL_EVENT_CALL && fl_match(event->content, "state"))
		return fl_reply(event->from, "locked");
	if (event->type == FL_EVENT_CALL && fl_match(event->content, "lock"))
		return fl_postpone(self);
	if (!fl_match(event->content, "{button, ~}", &button))
		return fl_unhandled(self, event->content);
	d->right = button == code[d->right] ? d->right + 1 : 0;
	return d->right == CODE_LENGTH ? fl_next_state(self, "open") : FL_OK;
}

static int opened(fl_proc *self, void *data, const fl_event *event)
{
	(void)data; /* nothing to remember while it is open */
	if (event->type == FL_EVENT_ENTER)
		return fl_state_timeout(self, OPEN_MS, "lock");
	if (event->type == FL_EVENT_STATE_TIMEOUT)
		return fl_next_state(self, "locked");
	if (event->type == FL_EVENT_CALL && fl_match(event->content, "state"))
		return fl_reply(event->from, "open");
	if (event->type == FL_EVENT_CALL && fl_match(event->content, "lock"))
		return fl_next_state(self, "locked") == FL_OK ? fl_reply(event->from, "ok")
							      : FL_STOP;
	return fl_match(event->content, "{button, _}") ? FL_OK : fl_unhandled(self, event->content);
}

static const fl_behaviour door = {.name = "door",
	.state_size = sizeof(struct door),
	.statem = &(const fl_statem){
		.states = (const fl_state[]){{"locked", locked}, {"open", opened}, {NULL, NULL}},
		.state_enter = true}};

FL_MODULE(&door);
