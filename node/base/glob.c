/* SPDX-License-Identifier: Apache-2.0 */
/* One place to go back to is enough: what follows the last star is what may have to move on. */
#include "node/base/glob.h"

bool fli_glob(const char *pattern, const char *text, size_t size)
{
	const char *star = NULL;
	size_t at = 0, back = 0;

	while (at < size) {
		if (*pattern == '*') {
			star = ++pattern;
			back = at;
		} else if (*pattern != '\0' && (*pattern == '?' || *pattern == text[at])) {
			pattern++;
			at++;
		} else if (star != NULL) {
			pattern = star;
			at = ++back;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}
