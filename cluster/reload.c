/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a node reads anew while it serves, by SIGHUP or by flitch:reload/0.
 *
 *  - All of the new options is looked at first, then the files of certificates, then the rest is
 *    taken, which only want of memory can keep from being done.
 *  - Who is connected stays, also where a list would not let it in any more; it is the next
 *    connection that is judged by it. Requests are judged by the new rules at once.
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

static int reload(fl_proc *self, fl_term args, fl_buf *result)
{
	const fli_core *core = fli_core_of(fl_self_node(self));
	fl_error err = {0};

	(void)args; /* none */
	if (core->reload == NULL)
		return fl_build(result, "{error, notsup}"); /* options that a program made */
	if (core->reload(core->reload_ctx, &err) == FL_OK)
		return fl_build(result, "ok");
	return fl_build(result, "{error, ~}", (const char *)err.what);
}

static const fl_export exports[] = {{"flitch", "reload", 0, reload}};

int fli_natives_reload(fl_node *node)
{
	return fli_exports_add_own(node, exports, FLI_EXPORT_COUNT(exports), FLI_EXPORT_DEFAULT);
}
