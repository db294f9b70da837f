/* SPDX-License-Identifier: Apache-2.0 */
#include "node/silent.h"

int fli_silent_call(fl_proc *self, void *state, fl_from from, fl_term request)
{
	(void)self;
	(void)state;
	(void)request;
	return fl_reply(from, "{error, notsup}");
}

int fli_silent_cast(fl_proc *self, void *state, fl_term message)
{
	(void)self;
	(void)state;
	(void)message;
	return FL_OK;
}
