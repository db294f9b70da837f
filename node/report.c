/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The report of a server's end, worded as OTP's: to the node's log, and, when the server's group
 * leader is on another node, to that node's logger (logger_proxy), as OTP does.
 */
#include <stdio.h>

#include "node/runtime.h"
#include "node/term/peek.h"

#define TEXT_MAX 1024

const char *fli_proc_text(const fl_proc *proc, char *ret_text, size_t size)
{
	fl_pid pid = fli_proc_pid(proc);

	if (proc->name != NULL)
		(void)snprintf(
			ret_text, size, "%.*s", (int)proc->name->text.size, proc->name->text.text);
	else
		(void)snprintf(ret_text, size, "<%.*s.%u.%u>", (int)pid.node.size, pid.node.text,
			pid.id, pid.serial);
	return ret_text;
}

/* normal, shutdown, {shutdown, _} are no news. */
static bool is_ordinary(fl_term reason)
{
	fl_term rest;

	return fl_match(reason, "normal") || fl_match(reason, "shutdown") ||
	       fl_match(reason, "{shutdown, ~}", &rest);
}

static fl_term last_message(const fl_proc *proc, const fli_msg *last)
{
	static const uint8_t none[] = {119, 4, 'n', 'o', 'n', 'e'};

	if (last == NULL)
		return fli_term(proc->node, none, sizeof none);
	return fli_term(proc->node, last->data + last->body, last->size - last->body);
}

static void tell_logger(fl_proc *proc, const char *name, fl_term reason, fl_term last)
{
	fl_node *node = proc->node;
	fl_pid leader = fli_proc_group_leader(proc);
	fl_dest to = {.kind = FL_TO_NAME,
		.as.name = {.text = fl_atom_of("logger_proxy"), .node = leader.node}};

	if (fli_pid_is_local(node, &leader))
		return;
	(void)fli_send_spec(node, proc, &to, /* best effort, as in OTP */
		fl_spec("{log, error, \"** Generic server ~ts terminating~n** Last message in was "
			"~tp~n** Reason for termination ==~n** ~tp~n\", [~, ~, ~], #{pid => ~, gl => "
			"~, time => ~, error_logger => #{tag => error}}}",
			name, last, reason, fli_proc_pid(proc), leader,
			node->port->wall_us(node->port)));
}

void fli_report_stop(fl_proc *proc, fl_term reason, const fli_msg *last)
{
	char name[320], reason_text[TEXT_MAX], last_text[TEXT_MAX];
	fl_term message = last_message(proc, last);

	if (is_ordinary(reason))
		return;
	(void)fli_proc_text(proc, name, sizeof name);
	fli_log_write(&proc->node->log, FLI_ERROR,
		"** Generic server %s terminating ** Last message in was %s ** Reason for "
		"termination == %s",
		name, fl_print_to(last_text, sizeof last_text, message),
		fl_print_to(reason_text, sizeof reason_text, reason));
	tell_logger(proc, name, reason, message);
}
