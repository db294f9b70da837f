/* SPDX-License-Identifier: Apache-2.0 */
#include "cluster/logger.h"

#include <string.h>

#include "tests/support/suite.h"

static int64_t fixed_us(void)
{
	return INT64_C(1795233600123456);
}

static size_t form(int format, fli_level level, const char *line, char *ret_text, size_t size)
{
	fli_logger logger = {.fd = -1, .format = format, .wall_us = fixed_us};
	size_t formed =
		fli_logger_form(&logger, level, (fl_bin){line, strlen(line)}, ret_text, size - 1);

	ret_text[formed] = '\0';
	return formed;
}

static void text_has_the_shape_of_otp(void)
{
	char text[256];

	form(FLI_LOG_TEXT, FLI_NOTICE, "nodeup a@h", text, sizeof text);
	CU_ASSERT_STRING_EQUAL(text, "2026-11-21T04:00:00.123456+00:00 [notice] nodeup a@h\n");
}

static void journal_puts_the_level_first(void)
{
	char text[256];

	form(FLI_LOG_JOURNAL, FLI_ERROR, "bad", text, sizeof text);
	CU_ASSERT_STRING_EQUAL(text, "<3>bad\n");
}

static void json_escapes_what_a_peer_may_have_sent(void)
{
	char text[256];

	form(FLI_LOG_JSON, FLI_INFO, "a\"b\\c\nd", text, sizeof text);
	CU_ASSERT_STRING_EQUAL(text, "{\"time\":\"2026-11-21T04:00:00.123456+00:00\","
				     "\"level\":\"info\",\"msg\":\"a\\\"b\\\\c\\u000ad\"}\n");
}

static void no_line_can_forge_another(void)
{
	char text[256];

	form(FLI_LOG_JOURNAL, FLI_INFO, "a\n<0>forged\x1b[1m", text, sizeof text);
	CU_ASSERT_STRING_EQUAL(text, "<6>a <0>forged [1m\n");
}

static void a_long_line_is_cut_and_still_whole_json(void)
{
	char line[300], text[200];
	size_t size;

	memset(line, '\n', sizeof line - 1);
	line[sizeof line - 1] = '\0';
	size = form(FLI_LOG_JSON, FLI_INFO, line, text, sizeof text);
	CU_ASSERT(size < sizeof text);
	CU_ASSERT_STRING_EQUAL(text + size - 3, "\"}\n");
	size = form(FLI_LOG_TEXT, FLI_INFO, line, text, sizeof text);
	CU_ASSERT_EQUAL(size, sizeof text - 1);
	CU_ASSERT_EQUAL(text[size - 1], '\n');
}

FL_SUITE("logger", FL_TEST(text_has_the_shape_of_otp), FL_TEST(journal_puts_the_level_first),
	FL_TEST(json_escapes_what_a_peer_may_have_sent), FL_TEST(no_line_can_forge_another),
	FL_TEST(a_long_line_is_cut_and_still_whole_json));
