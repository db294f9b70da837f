/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes seeds out of recorded traffic: cut CORPUS FILE...
 *
 * A file is one direction of one connection, named TAG.N.a (what who connected said) or TAG.N.b
 * (what was answered); TAG is `epmd`, `c1` (somebody dialled the C node) or `otp` (it dialled).
 * Each becomes files in CORPUS/TARGET for every target that takes bytes of its kind, in that
 * target's own form (see the top of each). A seed is named by a hash of its bytes.
 *
 * A message in fragments has a binary of many zeros: all but some of them are left out, so that its
 * seed is small and still one of several fragments.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "dist/digest.h"
#include "dist/flags.h"
#include "dist/frame_in.h"
#include "node/base/map.h"
#include "node/term/tag.h"
#include "tests/fuzz/fuzz.h"

enum { SEED_MAX = 4096, STREAM_MAX = 16 << 20, NODE_FRAMES = 8, ZEROS_LEFT = 40 };

int main(int argc, char **argv);

static const char *corpus;

/* ---- seeds ----------------------------------------------------------------------------------- */

static void save(const char *target, const fli_buf *seed)
{
	char path[4096];
	uint64_t hash = 1469598103934665603u;
	FILE *file;

	if (seed->size == 0 || seed->size > SEED_MAX)
		return;
	for (size_t i = 0; i < seed->size; i++)
		hash = fli_hash_mix(hash ^ seed->data[i]);
	(void)snprintf(path, sizeof path, "%s/%s", corpus, target);
	(void)mkdir(path, 0777); /* it may be there */
	(void)snprintf(
		path, sizeof path, "%s/%s/%016llx", corpus, target, (unsigned long long)hash);
	file = fopen(path, "wb");
	CHECK(file != NULL && fwrite(seed->data, 1, seed->size, file) == seed->size);
	CHECK(fclose(file) == 0);
}

static void begin(fli_buf *seed, uint8_t first)
{
	seed->size = 0;
	fli_buf_add8(seed, first);
}

static void add_refs(fli_buf *seed, const fli_refs *refs)
{
	size_t count = refs == NULL ? 0 : refs->count;

	fli_buf_add8(seed, (uint8_t)count);
	for (size_t i = 0; i < count; i++) {
		CHECK(refs->atoms[i].size < 256);
		fli_buf_add8(seed, (uint8_t)refs->atoms[i].size);
		fli_buf_add(seed, refs->atoms[i].text, refs->atoms[i].size);
	}
}

/* ---- terms ----------------------------------------------------------------------------------- */

static void save_matches(fli_buf *seed, const uint8_t *term, size_t size)
{
	for (uint8_t pattern = 0; pattern < 6; pattern++) {
		begin(seed, pattern);
		fli_buf_add8(seed, 16);
		fli_buf_add8(seed, 0);
		fli_buf_add(seed, term, size);
		save("match", seed);
	}
}

static void save_part(const fli_part *part, const fli_refs *refs)
{
	uint8_t *out;
	fli_buf seed;

	if (part->data == NULL || part->walked.expanded_size > SEED_MAX)
		return;
	fli_buf_create(&seed, fli_mem_libc(), 0);
	out = malloc(part->walked.expanded_size);
	CHECK(out != NULL);
	fli_expand(part->data, &part->walked, refs, out);
	fli_buf_add(&seed, out, part->walked.expanded_size);
	save("term", &seed);
	save_matches(&seed, out, part->walked.expanded_size);
	seed.size = 0;
	add_refs(&seed, refs);
	fli_buf_add(&seed, part->data, part->walked.size);
	save("walk", &seed);
	free(out);
	fli_buf_destroy(&seed);
}

static bool on_signal(void *ctx, const fli_signal *signal)
{
	(void)ctx;
	save_part(&signal->payload, signal->refs);
	save_part(&signal->token, signal->refs);
	if (signal->op == FLI_OP_SPAWN_REQUEST)
		save_part(&signal->spawn.options, signal->refs);
	return true;
}

/* ---- frames ---------------------------------------------------------------------------------- */

typedef struct cutter {
	fli_atom_cache cache;
	fli_buf stream;  /* all frames, the large ones made small */
	fli_buf headers; /* their distribution headers, behind the two bytes of version and kind */
	fli_buf fragments; /* steps of the target `fragments` */
	fli_buf node;      /* frames for a whole node */
	unsigned node_frames;
	size_t cut; /* zeros that are missing in a message under way */
} cutter;

/* A binary of more than 64 KiB becomes one of ZEROS_LEFT bytes. */
static size_t shrink_first(cutter *c, uint8_t *frame, size_t size)
{
	for (size_t i = 0; i + 5 < size; i++) {
		if (frame[i] != FLI_BINARY_EXT || fli_get32(frame + i + 1) < 0x10000)
			continue;
		fli_put32(frame + i + 1, ZEROS_LEFT);
		c->cut = ZEROS_LEFT / 2;
		return i + 5 + ZEROS_LEFT / 2;
	}
	return size;
}

/* Behind its header of 18 bytes; the last one has what is left of the binary. */
static size_t shrink_next(cutter *c, const uint8_t *frame, size_t size)
{
	size_t left = fli_get64(frame + 10) == 1 ? c->cut : 0;

	if (c->cut == 0 || size < 18 + left)
		return size;
	if (left > 0)
		c->cut = 0;
	return 18 + left;
}

static void add_step(cutter *c, const uint8_t *frame, size_t size, uint8_t what)
{
	size_t bytes = size - 18 < 100 ? size - 18 : 100;

	fli_buf_add8(&c->fragments, (uint8_t)(what | (frame[9] & 7)));
	fli_buf_add8(&c->fragments, frame[17]);
	fli_buf_add8(&c->fragments, (uint8_t)bytes);
	fli_buf_add(&c->fragments, frame + 18, bytes);
}

/* The names of both nodes become those of the node that is fuzzed and its peer. */
static bool rename_one(fli_buf *out, const uint8_t *at, size_t left, const char *const names[2])
{
	size_t size = strlen(names[0]);

	if (left < size + 1 || at[0] != size || memcmp(at + 1, names[0], size) != 0)
		return false;
	fli_buf_add8(out, (uint8_t)strlen(names[1]));
	fli_buf_add_text(out, names[1]);
	return true;
}

static void add_node_frame(cutter *c, const uint8_t *frame, size_t size)
{
	static const char *const own[] = {"c1@127.0.0.1", FUZZ_OWN};
	static const char *const peer[] = {"otp@127.0.0.1", FUZZ_PEER};
	fli_buf renamed;

	if (c->node_frames == NODE_FRAMES)
		return;
	fli_buf_create(&renamed, fli_mem_libc(), 0);
	for (size_t i = 0; i < size; i++) {
		if (rename_one(&renamed, frame + i, size - i, own))
			i += strlen(own[0]);
		else if (rename_one(&renamed, frame + i, size - i, peer))
			i += strlen(peer[0]);
		else
			fli_buf_add8(&renamed, frame[i]);
	}
	if (renamed.size < 255) {
		c->node_frames++;
		fli_buf_add8(&c->node, 0x80);
		fli_buf_add8(&c->node, (uint8_t)renamed.size);
		fli_buf_add(&c->node, renamed.data, renamed.size);
	}
	fli_buf_destroy(&renamed);
}

static void cut_control(const fli_cursor *at, const fli_refs *refs)
{
	fli_buf seed;

	fli_buf_create(&seed, fli_mem_libc(), 0);
	begin(&seed, refs != NULL ? 4 : 8);
	add_refs(&seed, refs);
	fli_buf_add(&seed, at->at, fli_left(at));
	save("control", &seed);
	fli_buf_destroy(&seed);
}

static size_t cut_header(cutter *c, uint8_t *frame, size_t size)
{
	size_t skipped = frame[1] == 69 ? 18 : 2;
	fli_cursor at = fli_cursor_make(frame + skipped, size - skipped);

	if (frame[1] == 69)
		add_step(c, frame, size, 8);
	CHECK(fli_atom_cache_read(&c->cache, &at, NULL) == FL_OK);
	fli_buf_add(&c->headers, frame + skipped, (size_t)(at.at - frame) - skipped);
	if (frame[1] == 68)
		cut_control(&at, &c->cache.refs);
	return frame[1] == 69 ? shrink_first(c, frame, size) : size;
}

static void cut_frame(cutter *c, uint8_t *frame, size_t size)
{
	uint8_t length[4];
	fli_cursor at = fli_cursor_make(frame, size);

	if (size > 2 && frame[0] == FLI_VERSION && (frame[1] == 68 || frame[1] == 69)) {
		size = cut_header(c, frame, size);
	} else if (size >= 18 && frame[0] == FLI_VERSION && frame[1] == 70) {
		add_step(c, frame, size, 0);
		size = shrink_next(c, frame, size);
	} else if (size > 1 && frame[0] == 112) {
		at.at++;
		cut_control(&at, NULL);
	}
	fli_put32(length, (uint32_t)size);
	fli_buf_add(&c->stream, length, sizeof length);
	fli_buf_add(&c->stream, frame, size);
	add_node_frame(c, frame, size);
	if (c->stream.size < SEED_MAX) {
		fli_buf seed;

		fli_buf_create(&seed, fli_mem_libc(), 0);
		begin(&seed, 0);
		fli_buf_add(&seed, c->stream.data, c->stream.size);
		save("frame", &seed);
		fli_buf_destroy(&seed);
	}
}

static void cut_frames(uint8_t *data, size_t size)
{
	const fli_inbound_config config = {
		.mem = fli_mem_libc(), .flags = FLI_DFLAGS_OWN, .on_signal = on_signal};
	static cutter c;
	static fli_inbound in;
	size_t at = 0;

	c = (cutter){.cut = 0};
	fli_atom_cache_create(&c.cache, fli_mem_libc());
	fli_buf_create(&c.stream, fli_mem_libc(), 0);
	fli_buf_create(&c.headers, fli_mem_libc(), 0);
	fli_buf_create(&c.fragments, fli_mem_libc(), 0);
	fli_buf_create(&c.node, fli_mem_libc(), 0);
	fli_inbound_create(&in, &config);
	CHECK(fli_inbound_feed(&in, data, size, NULL) == FL_OK);
	fli_inbound_destroy(&in);
	while (at + 4 <= size && fli_get32(data + at) <= size - at - 4) {
		size_t length = fli_get32(data + at);

		cut_frame(&c, data + at + 4, length);
		at += 4 + length;
	}
	save("atom_cache", &c.headers);
	save("fragments", &c.fragments);
	save("node", &c.node);
	fli_atom_cache_destroy(&c.cache);
	fli_buf_destroy(&c.stream);
	fli_buf_destroy(&c.headers);
	fli_buf_destroy(&c.fragments);
	fli_buf_destroy(&c.node);
}

/* ---- handshakes ------------------------------------------------------------------------------ */

/* The digest of a reply or an ack is replaced by what stands for the right one. */
static void mark_digest(uint8_t *message, size_t size)
{
	size_t at = size - FLI_MD5_BYTES;

	if ((message[0] == 'r' && at == 5) || (message[0] == 'a' && at == 1))
		memcpy(message + at, "the right digest", FLI_MD5_BYTES);
}

/* The messages of one side, up to the one that proves the cookie; returns their size. */
static size_t cut_handshake(const char *target, uint8_t *data, size_t size)
{
	size_t starts[8], count = 0, at = 0, left;
	char last = 0;
	fli_buf seed;

	while (at + 2 < size && count < 8 && last != 'r' && last != 'a') {
		size_t length = fli_get16(data + at);

		if (length == 0 || length > size - at - 2)
			return size;
		starts[count++] = at;
		last = (char)data[at + 2];
		mark_digest(data + at + 2, length);
		at += 2 + length;
	}
	left = at;
	fli_buf_create(&seed, fli_mem_libc(), 0);
	for (size_t i = 0; i < count; i++) {
		begin(&seed, 0);
		fli_buf_add8(&seed, (uint8_t)i);
		fli_buf_add(&seed, data + starts[i], left - starts[i]);
		save(target, &seed);
	}
	fli_buf_destroy(&seed);
	return at;
}

/* ---- epmd ------------------------------------------------------------------------------------ */

static void cut_epmd(const uint8_t *data, size_t size, bool is_answer)
{
	fli_buf seed;

	fli_buf_create(&seed, fli_mem_libc(), 0);
	begin(&seed, is_answer ? 255 : 4);
	if (!is_answer)
		fli_buf_add8(&seed, (uint8_t)size);
	fli_buf_add(&seed, data, size);
	if (is_answer || size < 256)
		save(is_answer ? "epmd_client" : "epmd_server", &seed);
	fli_buf_destroy(&seed);
}

static void cut_file(const char *path)
{
	static uint8_t data[STREAM_MAX];
	const char *name = strrchr(path, '/') == NULL ? path : strrchr(path, '/') + 1;
	bool is_answer = name[strlen(name) - 1] == 'b';
	FILE *file = fopen(path, "rb");
	size_t size, used;

	CHECK(file != NULL);
	size = fread(data, 1, sizeof data, file);
	CHECK(fclose(file) == 0 && size < sizeof data);
	if (strncmp(name, "epmd", 4) == 0) {
		cut_epmd(data, size, is_answer);
		return;
	}
	used = cut_handshake(is_answer ? "dial" : "accept", data, size);
	cut_frames(data + used, size - used);
}

int main(int argc, char **argv)
{
	CHECK(argc > 2);
	corpus = argv[1];
	for (int i = 2; i < argc; i++)
		cut_file(argv[i]);
	return 0;
}
