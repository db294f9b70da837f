/* SPDX-License-Identifier: Apache-2.0 */
/* The arithmetic of distribution flags, with the sets that real releases send. */
#include <string.h>

#include "dist/flags.h"
#include "tests/support/suite.h"

#define OTP_23 UINT64_C(0x101df7fbd)
#define OTP_25 UINT64_C(0xd07df7fbd)
#define OTP_29 UINT64_C(0x6d07df7fbd)
#define EI_25 UINT64_C(0x407074f9c)
#define EI_23 UINT64_C(0x1074f9c)

static void own_set_is_the_one_of_otp_29(void)
{
	CU_ASSERT_EQUAL(fli_flags_own(true), OTP_29);
	CU_ASSERT_EQUAL(fli_flags_own(false), OTP_29 & ~UINT64_C(1));
}

static void real_releases_lack_nothing(void)
{
	CU_ASSERT_EQUAL(fli_flags_missing(OTP_23), 0);
	CU_ASSERT_EQUAL(fli_flags_missing(OTP_25), 0);
	CU_ASSERT_EQUAL(fli_flags_missing(OTP_29), 0);
	CU_ASSERT_EQUAL(fli_flags_missing(EI_23), 0);
	CU_ASSERT_EQUAL(fli_flags_missing(EI_25), 0);
}

static void digest_stands_for_all_of_25(void)
{
	uint64_t held;

	CU_ASSERT_EQUAL(fli_flags_missing(FLI_DFLAG(MANDATORY_25_DIGEST)), 0);
	CU_ASSERT_EQUAL(fli_flags_missing(0), FLI_DFLAGS_DEMANDED_25);
	held = fli_flags_effective(OTP_29, FLI_DFLAG(MANDATORY_25_DIGEST));
	CU_ASSERT_EQUAL(held, FLI_DFLAGS_DEMANDED_25 | FLI_DFLAG(MANDATORY_25_DIGEST));
}

static void each_mandatory_flag_is_missed_alone(void)
{
	uint64_t base = OTP_29 & ~FLI_DFLAG(MANDATORY_25_DIGEST);

	for (unsigned bit = 0; bit < 64; bit++) {
		uint64_t flag = UINT64_C(1) << bit;

		CU_ASSERT_EQUAL(fli_flags_missing(base & ~flag), flag & FLI_DFLAGS_DEMANDED_25);
	}
}

static void release_23_is_not_asked_for_newer_ones(void)
{
	uint64_t both = fli_flags_effective(OTP_29, OTP_23);

	CU_ASSERT_EQUAL(both & FLI_DFLAG(V4_NC), 0);
	CU_ASSERT_EQUAL(both & FLI_DFLAG(UNLINK_ID), 0);
	CU_ASSERT((both & FLI_DFLAG(SPAWN)) != 0);
	CU_ASSERT_EQUAL(both & ~OTP_23, 0);
}

static void unknown_bits_do_not_hold(void)
{
	CU_ASSERT_EQUAL(fli_flags_effective(OTP_29, UINT64_MAX), OTP_29);
}

static void names_are_listed(void)
{
	char text[FLI_DFLAGS_TEXT_SIZE];

	CU_ASSERT_STRING_EQUAL(fli_flags_text(text, sizeof text, 0), "");
	CU_ASSERT_STRING_EQUAL(
		fli_flags_text(text, sizeof text,
			FLI_DFLAG(UTF8_ATOMS) | FLI_DFLAG(SPAWN) | UINT64_C(1) << 41),
		"UTF8_ATOMS, SPAWN, bit 41");
}

static void all_names_fit_and_short_room_cuts(void)
{
	char text[FLI_DFLAGS_TEXT_SIZE], small[12];

	(void)fli_flags_text(text, sizeof text, UINT64_MAX);
	CU_ASSERT(strstr(text, "bit 63") != NULL);
	CU_ASSERT_STRING_EQUAL(fli_flags_text(small, sizeof small, OTP_29), "PUBLISHED, ");
}

FL_SUITE("flags", FL_TEST(own_set_is_the_one_of_otp_29), FL_TEST(real_releases_lack_nothing),
	FL_TEST(digest_stands_for_all_of_25), FL_TEST(each_mandatory_flag_is_missed_alone),
	FL_TEST(release_23_is_not_asked_for_newer_ones), FL_TEST(unknown_bits_do_not_hold),
	FL_TEST(names_are_listed), FL_TEST(all_names_fit_and_short_room_cuts));
