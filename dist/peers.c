/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of peers, by name.
 *
 * A peer stays in it after it has gone, since the runtime may still hang links on it and since its
 * last error is worth showing. When the table is full, one that nothing refers to makes room.
 */

#include "dist/peers.h"

/* A peer can make up names at will: each costs little, even when none of the table may go. */
enum { RUMOURED_TRIES = 64 };

static bool has_name(const void *item, const void *key)
{
	const fli_dist_peer *peer = item;

	return fl_atom_eq(peer->base.name, *(const fl_atom *)key);
}

void fli_peers_create(fli_dist *dist)
{
	fli_map_create(&dist->peers, dist->mem, has_name);
}

static uint64_t hash_of(const fli_dist *dist, fl_atom name)
{
	return fli_hash(dist->node->seed, name.text, name.size);
}

fli_dist_peer *fli_peers_find(const fli_dist *dist, const char *name, size_t size)
{
	fl_atom key = {name, size};

	return fli_map_get(&dist->peers, hash_of(dist, key), &key);
}

static const fli_dist_known *known_of(const fli_dist *dist, const char *name)
{
	for (size_t i = 0; i < dist->config.known_count; i++) {
		if (strcmp(dist->config.known[i].name, name) == 0)
			return &dist->config.known[i];
	}
	return NULL;
}

static void peer_delete(fli_dist_peer *peer)
{
	fli_mem *mem = peer->dist->mem;

	if (peer->dist->asked == peer)
		peer->dist->asked = NULL;
	fli_reconcile_destroy(peer);
	fli_peers_abandon(peer);
	fli_remote_queue_clear(&peer->queue);
	if (peer->conn != NULL)
		fli_conn_delete(peer->conn);
	fli_free(mem, peer);
}

static bool may_go(const fli_dist_peer *peer)
{
	const fli_peer *base = &peer->base;

	return peer->state == FLI_PEER_IDLE && !peer->want.is_wanted &&
	       fli_list_is_empty(&peer->waits) && fli_list_is_empty(&base->links) &&
	       fli_list_is_empty(&base->watchers) && fli_list_is_empty(&base->watched) &&
	       peer->dist->open.peer != peer;
}

/* Looks at no more than `tries` of them. */
static bool make_room(fli_dist *dist, size_t peers_max, size_t tries)
{
	fli_dist_peer *peer;

	if (dist->peers.count < peers_max)
		return true;
	while (tries-- > 0) {
		peer = fli_map_next(&dist->peers, &dist->peers_at);
		if (peer == NULL)
			dist->peers_at = 0;
		if (peer == NULL || !may_go(peer))
			continue;
		(void)fli_map_remove(
			&dist->peers, hash_of(dist, peer->base.name), &peer->base.name);
		peer_delete(peer);
		return true;
	}
	return false;
}

static fli_dist_peer *peer_new(fli_dist *dist, const fli_node_name *name, fl_atom atom)
{
	fli_dist_peer *peer;

	peer = fli_zalloc(dist->mem, sizeof *peer);
	if (peer == NULL)
		return NULL;
	fli_peer_create(&peer->base, atom);
	peer->dist = dist;
	peer->name = *name;
	peer->known = known_of(dist, name->text);
	fli_list_create(&peer->waits);
	fli_remote_queue_create(&peer->queue, dist->mem, &dist->waiting_bytes);
	fli_peers_timer_create(peer);
	fli_reconcile_create(peer);
	if (fli_map_put(&dist->peers, hash_of(dist, atom), peer) == FL_OK)
		return peer;
	fli_free(dist->mem, peer);
	return NULL;
}

fli_dist_peer *fli_peers_get(fli_dist *dist, const char *name, size_t size, fl_error *err)
{
	fli_dist_peer *peer = fli_peers_find(dist, name, size);
	fli_node_name parsed;
	fl_atom atom;

	if (peer != NULL)
		return peer;
	if (fli_node_name_parse(&parsed, name, size, err) != FL_OK)
		return NULL;
	if (!make_room(dist, dist->config.limits.peers_max, dist->peers.count + 1)) {
		(void)fl_error_set(
			err, FL_ELIMIT, "too many peers: %u", dist->config.limits.peers_max);
		return NULL;
	}
	if (fli_atoms_intern_own(dist->node->atoms, parsed.text, parsed.size, &atom))
		peer = peer_new(dist, &parsed, atom);
	if (peer == NULL)
		(void)fl_error_set(err, FL_ENOMEM, "out of memory, or of atoms");
	return peer;
}

fli_dist_peer *fli_peers_get_rumoured(fli_dist *dist, const char *name, size_t size)
{
	fli_dist_peer *peer = fli_peers_find(dist, name, size);
	size_t peers_max = dist->config.limits.peers_max;
	fli_node_name parsed;
	fl_atom atom;

	if (peer != NULL)
		return peer;
	if (fli_node_name_parse(&parsed, name, size, NULL) != FL_OK ||
		!make_room(dist, peers_max - peers_max / 4, RUMOURED_TRIES) ||
		!fli_atoms_intern(dist->node->atoms, parsed.text, parsed.size, &atom))
		return NULL;
	return peer_new(dist, &parsed, atom);
}

void fli_peers_close(fli_dist *dist)
{
	fli_dist_peer *peer;
	size_t cursor = 0;

	while ((peer = fli_map_next(&dist->peers, &cursor)) != NULL) {
		while (fli_list_pop(&peer->waits) != NULL)
			; /* who waits may look at his link later */
		peer_delete(peer);
	}
	fli_map_destroy(&dist->peers);
}
