/* SPDX-License-Identifier: Apache-2.0 */
/* <flitch/registry.h>: each function takes the context, does one thing, gives it back. */
#include "node/registry.h"
#include "node/sched.h"

/* What a call needs. The context is held from begin to end. */
typedef struct asked {
	fl_proc *self;
	fli_registry *registry;
	fl_buf buf;
	fl_term term; /* what the pattern builds */
} asked;

/* FL_OK, or why not; `end` follows in any case. */
static int begin(asked *a, fl_proc *self, const char *registry, const fl_spec *spec)
{
	*a = (asked){.self = self};
	fli_enter(fl_self_node(self));
	if (self->status == FLI_EXITING)
		return FL_ECLOSED;
	a->registry = fli_registry_find(self->node, fl_atom_of(registry));
	if (a->registry == NULL)
		return FL_ENOPROC;
	if (spec == NULL)
		return FL_OK;
	(void)fl_build_values(&a->buf, spec->pattern, spec->values, spec->count);
	a->term = fl_buf_term(&a->buf);
	return a->buf.error;
}

static int end(asked *a, int rc)
{
	fli_leave(a->self->node);
	fl_buf_free(&a->buf);
	return rc;
}

/* ---- of the process itself --------------------------------------------------------------------
 */

int fl_registry_register_spec(
	fl_proc *self, const char *registry, fl_pid *ret_owner, fl_spec key_and_value)
{
	fl_term key, value;
	fl_proc *owner;
	asked a;
	int rc = begin(&a, self, registry, &key_and_value);

	if (rc == FL_OK && !fl_match(a.term, "{~, ~}", &key, &value))
		rc = FL_EMISUSE;
	if (rc == FL_OK)
		rc = fli_registry_register(a.registry, self, key, value, &owner);
	if (rc == FL_ETAKEN && ret_owner != NULL)
		*ret_owner = fli_proc_pid(owner);
	return end(&a, rc);
}

int fl_registry_unregister_spec(fl_proc *self, const char *registry, fl_spec key)
{
	asked a;
	int rc = begin(&a, self, registry, &key);

	return end(&a, rc == FL_OK ? fli_registry_unregister(a.registry, self, a.term) : rc);
}

int fl_registry_unregister_match_spec(fl_proc *self, const char *registry, fl_spec what)
{
	asked a;
	int rc = begin(&a, self, registry, &what);

	return end(&a, rc == FL_OK ? fli_registry_unregister_match(a.registry, self, a.term) : rc);
}

static int replace(fli_reg_entry *entry, fl_registry_update *update, void *arg)
{
	fl_node *node = entry->proc->node;
	fl_buf buf = FL_BUF_INIT;
	fli_kept *kept = NULL;
	int rc = update(arg, fli_reg_value(entry), &buf);

	if (rc == FL_OK)
		rc = buf.error;
	if (rc == FL_OK && buf.size > FLI_REGISTRY_TERM_BYTES_MAX)
		rc = FL_ELIMIT;
	if (rc == FL_OK) {
		kept = fli_keep(node->mem, fl_buf_term(&buf));
		rc = kept == NULL ? FL_ENOMEM : FL_OK;
	}
	if (kept != NULL) {
		fli_free(node->mem, entry->value);
		entry->value = kept;
	}
	fl_buf_free(&buf);
	return rc;
}

int fl_registry_update_value_spec(
	fl_proc *self, const char *registry, fl_registry_update *update, void *arg, fl_spec key)
{
	fli_reg_wanted wanted;
	fli_reg_entry *entry = NULL;
	asked a;
	int rc = begin(&a, self, registry, &key);

	if (rc == FL_OK && a.registry->config->keys != FL_UNIQUE)
		rc = FL_ENOTSUP;
	if (rc == FL_OK)
		rc = fli_registry_want(a.registry, a.term, &wanted);
	if (rc == FL_OK)
		entry = fli_registry_next(a.registry, &wanted, NULL);
	if (rc == FL_OK)
		rc = entry == NULL || entry->proc != self ? FL_ENOENT : replace(entry, update, arg);
	return end(&a, rc);
}

/* ---- looking ----------------------------------------------------------------------------------
 */

int fl_registry_lookup_spec(fl_proc *self, const char *registry, fl_buf *ret_list, fl_spec key)
{
	asked a;
	int rc = begin(&a, self, registry, &key);

	return end(&a, rc == FL_OK ? fli_registry_lookup(a.registry, a.term, ret_list) : rc);
}

int fl_registry_match_spec(fl_proc *self, const char *registry, fl_buf *ret_list, fl_spec what)
{
	asked a;
	int rc = begin(&a, self, registry, &what);

	return end(&a, rc == FL_OK ? fli_registry_match(a.registry, a.term, ret_list, NULL) : rc);
}

int fl_registry_count_match_spec(
	fl_proc *self, const char *registry, size_t *ret_count, fl_spec what)
{
	asked a;
	int rc = begin(&a, self, registry, &what);

	return end(&a, rc == FL_OK ? fli_registry_match(a.registry, a.term, NULL, ret_count) : rc);
}

int fl_registry_select_spec(fl_proc *self, const char *registry, fl_buf *ret_list, fl_spec spec)
{
	asked a;
	int rc = begin(&a, self, registry, &spec);

	return end(&a, rc == FL_OK ? fli_registry_select(a.registry, a.term, ret_list, NULL) : rc);
}

int fl_registry_count_select_spec(
	fl_proc *self, const char *registry, size_t *ret_count, fl_spec spec)
{
	asked a;
	int rc = begin(&a, self, registry, &spec);

	return end(&a, rc == FL_OK ? fli_registry_select(a.registry, a.term, NULL, ret_count) : rc);
}

int fl_registry_values_spec(
	fl_proc *self, const char *registry, fl_pid pid, fl_buf *ret_list, fl_spec key)
{
	asked a;
	int rc = begin(&a, self, registry, &key);

	return end(&a, rc == FL_OK ? fli_registry_values(a.registry, a.term, &pid, ret_list) : rc);
}

int fl_registry_keys_of(fl_proc *self, const char *registry, fl_pid pid, fl_buf *ret_list)
{
	asked a;
	int rc = begin(&a, self, registry, NULL);

	return end(&a, rc == FL_OK ? fli_registry_keys_of(a.registry, &pid, ret_list) : rc);
}

int fl_registry_count(fl_proc *self, const char *registry, size_t *ret_count)
{
	asked a;
	int rc = begin(&a, self, registry, NULL);

	if (rc == FL_OK)
		*ret_count = a.registry->count;
	return end(&a, rc);
}

int fl_registry_whereis_spec(fl_proc *self, const char *registry, fl_pid *ret_pid, fl_spec key)
{
	const fl_proc *owner = NULL;
	fli_reg_wanted wanted;
	asked a;
	int rc = begin(&a, self, registry, &key);

	if (rc == FL_OK && a.registry->config->keys != FL_UNIQUE)
		rc = FL_ENOTSUP;
	if (rc == FL_OK)
		rc = fli_registry_want(a.registry, a.term, &wanted);
	if (rc == FL_OK)
		owner = fli_registry_owner(a.registry, &wanted);
	if (owner != NULL)
		*ret_pid = fli_proc_pid(owner);
	else if (rc == FL_OK)
		rc = FL_ENOENT;
	return end(&a, rc);
}

/* ---- publish and subscribe --------------------------------------------------------------------
 */

/* The lists of the partitions, one after the other. */
static int write_partitions(asked *a, fl_buf *lists)
{
	const fli_reg_partition *last = NULL;
	fli_reg_wanted wanted;
	fli_reg_entry *entry = NULL;
	int rc = fli_registry_want(a->registry, a->term, &wanted);

	if (rc != FL_OK)
		return rc;
	fl_list_open(lists);
	while ((entry = fli_registry_next(a->registry, &wanted, entry)) != NULL) {
		if (entry->key->partition != last && last != NULL)
			fl_list_close(lists);
		if (entry->key->partition != last)
			fl_list_open(lists);
		last = entry->key->partition;
		(void)fl_build(lists, "{~, ~}", fli_proc_pid(entry->proc), fli_reg_value(entry));
	}
	if (last != NULL)
		fl_list_close(lists);
	fl_list_close(lists);
	return lists->error;
}

int fl_registry_dispatch_spec(
	fl_proc *self, const char *registry, fl_registry_each *each, void *arg, fl_spec key)
{
	fl_buf lists = FL_BUF_INIT;
	fl_term left, entries;
	asked a;
	int rc = begin(&a, self, registry, &key);

	if (rc == FL_OK)
		rc = write_partitions(&a, &lists);
	rc = end(&a, rc);
	if (rc == FL_OK) {
		left = fl_buf_term(&lists);
		left.atoms = self->node->atoms;
		while (fl_list_next(&left, &entries))
			each(self, arg, entries);
	}
	fl_buf_free(&lists);
	return rc;
}

static void send_each(fl_proc *self, void *arg, fl_term entries)
{
	const fl_term *message = arg;
	fl_term entry;
	fl_pid pid;

	while (fl_list_next(&entries, &entry))
		if (fl_match(entry, "{~, _}", &pid))
			(void)fl_send(self, pid, "~", *message); /* one that ended needs none */
}

int fl_registry_publish_spec(fl_proc *self, const char *registry, fl_spec key_and_message)
{
	fl_buf buf = FL_BUF_INIT;
	fl_term key, message;
	int rc = fl_build_values(
		&buf, key_and_message.pattern, key_and_message.values, key_and_message.count);

	if (rc == FL_OK && !fl_match(fl_buf_term(&buf), "{~, ~}", &key, &message))
		rc = FL_EMISUSE;
	if (rc == FL_OK)
		rc = fl_registry_dispatch(self, registry, send_each, &message, "~", key);
	fl_buf_free(&buf);
	return rc;
}

/* ---- metadata ---------------------------------------------------------------------------------
 */

int fl_registry_meta_spec(fl_proc *self, const char *registry, fl_buf *ret_value, fl_spec key)
{
	fl_term value;
	asked a;
	int rc = begin(&a, self, registry, &key);

	if (rc == FL_OK)
		rc = fli_registry_meta_get(a.registry, a.term, &value);
	if (rc == FL_OK)
		rc = fl_build(ret_value, "~", value);
	return end(&a, rc);
}

int fl_registry_put_meta_spec(fl_proc *self, const char *registry, fl_spec key_and_value)
{
	fl_term key, value;
	asked a;
	int rc = begin(&a, self, registry, &key_and_value);

	if (rc == FL_OK && !fl_match(a.term, "{~, ~}", &key, &value))
		rc = FL_EMISUSE;
	if (rc == FL_OK)
		rc = fli_registry_meta_put(a.registry, key, value);
	return end(&a, rc);
}

int fl_registry_delete_meta_spec(fl_proc *self, const char *registry, fl_spec key)
{
	asked a;
	int rc = begin(&a, self, registry, &key);

	return end(&a, rc == FL_OK ? fli_registry_meta_delete(a.registry, a.term) : rc);
}
