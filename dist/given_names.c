/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names for peers that have none (flag NAME_ME): twelve random letters at their host.
 *
 * Each new name is an atom on every node that hears of it, for good, so a name that is free again
 * is given again, with the next creation, as OTP does.
 */

#include "dist/peers.h"

enum { LETTERS = 12 };

static bool is_free(const fli_dist *dist, const fli_node_name *name)
{
	const fli_dist_peer *peer = fli_peers_find(dist, name->text, name->size);

	return (peer == NULL || peer->conn == NULL) && !fli_pending_has(dist, name);
}

static bool give_again(fli_dist *dist, const fli_node_name *host, fli_handshake_side *ret_named)
{
	for (unsigned i = 0; i < dist->given_count; i++) {
		fli_given *given = &dist->given[i];

		if (strcmp(fli_node_name_host(&given->name), host->text) != 0 ||
			!is_free(dist, &given->name))
			continue;
		given->creation++;
		ret_named->name = given->name;
		ret_named->creation = given->creation;
		return true;
	}
	return false;
}

bool fli_given_take(fli_dist *dist, const fli_node_name *host, fli_handshake_side *ret_named)
{
	static const char letters[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	uint8_t bytes[LETTERS + 4];
	char alive[LETTERS + 1];

	if (give_again(dist, host, ret_named))
		return true;
	dist->node->port->random(dist->node->port, bytes, sizeof bytes);
	for (size_t i = 0; i < LETTERS; i++)
		alive[i] = letters[bytes[i] % (sizeof letters - 1)];
	alive[LETTERS] = '\0';
	if (fli_node_name_join(&ret_named->name, alive, host->text, NULL) != FL_OK)
		return false;
	/* room to count upwards, and none of the small values that mean something else */
	ret_named->creation = (fli_get32(bytes + LETTERS) >> 1) | 4;
	if (dist->given_count < FLI_GIVEN_MAX)
		dist->given[dist->given_count++] =
			(fli_given){.name = ret_named->name, .creation = ret_named->creation};
	return true;
}
