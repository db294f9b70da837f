/* SPDX-License-Identifier: Apache-2.0 */
/* The acceptor of a handshake under any bytes of its dialler, from each of its steps (shake.h). */
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/shake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	shake(data, size, false);
	return 0;
}
