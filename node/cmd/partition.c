/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `flitch partition simulate`: who would serve after a failure, by the configuration alone. Each
 * member is asked in turn, by the function that decides on a running node, with the links that
 * would be left; no node is started or reached. `status` and `explain` ask a running node.
 */
#include <stdio.h>
#include <string.h>

#include "cluster/partition_options.h"
#include "cluster/suggest.h"
#include "node/cmd/cmd.h"
#include "node/cmd/visit.h"

/* clang-format off */
static const fli_flag flags[] = {
	{.name = "--down", .value = "A,B", .help = "these nodes end, or vanish"},
	{.name = "--split", .value = "A,B",
		.help = "these lose all others but each other; repeatable for more sides"},
	{.name = "--cut", .value = "A,B", .help = "the link between two nodes breaks; repeatable"},
	{.name = NULL},
};
/* clang-format on */

static const fli_args_spec spec = {
	.usage = "flitch partition simulate | status NODE | explain NODE",
	.about =
		"What a split would do, by the configuration; how a node takes part in one, and why:\n"
		"    flitch partition simulate --config flitch.conf --split c1,c2\n"
		"    flitch partition status c1@127.0.0.1\n"
		"Each says more by --help.",
	.words_max = FLI_ARGS_MAX,
};

static const fli_args_spec simulate_spec = {
	.usage = "flitch partition simulate [flags]",
	.about = "Who would serve if these nodes or links were lost, by partition.* of the\n"
		 "configuration. A node is named in full, or by what stands before its @.\n"
		 "    flitch partition simulate --config flitch.conf --split c1,c2",
	.tables = {flags, fli_node_flags},
};

static const fli_args_spec status_spec = {
	.usage = "flitch partition status [flags] NODE",
	.about = "Whether NODE serves, and how many of its members are missing.",
	.tables = {fli_visit_flags},
	.words_min = 1,
	.words_max = 1,
};

static const fli_args_spec explain_spec = {
	.usage = "flitch partition explain [flags] NODE",
	.about = "The last decisions of NODE, the newest first, with what each was made from.",
	.tables = {fli_visit_flags},
	.words_min = 1,
	.words_max = 1,
};

typedef struct drill {
	fli_partition_config config;
	fli_roster roster;
	fli_partition_seat *seats;
	uint64_t *links;
	uint64_t down[FLI_PARTITION_WORDS_MAX];
	uint32_t words; /* of a row of links */
} drill;

/* ---- what is lost ---------------------------------------------------------------------------- */

/* A full name, or the part before the @ where only one member has it. */
static uint32_t place_of(const drill *d, const char *text, size_t size)
{
	uint32_t found = fli_roster_find(&d->roster, (fl_atom){text, size});

	for (uint32_t i = 0; i < d->roster.count && memchr(text, '@', size) == NULL; i++) {
		const char *name = d->roster.entries[i]->name;

		if (strncmp(name, text, size) != 0 || name[size] != '@')
			continue;
		if (found != FLI_ROSTER_NONE)
			return FLI_ROSTER_NONE;
		found = i;
	}
	return found;
}

static int refuse_name(const drill *d, const char *text, size_t size, fl_error *err)
{
	char typed[FLI_NODE_NAME_BYTES_MAX + 1];
	fli_suggest suggest;

	(void)snprintf(typed, sizeof typed, "%.*s", (int)size, text); /* a cut one is none, too */
	suggest = fli_suggest_start(typed);
	for (uint32_t i = 0; i < d->roster.count; i++)
		fli_suggest_offer(&suggest, d->roster.entries[i]->name);
	fl_error_set(err, FL_EINVAL, "\"%s\" is none of the members, or several%s%s%s", typed,
		suggest.best != NULL ? " (did you mean \"" : "",
		suggest.best != NULL ? suggest.best : "", suggest.best != NULL ? "\"?)" : "");
	fl_error_next(err, "flitch config show: partition.members");
	return FL_EINVAL;
}

/* "a,b" as a set. */
static int read_set(const drill *d, const char *text, uint64_t *ret_set, fl_error *err)
{
	memset(ret_set, 0, FLI_PARTITION_WORDS_MAX * sizeof *ret_set);
	while (*text != '\0') {
		size_t size = strcspn(text, ",");
		uint32_t place = place_of(d, text, size);

		if (place == FLI_ROSTER_NONE)
			return refuse_name(d, text, size, err);
		fli_partition_add(ret_set, place);
		text += size;
		text += *text == ',' ? 1 : 0;
	}
	return FL_OK;
}

static uint64_t *row_of(const drill *d, uint32_t member)
{
	return d->links + (size_t)member * d->words;
}

/* No link between one of the set and another that is not in it. */
static void split(drill *d, const uint64_t *set)
{
	for (uint32_t i = 0; i < d->roster.count; i++)
		for (uint32_t w = 0; w < d->words; w++)
			row_of(d, i)[w] &= fli_partition_has(set, i) ? set[w] : ~set[w];
}

/* No link between two of the set. */
static void cut(drill *d, const uint64_t *set)
{
	for (uint32_t i = 0; i < d->roster.count; i++)
		for (uint32_t w = 0; w < d->words && fli_partition_has(set, i); w++)
			row_of(d, i)[w] &= ~set[w];
}

static void take_down(drill *d, const uint64_t *set)
{
	for (uint32_t w = 0; w < d->words; w++)
		d->down[w] |= set[w];
	split(d, set);
	cut(d, set);
}

static int lose(drill *d, const fli_args *args, fl_error *err)
{
	static const struct {
		const char *flag;
		void (*act)(drill *d, const uint64_t *set);
	} losses[] = {{"--down", take_down}, {"--split", split}, {"--cut", cut}};
	uint64_t set[FLI_PARTITION_WORDS_MAX];
	int rc = FL_OK;

	for (size_t i = 0; i < args->found_count && rc == FL_OK; i++)
		for (size_t j = 0; j < 3 && rc == FL_OK; j++) {
			if (strcmp(args->found[i].flag->name, losses[j].flag) != 0)
				continue;
			rc = read_set(d, args->found[i].value, set, err);
			if (rc == FL_OK)
				losses[j].act(d, set);
		}
	return rc;
}

/* ---- who serves ------------------------------------------------------------------------------ */

/* Nobody has the lease yet, and the program that has a rule of its own is not here. */
static const char *word_of(const drill *d, const fli_partition_verdict *verdict)
{
	if (verdict->by_lease)
		return verdict->is_later ? "asks for the lease later" : "asks for the lease";
	if (d->config.rules.policy == FLI_POLICY_CUSTOM && verdict->here < d->roster.count)
		return "asks its own rule";
	return fli_partition_serves(verdict->reason) ? "serves" : "pauses";
}

static void show(const drill *d)
{
	fli_partition_picture picture = {
		.count = d->roster.count, .seats = d->seats, .links = d->links};
	fli_partition_verdict verdict;
	uint32_t serving = 0;

	(void)printf("%s, %u members\n", fli_partition_policy_word(d->config.rules.policy),
		picture.count);
	for (uint32_t i = 0; i < picture.count; i++) {
		const char *name = d->roster.entries[i]->name;
		bool does;

		if (fli_partition_has(d->down, i)) {
			(void)printf("  %s is down\n", name);
			continue;
		}
		picture.self = i;
		fli_partition_decide(&d->config.rules, &picture, &verdict);
		does = fli_partition_serves(verdict.reason);
		serving += does ? 1 : 0;
		(void)printf("  %s %s: %s (%u of %u)\n", name, word_of(d, &verdict),
			fli_partition_reason_text(verdict.reason), verdict.here, picture.count);
	}
	(void)printf("%u of %u serve\n", serving, picture.count);
}

/* At first all are there and see each other. */
static int set_up(drill *d, const fl_options *options, fl_error *err)
{
	fli_mem *mem = fli_options_mem(options);
	uint32_t count = (uint32_t)fli_options_count(options, FLI_KEY_PARTITION_MEMBERS);

	if (count == 0) {
		fl_error_set(err, FL_ECONFIG, "there are no partition.members to simulate with");
		fl_error_next(err,
			"--set partition.members=a@h,b@h,c@h, or --config with the file of a node");
		return FL_ECONFIG;
	}
	d->config = fli_partition_tell(options);
	d->words = fli_partition_words(count);
	d->seats = fli_zalloc(mem, count * sizeof *d->seats);
	d->links = fli_zalloc(mem, (size_t)count * d->words * sizeof *d->links);
	if (d->seats == NULL || d->links == NULL ||
		fli_roster_fill(&d->roster, &d->config) != FL_OK)
		return fl_error_set(err, FL_ENOMEM, "out of memory");
	fli_roster_seats(&d->roster, &d->config, d->seats);
	for (uint32_t a = 0; a < count; a++)
		for (uint32_t b = 0; b < count; b++)
			if (a != b)
				fli_partition_add(row_of(d, a), b);
	return FL_OK;
}

static int simulate(const fli_args *args, const fl_options *options, fl_error *err)
{
	fli_mem *mem = fli_options_mem(options);
	drill d = {.links = NULL};
	int rc = fli_partition_check(options, err);

	fli_roster_create(&d.roster, mem);
	if (rc == FL_OK)
		rc = set_up(&d, options, err);
	if (rc == FL_OK)
		rc = lose(&d, args, err);
	if (rc == FL_OK)
		show(&d);
	fli_roster_destroy(&d.roster);
	fli_free(mem, d.links);
	fli_free(mem, d.seats);
	return rc;
}

static int act(const fli_args *args, fl_options *options, fl_error *err)
{
	int rc = fli_main_options(args, options, err);

	return rc == FL_OK ? simulate(args, options, err) : rc;
}

static int run_simulate(int argc, char *const *argv)
{
	fl_error err = {0};
	fl_options *options;
	fli_args args;
	int code;

	if (!fli_cmd_parse(&args, &simulate_spec, argc, argv, &code))
		return code;
	options = fl_options_new();
	err.code = options != NULL ? act(&args, options, &err) : FL_ENOMEM;
	fl_options_delete(options);
	return err.code == FL_OK ? FLI_EXIT_OK : fli_print_error("flitch", &err);
}

/* ---- a running node -------------------------------------------------------------------------- */

static int print_line(fl_term term)
{
	fl_buf text = FL_BUF_INIT;
	int rc = fl_print(&text, term);

	if (rc == FL_OK)
		(void)printf("%.*s\n", (int)text.size, (const char *)text.data);
	fl_buf_free(&text);
	return rc;
}

static int ask(fl_proc *self, fli_visit *visit)
{
	const char *function = visit->ctx;
	fl_term reply = {0}, item;
	int rc = fl_call(self, fl_name_at("rex", visit->node), visit->timeout_ms, &reply,
		"{call, flitch_partition, ~, [], user}", fl_atom_of(function));

	if (rc != FL_OK)
		return fli_visit_failed(visit, rc, "rex", reply);
	if (fl_match(reply, "{badrpc, _}")) {
		fl_error_set(
			&visit->err, FL_ENOTSUP, "%s has no partition policy to show", visit->node);
		fl_error_why(&visit->err, "it is no flitch node, or rpc.profile is strict there");
		return FL_ENOTSUP;
	}
	if (fl_term_kind(reply) != FL_LIST)
		rc = print_line(reply);
	while (rc == FL_OK && fl_list_next(&reply, &item)) {
		rc = print_line(item);
	}
	return rc == FL_OK ? FL_OK : fl_error_set(&visit->err, rc, "cannot print the answer");
}

static int run_visit(const fli_args_spec *how, const char *function, int argc, char *const *argv)
{
	fli_visit visit = {.errand = ask, .ctx = (void *)(uintptr_t)function};
	fli_args args;
	int code;

	if (!fli_cmd_parse(&args, how, argc, argv, &code))
		return code;
	return fli_visit_run(&visit, &args, args.words[0]);
}

int fli_cmd_partition(int argc, char *const *argv)
{
	const char *what = argc > 0 ? argv[0] : "";
	fli_args args;
	int code;

	if (strcmp(what, "simulate") == 0)
		return run_simulate(argc - 1, argv + 1);
	if (strcmp(what, "status") == 0)
		return run_visit(&status_spec, "status", argc - 1, argv + 1);
	if (strcmp(what, "explain") == 0)
		return run_visit(&explain_spec, "explain", argc - 1, argv + 1);
	if (fli_cmd_parse(&args, &spec, argc, argv, &code)) {
		fl_error err = {0};

		fl_error_set(
			&err, FL_EINVAL, "\"%s\" is none of simulate, status and explain", what);
		fl_error_next(&err, "flitch partition --help");
		return fli_print_error("flitch", &err);
	}
	return code;
}
