/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_SUP_SPEC_H
#define FLI_SUP_SPEC_H

/*
 * What a child is and how it is started: OTP's child specification, checked in OTP's order and
 * refused with OTP's words.
 *
 *     map or 6-tuple --> fli_kid_spec_read          --> fli_kid_spec + arguments
 *     5-tuple        --> fli_kid_spec_read_dynamic      (DynamicSupervisor, without an id)
 *
 * A specification is shared by the children that differ in their arguments alone.
 *
 * Threads: one at a time. Memory: counted; fli_kid_spec_unref. Errors: FL_EINVAL with OTP's term in
 * `ret_why`, FL_ENOMEM. Limits: a shutdown time is below 2^32 - 2 ms.
 */

#include "flitch/supervisor.h"
#include "node/base/mem.h"
#include "node/kept.h"

#define FLI_WORKER_MS 5000 /* OTP's default */

typedef struct fli_kid_spec {
	uint32_t refs;
	fli_mem *mem;
	fl_atoms *atoms;
	fli_kept *named;               /* {Id, Module, Function, Modules} */
	const fl_behaviour *behaviour; /* NULL: found by Module when it is started */
	fl_restart restart;
	uint32_t shutdown_ms; /* or FL_INFINITY, FL_BRUTAL_KILL */
	bool is_supervisor;
	bool significant;
	bool is_dynamic; /* it has no id; its Id is `undefined` */
	bool is_pinned;  /* the node's own: nobody ends it by request */
} fli_kid_spec;

typedef enum fli_kid_spec_part {
	FLI_SPEC_ID,
	FLI_SPEC_MODULE,
	FLI_SPEC_FUNCTION,
	FLI_SPEC_MODULES
} fli_kid_spec_part;

fl_term fli_kid_spec_get(const fli_kid_spec *spec, fli_kid_spec_part part);

typedef struct fli_kid_spec_home {
	fli_mem *mem;
	fl_atoms *atoms;
	fl_auto_shutdown auto_shutdown;
} fli_kid_spec_home;

/* *ret_args: the list of the start's arguments, in `term`. */
int fli_kid_spec_read(const fli_kid_spec_home *home, fl_term term, fli_kid_spec **ret_spec,
	fl_term *ret_args, fl_buf *ret_why);
int fli_kid_spec_read_dynamic(const fli_kid_spec_home *home, fl_term term, fli_kid_spec **ret_spec,
	fl_term *ret_args, fl_buf *ret_why);
/* Of C's own form, as the map that OTP would be given; `args` is what init gets. */
int fli_kid_spec_build(fl_buf *buf, const fl_child *child, fl_term args);
/* Its start: {Behaviour, start_link, [Arg]}; one with a name is gen_server's, which registers. */
int fli_kid_start_build(fl_buf *buf, const fl_child *child, fl_term args);
bool fli_kid_spec_equal(const fli_kid_spec *a, const fli_kid_spec *b);
fli_kid_spec *fli_kid_spec_ref(fli_kid_spec *spec);
void fli_kid_spec_unref(fli_kid_spec *spec); /* NULL is fine */

/* #{id => .., start => {M, F, Args}, ...}; what supervisor:get_childspec gives. */
void fli_kid_spec_write(fl_buf *buf, const fli_kid_spec *spec, const fli_kept *args);
/* OTP's record of a child, as in {error, {Reason, Child}}. */
void fli_kid_spec_write_record(
	fl_buf *buf, const fli_kid_spec *spec, const fli_kept *args, const fl_pid *pid);
/* Atoms of the options, as they are written in terms. */
const char *fli_restart_text(fl_restart restart);
void fli_shutdown_write(fl_buf *buf, uint32_t shutdown_ms);

#endif
