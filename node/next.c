/* SPDX-License-Identifier: Apache-2.0 */
/* What a handler asks for as it returns: an end, a continue, a timeout. */
#include <string.h>

#include "node/log_event.h"
#include "node/runtime.h"
#include "node/sched.h"

int fl_stop_spec(fl_proc *self, fl_spec reason)
{
	fli_enter(self->node);
	if (self->status != FLI_EXITING && fli_reason_set(self, reason) != FL_OK)
		self->reason_is_lost = true; /* it ends as `killed`, and not as what it is not */
	fli_leave(self->node);
	return FL_STOP;
}

/* As Elixir's GenServer, whose words the line has. */
static void log_unexpected(fl_proc *self, fl_term message)
{
	char name[320], text[512];
	fl_node *node = self->node;

	fli_enter(node); /* somebody may unregister its name */
	(void)fli_proc_text(self, name, sizeof name);
	fli_leave(node);
	(void)fl_print_to(text, sizeof text, message);
	fli_log_limited(&node->log, fl_now_ms(self), FLI_ERROR,
		"%s received unexpected message: %s", name, text);
	fli_enter(node);
	fli_logger_tell(self, FL_LOG_ERROR,
		fl_spec("{\"~ts received unexpected message: ~ts~n\", [~, ~]}",
			((fl_bin){name, strlen(name)}), ((fl_bin){text, strlen(text)})),
		fl_spec("#{error_logger => #{tag => error_msg}}"));
	fli_leave(node);
}

int fl_unhandled(fl_proc *self, fl_term message)
{
	switch ((fli_msg_kind)self->current_kind) {
	case FLI_MSG_CALL: return fl_stop(self, "{bad_call, ~}", message);
	case FLI_MSG_CAST: return fl_stop(self, "{bad_cast, ~}", message);
	default: log_unexpected(self, message); return FL_OK;
	}
}

int fl_next_continue_spec(fl_proc *self, fl_spec what)
{
	fl_buf buf = FL_BUF_INIT;
	fl_node *node = self->node;
	fli_extra *extra;
	int rc = fl_build_values(&buf, what.pattern, what.values, what.count);

	if (rc == FL_OK) {
		fli_enter(node);
		extra = self->status == FLI_EXITING ? NULL : fli_proc_extra(self);
		if (extra != NULL) {
			fli_msg_free(node, extra->continue_);
			extra->continue_ = fli_msg_of_term(node, fl_buf_term(&buf));
		}
		rc = extra == NULL || extra->continue_ == NULL ? FL_ENOMEM : FL_OK;
		fli_leave(node);
	}
	fl_buf_free(&buf);
	return rc;
}

static void idle_is_over(fli_timer *timer)
{
	fli_extra *extra = fli_container_of(timer, fli_extra, idle);

	extra->idle_due = true;
	if (extra->proc->status == FLI_WAITING)
		fli_run_queue_add(extra->proc);
}

void fl_next_timeout(fl_proc *self, uint32_t ms)
{
	fl_node *node = self->node;
	fli_extra *extra;

	fli_enter(node);
	extra = self->status == FLI_EXITING ? NULL : fli_proc_extra(self);
	if (extra != NULL) {
		extra->idle.fire = idle_is_over;
		fli_wheel_start(
			&node->wheel, &extra->idle, node->port->now_ns(node->port) / 1000000 + ms);
	}
	fli_leave(node);
}

void fl_next_hibernate(fl_proc *self)
{
	(void)self; /* an idle process of C holds nothing that could be given back */
}
