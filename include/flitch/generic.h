/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FLITCH_GENERIC_H
#define FLITCH_GENERIC_H

/*
 * The machinery of fl_match and fl_build: counts the arguments after the pattern and turns each
 * into an fl_slot or an fl_value by its C type. Included by <flitch/term.h> alone.
 *
 * A pointer or value of a type that is not listed does not compile; that is the point. The trailing
 * zeros keep every variadic macro at one argument or more, as C11 asks.
 */

#include "flitch/types.h"

#define FLI_FIRST(first, ...) first

#define FLI_PICK(_0, _1, _2, _3, _4, _5, _6, _7, _8, _9, _10, _11, _12, _13, _14, _15, _16, _17,   \
	_18, _19, _20, _21, _22, _23, _24, name, ...)                                              \
	name

/* How many arguments follow the first one. */
#define FLI_COUNT(...)                                                                             \
	FLI_PICK(__VA_ARGS__, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, \
		6, 5, 4, 3, 2, 1, 0, 0)

/* each(m, pattern, a, b, ...) is m(a), m(b), ... */
#define FLI_EACH_1(m, a) m(a)
#define FLI_EACH_2(m, a, ...) m(a), FLI_EACH_1(m, __VA_ARGS__)
#define FLI_EACH_3(m, a, ...) m(a), FLI_EACH_2(m, __VA_ARGS__)
#define FLI_EACH_4(m, a, ...) m(a), FLI_EACH_3(m, __VA_ARGS__)
#define FLI_EACH_5(m, a, ...) m(a), FLI_EACH_4(m, __VA_ARGS__)
#define FLI_EACH_6(m, a, ...) m(a), FLI_EACH_5(m, __VA_ARGS__)
#define FLI_EACH_7(m, a, ...) m(a), FLI_EACH_6(m, __VA_ARGS__)
#define FLI_EACH_8(m, a, ...) m(a), FLI_EACH_7(m, __VA_ARGS__)
#define FLI_EACH_9(m, a, ...) m(a), FLI_EACH_8(m, __VA_ARGS__)
#define FLI_EACH_10(m, a, ...) m(a), FLI_EACH_9(m, __VA_ARGS__)
#define FLI_EACH_11(m, a, ...) m(a), FLI_EACH_10(m, __VA_ARGS__)
#define FLI_EACH_12(m, a, ...) m(a), FLI_EACH_11(m, __VA_ARGS__)
#define FLI_EACH_13(m, a, ...) m(a), FLI_EACH_12(m, __VA_ARGS__)
#define FLI_EACH_14(m, a, ...) m(a), FLI_EACH_13(m, __VA_ARGS__)
#define FLI_EACH_15(m, a, ...) m(a), FLI_EACH_14(m, __VA_ARGS__)
#define FLI_EACH_16(m, a, ...) m(a), FLI_EACH_15(m, __VA_ARGS__)
#define FLI_EACH_17(m, a, ...) m(a), FLI_EACH_16(m, __VA_ARGS__)
#define FLI_EACH_18(m, a, ...) m(a), FLI_EACH_17(m, __VA_ARGS__)
#define FLI_EACH_19(m, a, ...) m(a), FLI_EACH_18(m, __VA_ARGS__)
#define FLI_EACH_20(m, a, ...) m(a), FLI_EACH_19(m, __VA_ARGS__)
#define FLI_EACH_21(m, a, ...) m(a), FLI_EACH_20(m, __VA_ARGS__)
#define FLI_EACH_22(m, a, ...) m(a), FLI_EACH_21(m, __VA_ARGS__)
#define FLI_EACH_23(m, a, ...) m(a), FLI_EACH_22(m, __VA_ARGS__)
#define FLI_EACH_24(m, a, ...) m(a), FLI_EACH_23(m, __VA_ARGS__)

#define FLI_SLOTS_0(pattern) NULL, 0
#define FLI_SLOTS_1(pattern, ...) (const fl_slot[]){FLI_EACH_1(FLI_SLOT, __VA_ARGS__)}, 1
#define FLI_SLOTS_2(pattern, ...) (const fl_slot[]){FLI_EACH_2(FLI_SLOT, __VA_ARGS__)}, 2
#define FLI_SLOTS_3(pattern, ...) (const fl_slot[]){FLI_EACH_3(FLI_SLOT, __VA_ARGS__)}, 3
#define FLI_SLOTS_4(pattern, ...) (const fl_slot[]){FLI_EACH_4(FLI_SLOT, __VA_ARGS__)}, 4
#define FLI_SLOTS_5(pattern, ...) (const fl_slot[]){FLI_EACH_5(FLI_SLOT, __VA_ARGS__)}, 5
#define FLI_SLOTS_6(pattern, ...) (const fl_slot[]){FLI_EACH_6(FLI_SLOT, __VA_ARGS__)}, 6
#define FLI_SLOTS_7(pattern, ...) (const fl_slot[]){FLI_EACH_7(FLI_SLOT, __VA_ARGS__)}, 7
#define FLI_SLOTS_8(pattern, ...) (const fl_slot[]){FLI_EACH_8(FLI_SLOT, __VA_ARGS__)}, 8
#define FLI_SLOTS_9(pattern, ...) (const fl_slot[]){FLI_EACH_9(FLI_SLOT, __VA_ARGS__)}, 9
#define FLI_SLOTS_10(pattern, ...) (const fl_slot[]){FLI_EACH_10(FLI_SLOT, __VA_ARGS__)}, 10
#define FLI_SLOTS_11(pattern, ...) (const fl_slot[]){FLI_EACH_11(FLI_SLOT, __VA_ARGS__)}, 11
#define FLI_SLOTS_12(pattern, ...) (const fl_slot[]){FLI_EACH_12(FLI_SLOT, __VA_ARGS__)}, 12
#define FLI_SLOTS_13(pattern, ...) (const fl_slot[]){FLI_EACH_13(FLI_SLOT, __VA_ARGS__)}, 13
#define FLI_SLOTS_14(pattern, ...) (const fl_slot[]){FLI_EACH_14(FLI_SLOT, __VA_ARGS__)}, 14
#define FLI_SLOTS_15(pattern, ...) (const fl_slot[]){FLI_EACH_15(FLI_SLOT, __VA_ARGS__)}, 15
#define FLI_SLOTS_16(pattern, ...) (const fl_slot[]){FLI_EACH_16(FLI_SLOT, __VA_ARGS__)}, 16
#define FLI_SLOTS_17(pattern, ...) (const fl_slot[]){FLI_EACH_17(FLI_SLOT, __VA_ARGS__)}, 17
#define FLI_SLOTS_18(pattern, ...) (const fl_slot[]){FLI_EACH_18(FLI_SLOT, __VA_ARGS__)}, 18
#define FLI_SLOTS_19(pattern, ...) (const fl_slot[]){FLI_EACH_19(FLI_SLOT, __VA_ARGS__)}, 19
#define FLI_SLOTS_20(pattern, ...) (const fl_slot[]){FLI_EACH_20(FLI_SLOT, __VA_ARGS__)}, 20
#define FLI_SLOTS_21(pattern, ...) (const fl_slot[]){FLI_EACH_21(FLI_SLOT, __VA_ARGS__)}, 21
#define FLI_SLOTS_22(pattern, ...) (const fl_slot[]){FLI_EACH_22(FLI_SLOT, __VA_ARGS__)}, 22
#define FLI_SLOTS_23(pattern, ...) (const fl_slot[]){FLI_EACH_23(FLI_SLOT, __VA_ARGS__)}, 23
#define FLI_SLOTS_24(pattern, ...) (const fl_slot[]){FLI_EACH_24(FLI_SLOT, __VA_ARGS__)}, 24
#define FLI_SLOTS(...)                                                                             \
	FLI_PICK(__VA_ARGS__, FLI_SLOTS_24, FLI_SLOTS_23, FLI_SLOTS_22, FLI_SLOTS_21,              \
		FLI_SLOTS_20, FLI_SLOTS_19, FLI_SLOTS_18, FLI_SLOTS_17, FLI_SLOTS_16,              \
		FLI_SLOTS_15, FLI_SLOTS_14, FLI_SLOTS_13, FLI_SLOTS_12, FLI_SLOTS_11,              \
		FLI_SLOTS_10, FLI_SLOTS_9, FLI_SLOTS_8, FLI_SLOTS_7, FLI_SLOTS_6, FLI_SLOTS_5,     \
		FLI_SLOTS_4, FLI_SLOTS_3, FLI_SLOTS_2, FLI_SLOTS_1, FLI_SLOTS_0, 0)                \
	(__VA_ARGS__)

#define FLI_VALUES_0(pattern) NULL, 0
#define FLI_VALUES_1(pattern, ...) (const fl_value[]){FLI_EACH_1(FLI_VALUE, __VA_ARGS__)}, 1
#define FLI_VALUES_2(pattern, ...) (const fl_value[]){FLI_EACH_2(FLI_VALUE, __VA_ARGS__)}, 2
#define FLI_VALUES_3(pattern, ...) (const fl_value[]){FLI_EACH_3(FLI_VALUE, __VA_ARGS__)}, 3
#define FLI_VALUES_4(pattern, ...) (const fl_value[]){FLI_EACH_4(FLI_VALUE, __VA_ARGS__)}, 4
#define FLI_VALUES_5(pattern, ...) (const fl_value[]){FLI_EACH_5(FLI_VALUE, __VA_ARGS__)}, 5
#define FLI_VALUES_6(pattern, ...) (const fl_value[]){FLI_EACH_6(FLI_VALUE, __VA_ARGS__)}, 6
#define FLI_VALUES_7(pattern, ...) (const fl_value[]){FLI_EACH_7(FLI_VALUE, __VA_ARGS__)}, 7
#define FLI_VALUES_8(pattern, ...) (const fl_value[]){FLI_EACH_8(FLI_VALUE, __VA_ARGS__)}, 8
#define FLI_VALUES_9(pattern, ...) (const fl_value[]){FLI_EACH_9(FLI_VALUE, __VA_ARGS__)}, 9
#define FLI_VALUES_10(pattern, ...) (const fl_value[]){FLI_EACH_10(FLI_VALUE, __VA_ARGS__)}, 10
#define FLI_VALUES_11(pattern, ...) (const fl_value[]){FLI_EACH_11(FLI_VALUE, __VA_ARGS__)}, 11
#define FLI_VALUES_12(pattern, ...) (const fl_value[]){FLI_EACH_12(FLI_VALUE, __VA_ARGS__)}, 12
#define FLI_VALUES_13(pattern, ...) (const fl_value[]){FLI_EACH_13(FLI_VALUE, __VA_ARGS__)}, 13
#define FLI_VALUES_14(pattern, ...) (const fl_value[]){FLI_EACH_14(FLI_VALUE, __VA_ARGS__)}, 14
#define FLI_VALUES_15(pattern, ...) (const fl_value[]){FLI_EACH_15(FLI_VALUE, __VA_ARGS__)}, 15
#define FLI_VALUES_16(pattern, ...) (const fl_value[]){FLI_EACH_16(FLI_VALUE, __VA_ARGS__)}, 16
#define FLI_VALUES_17(pattern, ...) (const fl_value[]){FLI_EACH_17(FLI_VALUE, __VA_ARGS__)}, 17
#define FLI_VALUES_18(pattern, ...) (const fl_value[]){FLI_EACH_18(FLI_VALUE, __VA_ARGS__)}, 18
#define FLI_VALUES_19(pattern, ...) (const fl_value[]){FLI_EACH_19(FLI_VALUE, __VA_ARGS__)}, 19
#define FLI_VALUES_20(pattern, ...) (const fl_value[]){FLI_EACH_20(FLI_VALUE, __VA_ARGS__)}, 20
#define FLI_VALUES_21(pattern, ...) (const fl_value[]){FLI_EACH_21(FLI_VALUE, __VA_ARGS__)}, 21
#define FLI_VALUES_22(pattern, ...) (const fl_value[]){FLI_EACH_22(FLI_VALUE, __VA_ARGS__)}, 22
#define FLI_VALUES_23(pattern, ...) (const fl_value[]){FLI_EACH_23(FLI_VALUE, __VA_ARGS__)}, 23
#define FLI_VALUES_24(pattern, ...) (const fl_value[]){FLI_EACH_24(FLI_VALUE, __VA_ARGS__)}, 24
#define FLI_VALUES(...)                                                                            \
	FLI_PICK(__VA_ARGS__, FLI_VALUES_24, FLI_VALUES_23, FLI_VALUES_22, FLI_VALUES_21,          \
		FLI_VALUES_20, FLI_VALUES_19, FLI_VALUES_18, FLI_VALUES_17, FLI_VALUES_16,         \
		FLI_VALUES_15, FLI_VALUES_14, FLI_VALUES_13, FLI_VALUES_12, FLI_VALUES_11,         \
		FLI_VALUES_10, FLI_VALUES_9, FLI_VALUES_8, FLI_VALUES_7, FLI_VALUES_6,             \
		FLI_VALUES_5, FLI_VALUES_4, FLI_VALUES_3, FLI_VALUES_2, FLI_VALUES_1,              \
		FLI_VALUES_0, 0)                                                                   \
	(__VA_ARGS__)

/* `long` is 64 bits wide wherever flitch runs; checked here. */
_Static_assert(sizeof(long) == 8, "flitch needs 64-bit longs");

#define FLI_SLOT_TYPE(pointer)                                                                     \
	_Generic((pointer), \
		signed char *: FL_SLOT_I8, const signed char *: FL_SLOT_I8, \
		unsigned char *: FL_SLOT_U8, const unsigned char *: FL_SLOT_U8, \
		short *: FL_SLOT_I16, const short *: FL_SLOT_I16, \
		unsigned short *: FL_SLOT_U16, const unsigned short *: FL_SLOT_U16, \
		int *: FL_SLOT_I32, const int *: FL_SLOT_I32, \
		unsigned *: FL_SLOT_U32, const unsigned *: FL_SLOT_U32, \
		long *: FL_SLOT_I64, const long *: FL_SLOT_I64, \
		unsigned long *: FL_SLOT_U64, const unsigned long *: FL_SLOT_U64, \
		long long *: FL_SLOT_I64, const long long *: FL_SLOT_I64, \
		unsigned long long *: FL_SLOT_U64, const unsigned long long *: FL_SLOT_U64, \
		double *: FL_SLOT_DOUBLE, const double *: FL_SLOT_DOUBLE, \
		bool *: FL_SLOT_BOOL, const bool *: FL_SLOT_BOOL, \
		fl_bin *: FL_SLOT_BIN, const fl_bin *: FL_SLOT_BIN, \
		fl_atom *: FL_SLOT_ATOM, const fl_atom *: FL_SLOT_ATOM, \
		fl_pid *: FL_SLOT_PID, const fl_pid *: FL_SLOT_PID, \
		fl_ref *: FL_SLOT_REF, const fl_ref *: FL_SLOT_REF, \
		fl_port *: FL_SLOT_PORT, const fl_port *: FL_SLOT_PORT, \
		fl_text *: FL_SLOT_TEXT, const fl_text *: FL_SLOT_TEXT, \
		fl_term *: FL_SLOT_TERM, const fl_term *: FL_SLOT_TERM)
#define FLI_SLOT(pointer)                                                                          \
	{                                                                                          \
		FLI_SLOT_TYPE(pointer), (pointer)                                                  \
	}

static inline fl_value fli_value_int(int64_t value)
{
	return (fl_value){.type = FL_SLOT_I64, .as.i = value};
}

static inline fl_value fli_value_uint(uint64_t value)
{
	return (fl_value){.type = FL_SLOT_U64, .as.u = value};
}

static inline fl_value fli_value_double(double value)
{
	return (fl_value){.type = FL_SLOT_DOUBLE, .as.d = value};
}

static inline fl_value fli_value_bin(fl_bin value)
{
	return (fl_value){.type = FL_SLOT_BIN, .as.bin = value};
}

static inline fl_value fli_value_atom(fl_atom value)
{
	return (fl_value){.type = FL_SLOT_ATOM, .as.atom = value};
}

static inline fl_value fli_value_pid(fl_pid value)
{
	return (fl_value){.type = FL_SLOT_PID, .as.pid = value};
}

static inline fl_value fli_value_ref(fl_ref value)
{
	return (fl_value){.type = FL_SLOT_REF, .as.ref = value};
}

static inline fl_value fli_value_port(fl_port value)
{
	return (fl_value){.type = FL_SLOT_PORT, .as.port = value};
}

static inline fl_value fli_value_term(fl_term value)
{
	return (fl_value){.type = FL_SLOT_TERM, .as.term = value};
}

static inline fl_value fli_value_bool(fl_boolean value)
{
	return (fl_value){.type = FL_SLOT_BOOL, .as.b = value.value};
}

static inline fl_value fli_value_text(fl_text value)
{
	return (fl_value){.type = FL_SLOT_TERM, .as.term = value.term};
}

static inline fl_value fli_value_string(const char *value)
{
	return (fl_value){.type = FL_SLOT_BIN, .as.bin = {value, __builtin_strlen(value)}};
}

#define FLI_VALUE(value)                                                                           \
	_Generic((value), \
		char: fli_value_int, \
		signed char: fli_value_int, \
		unsigned char: fli_value_uint, \
		short: fli_value_int, \
		unsigned short: fli_value_uint, \
		int: fli_value_int, \
		unsigned: fli_value_uint, \
		long: fli_value_int, \
		unsigned long: fli_value_uint, \
		long long: fli_value_int, \
		unsigned long long: fli_value_uint, \
		float: fli_value_double, \
		double: fli_value_double, \
		char *: fli_value_string, \
		const char *: fli_value_string, \
		fl_boolean: fli_value_bool, \
		fl_bin: fli_value_bin, \
		fl_atom: fli_value_atom, \
		fl_pid: fli_value_pid, \
		fl_ref: fli_value_ref, \
		fl_port: fli_value_port, \
		fl_text: fli_value_text, \
		fl_term: fli_value_term)(value)

#endif
