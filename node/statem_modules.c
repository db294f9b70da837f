/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Another behaviour for a state machine that runs: gen_statem's change_callback_module and its
 * stack. State, Data, events and timeouts stay; what is asked for in a handler comes when it has
 * returned FL_OK, so an enter call is the new one's.
 */
#include "node/statem.h"

#include <string.h>

static fli_statem *asked(fl_proc *self)
{
	fli_statem *s = fli_is_statem(self) ? fli_statem_of(self) : NULL;

	if (s == NULL || s->machine == NULL)
		return NULL;
	if (s->machine->is_entering)
		s->machine->misused = true;
	return s->machine->is_entering ? NULL : s;
}

/* Its Data must be the room that is there. */
static bool fits(const fli_statem *s, const fl_behaviour *behaviour)
{
	return behaviour->statem != NULL &&
	       behaviour->state_size <= s->self->behaviour->state_size - sizeof *s;
}

static const fl_behaviour *newest(const fli_statem *s)
{
	return s->next != NULL ? s->next : s->user;
}

static uint8_t depth(const fli_statem *s)
{
	return s->next != NULL ? s->next_count : s->below_count;
}

int fl_change_statem(fl_proc *self, const fl_behaviour *behaviour)
{
	fli_statem *s = asked(self);

	if (s == NULL)
		return FL_EMISUSE;
	if (!fits(s, behaviour))
		return FL_EINVAL;
	s->next_count = depth(s);
	s->next = behaviour;
	return FL_OK;
}

int fl_push_statem(fl_proc *self, const fl_behaviour *behaviour)
{
	fli_statem *s = asked(self);
	uint8_t count;

	if (s == NULL)
		return FL_EMISUSE;
	if (!fits(s, behaviour))
		return FL_EINVAL;
	count = depth(s);
	if (count == FL_STATEM_MODULES_MAX)
		return FL_ELIMIT;
	s->below[count] = newest(s);
	s->next_count = (uint8_t)(count + 1);
	s->next = behaviour;
	return FL_OK;
}

int fl_pop_statem(fl_proc *self)
{
	fli_statem *s = asked(self);
	uint8_t count;

	if (s == NULL)
		return FL_EMISUSE;
	count = depth(s);
	if (count == 0)
		return FL_ENOENT;
	s->next_count = (uint8_t)(count - 1);
	s->next = s->below[s->next_count];
	return FL_OK;
}

int fli_statem_changed(fli_statem *s, int rc)
{
	if (s->next == NULL)
		return rc;
	if (rc == FL_OK) {
		s->user = s->next;
		s->table = s->user->statem;
		s->below_count = s->next_count;
		s->machine->state_enter = s->table->state_enter;
	}
	s->next = NULL;
	return rc;
}

void fli_statem_modules_write(fl_proc *proc, fl_buf *buf)
{
	const fli_statem *s = fli_statem_of(proc);
	const fl_behaviour *user = s->user != NULL ? s->user : proc->behaviour;

	fl_list_open(buf);
	(void)fl_build(buf, "~", fl_atom_of(user->name));
	for (uint8_t i = s->below_count; i > 0; i--)
		(void)fl_build(buf, "~", fl_atom_of(s->below[i - 1]->name));
	fl_list_close(buf);
}
