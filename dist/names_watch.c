/* SPDX-License-Identifier: Apache-2.0 */
#include "dist/names_watch.h"

#include "dist/global_act.h"
#include "node/owned.h"
#include "node/sched.h"

static void on_drop(void *block)
{
	fli_names_watch *watch = block;

	fli_list_remove(&watch->link);
}

fli_names_watch *fli_names_watch_new(fl_proc *self, fl_term name)
{
	fl_node *node = fl_self_node(self);
	fli_global_service *s;
	fli_names_watch *watch;

	fli_enter(node);
	s = fli_global_service_of(node);
	watch = fli_owned_alloc_with(self, sizeof *watch, on_drop);
	if (watch != NULL) {
		watch->pid = fli_proc_pid(self);
		watch->name = name;
		watch->is_due = false;
		atomic_init(&watch->is_told, false);
		fli_list_create(&watch->link);
		if (s != NULL)
			fli_list_append(&s->watches, &watch->link);
	}
	fli_leave(node);
	return watch;
}

void fli_names_watch_take(fli_names_watch *watch)
{
	/* acquire: the look that follows sees what was there when the message was sent */
	(void)atomic_exchange_explicit(&watch->is_told, false, memory_order_acq_rel);
}

void fli_names_watch_mark(fli_link *watches, fl_term name)
{
	for (fli_link *l = watches->next; l != watches; l = l->next) {
		fli_names_watch *w = fli_container_of(l, fli_names_watch, link);

		if (name.data == NULL || w->name.data == NULL || fl_equal(w->name, name))
			w->is_due = true;
	}
}

void fli_names_watch_tell(fl_node *node, fli_link *watches)
{
	for (fli_link *l = watches->next; l != watches; l = l->next) {
		fli_names_watch *w = fli_container_of(l, fli_names_watch, link);
		fl_dest to = fl_to_pid(w->pid);

		if (!w->is_due)
			continue;
		/* release: pairs with the exchange above */
		if (!atomic_exchange_explicit(&w->is_told, true, memory_order_acq_rel) &&
			fli_send_spec(node, NULL, &to, fl_spec(FLI_NAMES_CHANGED)) == FL_ENOMEM) {
			atomic_store_explicit(&w->is_told, false, memory_order_release);
			continue; /* it stays due */
		}
		w->is_due = false;
	}
}
