/* SPDX-License-Identifier: Apache-2.0 */
/* What the operating system knows of this process's memory. Where /proc is missing, nothing. */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "node/natives.h"

bool fli_memory_read(fli_memory *ret_memory)
{
	uint64_t resident, code, data, page = (uint64_t)sysconf(_SC_PAGESIZE);
	FILE *file = fopen("/proc/self/statm", "re");
	int count;

	if (file == NULL)
		return false;
	count = fscanf(
		file, "%*u %" SCNu64 " %*u %" SCNu64 " %*u %" SCNu64, &resident, &code, &data);
	(void)fclose(file); /* it was only read */
	if (count != 3)
		return false;
	*ret_memory = (fli_memory){resident * page, code * page, data * page};
	return true;
}
