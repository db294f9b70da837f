/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Node names: what a peer may be called, and what a person is told who wrote one down wrong.
 *
 * One pass finds the '@' and counts them; then each half has its own alphabet (net_kernel,
 * "protocol_childspecs" and "valid_name_head": [0-9A-Za-z_-]+ before, [!-~]+ behind).
 */
#include "dist/node_name.h"

#include <stdio.h>
#include <string.h>

/* How much of a bad name a message shows. */
#define SHOWN_MAX 80

static const char *const fault_texts[] = {
#define TEXT(name, text) text,
	FLI_NAME_FAULTS(TEXT)
#undef TEXT
};

const char *fli_name_fault_text(fli_name_fault fault)
{
	return fault_texts[fault];
}

static bool is_alive_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       c == '_' || c == '-';
}

static bool is_host_char(char c)
{
	return c >= '!' && c <= '~' && c != '@';
}

static bool has_only(const char *text, size_t size, bool (*is_fine)(char))
{
	for (size_t i = 0; i < size; i++)
		if (!is_fine(text[i]))
			return false;
	return true;
}

static void keep(fli_node_name *ret_name, const char *text, size_t size, size_t alive_size)
{
	if (ret_name == NULL)
		return;
	*ret_name = (fli_node_name){.size = size, .alive_size = alive_size};
	memcpy(ret_name->text, text, size);
}

fli_name_fault fli_node_name_inspect(const char *text, size_t size, fli_node_name *ret_name)
{
	const char *at, *host;
	size_t alive_size, host_size;

	if (size == 0)
		return FLI_NAME_EMPTY;
	if (size > FLI_NODE_NAME_BYTES_MAX)
		return FLI_NAME_TOO_LONG;
	at = memchr(text, '@', size);
	if (at == NULL)
		return FLI_NAME_NO_AT;
	alive_size = (size_t)(at - text);
	host = at + 1;
	host_size = size - alive_size - 1;
	if (memchr(host, '@', host_size) != NULL)
		return FLI_NAME_TWO_ATS;
	if (alive_size == 0)
		return FLI_NAME_NO_ALIVE;
	if (host_size == 0)
		return FLI_NAME_NO_HOST;
	if (!has_only(text, alive_size, is_alive_char))
		return FLI_NAME_ALIVE_CHAR;
	if (!has_only(host, host_size, is_host_char))
		return FLI_NAME_HOST_CHAR;
	keep(ret_name, text, size, alive_size);
	return FLI_NAME_OK;
}

fli_name_fault fli_node_name_inspect_host(const char *text, size_t size, fli_node_name *ret_name)
{
	if (size == 0)
		return FLI_NAME_EMPTY;
	if (size > FLI_NODE_NAME_BYTES_MAX)
		return FLI_NAME_TOO_LONG;
	if (!has_only(text, size, is_host_char))
		return FLI_NAME_HOST_CHAR;
	keep(ret_name, text, size, 0);
	return FLI_NAME_OK;
}

/* The beginning of a name, with what a terminal should not see replaced. */
static const char *show(char ret_shown[SHOWN_MAX + 1], const char *text, size_t size)
{
	size_t shown = size < SHOWN_MAX ? size : SHOWN_MAX;

	for (size_t i = 0; i < shown; i++)
		ret_shown[i] = (char)(text[i] >= ' ' && text[i] <= '~' ? text[i] : '?');
	ret_shown[shown] = '\0';
	return ret_shown;
}

int fli_node_name_parse(fli_node_name *ret_name, const char *text, size_t size, fl_error *err)
{
	char shown[SHOWN_MAX + 1];
	fli_name_fault fault = fli_node_name_inspect(text, size, ret_name);
	int code;

	if (fault == FLI_NAME_OK)
		return FL_OK;
	code = fl_error_set(err, FL_EINVAL, "the node name \"%s\" %s", show(shown, text, size),
		fli_name_fault_text(fault));
	if (fault == FLI_NAME_NO_AT)
		fl_error_why(
			err, "the name of a node is two parts: what it is called, and its host");
	else
		fl_error_why(err, "no Erlang node would take that name for another node's");
	if (fault == FLI_NAME_NO_AT)
		fl_error_next(err, "write it with its host, such as \"%s@127.0.0.1\"", shown);
	else
		fl_error_next(err, "a node is named alive@host, such as \"app1@127.0.0.1\"");
	return code;
}

int fli_node_name_join(fli_node_name *ret_name, const char *alive, const char *host, fl_error *err)
{
	char text[FLI_NODE_NAME_BYTES_MAX + 2];
	int size = snprintf(text, sizeof text, "%s@%s", alive, host);

	if (size < 0)
		return fl_error_set(err, FL_EINVAL, "the node name cannot be written");
	/* A text that was cut is still longer than a name may be, and is refused as such. */
	return fli_node_name_parse(
		ret_name, text, (size_t)size < sizeof text ? (size_t)size : sizeof text - 1, err);
}

const char *fli_node_name_host(const fli_node_name *name)
{
	return name->alive_size == 0 ? name->text : name->text + name->alive_size + 1;
}

bool fli_node_name_eq(const fli_node_name *a, const fli_node_name *b)
{
	return a->size == b->size && memcmp(a->text, b->text, a->size) == 0;
}

int fli_node_name_compare(const fli_node_name *a, const fli_node_name *b)
{
	return strcmp(a->text, b->text); /* names hold no NUL */
}

fli_name_form fli_node_name_form(const fli_node_name *name)
{
	/* As net_kernel: a dot makes a host long, and so does the colon of an IPv6 address. */
	return strpbrk(fli_node_name_host(name), ".:") != NULL ? FLI_NAME_LONG : FLI_NAME_SHORT;
}

int fli_node_name_check_form(const fli_node_name *name, fli_name_form form, fl_error *err)
{
	const char *host = fli_node_name_host(name);

	if (fli_node_name_form(name) == form)
		return FL_OK;
	if (form == FLI_NAME_SHORT) {
		(void)fl_error_set(err, FL_EINVAL,
			"%s is no short name: its host \"%s\" has a dot or a colon", name->text,
			host);
		fl_error_why(
			err, "nodes with short names reach each other by hosts without dots alone");
		fl_error_next(err, "use --name for a full host name or an address");
		return FL_EINVAL;
	}
	(void)fl_error_set(err, FL_EINVAL,
		"%s is no long name: its host \"%s\" has no dot and is no address", name->text,
		host);
	fl_error_why(err, "nodes with long names look each other up by whole host names");
	fl_error_next(err, "use --sname, or give the full host name or an address");
	return FL_EINVAL;
}

int fli_node_name_check_dial(const fli_node_name *own, const fli_node_name *peer, fl_error *err)
{
	bool own_is_long = fli_node_name_form(own) == FLI_NAME_LONG;

	if (fli_node_name_form(own) == fli_node_name_form(peer))
		return FL_OK;
	(void)fl_error_set(err, FL_EINVAL, "%s has a %s name, %s a %s one", own->text,
		own_is_long ? "long" : "short", peer->text, own_is_long ? "short" : "long");
	fl_error_why(err, "nodes with long names (--name, a dot in the host) and short names "
			  "(--sname, none) cannot form a cluster");
	fl_error_next(err, "start both with the same kind of name");
	return FL_EINVAL;
}
