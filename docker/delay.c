/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flitch-delay ADDRESS MS [INTERFACE]: what this network namespace sends to ADDRESS arrives MS
 * milliseconds later, in order, on connections that are there and on new ones.
 *
 *   - A tun interface gets the route to ADDRESS, so that the packets come here.
 *   - Each waits its time in a ring, and leaves through INTERFACE (eth0) by a raw socket, which
 * does not ask that route.
 *
 * It runs until the tun interface is deleted or INTERFACE is gone, and needs CAP_NET_ADMIN and
 * CAP_NET_RAW. When the ring is full packets are lost, as in a router. A kernel with tc's netem can
 * do the same; this needs tun alone.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/route.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	PACKET_BYTES_MAX = 2048, /* above any MTU that a tun interface has unless it is told to */
	RING_PACKETS = 4096,
	CHECK_MS = 500, /* how soon the loss of INTERFACE is noticed */
	DELAY_MS_MAX = 60000,
};

typedef struct packet {
	int64_t due_ms;
	size_t size;
	unsigned char bytes[PACKET_BYTES_MAX];
} packet;

typedef struct delay {
	int tun, raw;
	int64_t delay_ms;
	const char *interface;
	struct sockaddr_in to;
	uint32_t head, count;
	packet ring[RING_PACKETS];
} delay;

static int64_t now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* The interface is called slow<last part of the address>, so that others can delete it. */
static bool open_tun(delay *d, struct ifreq *ifr)
{
	memset(ifr, 0, sizeof *ifr);
	(void)snprintf(ifr->ifr_name, sizeof ifr->ifr_name, "slow%u",
		(unsigned)(ntohl(d->to.sin_addr.s_addr) & 255U));
	ifr->ifr_flags = IFF_TUN | IFF_NO_PI;
	d->tun = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	return d->tun >= 0 && ioctl(d->tun, TUNSETIFF, ifr) == 0;
}

static bool route_by_tun(const delay *d, struct ifreq *ifr)
{
	struct rtentry route = {.rt_flags = RTF_UP | RTF_HOST, .rt_dev = ifr->ifr_name};

	ifr->ifr_flags = IFF_UP | IFF_RUNNING;
	if (ioctl(d->raw, SIOCSIFFLAGS, ifr) != 0)
		return false;
	memcpy(&route.rt_dst, &d->to, sizeof d->to);
	return ioctl(d->raw, SIOCADDRT, &route) == 0;
}

static bool open_raw(delay *d)
{
	d->raw = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	return d->raw >= 0 && setsockopt(d->raw, SOL_SOCKET, SO_BINDTODEVICE, d->interface,
				      (socklen_t)strlen(d->interface)) == 0;
}

/* Takes what the kernel has for us; false when the interface was deleted. */
static bool take(delay *d)
{
	unsigned char spare[PACKET_BYTES_MAX];

	for (;;) {
		packet *p = &d->ring[(d->head + d->count) % RING_PACKETS];
		bool has_room = d->count < RING_PACKETS;
		ssize_t n = read(d->tun, has_room ? p->bytes : spare, PACKET_BYTES_MAX);

		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		if (!has_room || n == 0 || p->bytes[0] >> 4 != 4) /* IPv4 alone is delayed */
			continue;
		p->size = (size_t)n;
		p->due_ms = now_ms() + d->delay_ms;
		d->count++;
	}
}

static void give(delay *d)
{
	for (; d->count > 0 && d->ring[d->head].due_ms <= now_ms(); d->count--) {
		const packet *p = &d->ring[d->head];

		/* what cannot be sent is lost, as on any link */
		(void)sendto(d->raw, p->bytes, p->size, 0, (const struct sockaddr *)&d->to,
			sizeof d->to);
		d->head = (d->head + 1) % RING_PACKETS;
	}
}

static int wait_ms(const delay *d)
{
	int64_t left = d->count == 0 ? CHECK_MS : d->ring[d->head].due_ms - now_ms();

	return left < 0 ? 0 : left > CHECK_MS ? CHECK_MS : (int)left;
}

static void run(delay *d)
{
	struct pollfd poll_tun = {.fd = d->tun, .events = POLLIN};

	while (if_nametoindex(d->interface) != 0) {
		if (poll(&poll_tun, 1, wait_ms(d)) < 0 && errno != EINTR)
			return;
		if ((poll_tun.revents & (POLLERR | POLLNVAL)) != 0 || !take(d))
			return;
		give(d);
	}
}

int main(int argc, char **argv)
{
	static delay d; /* the ring is too large for a stack */
	struct ifreq ifr;

	d.delay_ms = argc >= 3 ? atoi(argv[2]) : -1;
	d.interface = argc == 4 ? argv[3] : "eth0";
	d.to.sin_family = AF_INET;
	if (argc < 3 || argc > 4 || inet_pton(AF_INET, argv[1], &d.to.sin_addr) != 1 ||
		d.delay_ms < 0 || d.delay_ms > DELAY_MS_MAX) {
		(void)fputs("usage: flitch-delay ADDRESS MS [INTERFACE]\n", stderr);
		return 64;
	}
	if (!open_raw(&d) || !open_tun(&d, &ifr) || !route_by_tun(&d, &ifr)) {
		perror("flitch-delay: cannot take the packets (root, /dev/net/tun, one a link)");
		return 69;
	}
	run(&d);
	return 0;
}
