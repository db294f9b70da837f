/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names of an epmd.
 *
 * - A new name gets a creation that no other new name got: the time of day in seconds, or one more
 *   than the last, so that a restarted epmd does not hand out an old one.
 * - A name whose connection ends is remembered; when it comes back it gets its last creation plus
 *   one. Beyond a thousand the oldest is forgotten.
 *
 * Failure: a remembered name that finds no room in its table is forgotten at once.
 *
 * Departure from OTP: there two names of one second may have the same creation.
 */
#include "dist/epmd_names.h"

#include <string.h>

#include "flitch/error.h"

struct key {
	const char *text;
	size_t size;
};

static bool is_name(const void *item, const void *key)
{
	const struct fli_epmd_name *name = item;
	const struct key *k = key;

	return name->node.name_size == k->size && memcmp(name->node.name, k->text, k->size) == 0;
}

static uint64_t hash_of(const fli_epmd_server *server, const struct key *key)
{
	return fli_hash(server->config.seed, key->text, key->size);
}

static struct key key_of(const struct fli_epmd_name *name)
{
	return (struct key){name->node.name, name->node.name_size};
}

static struct fli_epmd_name *name_at(fli_link *link)
{
	return fli_container_of(link, struct fli_epmd_name, link);
}

void fli_epmd_tables_create(fli_epmd_server *server)
{
	fli_map_create(&server->names, server->config.mem, is_name);
	fli_map_create(&server->remembered, server->config.mem, is_name);
	fli_list_create(&server->names_order);
	fli_list_create(&server->remembered_order);
}

void fli_epmd_tables_destroy(fli_epmd_server *server)
{
	fli_link *link;

	while ((link = fli_list_pop(&server->remembered_order)) != NULL)
		fli_free(server->config.mem, name_at(link));
	fli_map_destroy(&server->remembered);
	fli_map_destroy(&server->names);
}

struct fli_epmd_name *fli_epmd_names_find(
	const fli_epmd_server *server, const char *text, size_t size)
{
	struct key key = {text, size};

	return fli_map_get(&server->names, hash_of(server, &key), &key);
}

/* ---- registering ----------------------------------------------------------------------------- */

static uint32_t creation_new(fli_epmd_server *server, uint64_t now_ms)
{
	const fli_epmd_server_config *config = &server->config;
	uint32_t now_s = (uint32_t)(config->unix_s + (now_ms - config->now_ms) / 1000);
	uint32_t creation = server->creation_last + 1;

	if (creation < now_s)
		creation = now_s;
	if (creation < FLI_EPMD_CREATION_MIN)
		creation = FLI_EPMD_CREATION_MIN;
	server->creation_last = creation;
	return creation;
}

static void forget(fli_epmd_server *server, struct fli_epmd_name *name)
{
	struct key key = key_of(name);

	(void)fli_map_remove(&server->remembered, hash_of(server, &key), &key);
	fli_list_remove(&name->link);
	fli_free(server->config.mem, name);
}

/* The next creation of that name: of the last time, or a new one. */
static uint32_t creation_of(fli_epmd_server *server, const struct key *key, uint64_t now_ms)
{
	struct fli_epmd_name *old = fli_map_get(&server->remembered, hash_of(server, key), key);
	uint32_t creation;

	if (old == NULL)
		return creation_new(server, now_ms);
	creation = old->creation + 1;
	forget(server, old);
	return creation < FLI_EPMD_CREATION_MIN ? FLI_EPMD_CREATION_MIN : creation;
}

static struct fli_epmd_name *name_new(fli_mem *mem, const fli_epmd_node *node)
{
	struct fli_epmd_name *name =
		fli_alloc(mem, sizeof *name + node->name_size + node->extra_size);

	if (name == NULL)
		return NULL;
	name->node = *node;
	memcpy(name->bytes, node->name, node->name_size);
	memcpy(name->bytes + node->name_size, node->extra, node->extra_size);
	name->node.name = name->bytes;
	name->node.extra = (const uint8_t *)name->bytes + node->name_size;
	fli_list_create(&name->link);
	return name;
}

int fli_epmd_names_add(fli_epmd_conn *conn, const fli_epmd_node *node, uint64_t now_ms,
	struct fli_epmd_name **ret_name)
{
	fli_epmd_server *server = conn->server;
	struct key key = {node->name, node->name_size};
	struct fli_epmd_name *name;

	if (!fli_epmd_is_name(node->name, node->name_size) ||
		node->extra_size > FLI_EPMD_EXTRA_BYTES_MAX ||
		fli_epmd_names_find(server, node->name, node->name_size) != NULL)
		return FL_ETAKEN;
	if (server->names.count >= server->config.limits.names_max)
		return FL_ELIMIT;
	name = name_new(server->config.mem, node);
	if (name == NULL)
		return FL_ENOMEM;
	if (fli_map_put(&server->names, hash_of(server, &key), name) != FL_OK) {
		fli_free(server->config.mem, name);
		return FL_ENOMEM;
	}
	name->creation = creation_of(server, &key, now_ms);
	name->fd = conn->source.fd;
	fli_list_append(&server->names_order, &name->link);
	*ret_name = name;
	return FL_OK;
}

void fli_epmd_names_free(fli_epmd_server *server, struct fli_epmd_name *name)
{
	struct key key = key_of(name);
	uint64_t hash = hash_of(server, &key);

	(void)fli_map_remove(&server->names, hash, &key);
	fli_list_remove(&name->link);
	if (server->remembered.count >= FLI_EPMD_REMEMBERED_MAX)
		forget(server, name_at(server->remembered_order.next));
	if (fli_map_put(&server->remembered, hash, name) != FL_OK) {
		fli_free(server->config.mem, name);
		return;
	}
	fli_list_append(&server->remembered_order, &name->link);
}

/* ---- lists ----------------------------------------------------------------------------------- */

/* The newest first, as epmd has it. */
void fli_epmd_names_list(const fli_epmd_server *server, fli_buf *out)
{
	fli_buf_add32(out, server->config.port);
	for (fli_link *at = server->names_order.prev; at != &server->names_order; at = at->prev) {
		const fli_epmd_node *node = &name_at(at)->node;

		fli_buf_printf(out, "name %.*s at port %u\n", (int)node->name_size, node->name,
			(unsigned)node->port);
	}
}

void fli_epmd_names_dump(const fli_epmd_server *server, fli_buf *out)
{
	const fli_link *live = &server->names_order, *old = &server->remembered_order;

	fli_buf_add32(out, server->config.port);
	for (fli_link *at = live->prev; at != live; at = at->prev) {
		const struct fli_epmd_name *name = name_at(at);

		fli_buf_printf(out, "active name     <%.*s> at port %u, fd = %d\n",
			(int)name->node.name_size, name->node.name, (unsigned)name->node.port,
			name->fd);
		fli_buf_add8(out, 0);
	}
	for (fli_link *at = old->next; at != old; at = at->next) {
		const struct fli_epmd_name *name = name_at(at);

		fli_buf_printf(out, "old/unused name <%.*s>, port = %u, fd = %d \n",
			(int)name->node.name_size, name->node.name, (unsigned)name->node.port,
			name->fd);
		fli_buf_add8(out, 0);
	}
}
