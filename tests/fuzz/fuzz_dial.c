/* SPDX-License-Identifier: Apache-2.0 */
/* The dialler of a handshake under any bytes of its acceptor, from each of its steps (shake.h). */
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/shake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	shake(data, size, true);
	return 0;
}
