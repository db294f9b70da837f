/* SPDX-License-Identifier: Apache-2.0 */
#include "dist/host_port.h"

#include <stdlib.h>
#include <string.h>

static bool read_port(const char *text, uint16_t *ret_port)
{
	char *end;
	unsigned long port;

	if (*text < '0' || *text > '9')
		return false;
	port = strtoul(text, &end, 10);
	if (*end != '\0' || port == 0 || port > UINT16_MAX)
		return false;
	*ret_port = (uint16_t)port;
	return true;
}

bool fli_host_port_split(const char *text, char *ret_host, size_t size, uint16_t *ret_port)
{
	const char *colon = strrchr(text, ':');
	size_t length = colon == NULL ? 0 : (size_t)(colon - text);
	bool has_brackets = length > 2 && text[0] == '[' && text[length - 1] == ']';

	if (has_brackets) {
		text++;
		length -= 2;
	}
	if (length == 0 || length >= size)
		return false;
	/* without brackets nobody can tell where an IPv6 address ends */
	if (has_brackets != (memchr(text, ':', length) != NULL) || strcspn(text, "[]") < length ||
		!read_port(colon + 1, ret_port))
		return false;
	memcpy(ret_host, text, length);
	ret_host[length] = '\0';
	return true;
}
