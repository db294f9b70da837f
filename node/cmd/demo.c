/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `flitch demo`: a node of its own, and a page of what to type in iex.
 *
 * Its default name is demo@localhost, and the page has iex take me@localhost: what a machine calls
 * itself often resolves to an address that nobody listens on (127.0.1.1, a container's),
 * `localhost` never does. Its default cookie is random and printed, since the cookie file of the
 * user is none of a demo's business.
 */
#include "node/cmd/demo.h"

#include <stdio.h>
#include <unistd.h>

#include "flitch.h"
#include "node/cmd/cmd.h"
#include "node/port.h"

static int random_cookie(fl_options *options, fl_error *err)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
	const fli_port *port = fli_port_system();
	unsigned char bytes[20];
	char text[sizeof bytes + 1];

	port->random(port, bytes, sizeof bytes);
	for (size_t i = 0; i < sizeof bytes; i++)
		text[i] = letters[bytes[i] % 32];
	text[sizeof bytes] = '\0';
	return fli_options_put(
		options, FLI_KEY_NODE_COOKIE, text, (fli_source){FLI_RANK_DEFAULT, "demo"}, err);
}

static int prepare(fl_options *options, fl_error *err)
{
	const fli_source demo = {FLI_RANK_DEFAULT, "demo"};
	int rc = FL_OK;

	if (!fli_options_is_set(options, FLI_KEY_NODE_NAME))
		rc = fli_options_put(options, FLI_KEY_NODE_NAME, "demo@localhost", demo, err);
	if (rc == FL_OK && !fli_options_is_set(options, FLI_KEY_LOG_LEVEL))
		rc = fli_options_put(options, FLI_KEY_LOG_LEVEL, "critical", demo, err);
	if (rc == FL_OK && !fli_options_is_set(options, FLI_KEY_NODE_COOKIE) &&
		!fli_options_is_set(options, FLI_KEY_NODE_COOKIE_FILE))
		rc = random_cookie(options, err);
	return rc;
}

static void on_ready(const fl_node *node, const fl_options *options)
{
	fl_atom name = fl_node_name(node);
	const char *cookie = fli_options_text(options, FLI_KEY_NODE_COOKIE);
	char text[FLI_NODE_NAME_BYTES_MAX + 1];

	(void)snprintf(text, sizeof text, "%.*s", (int)name.size, name.text); /* a name fits */
	(void)printf("flitch " FL_VERSION "  %s is up (%s node, port %u, pid %ld)\n", text,
		fli_options_bool(options, FLI_KEY_NODE_VISIBLE) ? "visible" : "hidden",
		fl_node_port(node), (long)getpid());
	fli_demo_print_steps(text, cookie[0] != '\0' ? cookie : "$(cat YOUR-COOKIE-FILE)");
}

int fli_cmd_demo(int argc, char *const *argv)
{
	static const fli_args_spec spec = {
		.usage = "flitch demo [flags]",
		.about =
			"A node with a counter, to try from iex: it prints what to type and ticks each\n"
			"step off as it sees it done. Ctrl-C ends it.",
		.tables = {fli_node_flags},
	};
	static const fl_behaviour *const behaviours[] = {&fli_demo_counter, &fli_demo_guide, NULL};
	static const fli_program program = {
		.spec = &spec, .behaviours = behaviours, .prepare = prepare, .on_ready = on_ready};

	return fli_main_run(&program, argc, argv);
}
