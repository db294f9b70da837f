/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of epmd both ways, with samples taken from OTP's. */
#include <string.h>

#include "dist/epmd_codec.h"
#include "tests/support/suite.h"

static fli_buf out;

static void create(void)
{
	fli_buf_create(&out, fli_mem_libc(), 0);
}

static void check_out(const char *bytes, size_t size)
{
	CU_ASSERT_EQUAL(out.size, size);
	CU_ASSERT(out.size == size && (size == 0 || memcmp(out.data, bytes, size) == 0));
	fli_buf_destroy(&out);
}

static const fli_epmd_node sample = {.port = 0x115c,
	.type = 72,
	.highest = 6,
	.lowest = 6,
	.name = "ext",
	.name_size = 3,
	.extra = (const uint8_t *)"HELLO",
	.extra_size = 5};

static void requests_are_those_of_real_nodes(void)
{
	static const char alive[] = "\0\x15x\x11\x5cH\0\0\6\0\6\0\3ext\0\5HELLO";
	static const char port[] = "\0\4zext";

	create();
	CU_ASSERT(fli_epmd_write_alive2(&out, &sample));
	check_out(alive, sizeof alive - 1);
	create();
	CU_ASSERT(fli_epmd_write_port2(&out, "ext", 3));
	check_out(port, sizeof port - 1);
	create();
	fli_epmd_write_bare(&out, FLI_EPMD_NAMES);
	check_out("\0\1n", 3);
	create();
	CU_ASSERT(fli_epmd_write_stop(&out, "ext", 3));
	check_out("\0\4sext", 6);
}

static void texts_beyond_their_limits_are_not_written(void)
{
	static char text[1021];
	fli_epmd_node node = sample;

	create();
	memset(text, 'x', sizeof text);
	node.name_size = 0;
	CU_ASSERT(!fli_epmd_write_alive2(&out, &node));
	CU_ASSERT(!fli_epmd_write_port2(&out, "", 0));
	CU_ASSERT(!fli_epmd_write_port2(&out, text, sizeof text));
	node = sample;
	node.extra = (const uint8_t *)text;
	node.extra_size = sizeof text;
	CU_ASSERT(!fli_epmd_write_alive2(&out, &node));
	check_out("", 0);
}

static void alive_replies_are_those_of_epmd(void)
{
	fli_epmd_alive_reply wide = {.is_wide = true, .creation = 0x6b011784};
	fli_epmd_alive_reply narrow = {.creation = 3};
	fli_epmd_alive_reply taken = {
		.is_wide = true, .result = 1, .creation = FLI_EPMD_CREATION_TAKEN};

	create();
	fli_epmd_write_alive_reply(&out, &wide);
	check_out("\x76\x00\x6b\x01\x17\x84", 6);
	create();
	fli_epmd_write_alive_reply(&out, &narrow);
	check_out("\x79\x00\x00\x03", 4);
	create();
	fli_epmd_write_alive_reply(&out, &taken);
	check_out("\x76\x01\x00\x00\x00\x63", 6);
}

static void alive_reply_is_read_at_its_last_byte(void)
{
	static const uint8_t wide[] = {0x76, 0, 0x6b, 1, 0x17, 0x84}, narrow[] = {0x79, 1, 0, 2};
	fli_epmd_alive_reply reply;

	for (size_t size = 0; size < 6; size++)
		CU_ASSERT_EQUAL(fli_epmd_read_alive_reply(wide, size, &reply), FLI_EPMD_MORE);
	CU_ASSERT_EQUAL(fli_epmd_read_alive_reply(wide, 6, &reply), FLI_EPMD_COMPLETE);
	CU_ASSERT(reply.is_wide && reply.result == 0 && reply.creation == 0x6b011784);
	for (size_t size = 0; size < 4; size++)
		CU_ASSERT_EQUAL(fli_epmd_read_alive_reply(narrow, size, &reply), FLI_EPMD_MORE);
	CU_ASSERT_EQUAL(fli_epmd_read_alive_reply(narrow, 4, &reply), FLI_EPMD_COMPLETE);
	CU_ASSERT(!reply.is_wide && reply.result == 1 && reply.creation == 2);
	CU_ASSERT_EQUAL(fli_epmd_read_alive_reply((const uint8_t *)"w", 1, &reply), FLI_EPMD_BAD);
}

static void port_reply_is_that_of_epmd(void)
{
	static const char bytes[] = "\x77\0\x11\x5cH\0\0\6\0\6\0\3ext\0\5HELLO";
	const uint8_t *p = (const uint8_t *)bytes;
	fli_epmd_port_reply reply;

	create();
	fli_epmd_write_port_reply(&out, &sample);
	check_out(bytes, sizeof bytes - 1);
	create();
	fli_epmd_write_port_reply(&out, NULL);
	check_out("\x77\1", 2);
	for (size_t size = 0; size < sizeof bytes - 1; size++)
		CU_ASSERT_EQUAL(fli_epmd_read_port_reply(p, size, &reply), FLI_EPMD_MORE);
	CU_ASSERT_EQUAL(fli_epmd_read_port_reply(p, sizeof bytes - 1, &reply), FLI_EPMD_COMPLETE);
	CU_ASSERT_EQUAL(reply.node.port, 4444);
	CU_ASSERT(reply.node.name_size == 3 && memcmp(reply.node.name, "ext", 3) == 0);
	CU_ASSERT(reply.node.extra_size == 5 && memcmp(reply.node.extra, "HELLO", 5) == 0);
	CU_ASSERT_EQUAL(
		fli_epmd_read_port_reply((const uint8_t *)"\x77\1", 2, &reply), FLI_EPMD_COMPLETE);
	CU_ASSERT_EQUAL(reply.result, 1);
	CU_ASSERT_EQUAL(fli_epmd_read_port_reply((const uint8_t *)"HTTP", 4, &reply), FLI_EPMD_BAD);
}

static bool read(const char *body, size_t size, fli_epmd_request *ret_request)
{
	return fli_epmd_read_request((const uint8_t *)body, size, ret_request);
}

static void every_truncated_registration_is_refused(void)
{
	static const char body[] = "x\x11\x5cM\0\0\6\0\5\0\2aa\0\1e";
	fli_epmd_request request;

	for (size_t size = 0; size < sizeof body - 1; size++)
		CU_ASSERT(!read(body, size, &request));
	CU_ASSERT(read(body, sizeof body - 1, &request));
	CU_ASSERT_EQUAL(request.op, FLI_EPMD_ALIVE2);
	CU_ASSERT_EQUAL(request.node.lowest, 5);
	CU_ASSERT(memcmp(request.node.name, "aa", 2) == 0);
	CU_ASSERT(request.node.extra_size == 1 && request.node.extra[0] == 'e');
}

static void bytes_behind_a_request_are_ignored_as_epmd_does(void)
{
	static const char alive[] = "x\x11\x5cM\0\0\6\0\5\0\2aa\0\0zz";
	fli_epmd_request request;

	CU_ASSERT(read(alive, sizeof alive - 1, &request));
	CU_ASSERT_EQUAL(request.node.extra_size, 0);
	CU_ASSERT(read("nxx", 3, &request));
	CU_ASSERT_EQUAL(request.op, FLI_EPMD_NAMES);
	CU_ASSERT(read("zbb\0", 4, &request));
	CU_ASSERT_EQUAL(request.node.name_size, 2);
	CU_ASSERT(read("zbb\0\0", 5, &request));
	CU_ASSERT_EQUAL(request.node.name_size, 3); /* which is no name */
	CU_ASSERT(!fli_epmd_is_name(request.node.name, request.node.name_size));
	CU_ASSERT(!read("Q", 1, &request));
	CU_ASSERT(!read("", 0, &request));
}

static void names_are_utf8_of_255_characters(void)
{
	char text[4 * 256];

	CU_ASSERT(!fli_epmd_is_name("", 0));
	CU_ASSERT(fli_epmd_is_name("a b@", 4));
	CU_ASSERT(!fli_epmd_is_name("a\nb", 3));
	CU_ASSERT(!fli_epmd_is_name("a\0b", 3));
	CU_ASSERT(!fli_epmd_is_name("\xff", 1));
	CU_ASSERT(!fli_epmd_is_name("\xc3", 1));
	CU_ASSERT(!fli_epmd_is_name("\xc3\x28", 2));
	CU_ASSERT(!fli_epmd_is_name("\xe2\x82", 2));
	for (size_t i = 0; i < sizeof text; i += 4)
		memcpy(text + i, "\xf0\x9f\x98\x80", 4);
	CU_ASSERT(fli_epmd_is_name(text, 4 * 255));
	CU_ASSERT(!fli_epmd_is_name(text, 4 * 256));
}

static void names_reply_is_walked_line_by_line(void)
{
	static const char text[] = "name aa at port 1000\nnonsense\nname b at port at port 65535\n"
				   "name c at port 65536\nname d at port x\nname  at port 7\n"
				   "name e at port \nname f at port 12";
	fli_cursor reply = fli_cursor_make((const uint8_t *)text, sizeof text - 1);
	fli_epmd_node node;
	size_t cursor = 0;

	CU_ASSERT(fli_epmd_read_names(reply, &cursor, &node));
	CU_ASSERT(node.port == 1000 && node.name_size == 2 && memcmp(node.name, "aa", 2) == 0);
	CU_ASSERT(fli_epmd_read_names(reply, &cursor, &node));
	CU_ASSERT(node.port == 65535 && node.name_size == 9);
	CU_ASSERT(!fli_epmd_read_names(reply, &cursor, &node));
	CU_ASSERT(!fli_epmd_read_names(reply, &cursor, &node));
}

FL_SUITE("epmd_codec", FL_TEST(requests_are_those_of_real_nodes),
	FL_TEST(texts_beyond_their_limits_are_not_written),
	FL_TEST(alive_replies_are_those_of_epmd), FL_TEST(alive_reply_is_read_at_its_last_byte),
	FL_TEST(port_reply_is_that_of_epmd), FL_TEST(every_truncated_registration_is_refused),
	FL_TEST(bytes_behind_a_request_are_ignored_as_epmd_does),
	FL_TEST(names_are_utf8_of_255_characters), FL_TEST(names_reply_is_walked_line_by_line));
