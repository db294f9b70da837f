/* SPDX-License-Identifier: Apache-2.0 */
#include "dist/control.h"
#include "node/term/write.h"
#include "tests/support/suite.h"

static const fl_pid a = {{"a@h", 3}, 5, 1, 77};
static const fl_pid b = {{"b@h", 3}, 6, 2, 78};
static const fl_ref r = {{"b@h", 3}, 78, 3, {1, 2, 3}};

static fli_buf bytes = {.data = NULL};
static fli_signal s;
static fl_error error;

/* What a signal borrows stays until the next one is begun. */
static void start_bytes(void)
{
	if (bytes.mem != NULL)
		fli_buf_destroy(&bytes);
	fli_buf_create(&bytes, fli_mem_libc(), 0);
}

static void start(uint32_t arity, int64_t op)
{
	start_bytes();
	fli_write_tuple(&bytes, arity);
	fli_write_int(&bytes, op);
}

static void pid(const fl_pid *p)
{
	fli_write_pid(&bytes, p);
}

static void atom(const char *text)
{
	fli_write_atom(&bytes, fl_atom_of(text));
}

static void number(int64_t value)
{
	fli_write_int(&bytes, value);
}

static int decode_input(fli_control_input input)
{
	int code;

	memset(&s, 0xa5, sizeof s);
	memset(&error, 0, sizeof error);
	code = fli_control_decode(&input, &s, &error);
	if (code != FL_OK)
		CU_ASSERT(error.what[0] != '\0');
	return code;
}

static int decode(void)
{
	return decode_input((fli_control_input){.data = bytes.data, .size = bytes.size});
}

/* Decodes, checks the op, and that no shorter input is taken. */
static void expect(fli_op op)
{
	size_t size = bytes.size;

	for (bytes.size = 0; bytes.size < size; bytes.size++)
		CU_ASSERT_EQUAL(decode(), FL_EFORMAT);
	CU_ASSERT_EQUAL(decode(), FL_OK);
	CU_ASSERT_EQUAL(s.op, op);
}

static bool payload_is(const char *expected)
{
	return s.payload.data != NULL && s.payload.walked.size == strlen(expected) + 2 &&
	       memcmp(s.payload.data + 2, expected, strlen(expected)) == 0;
}

static bool from_a_to_b(void)
{
	return s.has_from && fl_pid_eq(&s.from, &a) && fl_pid_eq(&s.to, &b);
}

static void pair(uint32_t arity, int64_t op)
{
	start(arity, op);
	pid(&a);
	pid(&b);
}

static void sends_have_a_payload(void)
{
	start(3, 2);
	atom("");
	pid(&b);
	atom("msg");
	expect(FLI_OP_SEND);
	CU_ASSERT(!s.has_from && s.target == FLI_TO_PID && fl_pid_eq(&s.to, &b));
	CU_ASSERT(payload_is("msg") && s.token.data == NULL);
	pair(3, 22);
	atom("msg");
	expect(FLI_OP_SEND);
	CU_ASSERT(from_a_to_b() && payload_is("msg") && s.wire_op == 22);
	start(4, 6);
	pid(&a);
	atom("");
	atom("echo");
	atom("msg");
	expect(FLI_OP_REG_SEND);
	CU_ASSERT(s.has_from && s.target == FLI_TO_NAME && fl_atom_is(s.name, "echo"));
	start(3, 33);
	pid(&a);
	fli_write_ref(&bytes, &r);
	atom("msg");
	expect(FLI_OP_ALIAS_SEND);
	CU_ASSERT(s.target == FLI_TO_ALIAS && fl_ref_eq(&s.ref, &r) && payload_is("msg"));
}

static void traced_variants_are_the_same_ops_with_a_token(void)
{
	static const struct {
		uint8_t op;
		fli_op means;
	} payload_ops[] = {{23, FLI_OP_SEND}, {25, FLI_OP_EXIT}, {27, FLI_OP_EXIT2}};

	for (size_t i = 0; i < 3; i++) {
		pair(4, payload_ops[i].op);
		atom("token");
		atom("msg");
		expect(payload_ops[i].means);
		CU_ASSERT(from_a_to_b() && payload_is("msg"));
		CU_ASSERT(s.token.data != NULL && s.token.walked.size == 7);
	}
	start(4, 12);
	atom("");
	pid(&b);
	number(1);
	atom("msg");
	expect(FLI_OP_SEND);
	CU_ASSERT(s.token.data != NULL && payload_is("msg"));
	start(5, 16);
	pid(&a);
	atom("");
	atom("echo");
	number(1);
	atom("msg");
	expect(FLI_OP_REG_SEND);
	CU_ASSERT(s.token.data != NULL && payload_is("msg"));
	start(4, 34);
	pid(&a);
	fli_write_ref(&bytes, &r);
	number(1);
	atom("msg");
	expect(FLI_OP_ALIAS_SEND);
	CU_ASSERT(s.token.data != NULL && payload_is("msg"));
}

static void reasons_are_payloads_in_old_and_new_ops(void)
{
	static const struct {
		uint8_t op, arity;
		bool has_token;
		fli_op means;
	} ops[] = {{3, 4, false, FLI_OP_EXIT}, {8, 4, false, FLI_OP_EXIT2},
		{13, 5, true, FLI_OP_EXIT}, {18, 5, true, FLI_OP_EXIT2},
		{24, 3, false, FLI_OP_EXIT}, {26, 3, false, FLI_OP_EXIT2}};

	for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++) {
		pair(ops[i].arity, ops[i].op);
		if (ops[i].has_token)
			number(1);
		atom("why");
		expect(ops[i].means);
		CU_ASSERT(from_a_to_b() && payload_is("why"));
		CU_ASSERT_EQUAL(s.token.data != NULL, ops[i].has_token);
	}
}

static void link_ops_name_both_ends(void)
{
	pair(3, 1);
	expect(FLI_OP_LINK);
	CU_ASSERT(from_a_to_b() && s.payload.data == NULL);
	pair(3, 4);
	expect(FLI_OP_UNLINK);
	CU_ASSERT(from_a_to_b());
	pair(3, 7);
	expect(FLI_OP_GROUP_LEADER);
	CU_ASSERT(from_a_to_b());
	for (int op = 35; op <= 36; op++) {
		start(4, op);
		fli_write_uint(&bytes, UINT64_MAX);
		pid(&a);
		pid(&b);
		expect(op == 35 ? FLI_OP_UNLINK_ID : FLI_OP_UNLINK_ID_ACK);
		CU_ASSERT(from_a_to_b() && s.id == UINT64_MAX);
	}
}

static void monitors_take_a_pid_or_a_name(void)
{
	for (int op = 19; op <= 20; op++) {
		start(4, op);
		pid(&a);
		pid(&b);
		fli_write_ref(&bytes, &r);
		expect(op == 19 ? FLI_OP_MONITOR : FLI_OP_DEMONITOR);
		CU_ASSERT(from_a_to_b() && s.target == FLI_TO_PID && fl_ref_eq(&s.ref, &r));
		start(4, op);
		pid(&a);
		atom("server");
		fli_write_ref(&bytes, &r);
		expect(op == 19 ? FLI_OP_MONITOR : FLI_OP_DEMONITOR);
		CU_ASSERT(s.target == FLI_TO_NAME && fl_atom_is(s.name, "server"));
	}
}

static void down_tells_what_died_to_whom_and_why(void)
{
	start(5, 21);
	pid(&a);
	pid(&b);
	fli_write_ref(&bytes, &r);
	atom("why");
	expect(FLI_OP_DOWN);
	CU_ASSERT(s.target == FLI_TO_PID && fl_pid_eq(&s.from, &a) && fl_pid_eq(&s.to, &b));
	CU_ASSERT(fl_ref_eq(&s.ref, &r) && payload_is("why"));
	start(4, 28);
	atom("server");
	pid(&b);
	fli_write_ref(&bytes, &r);
	atom("why");
	expect(FLI_OP_DOWN);
	CU_ASSERT(s.target == FLI_TO_NAME && fl_atom_is(s.name, "server"));
	CU_ASSERT(fl_pid_eq(&s.to, &b) && payload_is("why"));
}

static void spawn_request(bool has_token, const char *options, size_t options_size)
{
	start(has_token ? 7 : 6, has_token ? 30 : 29);
	fli_write_ref(&bytes, &r);
	pid(&a);
	pid(&b);
	fli_write_tuple(&bytes, 3);
	atom("erpc");
	atom("execute_call");
	number(4);
	fli_buf_add(&bytes, options, options_size);
	if (has_token)
		number(1);
	fli_write_string(&bytes, "\1\2"); /* small integers arrive as STRING_EXT */
}

static void spawn_requests_are_taken_apart(void)
{
	static const char monitor[] = "l\0\0\0\1w\7monitorj";

	for (int has_token = 0; has_token < 2; has_token++) {
		spawn_request(has_token, monitor, sizeof monitor - 1);
		expect(FLI_OP_SPAWN_REQUEST);
		CU_ASSERT(fl_pid_eq(&s.from, &a) && fl_pid_eq(&s.spawn.leader, &b));
		CU_ASSERT(fl_atom_is(s.spawn.module, "erpc") && s.spawn.arity == 4);
		CU_ASSERT(fl_atom_is(s.spawn.function, "execute_call"));
		CU_ASSERT_EQUAL(s.spawn.options.walked.size, sizeof monitor - 1);
		CU_ASSERT_EQUAL(s.payload.walked.size, 5);
		CU_ASSERT_EQUAL(s.token.data != NULL, has_token);
	}
}

static void spawn_options_must_be_a_proper_list(void)
{
	spawn_request(false, "j", 1);
	CU_ASSERT_EQUAL(decode(), FL_OK);
	spawn_request(false, "l\0\0\0\1a\1l\0\0\0\1a\2j", 15);
	CU_ASSERT_EQUAL(decode(), FL_OK);
	spawn_request(false, "l\0\0\0\1w\1ma\x6a", 10);
	CU_ASSERT_EQUAL(decode(), FL_EFORMAT);
	spawn_request(false, "a\1", 2);
	CU_ASSERT_EQUAL(decode(), FL_EFORMAT);
}

static void spawn_reply_has_a_pid_or_an_error(void)
{
	start(5, 31);
	fli_write_ref(&bytes, &r);
	pid(&b);
	number(3);
	pid(&a);
	expect(FLI_OP_SPAWN_REPLY);
	CU_ASSERT(s.target == FLI_TO_PID && from_a_to_b() == false && fl_pid_eq(&s.from, &a));
	CU_ASSERT(s.id == 3 && fl_pid_eq(&s.to, &b));
	start(6, 32);
	fli_write_ref(&bytes, &r);
	pid(&b);
	number(0);
	atom("badopt");
	number(1);
	expect(FLI_OP_SPAWN_REPLY);
	CU_ASSERT(s.target == FLI_TO_NAME && fl_atom_is(s.name, "badopt"));
}

static void altact(uint32_t arity, int64_t flags)
{
	start(arity, 37);
	number(flags);
	pid(&a);
	if (flags & 4)
		fli_write_ref(&bytes, &r);
	else if (flags & 8)
		atom("echo");
	else
		pid(&b);
}

static void altact_flags_say_what_it_is(void)
{
	static const struct {
		int64_t flags;
		fli_op op;
		fli_signal_to target;
	} seen[] = {{4, FLI_OP_ALIAS_SEND, FLI_TO_ALIAS}, {1, FLI_OP_SEND, FLI_TO_PID},
		{5, FLI_OP_ALIAS_SEND, FLI_TO_ALIAS}, {9, FLI_OP_REG_SEND, FLI_TO_NAME},
		{17, FLI_OP_EXIT2, FLI_TO_PID}, {21, FLI_OP_EXIT2, FLI_TO_ALIAS},
		{0, FLI_OP_SEND, FLI_TO_PID}, {96, FLI_OP_SEND, FLI_TO_PID}};

	for (size_t i = 0; i < sizeof seen / sizeof seen[0]; i++) {
		altact(4, seen[i].flags);
		atom("msg");
		expect(seen[i].op);
		CU_ASSERT_EQUAL(s.target, seen[i].target);
		CU_ASSERT_EQUAL(s.is_priority, (seen[i].flags & 1) != 0);
		CU_ASSERT(payload_is("msg") && s.token.data == NULL);
	}
}

static void altact_may_carry_a_token_and_grow(void)
{
	altact(6, 2);
	atom("token");
	fli_write_tuple(&bytes, 1);
	atom("later");
	atom("msg");
	expect(FLI_OP_SEND);
	CU_ASSERT(s.token.data != NULL && s.token.walked.size == 7 && payload_is("msg"));
	altact(4, 2);
	atom("msg");
	CU_ASSERT_EQUAL(decode(), FL_EFORMAT); /* no token */
	altact(4, 12);
	atom("msg");
	CU_ASSERT_EQUAL(decode(), FL_EFORMAT); /* alias and name */
}

static void altact_flags_may_be_a_big_integer(void)
{
	static const uint8_t big[] = {110, 9, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1};

	start(4, 37);
	fli_buf_add(&bytes, big, sizeof big);
	pid(&a);
	pid(&b);
	atom("msg");
	expect(FLI_OP_SEND);
	CU_ASSERT(s.is_priority);
}

static void sender_of_a_message_may_be_no_pid(void)
{
	fl_port port = {{"a@h", 3}, 9, 77};

	start(3, 22);
	fli_write_port(&bytes, &port);
	pid(&b);
	atom("msg");
	expect(FLI_OP_SEND);
	CU_ASSERT(!s.has_from && fl_pid_eq(&s.to, &b));
}

static int decode_bytes(const char *data, size_t size)
{
	return decode_input((fli_control_input){.data = (const uint8_t *)data, .size = size});
}

static void unknown_ops_and_shapes_are_refused(void)
{
	static const uint8_t unused[] = {0, 5, 9, 10, 11, 14, 15, 17, 38, 255};

	for (size_t i = 0; i < sizeof unused; i++) {
		pair(3, unused[i]);
		CU_ASSERT_EQUAL(decode(), FL_EFORMAT);
	}
	CU_ASSERT_PTR_NOT_NULL(strstr(error.what, "255"));
	start(1, 5);
	CU_ASSERT_EQUAL(decode(), FL_EFORMAT);
	CU_ASSERT_EQUAL(decode_bytes("h\0", 2), FL_EFORMAT);
	CU_ASSERT_EQUAL(decode_bytes("a\1", 2), FL_EFORMAT);
	CU_ASSERT_EQUAL(decode_bytes("h\1w\1x", 5), FL_EFORMAT);
	pair(3, -1);
	CU_ASSERT_EQUAL(decode(), FL_EFORMAT);
}

static void extra_elements_are_refused(void)
{
	for (int op = 1; op < 37; op++) {
		if (strcmp(fli_control_name((unsigned)op), "unknown") == 0)
			continue;
		pair(9, op);
		for (int i = 0; i < 8; i++)
			number(1);
		CU_ASSERT_EQUAL(decode(), FL_EFORMAT);
		CU_ASSERT_PTR_NOT_NULL(strstr(error.what, fli_control_name((unsigned)op)));
	}
}

static void payload_must_be_one_whole_term(void)
{
	pair(3, 22);
	CU_ASSERT_EQUAL(decode(), FL_EFORMAT);
	fli_buf_add8(&bytes, 131);
	atom("msg");
	CU_ASSERT_EQUAL(decode(), FL_EFORMAT); /* 131 where headers are used */
	pair(3, 22);
	atom("msg");
	atom("trailing");
	CU_ASSERT_EQUAL(decode(), FL_OK);
	CU_ASSERT(payload_is("msg"));
}

static void pass_through_terms_have_versions(void)
{
	fli_control_input input;

	start_bytes();
	fli_buf_add(&bytes, "\x83h\3a\x16", 5);
	pid(&a);
	pid(&b);
	input = (fli_control_input){.data = bytes.data, .size = bytes.size, .has_versions = true};
	CU_ASSERT_EQUAL(decode_input(input), FL_EFORMAT);
	fli_buf_add8(&bytes, 131);
	atom("msg");
	input.data = bytes.data;
	input.size = bytes.size;
	CU_ASSERT_EQUAL(decode_input(input), FL_OK);
	CU_ASSERT(payload_is("msg"));
	input.data++;
	input.size--;
	CU_ASSERT_EQUAL(decode_input(input), FL_EFORMAT);
}

static void cut_payload_is_not_looked_at(void)
{
	fli_control_input input = {.is_cut = true};

	pair(3, 22);
	fli_buf_add(&bytes, "m\0\0\x10\0xyz", 8);
	input.data = bytes.data;
	input.size = bytes.size;
	CU_ASSERT_EQUAL(decode_input(input), FL_OK);
	CU_ASSERT_PTR_NULL(s.payload.data);
}

static void links_and_exits_must_come_from_the_peer(void)
{
	static const uint8_t ops[] = {1, 4, 24, 26, 22};

	for (size_t i = 0; i < sizeof ops; i++) {
		fli_control_input input = {.peer = {"x@h", 3}};
		bool is_link = i < 3;

		pair(3, ops[i]);
		if (ops[i] > 4)
			atom("why");
		input.data = bytes.data;
		input.size = bytes.size;
		CU_ASSERT_EQUAL(decode_input(input), is_link ? FL_EFORMAT : FL_OK);
		input.peer = a.node;
		CU_ASSERT_EQUAL(decode_input(input), FL_OK);
	}
}

static void unlink_id_0_is_refused(void)
{
	for (int op = 35; op <= 36; op++) {
		start(4, op);
		number(0);
		pid(&a);
		pid(&b);
		CU_ASSERT_EQUAL(decode(), FL_EFORMAT);
	}
}

static void atoms_may_be_references_of_the_header(void)
{
	static const uint8_t data[] = {104, 4, 97, 6, 88, 82, 0, 0, 0, 0, 5, 0, 0, 0, 1, 0, 0, 0,
		77, 82, 1, 82, 2, 104, 1, 82, 3};
	static const fl_atom atoms[] = {{"a@h", 3}, {"", 0}, {"echo", 4}, {"msg", 3}};
	fli_refs refs = {atoms, 4};
	fli_control_input input = {.data = data, .size = sizeof data, .refs = &refs};

	CU_ASSERT_EQUAL(decode_input(input), FL_OK);
	CU_ASSERT(fl_pid_eq(&s.from, &a) && fl_atom_is(s.name, "echo"));
	CU_ASSERT_EQUAL(s.payload.walked.expanded_size, 7);
	CU_ASSERT_PTR_EQUAL(s.refs, &refs);
	for (refs.count = 0; refs.count < 4; refs.count++)
		CU_ASSERT_EQUAL(decode_input(input), FL_EFORMAT);
}

FL_SUITE("control", FL_TEST(sends_have_a_payload),
	FL_TEST(traced_variants_are_the_same_ops_with_a_token),
	FL_TEST(reasons_are_payloads_in_old_and_new_ops), FL_TEST(link_ops_name_both_ends),
	FL_TEST(monitors_take_a_pid_or_a_name), FL_TEST(down_tells_what_died_to_whom_and_why),
	FL_TEST(spawn_requests_are_taken_apart), FL_TEST(spawn_options_must_be_a_proper_list),
	FL_TEST(spawn_reply_has_a_pid_or_an_error), FL_TEST(altact_flags_say_what_it_is),
	FL_TEST(altact_may_carry_a_token_and_grow), FL_TEST(altact_flags_may_be_a_big_integer),
	FL_TEST(sender_of_a_message_may_be_no_pid), FL_TEST(unknown_ops_and_shapes_are_refused),
	FL_TEST(extra_elements_are_refused), FL_TEST(payload_must_be_one_whole_term),
	FL_TEST(pass_through_terms_have_versions), FL_TEST(cut_payload_is_not_looked_at),
	FL_TEST(links_and_exits_must_come_from_the_peer), FL_TEST(unlink_id_0_is_refused),
	FL_TEST(atoms_may_be_references_of_the_header));
