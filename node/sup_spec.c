/* SPDX-License-Identifier: Apache-2.0 */
#include "node/sup_spec.h"

#include <string.h>

#include "node/term/tag.h"

/* ---- life ------------------------------------------------------------------------------------ */

fl_term fli_kid_spec_get(const fli_kid_spec *spec, fli_kid_spec_part part)
{
	fl_term element = fli_kept_term(NULL, NULL);

	(void)fl_tuple_get(fli_kept_term(spec->named, spec->atoms), part, &element); /* ours */
	return element;
}

fli_kid_spec *fli_kid_spec_ref(fli_kid_spec *spec)
{
	spec->refs++;
	return spec;
}

void fli_kid_spec_unref(fli_kid_spec *spec)
{
	if (spec == NULL || --spec->refs > 0)
		return;
	fli_free(spec->mem, spec->named);
	fli_free(spec->mem, spec);
}

bool fli_kid_spec_equal(const fli_kid_spec *a, const fli_kid_spec *b)
{
	return a->restart == b->restart && a->shutdown_ms == b->shutdown_ms &&
	       a->is_supervisor == b->is_supervisor && a->behaviour == b->behaviour &&
	       a->named->size == b->named->size &&
	       memcmp(a->named->bytes, b->named->bytes, a->named->size) == 0;
}

/* ---- checking -------------------------------------------------------------------------------- */

/* The parts as they were given; `has` says which were. */
typedef struct parts {
	fl_term id, start, restart, shutdown, type, modules, significant;
	fl_term module, function, args;
	bool has_shutdown, has_modules;
} parts;

static fl_term constant(const char *bytes)
{
	return (fl_term){.data = (const uint8_t *)bytes, .size = strlen(bytes)};
}

/* Atoms in external form: tag, length, text. */
#define PERMANENT "\x77\x09permanent"
#define WORKER "\x77\x06worker"
#define FALSE "\x77\x05\x66\x61lse"

static int refuse(fl_buf *why, const char *what, fl_term about)
{
	(void)fl_build(why, "{~, ~}", fl_atom_of(what), about);
	return FL_EINVAL;
}

static bool is_list(fl_term term)
{
	fl_kind kind = fl_term_kind(term);

	return kind == FL_LIST || kind == FL_NIL;
}

static int read_start(parts *p, fl_buf *why)
{
	fl_atom atom;

	if (fl_match(p->start, "{~, ~, ~}", &p->module, &p->function, &p->args) &&
		fl_match(p->module, "~", &atom) && fl_match(p->function, "~", &atom) &&
		is_list(p->args))
		return FL_OK;
	return refuse(why, "invalid_mfa", p->start);
}

static int read_restart(const parts *p, fli_kid_spec *spec, fl_buf *why)
{
	if (fl_match(p->restart, "permanent"))
		spec->restart = FL_PERMANENT;
	else if (fl_match(p->restart, "transient"))
		spec->restart = FL_TRANSIENT;
	else if (fl_match(p->restart, "temporary"))
		spec->restart = FL_TEMPORARY;
	else
		return refuse(why, "invalid_restart_type", p->restart);
	return FL_OK;
}

static int read_significant(
	const parts *p, fl_auto_shutdown auto_shutdown, fli_kid_spec *spec, fl_buf *why)
{
	if (!fl_match(p->significant, "~", &spec->significant))
		return refuse(why, "invalid_significant", p->significant);
	if (spec->significant && auto_shutdown == FL_NEVER) {
		(void)fl_build(
			why, "{bad_combination, [{auto_shutdown, never}, {significant, true}]}");
		return FL_EINVAL;
	}
	if (spec->significant && spec->restart == FL_PERMANENT) {
		(void)fl_build(
			why, "{bad_combination, [{restart, permanent}, {significant, true}]}");
		return FL_EINVAL;
	}
	return FL_OK;
}

static int read_type(const parts *p, fli_kid_spec *spec, fl_buf *why)
{
	spec->is_supervisor = fl_match(p->type, "supervisor");
	if (!spec->is_supervisor && !fl_match(p->type, "worker"))
		return refuse(why, "invalid_child_type", p->type);
	return FL_OK;
}

static int read_shutdown(const parts *p, fli_kid_spec *spec, fl_buf *why)
{
	uint32_t ms;

	if (!p->has_shutdown)
		spec->shutdown_ms = spec->is_supervisor ? FL_INFINITY : FLI_WORKER_MS;
	else if (fl_match(p->shutdown, "infinity"))
		spec->shutdown_ms = FL_INFINITY;
	else if (fl_match(p->shutdown, "brutal_kill"))
		spec->shutdown_ms = FL_BRUTAL_KILL;
	else if (fl_match(p->shutdown, "~", &ms) && ms < FL_BRUTAL_KILL)
		spec->shutdown_ms = ms;
	else
		return refuse(why, "invalid_shutdown", p->shutdown);
	return FL_OK;
}

static int check_modules(const parts *p, bool is_dynamic, fl_buf *why)
{
	fl_term list = p->modules, module;
	fl_atom atom;

	if (!p->has_modules || fl_match(list, "dynamic"))
		return FL_OK;
	if (!is_list(list))
		return refuse(why, "invalid_modules", list);
	while (fl_list_next(&list, &module))
		if (!fl_match(module, "~", &atom))
			return is_dynamic ? refuse(why, "invalid_modules", p->modules)
					  : refuse(why, "invalid_module", module);
	return FL_OK;
}

static int keep(const fli_kid_spec_home *home, const parts *p, fli_kid_spec *spec)
{
	fl_buf buf = FL_BUF_INIT;

	fl_tuple_open(&buf);
	(void)fl_build(&buf, "~", p->id);
	(void)fl_build(&buf, "~", p->module);
	(void)fl_build(&buf, "~", p->function);
	if (p->has_modules)
		(void)fl_build(&buf, "~", p->modules);
	else
		(void)fl_build(&buf, "[~]", p->module);
	fl_tuple_close(&buf);
	if (buf.error == FL_OK)
		spec->named = fli_keep(home->mem, fl_buf_term(&buf));
	fl_buf_free(&buf);
	return spec->named == NULL ? FL_ENOMEM : FL_OK;
}

static int check(const fli_kid_spec_home *home, parts *p, fli_kid_spec *spec, fl_buf *why)
{
	int rc = read_start(p, why);

	if (rc == FL_OK)
		rc = read_restart(p, spec, why);
	if (rc == FL_OK && !spec->is_dynamic)
		rc = read_significant(p, home->auto_shutdown, spec, why);
	if (rc == FL_OK)
		rc = read_type(p, spec, why);
	if (rc == FL_OK)
		rc = read_shutdown(p, spec, why);
	if (rc == FL_OK)
		rc = check_modules(p, spec->is_dynamic, why);
	return rc == FL_OK ? keep(home, p, spec) : rc;
}

static int make(const fli_kid_spec_home *home, parts *p, bool is_dynamic, fli_kid_spec **ret_spec,
	fl_buf *ret_why)
{
	fli_kid_spec *spec = fli_zalloc(home->mem, sizeof *spec);
	int rc;

	if (spec == NULL)
		return FL_ENOMEM;
	*spec = (fli_kid_spec){
		.refs = 1, .mem = home->mem, .atoms = home->atoms, .is_dynamic = is_dynamic};
	rc = check(home, p, spec, ret_why);
	if (rc == FL_OK)
		*ret_spec = spec;
	else
		fli_kid_spec_unref(spec);
	return ret_why->error != FL_OK ? FL_ENOMEM : rc;
}

static int read_map(fl_term map, parts *p, fl_buf *why)
{
	*p = (parts){.restart = constant(PERMANENT),
		.type = constant(WORKER),
		.significant = constant(FALSE)};
	if (!fl_get(map, "id", &p->id)) {
		(void)fl_build(why, "missing_id");
		return FL_EINVAL;
	}
	if (!fl_get(map, "start", &p->start)) {
		(void)fl_build(why, "missing_start");
		return FL_EINVAL;
	}
	(void)fl_get(map, "restart", &p->restart); /* or the defaults */
	(void)fl_get(map, "type", &p->type);
	(void)fl_get(map, "significant", &p->significant);
	p->has_shutdown = fl_get(map, "shutdown", &p->shutdown);
	p->has_modules = fl_get(map, "modules", &p->modules);
	return FL_OK;
}

int fli_kid_spec_read(const fli_kid_spec_home *home, fl_term term, fli_kid_spec **ret_spec,
	fl_term *ret_args, fl_buf *ret_why)
{
	parts p = {.has_shutdown = true, .has_modules = true, .significant = constant(FALSE)};
	int rc = FL_OK;

	if (fl_term_kind(term) == FL_MAP)
		rc = read_map(term, &p, ret_why);
	else if (!fl_match(term, "{~, ~, ~, ~, ~, ~}", &p.id, &p.start, &p.restart, &p.shutdown,
			 &p.type, &p.modules))
		rc = refuse(ret_why, "invalid_child_spec", term);
	if (rc == FL_OK)
		rc = make(home, &p, false, ret_spec, ret_why);
	if (rc == FL_OK)
		*ret_args = p.args;
	return rc;
}

int fli_kid_spec_read_dynamic(const fli_kid_spec_home *home, fl_term term, fli_kid_spec **ret_spec,
	fl_term *ret_args, fl_buf *ret_why)
{
	parts p = {.has_shutdown = true, .has_modules = true, .id = fli_kept_term(NULL, NULL)};
	int rc = FL_OK;

	if (!fl_match(term, "{~, ~, ~, ~, ~}", &p.start, &p.restart, &p.shutdown, &p.type,
		    &p.modules))
		rc = refuse(ret_why, "invalid_child_spec", term);
	if (rc == FL_OK)
		rc = make(home, &p, true, ret_spec, ret_why);
	if (rc == FL_OK)
		*ret_args = p.args;
	return rc;
}

/* ---- writing --------------------------------------------------------------------------------- */

const char *fli_restart_text(fl_restart restart)
{
	static const char *const texts[] = {[FL_PERMANENT] = "permanent",
		[FL_TRANSIENT] = "transient",
		[FL_TEMPORARY] = "temporary"};

	return texts[restart];
}

void fli_shutdown_write(fl_buf *buf, uint32_t shutdown_ms)
{
	if (shutdown_ms == FL_INFINITY)
		(void)fl_build(buf, "infinity");
	else if (shutdown_ms == FL_BRUTAL_KILL)
		(void)fl_build(buf, "brutal_kill");
	else
		(void)fl_build(buf, "~", shutdown_ms);
}

static void write_start(fl_buf *buf, const fli_kid_spec *spec, const fli_kept *args)
{
	(void)fl_build(buf, "{~, ~, ~}", fli_kid_spec_get(spec, FLI_SPEC_MODULE),
		fli_kid_spec_get(spec, FLI_SPEC_FUNCTION), fli_kept_term(args, spec->atoms));
}

static fl_atom type_of(const fli_kid_spec *spec)
{
	return fl_atom_of(spec->is_supervisor ? "supervisor" : "worker");
}

void fli_kid_spec_write(fl_buf *buf, const fli_kid_spec *spec, const fli_kept *args)
{
	fl_map_open(buf);
	(void)fl_build(buf, "id");
	(void)fl_build(buf, "~", fli_kid_spec_get(spec, FLI_SPEC_ID));
	(void)fl_build(buf, "start");
	write_start(buf, spec, args);
	(void)fl_build(buf, "restart");
	(void)fl_build(buf, "~", fl_atom_of(fli_restart_text(spec->restart)));
	(void)fl_build(buf, "significant");
	(void)fl_build(buf, "~", fl_bool(spec->significant));
	(void)fl_build(buf, "shutdown");
	fli_shutdown_write(buf, spec->shutdown_ms);
	(void)fl_build(buf, "type");
	(void)fl_build(buf, "~", type_of(spec));
	(void)fl_build(buf, "modules");
	(void)fl_build(buf, "~", fli_kid_spec_get(spec, FLI_SPEC_MODULES));
	fl_map_close(buf);
}

void fli_kid_spec_write_record(
	fl_buf *buf, const fli_kid_spec *spec, const fli_kept *args, const fl_pid *pid)
{
	fl_tuple_open(buf);
	(void)fl_build(buf, "child");
	if (pid != NULL)
		(void)fl_build(buf, "~", *pid);
	else
		(void)fl_build(buf, "undefined");
	(void)fl_build(buf, "~", fli_kid_spec_get(spec, FLI_SPEC_ID));
	write_start(buf, spec, args);
	(void)fl_build(buf, "~", fl_atom_of(fli_restart_text(spec->restart)));
	(void)fl_build(buf, "~", fl_bool(spec->significant));
	fli_shutdown_write(buf, spec->shutdown_ms);
	(void)fl_build(buf, "~", type_of(spec));
	(void)fl_build(buf, "~", fli_kid_spec_get(spec, FLI_SPEC_MODULES));
	fl_tuple_close(buf);
}

/* ---- C's own form ---------------------------------------------------------------------------- */

static int build_text(fl_buf *buf, const char *text)
{
	fl_error err;

	return fl_read(buf, text, strlen(text), &err);
}

static int build_name(fl_buf *buf, const char *name)
{
	if (name[0] == '{')
		return build_text(buf, name);
	return fl_build(buf, "{local, ~}", fl_atom_of(name));
}

int fli_kid_start_build(fl_buf *buf, const fl_child *child, fl_term args)
{
	fl_atom module = fl_atom_of(child->behaviour->name);
	fl_buf name = FL_BUF_INIT;
	int rc;

	if (child->name == NULL)
		return fl_build(buf, "{~, start_link, [~]}", module, args);
	rc = build_name(&name, child->name);
	if (rc == FL_OK)
		rc = fl_build(buf, "{gen_server, start_link, [~, ~, ~, []]}", fl_buf_term(&name),
			module, args);
	fl_buf_free(&name);
	return rc;
}

int fli_kid_spec_build(fl_buf *buf, const fl_child *child, fl_term args)
{
	const char *type = child->behaviour->supervisor == NULL ? "worker" : "supervisor";
	int rc = FL_OK;

	fl_map_open(buf);
	(void)fl_build(buf, "id");
	if (child->id != NULL)
		rc = build_text(buf, child->id);
	else
		(void)fl_build(buf, "~", fl_atom_of(child->behaviour->name));
	(void)fl_build(buf, "start");
	if (rc == FL_OK)
		rc = fli_kid_start_build(buf, child, args);
	(void)fl_build(buf, "restart");
	(void)fl_build(buf, "~", fl_atom_of(fli_restart_text(child->restart)));
	(void)fl_build(buf, "significant");
	(void)fl_build(buf, "~", fl_bool(child->significant));
	(void)fl_build(buf, "type");
	(void)fl_build(buf, "~", fl_atom_of(type));
	(void)fl_build(buf, "modules");
	(void)fl_build(buf, "[~]", fl_atom_of(child->behaviour->name));
	if (child->shutdown_ms != 0) {
		(void)fl_build(buf, "shutdown");
		fli_shutdown_write(buf, child->shutdown_ms);
	}
	fl_map_close(buf);
	return rc == FL_OK ? buf->error : rc;
}
