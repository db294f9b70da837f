/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scenario files: a plan as text, one line a setting or a step. Lines that begin with # say what
 * the scenario shows.
 *
 *     set hosts 3
 *     12500000 silent_loss 0 2 17 30000000        at us, row, two hosts, x, lasts us
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/rows.h"

void plan_write(const plan *p, FILE *file)
{
#define PLAN_LINE(name) fprintf(file, "set " #name " %" PRIu64 "\n", p->settings.name);
	PLAN_SETTINGS(PLAN_LINE)
#undef PLAN_LINE
	for (size_t i = 0; i < p->count; i++) {
		const plan_step *s = &p->steps[i];

		fprintf(file, "%" PRIu64 " %s %u %u %" PRIu64 " %" PRIu64 "\n", s->at_us,
			row_at(s->row)->name, s->a, s->b, s->x, s->lasts_us);
	}
}

static bool read_setting(plan *p, const char *line)
{
	char name[64];
	uint64_t value;

	if (sscanf(line, "set %63s %" SCNu64, name, &value) != 2)
		return false;
#define PLAN_TAKE(field)                                                                           \
	if (strcmp(name, #field) == 0) {                                                           \
		p->settings.field = value;                                                         \
		return true;                                                                       \
	}
	PLAN_SETTINGS(PLAN_TAKE)
#undef PLAN_TAKE
	return false;
}

static bool read_step(plan *p, const char *line)
{
	plan_step s;
	char name[64];
	size_t index;

	if (p->count == PLAN_STEPS_MAX ||
		sscanf(line, "%" SCNu64 " %63s %u %u %" SCNu64 " %" SCNu64, &s.at_us, name, &s.a,
			&s.b, &s.x, &s.lasts_us) != 6)
		return false;
	index = row_find(name);
	s.row = (unsigned)index;
	if (index == rows_count() || s.a >= p->settings.hosts || s.b >= p->settings.hosts)
		return false;
	p->steps[p->count++] = s;
	return true;
}

static bool read_lines(plan *p, const char *path, FILE *file)
{
	char line[256];
	unsigned number = 0;
	bool is_fine = true;

	while (is_fine && fgets(line, sizeof line, file) != NULL) {
		number++;
		if (line[0] == '#' || line[0] == '\n')
			continue;
		is_fine =
			strncmp(line, "set ", 4) == 0 ? read_setting(p, line) : read_step(p, line);
	}
	if (!is_fine)
		fprintf(stderr, "%s:%u: neither a setting nor a step: %s", path, number, line);
	return is_fine;
}

bool plan_read(plan *p, const char *path)
{
	FILE *file = fopen(path, "r");
	bool is_fine;

	*p = (plan){.settings = {.hosts = 2}};
	if (file == NULL) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return false;
	}
	p->steps = calloc(PLAN_STEPS_MAX, sizeof *p->steps);
	is_fine = p->steps != NULL && read_lines(p, path, file);
	if (is_fine && (p->settings.hosts < 2 || p->settings.hosts > PLAN_HOSTS_MAX)) {
		fprintf(stderr, "%s: hosts must be from 2 to %d\n", path, PLAN_HOSTS_MAX);
		is_fine = false;
	}
	(void)fclose(file);
	if (!is_fine)
		plan_free(p);
	return is_fine;
}
