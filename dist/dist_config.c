/* SPDX-License-Identifier: Apache-2.0 */
/* The distribution's own copy of its configuration; cookies are wiped when it goes. */

#include "dist/peers.h"

static void *copy_bytes(fli_mem *mem, const void *bytes, size_t size)
{
	uint8_t *copy = fli_alloc(mem, size + 1);

	if (copy == NULL)
		return NULL;
	memcpy(copy, bytes, size);
	copy[size] = '\0';
	return copy;
}

/* False: out of memory. What was NULL stays so. */
static bool copy_text(fli_mem *mem, const char **text)
{
	if (*text == NULL)
		return true;
	*text = copy_bytes(mem, *text, strlen(*text));
	return *text != NULL;
}

static bool copy_cookie(fli_mem *mem, const void **cookie, size_t size)
{
	if (*cookie == NULL)
		return true;
	*cookie = copy_bytes(mem, *cookie, size);
	return *cookie != NULL;
}

static void free_text(fli_mem *mem, const void *text)
{
	fli_free(mem, (void *)(uintptr_t)text);
}

static void free_cookie(fli_mem *mem, const void *cookie, size_t size)
{
	if (cookie != NULL)
		explicit_bzero((void *)(uintptr_t)cookie, size);
	free_text(mem, cookie);
}

static bool copy_known(fli_dist_config *to, const fli_dist_config *from, fli_mem *mem)
{
	fli_dist_known *all;

	if (from->known_count == 0)
		return true;
	all = fli_zalloc(mem, from->known_count * sizeof *all);
	if (all == NULL)
		return false;
	to->known = all;
	for (size_t i = 0; i < from->known_count; i++) {
		all[i] = from->known[i];
		to->known_count = i + 1;
		/* one that fails leaves NULL behind, and the rest as well */
		if (!copy_text(mem, &all[i].name)) {
			all[i] = (fli_dist_known){.name = NULL};
			return false;
		}
		if (!copy_text(mem, &all[i].address)) {
			all[i].cookie = NULL;
			return false;
		}
		if (!copy_cookie(mem, &all[i].cookie, all[i].cookie_size))
			return false;
	}
	return true;
}

static bool copy_allow(fli_dist_config *to, const fli_dist_config *from, fli_mem *mem)
{
	const char **all;

	if (from->allow_count == 0)
		return true;
	all = fli_zalloc(mem, from->allow_count * sizeof *all);
	if (all == NULL)
		return false;
	to->allow = all;
	to->allow_count = from->allow_count;
	for (size_t i = 0; i < from->allow_count; i++) {
		all[i] = copy_bytes(mem, from->allow[i], strlen(from->allow[i]));
		if (all[i] == NULL)
			return false;
	}
	return true;
}

static void free_allow(fli_dist_config *config, fli_mem *mem)
{
	for (size_t i = 0; i < config->allow_count; i++)
		free_text(mem, config->allow[i]);
	free_text(mem, config->allow);
	config->allow = NULL;
	config->allow_count = 0;
}

int fli_dist_set_allow(fli_dist *dist, const char *const *allow, size_t count)
{
	fli_dist_config was = dist->config;
	const fli_dist_config from = {.allow = allow, .allow_count = count};

	dist->config.allow = NULL;
	dist->config.allow_count = 0;
	if (copy_allow(&dist->config, &from, dist->mem)) {
		free_allow(&was, dist->mem);
		return FL_OK;
	}
	free_allow(&dist->config, dist->mem);
	dist->config.allow = was.allow;
	dist->config.allow_count = was.allow_count;
	return FL_ENOMEM;
}

bool fli_dist_config_copy(fli_dist_config *to, const fli_dist_config *from, fli_mem *mem)
{
	*to = *from;
	to->listen_address = to->epmd_program = NULL;
	to->cookie = NULL;
	to->known = NULL;
	to->known_count = 0;
	to->allow = NULL;
	to->allow_count = 0;
	to->cookie = from->cookie;
	if (!copy_cookie(mem, &to->cookie, from->cookie_size))
		return false;
	to->listen_address = from->listen_address;
	if (!copy_text(mem, &to->listen_address))
		return false;
	to->epmd_program = from->epmd_program;
	return copy_text(mem, &to->epmd_program) && copy_known(to, from, mem) &&
	       copy_allow(to, from, mem);
}

void fli_dist_config_free(fli_dist_config *config, fli_mem *mem)
{
	for (size_t i = 0; i < config->known_count; i++) {
		free_text(mem, config->known[i].name);
		free_text(mem, config->known[i].address);
		free_cookie(mem, config->known[i].cookie, config->known[i].cookie_size);
	}
	free_allow(config, mem);
	free_text(mem, config->known);
	free_text(mem, config->listen_address);
	free_text(mem, config->epmd_program);
	free_cookie(mem, config->cookie, config->cookie_size);
}
