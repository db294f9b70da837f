/* SPDX-License-Identifier: Apache-2.0 */
/* A node's registration, look-up and list of names, in virtual time. */
#include <string.h>

#include "dist/epmd_client.h"
#include "tests/support/fault.h"
#include "tests/support/suite.h"

static fli_epmd_registration reg;
static fli_epmd_lookup lookup;
static fli_buf out;
static uint32_t drawn;
static bool has_random;

static const uint8_t welcome[] = {0x76, 0, 0x6b, 1, 0x17, 0x84};
static const uint8_t welcome_again[] = {0x76, 0, 0x6b, 1, 0x17, 0x99};
static const uint8_t taken[] = {0x76, 1, 0, 0, 0, 99};

static bool draw(void *context, void *ret_bytes, size_t size)
{
	(void)context;
	memcpy(ret_bytes, &drawn, size);
	return has_random;
}

static fli_node_name name_of(const char *text)
{
	fli_node_name name = {0};

	(void)fli_node_name_parse(&name, text, strlen(text), NULL);
	return name;
}

static void create(void)
{
	fli_node_name name = name_of("c1@127.0.0.1");

	drawn = 1000;
	has_random = true;
	fli_epmd_registration_create(&reg, &name, 9100, true);
	fli_epmd_registration_set_random(&reg, draw, NULL);
	fli_buf_create(&out, fli_mem_libc(), 0);
}

static void destroy(void)
{
	fli_buf_destroy(&out);
}

static fli_epmd_todo feed(const uint8_t *bytes, size_t size, uint64_t now_ms)
{
	return fli_epmd_registration_feed(&reg, bytes, size, now_ms);
}

static void connect_at(uint64_t now_ms)
{
	out.size = 0;
	CU_ASSERT_EQUAL(fli_epmd_registration_connected(&reg, now_ms, &out), FLI_EPMD_SEND);
}

static void registered(void)
{
	create();
	CU_ASSERT_EQUAL(fli_epmd_registration_start(&reg, 0), FLI_EPMD_CONNECT);
	connect_at(1);
	CU_ASSERT_EQUAL(feed(welcome, sizeof welcome, 2), FLI_EPMD_REGISTERED);
}

static void request_is_that_of_a_real_node(void)
{
	static const char bytes[] = "\0\x0fx\x23\x8cM\0\0\6\0\5\0\2c1\0\0";

	registered();
	CU_ASSERT_EQUAL(out.size, sizeof bytes - 1);
	CU_ASSERT(memcmp(out.data, bytes, sizeof bytes - 1) == 0);
	destroy();
}

static void hidden_node_says_so(void)
{
	fli_node_name name = name_of("c1@h");

	create();
	fli_epmd_registration_create(&reg, &name, 9100, false);
	(void)fli_epmd_registration_start(&reg, 0);
	connect_at(0);
	CU_ASSERT_EQUAL(out.data[5], 72);
	destroy();
}

static void creation_comes_from_epmd_byte_by_byte(void)
{
	create();
	(void)fli_epmd_registration_start(&reg, 0);
	connect_at(0);
	for (size_t i = 0; i < 5; i++)
		CU_ASSERT_EQUAL(feed(welcome + i, 1, 0), FLI_EPMD_NOTHING);
	CU_ASSERT_EQUAL(feed(welcome + 5, 1, 0), FLI_EPMD_REGISTERED);
	CU_ASSERT_EQUAL(reg.creation, 0x6b011784);
	CU_ASSERT_EQUAL(reg.deadline_ms, UINT64_MAX);
	destroy();
}

static void small_creation_is_drawn_instead(void)
{
	static const uint8_t narrow[] = {0x79, 0, 0, 2};

	create();
	drawn = 3;
	(void)fli_epmd_registration_start(&reg, 0);
	connect_at(0);
	CU_ASSERT_EQUAL(feed(narrow, sizeof narrow, 0), FLI_EPMD_REGISTERED);
	CU_ASSERT_EQUAL(reg.creation, 7); /* 0 to 3 are reserved */
	destroy();
	create();
	has_random = false;
	(void)fli_epmd_registration_start(&reg, 0);
	connect_at(0);
	CU_ASSERT_EQUAL(feed(narrow, sizeof narrow, 0), FLI_EPMD_RETRY);
	destroy();
}

static void lost_registration_returns_after_two_seconds_with_its_creation(void)
{
	registered();
	CU_ASSERT_EQUAL(fli_epmd_registration_lost(&reg, "closed", 5000), FLI_EPMD_RETRY);
	CU_ASSERT_EQUAL(fli_epmd_registration_timer(&reg, 6999), FLI_EPMD_NOTHING);
	CU_ASSERT_EQUAL(fli_epmd_registration_timer(&reg, 7000), FLI_EPMD_CONNECT);
	CU_ASSERT_EQUAL(fli_epmd_registration_lost(&reg, "refused", 7000), FLI_EPMD_RETRY);
	CU_ASSERT_EQUAL(fli_epmd_registration_timer(&reg, 9000), FLI_EPMD_CONNECT);
	CU_ASSERT_EQUAL(reg.retries, 2);
	connect_at(9000);
	CU_ASSERT_EQUAL(feed(welcome_again, sizeof welcome_again, 9000), FLI_EPMD_REGISTERED);
	CU_ASSERT_EQUAL(reg.creation, 0x6b011784);
	CU_ASSERT_EQUAL(reg.retries, 0);
	destroy();
}

static void taken_name_ends_a_first_registration_only(void)
{
	create();
	(void)fli_epmd_registration_start(&reg, 0);
	connect_at(0);
	CU_ASSERT_EQUAL(feed(taken, sizeof taken, 0), FLI_EPMD_TAKEN);
	CU_ASSERT_EQUAL(reg.error.code, FL_ETAKEN);
	CU_ASSERT_EQUAL(fli_epmd_registration_lost(&reg, "closed", 0), FLI_EPMD_NOTHING);
	CU_ASSERT_EQUAL(fli_epmd_registration_timer(&reg, 1 << 30), FLI_EPMD_NOTHING);
	destroy();
	registered();
	(void)fli_epmd_registration_lost(&reg, "closed", 10);
	(void)fli_epmd_registration_timer(&reg, 2010);
	connect_at(2010);
	CU_ASSERT_EQUAL(feed(taken, sizeof taken, 2010), FLI_EPMD_RETRY);
	CU_ASSERT_EQUAL(reg.deadline_ms, 4010);
	destroy();
}

static void silence_is_given_up_after_ten_seconds(void)
{
	create();
	(void)fli_epmd_registration_start(&reg, 0);
	CU_ASSERT_EQUAL(fli_epmd_registration_timer(&reg, 9999), FLI_EPMD_NOTHING);
	CU_ASSERT_EQUAL(fli_epmd_registration_timer(&reg, 10000), FLI_EPMD_RETRY);
	CU_ASSERT_PTR_NOT_NULL(strstr(reg.error.what, "does not answer"));
	(void)fli_epmd_registration_timer(&reg, 12000);
	connect_at(13000);
	CU_ASSERT_EQUAL(fli_epmd_registration_timer(&reg, 23000), FLI_EPMD_RETRY);
	destroy();
}

static void nonsense_is_retried(void)
{
	create();
	(void)fli_epmd_registration_start(&reg, 0);
	connect_at(0);
	CU_ASSERT_EQUAL(feed((const uint8_t *)"HTTP/1.1", 8, 0), FLI_EPMD_RETRY);
	destroy();
	create();
	(void)fli_epmd_registration_start(&reg, 0);
	connect_at(0);
	CU_ASSERT_EQUAL(feed((const uint8_t *)"Q", 1, 0), FLI_EPMD_RETRY);
	destroy();
	registered();
	CU_ASSERT_EQUAL(feed((const uint8_t *)"Q", 1, 0), FLI_EPMD_RETRY);
	CU_ASSERT_EQUAL(feed((const uint8_t *)"Q", 1, 0), FLI_EPMD_NOTHING);
	destroy();
}

static void lost_memory_is_retried(void)
{
	fli_fault fault;

	create();
	fli_fault_create(&fault, 1);
	out.mem = &fault.mem;
	(void)fli_epmd_registration_start(&reg, 0);
	CU_ASSERT_EQUAL(fli_epmd_registration_connected(&reg, 0, &out), FLI_EPMD_RETRY);
	destroy();
	CU_ASSERT_EQUAL(fault.live, 0);
}

static void creation_that_was_drawn_before_stays(void)
{
	create();
	fli_epmd_registration_set_creation(&reg, 555);
	(void)fli_epmd_registration_start(&reg, 0);
	connect_at(0);
	(void)feed(welcome, sizeof welcome, 0);
	CU_ASSERT_EQUAL(reg.creation, 555);
	destroy();
}

/* ---- look-up --------------------------------------------------------------------------------- */

static fli_epmd_lookup_state look_up(const void *reply, size_t size, size_t step)
{
	fli_node_name name = name_of("ext@10.0.0.5");

	fli_buf_create(&out, fli_mem_libc(), 0);
	CU_ASSERT_EQUAL(fli_epmd_lookup_start(&lookup, &name, &out), FLI_LOOKUP_MORE);
	CU_ASSERT(out.size == 6 && memcmp(out.data, "\0\4zext", 6) == 0);
	fli_buf_destroy(&out);
	for (size_t at = 0; at < size; at += step)
		(void)fli_epmd_lookup_feed(
			&lookup, (const uint8_t *)reply + at, size - at < step ? size - at : step);
	return lookup.state;
}

static void port_is_found_at_every_split(void)
{
	static const char reply[] = "w\0\x11\x5cM\0\0\6\0\5\0\3ext\0\0";

	for (size_t step = 1; step < sizeof reply; step++) {
		CU_ASSERT_EQUAL(look_up(reply, sizeof reply - 1, step), FLI_LOOKUP_FOUND);
		CU_ASSERT_EQUAL(lookup.port, 4444);
		CU_ASSERT(lookup.is_visible);
	}
}

static void truncated_reply_fails_at_the_end(void)
{
	static const char reply[] = "w\0\x11\x5cM\0\0\6\0\5\0\3ext\0\0";

	for (size_t size = 0; size < sizeof reply - 1; size++) {
		CU_ASSERT_EQUAL(look_up(reply, size, 1), FLI_LOOKUP_MORE);
		CU_ASSERT_EQUAL(fli_epmd_lookup_lost(&lookup, "closed"), FLI_LOOKUP_FAILED);
		CU_ASSERT_STRING_EQUAL(
			lookup.error.what, "look-up of ext@10.0.0.5 in epmd on 10.0.0.5: closed");
	}
}

static void unknown_name_is_absent(void)
{
	CU_ASSERT_EQUAL(look_up("w\1", 2, 1), FLI_LOOKUP_ABSENT);
	CU_ASSERT_EQUAL(lookup.error.code, FL_ENOENT);
	CU_ASSERT_STRING_EQUAL(lookup.error.what, "epmd on 10.0.0.5 does not know ext");
	CU_ASSERT_EQUAL(fli_epmd_lookup_lost(&lookup, "closed"), FLI_LOOKUP_ABSENT);
}

static void useless_ports_and_versions_are_refused(void)
{
	CU_ASSERT_EQUAL(look_up("w\0\0\0M\0\0\6\0\5\0\3ext\0\0", 17, 17), FLI_LOOKUP_FAILED);
	CU_ASSERT_EQUAL(look_up("w\0\1\1M\0\0\5\0\5\0\3ext\0\0", 17, 17), FLI_LOOKUP_FAILED);
	CU_ASSERT_PTR_NOT_NULL(strstr(lookup.error.why, "OTP 23"));
	CU_ASSERT_EQUAL(look_up("w\0\1\1M\0\0\7\0\7\0\3ext\0\0", 17, 17), FLI_LOOKUP_FAILED);
}

static void other_servers_are_no_epmd(void)
{
	static char flood[5000];

	CU_ASSERT_EQUAL(look_up("HTTP/1.1 400 Bad", 16, 16), FLI_LOOKUP_FAILED);
	memset(flood, 0xff, sizeof flood);
	memcpy(flood, "w\0", 2);
	CU_ASSERT_EQUAL(look_up(flood, sizeof flood, 100), FLI_LOOKUP_FAILED);
	CU_ASSERT_EQUAL(look_up(flood, sizeof flood, sizeof flood), FLI_LOOKUP_FAILED);
}

static void names_are_collected_and_bounded(void)
{
	static const char reply[] = "\0\0\x11\x11name aa at port 1\nname b at port 2\n";
	static uint8_t chunk[65536];
	fli_epmd_names names;
	fli_epmd_node node;
	size_t cursor = 0;
	int code = FL_OK;

	fli_epmd_names_create(&names, fli_mem_libc());
	CU_ASSERT(!fli_epmd_names_next(&names, &cursor, &node));
	for (size_t i = 0; i < sizeof reply - 1; i++)
		CU_ASSERT_EQUAL(fli_epmd_names_feed(&names, (const uint8_t *)reply + i, 1), FL_OK);
	CU_ASSERT_EQUAL(names.epmd_port, 4369);
	CU_ASSERT(fli_epmd_names_next(&names, &cursor, &node) && node.port == 1);
	CU_ASSERT(fli_epmd_names_next(&names, &cursor, &node) && node.port == 2);
	CU_ASSERT(!fli_epmd_names_next(&names, &cursor, &node));
	for (size_t i = 0; i < 20 && code == FL_OK; i++)
		code = fli_epmd_names_feed(&names, chunk, sizeof chunk);
	CU_ASSERT_EQUAL(code, FL_ELIMIT);
	fli_epmd_names_destroy(&names);
}

FL_SUITE("epmd_client", FL_TEST(request_is_that_of_a_real_node), FL_TEST(hidden_node_says_so),
	FL_TEST(creation_comes_from_epmd_byte_by_byte), FL_TEST(small_creation_is_drawn_instead),
	FL_TEST(lost_registration_returns_after_two_seconds_with_its_creation),
	FL_TEST(taken_name_ends_a_first_registration_only),
	FL_TEST(silence_is_given_up_after_ten_seconds), FL_TEST(nonsense_is_retried),
	FL_TEST(lost_memory_is_retried), FL_TEST(creation_that_was_drawn_before_stays),
	FL_TEST(port_is_found_at_every_split), FL_TEST(truncated_reply_fails_at_the_end),
	FL_TEST(unknown_name_is_absent), FL_TEST(useless_ports_and_versions_are_refused),
	FL_TEST(other_servers_are_no_epmd), FL_TEST(names_are_collected_and_bounded));
