/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A detached epmd.
 *
 * Forked twice, so that it is nobody's child and leaves no zombie with the node. Between fork and
 * exec only what a signal handler may do is done, since the node has threads; so everything that
 * allocates (the environment, the search through PATH) is prepared before.
 */

#include "dist/epmd_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { ADDED_MAX = 3 };

/* ---- which program --------------------------------------------------------------------------- */

static bool is_own_binary(char *ret_path, size_t size)
{
	ssize_t length = readlink("/proc/self/exe", ret_path, size - 1);
	const char *name;

	if (length <= 0)
		return false;
	ret_path[length] = '\0';
	name = strrchr(ret_path, '/');
	return name != NULL && strcmp(name + 1, "flitch") == 0;
}

static bool find_in_path(const char *name, char *ret_path, size_t size)
{
	const char *at = getenv("PATH");

	while (at != NULL && *at != '\0') {
		const char *end = strchrnul(at, ':');
		int length = snprintf(ret_path, size, "%.*s/%s", (int)(end - at), at, name);

		if (length > 0 && (size_t)length < size && access(ret_path, X_OK) == 0)
			return true;
		at = *end == ':' ? end + 1 : NULL;
	}
	return false;
}

static bool choose(const char *program, char *ret_path, size_t size)
{
	if (program != NULL && *program != '\0') {
		if (strchr(program, '/') == NULL)
			return find_in_path(program, ret_path, size);
		return snprintf(ret_path, size, "%s", program) < (int)size &&
		       access(ret_path, X_OK) == 0;
	}
	return is_own_binary(ret_path, size) || find_in_path("flitch", ret_path, size);
}

/* ---- its environment ------------------------------------------------------------------------- */

static bool is_ours(const char *entry)
{
	/* the cookie is no business of epmd's */
	return strncmp(entry, "ERL_EPMD_PORT=", 14) == 0 ||
	       strncmp(entry, "FLITCH_COOKIE=", 14) == 0 ||
	       strncmp(entry, "FLITCH_NODE_COOKIE=", 19) == 0 ||
	       strncmp(entry, "RELEASE_COOKIE=", 15) == 0 ||
	       strncmp(entry, "FLITCH_EPMD_IDLE=", 17) == 0;
}

/* `added` ends in NULL. */
static char **make_environment(char *const *added)
{
	size_t count = 0, kept = 0;
	char **all;

	while (environ[count] != NULL)
		count++;
	all = calloc(count + ADDED_MAX + 1, sizeof *all);
	if (all == NULL)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		if (!is_ours(environ[i]))
			all[kept++] = environ[i];
	}
	while (*added != NULL)
		all[kept++] = *added++;
	return all;
}

/* ---- the process ----------------------------------------------------------------------------- */

_Noreturn static void become(const char *path, char *const *environment)
{
	char *argv[] = {(char *)(uintptr_t) "flitch", (char *)(uintptr_t) "epmd", NULL};
	int null;

	if (setsid() < 0 || fork() != 0)
		_exit(0);
	null = open("/dev/null", O_RDWR);
	if (null >= 0) {
		(void)dup2(null, STDIN_FILENO);
		(void)dup2(null, STDOUT_FILENO);
		(void)dup2(null, STDERR_FILENO);
	}
	if (chdir("/") == 0) /* it keeps no directory in use */
		(void)execve(path, argv, environment);
	_exit(127);
}

bool fli_epmd_spawn(const fli_epmd_spawn_how *how)
{
	static char open_text[] = "ERL_EPMD_ADDRESS=0.0.0.0,::";
	char path[PATH_MAX], port_text[32], idle_text[40];
	bool is_open = how->is_open && getenv("ERL_EPMD_ADDRESS") == NULL;
	char *const added[] = {port_text, idle_text, is_open ? open_text : NULL, NULL};
	char **environment;
	pid_t child;

	if (!choose(how->program, path, sizeof path))
		return false;
	(void)snprintf(port_text, sizeof port_text, "ERL_EPMD_PORT=%u", (unsigned)how->port);
	(void)snprintf(idle_text, sizeof idle_text, "FLITCH_EPMD_IDLE=%u", FLI_EPMD_SPAWN_IDLE_S);
	environment = make_environment(added);
	if (environment == NULL)
		return false;
	child = fork();
	if (child == 0)
		become(path, environment);
	free(environment);
	if (child < 0)
		return false;
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
	return true;
}
