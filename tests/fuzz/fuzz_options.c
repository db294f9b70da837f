/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any texts as the settings of a command line and an environment: each line is `--set`'s key=value,
 * or, behind a `$`, a variable. What is accepted is kept as it was given; what is refused says why.
 */
#include <string.h>

#include "cluster/options.h"
#include "tests/fuzz/fuzz.h"

static void set(fl_options *options, char *line)
{
	char *value = strchr(line, '=');
	fl_error err = {0};

	if (value == NULL)
		return;
	*value++ = '\0';
	if (fl_options_set(options, line, value, "--set", &err) == FL_OK)
		CHECK(fl_options_get(options, line) != NULL);
	else
		CHECK(err.code != FL_OK && err.what[0] != '\0');
}

static void put_variable(fl_options *options, char *line)
{
	char *const environment[] = {line, NULL};
	fl_error err = {0};

	if (fli_options_environment(options, environment, &err) != FL_OK)
		CHECK(err.code != FL_OK && err.what[0] != '\0');
}

/* Each getter of a key's own type. */
static void look(const fl_options *options)
{
	for (unsigned i = 0; i < FLI_KEYS_COUNT; i++) {
		fli_key key = (fli_key)i;
		size_t count;

		CHECK(fli_options_origin(options, key) != NULL);
		if (fli_option_of(key)->type != FLI_OPTION_LIST)
			continue;
		count = fli_options_count(options, key);
		CHECK(count <= FLI_OPTIONS_ITEMS_MAX);
		for (size_t k = 0; k < count; k++)
			CHECK(fli_options_item(options, key, k) != NULL);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fl_options *options = fl_options_new();
	char *text = malloc(size + 1), *rest = text, *line;
	fl_error err = {0};

	CHECK(options != NULL && text != NULL);
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	while ((line = strsep(&rest, "\n")) != NULL) {
		if (*line == '$')
			put_variable(options, line + 1);
		else
			set(options, line);
	}
	look(options);
	if (fli_options_check(options, &err) != FL_OK)
		CHECK(err.what[0] != '\0');
	free(text);
	fl_options_delete(options);
	return 0;
}
