/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Servers from shared objects.
 *
 *  - The file is copied into memory (memfd) and loaded from there: whoever replaces it on disk does
 *    not change code that runs. The descriptor stays open, since the loader knows an object by its
 *    path, and a second file at the same number would be taken for the first.
 *  - It exports fl_module_v1 of this ABI, or fl_exports_v1, or both, and perhaps fl_docs_v1. The
 *    functions are added, then each behaviour is started once, supervised; what `children` of the
 *    configuration names is started there.
 *
 * What goes wrong is told with what to do: no such file, no shared object, built for another
 * version, an undefined symbol. An object whose behaviours did not all start stays loaded, since
 * those that did run its code.
 */

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cluster/node.h"
#include "node/behaviours.h"
#include "node/supervisor.h"

struct fli_modules {
	fli_modules *next;
	void *handle;
	int fd;
};

/* ---- a private copy -------------------------------------------------------------------------- */

static int open_file(const char *path, off_t *ret_size, fl_error *err)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		(void)fl_error_set(err, FL_ENOENT, "cannot load %s: %s", path, strerror(errno));
		fl_error_why(
			err, "a relative path begins in the folder where the node was started");
		fl_error_next(err, "see that the file is there and readable");
		return -1;
	}
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		*ret_size = st.st_size;
		return fd;
	}
	(void)close(fd);
	(void)fl_error_set(err, FL_EFORMAT, "cannot load %s: it is no regular file", path);
	fl_error_why(err, "it is a folder, a device or a pipe");
	fl_error_next(err, "name the .so file itself");
	return -1;
}

static bool copy_file(int to, int from, off_t size)
{
	off_t done = 0;
	ssize_t n;

	while (done < size) {
		n = sendfile(to, from, NULL, (size_t)(size - done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		done += n;
	}
	return true;
}

static int private_copy(const char *path, fl_error *err)
{
	off_t size;
	int from = open_file(path, &size, err);
	int to;

	if (from < 0)
		return -1;
	to = memfd_create("flitch-module", MFD_CLOEXEC);
	if (to < 0 || !copy_file(to, from, size)) {
		(void)fl_error_set(err, FL_EIO, "cannot copy %s: %s", path, strerror(errno));
		if (to >= 0)
			(void)close(to);
		to = -1;
	}
	(void)close(from);
	return to;
}

/* ---- the object ------------------------------------------------------------------------------ */

static int explain(const char *path, const char *why, fl_error *err)
{
	const char *undefined = strstr(why, "undefined symbol");

	if (undefined != NULL) {
		(void)fl_error_set(err, FL_EFORMAT, "cannot load %s: %s", path, undefined);
		fl_error_why(err, "it is linked against something that this program does not have, "
				  "or built for another version of flitch");
		fl_error_next(err, "build it with the flags of `pkg-config --cflags flitch`");
		return FL_EFORMAT;
	}
	(void)fl_error_set(err, FL_EFORMAT, "cannot load %s: it is no shared object", path);
	fl_error_why(err, "%s", why);
	fl_error_next(err, "build it with -shared -fPIC, for this machine");
	return FL_EFORMAT;
}

/* What an object offers; each may be NULL. */
typedef struct offer {
	const fl_module *module;
	const fl_module_exports *functions;
	const fl_module_docs *docs;
} offer;

static int check_size(const char *path, uint32_t abi, uint32_t size, size_t wanted, fl_error *err)
{
	if (abi == FL_ABI && size == wanted)
		return FL_OK;
	(void)fl_error_set(err, FL_EFORMAT,
		"cannot load %s: it was built for ABI %u with entries of %u bytes, this is "
		"ABI %u with %zu",
		path, abi, size, FL_ABI, wanted);
	fl_error_why(err, "it was built with the headers of another version of flitch");
	fl_error_next(err, "build it with this version's headers");
	return FL_EFORMAT;
}

static int check(const char *path, const offer *o, fl_error *err)
{
	int rc = FL_OK;

	if (o->module == NULL && o->functions == NULL) {
		(void)fl_error_set(
			err, FL_EFORMAT, "cannot load %s: it exports no fl_module_v1", path);
		fl_error_why(err, "the line FL_MODULE(&behaviour); is missing");
		fl_error_next(err, "add it to the file that defines the behaviour");
		return FL_EFORMAT;
	}
	if (o->module != NULL)
		rc = check_size(
			path, o->module->abi, o->module->behaviour_size, sizeof(fl_behaviour), err);
	if (rc == FL_OK && o->functions != NULL)
		rc = check_size(
			path, o->functions->abi, o->functions->export_size, sizeof(fl_export), err);
	if (rc == FL_OK && o->docs != NULL)
		rc = check_size(path, o->docs->abi, o->docs->doc_size, sizeof(fl_doc), err);
	return rc;
}

static int add_functions(
	fli_member *member, const fl_export *exports, const char *path, fl_error *err)
{
	size_t count = 0;
	int rc;

	while (exports[count].module != NULL)
		count++;
	rc = fl_node_export(member->core.node, exports, count);
	if (rc == FL_OK)
		return FL_OK;
	(void)fl_error_set(err, rc, "cannot add the functions of %s: %s", path, fl_error_text(rc));
	if (rc == FL_ETAKEN) {
		fl_error_why(err, "one of them has the name of a function of the node's own");
		fl_error_next(err, "give FL_EXPORTS a module name of your own");
	} else if (rc == FL_EINVAL) {
		fl_error_why(err, "a function is missing, or takes more than 255 arguments");
		fl_error_next(err, "see the entries of FL_EXPORTS");
	}
	return rc;
}

static int start_all(fli_member *member, const offer *o, const char *path, fl_error *err)
{
	const fl_behaviour *const *at = o->module == NULL ? NULL : o->module->behaviours;
	int rc = FL_OK;

	if (o->functions != NULL)
		rc = add_functions(member, o->functions->exports, path, err);
	if (rc == FL_OK && o->docs != NULL &&
		fl_node_document(member->core.node, o->docs->docs) != FL_OK)
		rc = fl_error_set(err, FL_ENOMEM, "cannot load %s: out of memory", path);
	if (rc != FL_OK)
		return rc;
	for (size_t i = 0; at != NULL && at[i] != NULL; i++)
		(void)fli_behaviour_know(member->core.node, at[i]); /* a start says what is wrong */
	for (; at != NULL && *at != NULL && rc == FL_OK; at++)
		if (!fli_children_name(member->children, (*at)->name))
			rc = fli_supervisor_start_child(member->core.node, *at, err);
	if (rc != FL_OK)
		fl_error_wrap(err, "%s", path);
	return rc;
}

int fli_module_load(fli_member *member, const char *path, fl_error *err)
{
	char name[64];
	offer o;
	fli_modules *entry = fli_zalloc(member->mem, sizeof *entry);
	int rc;

	if (entry == NULL)
		return fl_error_set(err, FL_ENOMEM, "cannot load %s: out of memory", path);
	entry->fd = private_copy(path, err);
	if (entry->fd < 0) {
		rc = err == NULL ? FL_ENOENT : err->code;
		goto no_copy;
	}
	(void)snprintf(name, sizeof name, "/proc/self/fd/%d", entry->fd);
	entry->handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
	if (entry->handle == NULL) {
		rc = explain(path, dlerror(), err);
		goto no_object;
	}
	o.module = dlsym(entry->handle, "fl_module_v1");
	o.functions = dlsym(entry->handle, "fl_exports_v1");
	o.docs = dlsym(entry->handle, "fl_docs_v1");
	rc = check(path, &o, err);
	if (rc != FL_OK)
		goto no_module;
	entry->next = member->modules;
	member->modules = entry;
	return start_all(member, &o, path, err);
no_module:
	(void)dlclose(entry->handle);
no_object:
	(void)close(entry->fd);
no_copy:
	fli_free(member->mem, entry);
	return rc;
}

void fli_modules_unload(fli_member *member)
{
	fli_modules *entry;

	while ((entry = member->modules) != NULL) {
		member->modules = entry->next;
		(void)dlclose(entry->handle);
		(void)close(entry->fd);
		fli_free(member->mem, entry);
	}
}
