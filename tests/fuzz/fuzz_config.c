/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any text as a configuration file. What is accepted reads back, key by key, as the same value;
 * what is refused says why. Inclusion of other files is libconfig's, and stays out.
 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cluster/options.h"
#include "tests/fuzz/fuzz.h"

const char *__lsan_default_suppressions(void);

/* libconfig forgets texts that its grammar then refuses: `""` alone. Nothing of ours runs in it. */
const char *__lsan_default_suppressions(void)
{
	return "leak:libconfig.so";
}

static void check_again(const fl_options *options)
{
	fl_options *again = fl_options_new();
	fl_error err = {0};

	CHECK(again != NULL);
	for (unsigned i = 0; i < FLI_KEYS_COUNT; i++) {
		const char *key = fli_option_of((fli_key)i)->key;
		const char *value = fl_options_get(options, key);

		if (value == NULL || !fli_options_is_set(options, (fli_key)i))
			continue;
		CHECK(fl_options_set(again, key, value, "again", &err) == FL_OK);
		CHECK(strcmp(fl_options_get(again, key), value) == 0);
	}
	fl_options_delete(again);
}

static void check_peers(const fl_options *options)
{
	size_t count = fli_options_peers_count(options);

	CHECK(count <= FLI_OPTIONS_PEERS_MAX);
	for (size_t i = 0; i < count; i++) {
		const fli_peer_config *peer = fli_options_peer(options, i);

		CHECK(peer->name[0] != '\0' && peer->origin != NULL);
		CHECK(fli_options_peer_of(options, peer->name) != NULL);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	char path[64];
	fl_options *options;
	fl_error err = {0};

	if (size > 0 && memchr(data, '@', size) != NULL &&
		memmem(data, size, "@include", 8) != NULL)
		return 0;
	if (fd < 0)
		fd = memfd_create("config", 0);
	CHECK(fd >= 0 && ftruncate(fd, 0) == 0);
	CHECK(pwrite(fd, data, size, 0) == (ssize_t)size);
	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	options = fl_options_new();
	CHECK(options != NULL);
	if (fl_options_load(options, path, &err) == FL_OK) {
		check_again(options);
		check_peers(options);
		(void)fli_options_check(options, &err);
	} else {
		CHECK(err.what[0] != '\0' && err.code != FL_OK);
	}
	fl_options_delete(options);
	return 0;
}
