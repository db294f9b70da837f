/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a node reads anew while it serves, by SIGHUP or by flitch:reload/0.
 *
 *  - All of the new options is looked at first, then the files of certificates, then the rest is
 *    taken, which only want of memory can keep from being done.
 *  - Who is connected stays, also where a list would not let it in any more; it is the next
 *    connection that is judged by it. Requests are judged by the new rules at once.
 *
 * What goes wrong: any member may ask by rpc, as often as it likes, and each time files are read
 * and a line is logged. So one reads at a time, once in FLI_RELOAD_GAP_MS; who asks meanwhile is
 * told when to ask again. SIGHUP is the operator's, and does not wait.
 */
#include <stdatomic.h>

#include "cluster/access_options.h"
#include "cluster/node.h"
#include "node/natives.h"
#include "node/sched.h"

static int take(fli_member *member, const fl_options *fresh, fl_error *err)
{
	fl_node *node = member->core.node;
	int rc = FL_OK;

	if (member->tls != NULL)
		rc = fli_tls_reload(member->tls, err);
	if (rc == FL_OK)
		rc = fli_access_apply(node, fresh, err);
	if (rc == FL_OK && member->core.dist != NULL &&
		fli_dist_set_allow(member->core.dist, fli_options_items(fresh, FLI_KEY_DIST_ALLOW),
			fli_options_count(fresh, FLI_KEY_DIST_ALLOW)) != FL_OK)
		rc = fl_error_set(err, FL_ENOMEM, "out of memory");
	if (rc == FL_OK)
		atomic_store(&node->log.level, (int)fli_options_int(fresh, FLI_KEY_LOG_LEVEL));
	return rc;
}

int fli_node_reload(fl_node *node, const fl_options *fresh, fl_error *err)
{
	int rc = fli_options_check(fresh, err);

	if (rc != FL_OK)
		return rc;
	fli_enter(node);
	rc = take(fli_member_of(node), fresh, err);
	fli_leave(node);
	return rc;
}

static int read_anew(const fli_core *core, fl_buf *result)
{
	fl_error err = {0};

	if (core->reload(core->reload_ctx, &err) == FL_OK)
		return fl_build(result, "ok");
	return fl_build(result, "{error, ~}", (const char *)err.what);
}

static int too_soon(uint64_t wait_ms, fl_buf *result)
{
	return fl_build(result, "{error, {too_soon, ~}}", wait_ms);
}

static int reload(fl_proc *self, fl_term args, fl_buf *result)
{
	fli_core *core = fli_core_of(fl_self_node(self));
	uint64_t now_ms = fl_now_ms(self), next_ms;
	int rc;

	(void)args; /* none */
	if (core->reload == NULL)
		return fl_build(result, "{error, notsup}"); /* options that a program made */
	/* acquire: what the last one wrote, and its time, come before this one */
	if (atomic_exchange_explicit(&core->is_reloading, true, memory_order_acquire))
		return too_soon(FLI_RELOAD_GAP_MS, result);
	next_ms = atomic_load_explicit(&core->next_read_ms, memory_order_relaxed);
	if (now_ms < next_ms) {
		rc = too_soon(next_ms - now_ms, result);
	} else {
		rc = read_anew(core, result);
		atomic_store_explicit(&core->next_read_ms, fl_now_ms(self) + FLI_RELOAD_GAP_MS,
			memory_order_relaxed);
	}
	/* release: pairs with the exchange above */
	atomic_store_explicit(&core->is_reloading, false, memory_order_release);
	return rc;
}

static const fl_export exports[] = {{"flitch", "reload", 0, reload}};

int fli_natives_reload(fl_node *node)
{
	return fli_exports_add_own(node, exports, FLI_EXPORT_COUNT(exports), FLI_EXPORT_DEFAULT);
}
