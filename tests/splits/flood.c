/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flood ADDRESS FROM SOURCES A_SECOND SECONDS NAME KIND:PORT...: connections of nobody who belongs
 * to the cluster, A_SECOND of them from SOURCES addresses in turn, of which FROM is the first.
 *
 * KIND is dist, tls or epmd; the ports take turns. NAME is a node that is connected, which some say
 * to be. Each connection has one of these manners; most last until the other side ends them:
 *
 *     leaves     connects and closes                  resets    connects and resets
 *     silent     says nothing                         garbage   says 300 bytes of anything
 *     slow       a byte of an honest beginning each 100 ms
 *     half       an honest beginning, then nothing    (a name; a ClientHello; half of a question)
 *     wrong      a whole handshake with another cookie
 *     claims     the same, as NAME, which shall make room for it
 *     plain      a name without TLS where that is spoken
 *     stranger   a TLS handshake with a certificate that it has signed itself
 *     asks       an honest question to epmd
 *
 * The last line is "FLOOD attempts=N connected=N ended=N open=N seconds=S".
 */

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { FDS_MAX = 16384, TARGETS_MAX = 4, HOLD_MS = 5000, SLOW_MS = 100, EVENTS = 256 };

typedef enum manner {
	LEAVES,
	RESETS,
	SILENT,
	GARBAGE,
	SLOW,
	HALF,
	WRONG,
	CLAIMS,
	PLAIN,
	STRANGER,
	ASKS,
} manner;

typedef struct kind {
	const char *name;
	manner manners[8];
	unsigned count;
} kind;

static const kind kinds[] = {
	{"dist", {LEAVES, SILENT, WRONG, GARBAGE, HALF, SLOW, CLAIMS, RESETS}, 8},
	{"tls", {LEAVES, SILENT, STRANGER, GARBAGE, HALF, SLOW, PLAIN, RESETS}, 8},
	{"epmd", {LEAVES, SILENT, ASKS, GARBAGE, HALF, SLOW, RESETS}, 7},
};

typedef struct bytes {
	uint8_t data[1024];
	size_t size;
} bytes;

typedef struct target {
	const kind *kind;
	uint16_t port;
	bytes opening; /* an honest beginning */
} target;

typedef struct client {
	const target *target; /* NULL: no such connection */
	SSL *ssl;
	uint64_t began_ms, spoke_ms;
	size_t said, heard;
	uint8_t text[64]; /* the first of what was heard */
	manner manner;
	bool is_connected;
} client;

static struct {
	struct sockaddr_in to;
	uint32_t from, sources;
	const char *name;
	target targets[TARGETS_MAX];
	size_t targets_count;
	SSL_CTX *tls;
	int epoll;
	client clients[FDS_MAX];
	unsigned long attempts, connected, ended, open;
} flood;

static uint64_t now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void die(const char *what)
{
	(void)fprintf(stderr, "flood: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* ---- what is said ---------------------------------------------------------------------------- */

static void put(bytes *to, const void *data, size_t size)
{
	memcpy(to->data + to->size, data, size);
	to->size += size;
}

/* send_name of version 6: flags, creation, name (erl_dist_protocol, handshake step 2). */
static void make_name(bytes *ret, const char *name)
{
	static const uint8_t flags[] = {0, 0, 0, 0x0d, 0x07, 0xdf, 0x7f, 0xbd, 0, 0, 0, 1};
	uint8_t size = (uint8_t)strlen(name);

	ret->size = 0;
	put(ret, (const uint8_t[]){0, (uint8_t)(size + 15), 'N'}, 3);
	put(ret, flags, sizeof flags);
	put(ret, (const uint8_t[]){0, size}, 2);
	put(ret, name, size);
}

static void make_question(bytes *ret)
{
	ret->size = 0;
	put(ret, "\0\003zn1", 5); /* PORT_PLEASE2_REQ */
}

/* A self-signed certificate; what the others of the kind do begins with its ClientHello. */
static void make_stranger(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();

	flood.tls = SSL_CTX_new(TLS_client_method());
	(void)X509_set_version(cert, 2);
	(void)ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	(void)X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
	(void)X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	(void)X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
		(const unsigned char *)"stranger", -1, -1, 0);
	(void)X509_set_issuer_name(cert, X509_get_subject_name(cert));
	(void)X509_set_pubkey(cert, key);
	if (X509_sign(cert, key, EVP_sha256()) == 0 ||
		SSL_CTX_use_certificate(flood.tls, cert) != 1 ||
		SSL_CTX_use_PrivateKey(flood.tls, key) != 1)
		die("no certificate");
	X509_free(cert);
	EVP_PKEY_free(key);
}

static void make_hello(bytes *ret)
{
	SSL *ssl = SSL_new(flood.tls);
	BIO *out = BIO_new(BIO_s_mem());

	SSL_set_bio(ssl, BIO_new(BIO_s_mem()), out);
	SSL_set_connect_state(ssl);
	(void)SSL_do_handshake(ssl);
	ret->size = (size_t)BIO_read(out, ret->data, sizeof ret->data);
	SSL_free(ssl);
}

static void add_target(const char *text)
{
	target *t = &flood.targets[flood.targets_count++];
	const char *colon = strchr(text, ':');

	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		if (colon != NULL && strncmp(text, kinds[i].name, (size_t)(colon - text)) == 0)
			t->kind = &kinds[i];
	if (t->kind == NULL || flood.targets_count == TARGETS_MAX)
		exit(64);
	t->port = (uint16_t)atoi(colon + 1);
	if (t->kind == &kinds[0])
		make_name(&t->opening, "x@10.78.0.1");
	else if (t->kind == &kinds[1])
		make_hello(&t->opening);
	else
		make_question(&t->opening);
}

/* ---- one connection -------------------------------------------------------------------------- */

static void drop(int fd, bool is_reset)
{
	client *c = &flood.clients[fd];
	const struct linger now = {.l_onoff = 1};

	if (is_reset)
		(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
	SSL_free(c->ssl);
	(void)close(fd);
	c->target = NULL;
	flood.open--;
}

static void say(int fd, const void *data, size_t size)
{
	ssize_t taken = send(fd, data, size, MSG_NOSIGNAL);

	if (taken > 0)
		flood.clients[fd].said += (size_t)taken;
}

/* The next byte of an honest beginning; the last one is never said. */
static void say_slowly(int fd, uint64_t now)
{
	client *c = &flood.clients[fd];

	if (c->said + 1 >= c->target->opening.size || now - c->spoke_ms < SLOW_MS)
		return;
	c->spoke_ms = now;
	say(fd, c->target->opening.data + c->said, 1);
}

static void shake(int fd)
{
	client *c = &flood.clients[fd];

	if (c->ssl == NULL) {
		c->ssl = SSL_new(flood.tls);
		(void)SSL_set_fd(c->ssl, fd);
		SSL_set_connect_state(c->ssl);
	}
	(void)SSL_do_handshake(c->ssl);
}

static void begin(int fd)
{
	client *c = &flood.clients[fd];
	const bytes *opening = &c->target->opening;
	bytes other = {.size = 300};

	switch (c->manner) {
	case LEAVES:
	case RESETS: drop(fd, c->manner == RESETS); break;
	case GARBAGE:
		(void)RAND_bytes(other.data, (int)other.size);
		say(fd, other.data, other.size);
		break;
	case CLAIMS:
	case PLAIN:
		make_name(&other, c->manner == PLAIN ? "x@10.78.0.1" : flood.name);
		say(fd, other.data, other.size);
		break;
	case HALF:
		say(fd, opening->data,
			c->target->kind == &kinds[2] ? opening->size - 1 : opening->size);
		break;
	case WRONG:
	case ASKS: say(fd, opening->data, opening->size); break;
	case STRANGER: shake(fd); break;
	case SILENT:
	case SLOW: break;
	}
}

/* A status, then a challenge: it is answered by any digest. */
static void answer(int fd)
{
	client *c = &flood.clients[fd];
	uint8_t reply[23] = {0, 21, 'r'};

	if (c->manner == CLAIMS && c->heard >= 8 && memcmp(c->text + 2, "salive", 6) == 0) {
		say(fd, "\0\005strue", 7);
		memset(c->text, 0, sizeof c->text);
	} else if (c->heard > 26 && c->text[0] != 0xff) {
		(void)RAND_bytes(reply + 3, sizeof reply - 3);
		say(fd, reply, sizeof reply);
		c->text[0] = 0xff;
	}
}

static void hear(int fd)
{
	client *c = &flood.clients[fd];
	uint8_t data[4096];
	ssize_t got = recv(fd, data, sizeof data, 0);

	if (got < 0 && errno == EAGAIN)
		return;
	if (got <= 0) {
		flood.ended++;
		drop(fd, false);
		return;
	}
	for (ssize_t i = 0; i < got && c->heard + (size_t)i < sizeof c->text; i++)
		c->text[c->heard + (size_t)i] = data[i];
	c->heard += (size_t)got;
	if (c->manner == WRONG || c->manner == CLAIMS)
		answer(fd);
}

/* OpenSSL reads by itself; what comes after its handshake can only be the end. */
static void hear_tls(int fd)
{
	uint8_t byte;

	shake(fd);
	if (recv(fd, &byte, 1, MSG_PEEK) > 0 || errno == EAGAIN)
		return;
	flood.ended++;
	drop(fd, false);
}

static void on_event(const struct epoll_event *event)
{
	int fd = event->data.fd;
	client *c = &flood.clients[fd];
	const struct epoll_event reads = {.events = EPOLLIN, .data.fd = fd};

	if (c->target == NULL)
		return;
	if (!c->is_connected) {
		if ((event->events & (EPOLLERR | EPOLLHUP)) != 0) {
			drop(fd, false);
			return;
		}
		c->is_connected = true;
		flood.connected++;
		(void)epoll_ctl(flood.epoll, EPOLL_CTL_MOD, fd, (struct epoll_event *)&reads);
		begin(fd);
	} else if (c->ssl != NULL) {
		hear_tls(fd);
	} else {
		hear(fd);
	}
}

/* ---- all of them ----------------------------------------------------------------------------- */

static void attempt(void)
{
	unsigned long n = flood.attempts++;
	const target *t = &flood.targets[n % flood.targets_count];
	struct sockaddr_in to = flood.to, from = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	struct epoll_event writes = {.events = EPOLLOUT, .data.fd = fd};
	const int on = 1;

	if (fd < 0 || fd >= FDS_MAX)
		die("a socket");
	(void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
	/* each address comes in each manner: the two counts have no common divisor */
	from.sin_addr.s_addr = htonl(flood.from + (uint32_t)(n % flood.sources));
	if (bind(fd, (struct sockaddr *)&from, sizeof from) != 0)
		die("bind");
	to.sin_port = htons(t->port);
	flood.clients[fd] = (client){.target = t,
		.began_ms = now_ms(),
		.manner = t->kind->manners[n / flood.targets_count % t->kind->count]};
	flood.open++;
	if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0 && errno != EINPROGRESS)
		drop(fd, false);
	else if (epoll_ctl(flood.epoll, EPOLL_CTL_ADD, fd, &writes) != 0)
		die("epoll");
}

static void sweep(uint64_t now)
{
	for (int fd = 0; fd < FDS_MAX; fd++) {
		client *c = &flood.clients[fd];

		if (c->target == NULL)
			continue;
		if (now - c->began_ms > HOLD_MS)
			drop(fd, true);
		else if (c->is_connected && c->manner == SLOW)
			say_slowly(fd, now);
	}
}

static void run(unsigned long a_second, unsigned long seconds)
{
	uint64_t start = now_ms(), now = start, swept = start;
	struct epoll_event events[EVENTS];

	while (now - start < seconds * 1000) {
		unsigned long due = (now - start) * a_second / 1000;
		int count;

		for (int i = 0; i < 64 && flood.attempts < due; i++)
			attempt();
		count = epoll_wait(flood.epoll, events, EVENTS, 1);
		for (int i = 0; i < count; i++)
			on_event(&events[i]);
		now = now_ms();
		if (now - swept >= SLOW_MS / 2) {
			sweep(now);
			swept = now;
		}
	}
	(void)printf("FLOOD attempts=%lu connected=%lu ended=%lu open=%lu seconds=%.1f\n",
		flood.attempts, flood.connected, flood.ended, flood.open,
		(double)(now - start) / 1000);
}

int main(int argc, char **argv)
{
	const struct rlimit files = {FDS_MAX, FDS_MAX};
	struct in_addr from;

	if (argc < 8 || argc > 7 + TARGETS_MAX)
		return 64;
	flood.to.sin_family = AF_INET;
	if (inet_pton(AF_INET, argv[1], &flood.to.sin_addr) != 1 ||
		inet_pton(AF_INET, argv[2], &from) != 1)
		return 64;
	if (setrlimit(RLIMIT_NOFILE, &files) != 0)
		die("descriptors");
	flood.from = ntohl(from.s_addr);
	flood.sources = (uint32_t)atoi(argv[3]);
	flood.name = argv[6];
	make_stranger();
	for (int i = 7; i < argc; i++)
		add_target(argv[i]);
	flood.epoll = epoll_create1(0);
	run((unsigned long)atoi(argv[4]), (unsigned long)atoi(argv[5]));
	return 0;
}
