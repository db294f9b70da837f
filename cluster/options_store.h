/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLI_CLUSTER_OPTIONS_STORE_H
#define FLI_CLUSTER_OPTIONS_STORE_H

/*
 * What an fl_options is made of, for the files that fill it.
 *
 * Threads: as options.h. Memory: owns every text. Errors: FL_E*.
 */

#include "cluster/access_options.h"
#include "cluster/children.h"
#include "cluster/options.h"

typedef struct fli_option_value {
	char *text;   /* NULL: the default stands */
	char **items; /* of a LIST: pointers into `split` */
	char *split;  /* `text` cut at its commas */
	size_t count;
	int64_t number;
	fli_rank rank;
	char *origin;
} fli_option_value;

struct fl_options {
	fli_mem *mem;
	fli_option_value values[FLI_KEYS_COUNT];
	fli_peer_config *peers;
	size_t peers_count;
	fli_children *children;  /* NULL: none */
	fli_access_list *access; /* NULL: none */
};

char *fli_options_copy(const fl_options *options, const char *text); /* NULL: out of memory */
/* Takes the texts of `peer` when it succeeds. */
int fli_options_add_peer(fl_options *options, const fli_peer_config *peer, fl_error *err);
void fli_peer_config_free(const fl_options *options, fli_peer_config *peer);

#endif
