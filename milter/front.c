/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * A connection belongs to one thread of libmilter at a time, as its descriptor does: the one that
 * polls all that are idle, or a worker. libmilter's own lock is passed on the way from one to the
 * other. Only `entries` and what is atomic is used by others.
 */
#undef _FORTIFY_SOURCE /* its headers define poll and read themselves */
#include "milter/front.h"
#include "common/monotonic.h"
#include "milter/packet.h"
#include "milter/peers.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <libmilter/mfdef.h>

enum {
    DESCRIPTORS_MAX = 65536, /* those above are not taken */
    SIZE_MIN = 4096          /* of a buffer; it grows to PACKET_SIZE_MAX */
};

const bool front_is_built = true;

/* Two hours idle as libmilter has it, and ten seconds more: an SMTP server's own time-outs are
 * shorter, Sendmail's for the next command is an hour. */
const struct front_limits front_limits = {
    .connections = 8192,
    .negotiation = 30 * INT64_C(1000),
    .packet = 60 * INT64_C(1000),
    .idle = 7210 * INT64_C(1000),
    .young = 5 * INT64_C(1000),
};

/* begin <= released <= checked <= end <= size */
struct connection {
    int descriptor;
    char *octets;    /* NULL while nothing is kept */
    size_t size;     /* of the memory */
    size_t begin;    /* of what libmilter has not read yet */
    size_t released; /* up to here it may */
    size_t checked;  /* up to here there are whole packets */
    size_t end;      /* of what came */
    struct packet_order order;
    bool is_silent;                     /* the MTA waits for the end of a message */
    bool is_over;                       /* end of file, once the released packets are read */
    int64_t packet_began;               /* of the incomplete packet; 0: there is none */
    _Atomic int64_t heard;              /* the last octet */
    atomic_bool is_negotiated, is_busy; /* for the thread that looks for an idle one */
    struct connection *next, *previous;
};

static struct {
    int listener;
    const struct front_policy *policy;
    struct front_limits limits;
} front = {.listener = -1};
static struct connection *_Atomic table[DESCRIPTORS_MAX]; /* by descriptor */
static atomic_bool has_effect;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of the two that follow */
static struct connection *entries;
static int entry_count;

void front_use(int listener, const struct front_policy *policy, const struct front_limits *limits)
{
    front.policy = policy;
    front.limits = *limits;
    front.listener = listener;
}

bool front_is_in_effect(void)
{
    return atomic_load(&has_effect);
}

static struct connection *find(int descriptor)
{
    if (descriptor < 0 || descriptor >= DESCRIPTORS_MAX)
        return NULL;
    return atomic_load_explicit(&table[descriptor], memory_order_acquire);
}

/* --- the buffer --- */

static void forget_octets(struct connection *connection)
{
    free(connection->octets);
    connection->octets = NULL;
    connection->size = connection->begin = connection->released = 0;
    connection->checked = connection->end = 0;
}

static void give_up(struct connection *connection, enum front_trouble trouble, const char *text)
{
    front.policy->on_trouble(trouble, text);
    forget_octets(connection);
    connection->is_over = true;
}

static bool make_room(struct connection *connection)
{
    size_t size = connection->size == 0 ? SIZE_MIN : 2 * connection->size;
    char *octets;

    if (connection->begin > 0) {
        connection->end -= connection->begin;
        connection->checked -= connection->begin;
        connection->released -= connection->begin;
        memmove(connection->octets, connection->octets + connection->begin, connection->end);
        connection->begin = 0;
    }
    if (connection->end < connection->size)
        return true;
    if (connection->size == PACKET_SIZE_MAX)
        return false;
    size = size > PACKET_SIZE_MAX ? PACKET_SIZE_MAX : size;
    octets = realloc(connection->octets, size);
    if (octets == NULL)
        return false;
    connection->octets = octets;
    connection->size = size;
    return true;
}

/* --- what goes on to libmilter --- */

static bool wants_answer(const struct connection *connection, const struct packet *packet)
{
    return !connection->is_silent || strchr("OEAQK", packet->command) != NULL;
}

/* An abort between messages is nothing to libmilter either. */
static bool is_wanted(const struct connection *connection, const struct packet *packet,
                      bool was_in_message)
{
    if (packet->command == SMFIC_ABORT)
        return was_in_message;
    if (!connection->is_silent)
        return true;
    if (packet->command == SMFIC_HEADER)
        return front.policy->wants_header(packet->data);
    if (packet->command == SMFIC_MACRO)
        return packet_macro_stage(packet) != SMFIC_HEADER &&
               packet_macro_stage(packet) != SMFIC_BODY;
    return packet->command != SMFIC_BODY;
}

static void take_packet(struct connection *connection, const struct packet *packet, size_t position,
                        bool was_in_message)
{
    if (packet->command == SMFIC_OPTNEG) {
        connection->is_silent = packet_offers(packet, front.policy->silent_steps);
        atomic_store(&connection->is_negotiated, true);
    }
    if (!is_wanted(connection, packet, was_in_message))
        return;
    if (position != connection->checked)
        memmove(connection->octets + connection->checked, connection->octets + position,
                packet->size);
    connection->checked += packet->size;
    if (wants_answer(connection, packet))
        connection->released = connection->checked;
}

/* Checks what came, and moves what is wanted of it together. */
static void sift(struct connection *connection, int64_t now)
{
    size_t position = connection->checked;
    size_t rest;
    struct packet packet;
    const char *fault = NULL;

    for (;;) {
        bool was_in_message = connection->order.in_message;
        enum packet_found found =
            packet_read(&packet, &connection->order, connection->octets + position,
                        connection->end - position, &fault);

        if (found == PACKET_BAD) {
            give_up(connection, FRONT_BAD_PACKET, fault);
            return;
        }
        if (found == PACKET_INCOMPLETE)
            break;
        take_packet(connection, &packet, position, was_in_message);
        position += packet.size;
        connection->packet_began = 0;
    }
    rest = connection->end - position;
    if (position != connection->checked)
        memmove(connection->octets + connection->checked, connection->octets + position, rest);
    connection->end = connection->checked + rest;
    if (rest == 0)
        connection->packet_began = 0;
    else if (connection->packet_began == 0)
        connection->packet_began = now;
    if (connection->end == PACKET_SIZE_MAX) /* full */
        connection->released = connection->checked;
}

/* --- reading --- */

static bool is_ready(const struct connection *connection)
{
    return connection->begin < connection->released || connection->is_over;
}

static void note_whether_busy(struct connection *connection)
{
    atomic_store_explicit(&connection->is_busy, connection->order.in_message || connection->end > 0,
                          memory_order_relaxed);
}

/* Once: whoever sends without end must not keep a thread here. */
static void receive(struct connection *connection, int64_t now)
{
    ssize_t count;

    if (!make_room(connection)) {
        give_up(connection, FRONT_NO_MEMORY, "no memory for what it sends");
        return;
    }
    count = recv(connection->descriptor, connection->octets + connection->end,
                 connection->size - connection->end, MSG_DONTWAIT);
    if (count < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (count <= 0) {
        connection->released = connection->checked;
        connection->is_over = true;
        return;
    }
    connection->end += (size_t)count;
    atomic_store_explicit(&connection->heard, now, memory_order_relaxed);
    sift(connection, now);
    if (connection->end == 0)
        forget_octets(connection);
    note_whether_busy(connection);
}

static void check_time(struct connection *connection, int64_t now)
{
    int64_t heard = atomic_load_explicit(&connection->heard, memory_order_relaxed);

    if (!connection->order.is_negotiated && now - heard > front.limits.negotiation)
        give_up(connection, FRONT_TOO_SLOW, "it does not negotiate");
    else if (connection->packet_began != 0 && now - connection->packet_began > front.limits.packet)
        give_up(connection, FRONT_TOO_SLOW, "half a packet");
    else if (now - heard > front.limits.idle)
        give_up(connection, FRONT_TOO_SLOW, "it says nothing");
}

/* What poll said of one descriptor of ours, made into what libmilter should see. */
static void look_at(struct connection *connection, struct pollfd *one, int64_t now)
{
    if (!is_ready(connection)) {
        /* Gone in both directions, or closed by make_place: it waits for no answer. */
        if ((one->revents & (POLLHUP | POLLERR | POLLNVAL)) != 0)
            connection->is_over = true;
        else if ((one->revents & POLLIN) != 0)
            receive(connection, now);
        else
            check_time(connection, now);
    }
    one->revents = is_ready(connection) ? POLLIN : 0;
}

/* --- accepting --- */

static void add(struct connection *connection)
{
    (void)pthread_mutex_lock(&lock);
    connection->next = entries;
    if (entries != NULL)
        entries->previous = connection;
    entries = connection;
    entry_count++;
    atomic_store_explicit(&table[connection->descriptor], connection, memory_order_release);
    (void)pthread_mutex_unlock(&lock);
}

static void remove_entry(struct connection *connection)
{
    (void)pthread_mutex_lock(&lock);
    atomic_store(&table[connection->descriptor], NULL);
    if (connection->previous != NULL)
        connection->previous->next = connection->next;
    else
        entries = connection->next;
    if (connection->next != NULL)
        connection->next->previous = connection->previous;
    entry_count--;
    (void)pthread_mutex_unlock(&lock);
}

/* Those that never negotiated go first, then whoever was silent for longest. */
static bool goes_before(const struct connection *one, const struct connection *other)
{
    bool negotiated = atomic_load(&one->is_negotiated);

    if (other == NULL || negotiated != atomic_load(&other->is_negotiated))
        return other == NULL || !negotiated;
    return atomic_load(&one->heard) < atomic_load(&other->heard);
}

/* Shut down, it is closed by the thread that it belongs to. */
static bool make_place(int64_t now)
{
    struct connection *found = NULL;

    (void)pthread_mutex_lock(&lock);
    for (struct connection *one = entries; one != NULL; one = one->next) {
        if (!atomic_load(&one->is_busy) && now - atomic_load(&one->heard) > front.limits.young &&
            goes_before(one, found))
            found = one;
    }
    if (found != NULL) {
        atomic_store(&found->is_busy, true); /* not a second time */
        (void)shutdown(found->descriptor, SHUT_RDWR);
    }
    (void)pthread_mutex_unlock(&lock);
    return found != NULL;
}

static bool is_full(void)
{
    bool full;

    (void)pthread_mutex_lock(&lock);
    full = entry_count >= front.limits.connections;
    (void)pthread_mutex_unlock(&lock);
    return full;
}

static bool take_client(int descriptor)
{
    int64_t now = monotonic_milliseconds();
    struct connection *connection;

    if (is_full()) {
        bool made = make_place(now);

        front.policy->on_trouble(FRONT_TOO_MANY, made ? "the one that was silent for longest"
                                                      : "the new one, since none is idle");
        if (!made)
            return false;
    }
    connection = descriptor < DESCRIPTORS_MAX ? calloc(1, sizeof *connection) : NULL;
    if (connection == NULL)
        return false;
    connection->descriptor = descriptor;
    atomic_store(&connection->heard, now);
    add(connection);
    return true;
}

/* --- in place of the C library's --- */

/* The names of parameters are those of glibc. */
int accept(int fd, struct sockaddr *addr, socklen_t *addr_len)
{
    int descriptor = peers_accept(fd, addr, addr_len);

    if (descriptor < 0 || fd != front.listener || take_client(descriptor))
        return descriptor;
    (void)close(descriptor);
    errno = ECONNABORTED; /* which libmilter passes over */
    return -1;
}

ssize_t read(int fd, void *buf, size_t nbytes)
{
    struct connection *connection = find(fd);
    size_t count;

    if (connection == NULL)
        return readv(fd, &(struct iovec){buf, nbytes}, 1);
    count = connection->released - connection->begin;
    count = count < nbytes ? count : nbytes;
    if (count == 0) {
        errno = EAGAIN;
        return connection->is_over ? 0 : -1;
    }
    memcpy(buf, connection->octets + connection->begin, count);
    connection->begin += count;
    if (connection->begin == connection->end) {
        forget_octets(connection);
        note_whether_busy(connection);
        atomic_store_explicit(&has_effect, true, memory_order_relaxed);
    }
    return (ssize_t)count;
}

int close(int fd)
{
    struct connection *connection = find(fd);

    if (connection != NULL) {
        remove_entry(connection);
        free(connection->octets);
        free(connection);
    }
    return (int)syscall(SYS_close, fd);
}

/* The connection that is waited for to be read; writing goes past this file. */
static struct connection *to_be_read(const struct pollfd *one)
{
    return (one->events & POLLIN) != 0 ? find(one->fd) : NULL;
}

/* How many of ours can be read from without asking the system. */
static int count_ready(const struct pollfd *all, nfds_t count)
{
    int ready = 0;

    for (nfds_t i = 0; i < count; i++) {
        const struct connection *connection = to_be_read(&all[i]);

        ready += connection != NULL && is_ready(connection);
    }
    return ready;
}

static int wait_for(struct pollfd *all, nfds_t count, int timeout)
{
    const struct timespec time = {.tv_sec = timeout / 1000, .tv_nsec = timeout % 1000 * 1000000L};

    return ppoll(all, count, timeout < 0 ? NULL : &time, NULL);
}

/* Looks at all of ours; how many descriptors there are now with something to see. */
static int look_at_all(struct pollfd *all, nfds_t count)
{
    int64_t now = monotonic_milliseconds();
    int ready = 0;

    for (nfds_t i = 0; i < count; i++) {
        struct connection *connection = to_be_read(&all[i]);

        if (connection != NULL)
            look_at(connection, &all[i], now);
        ready += all[i].revents != 0;
    }
    return ready;
}

/* A worker asks for its one connection, and often: that costs no system call while there is a
 * packet. What libmilter asks for all at once is always looked at in full, so that a connection
 * with packets does not keep out the others. */
static __attribute__((noinline)) int poll_all(struct pollfd *all, nfds_t count, int timeout)
{
    const struct connection *only = count == 1 ? to_be_read(&all[0]) : NULL;
    int64_t until;

    if (only != NULL && is_ready(only)) {
        all[0].revents = POLLIN;
        return 1;
    }
    until = monotonic_milliseconds() + timeout;
    for (;;) {
        int ready = wait_for(all, count, count_ready(all, count) > 0 ? 0 : timeout);

        if (ready < 0)
            return ready;
        ready = look_at_all(all, count);
        if (ready > 0 || timeout == 0)
            return ready;
        if (timeout > 0) {
            int64_t left = until - monotonic_milliseconds();

            if (left <= 0)
                return 0;
            timeout = (int)left;
        }
    }
}

/* glibc declares fds as only written, so what reads it is elsewhere. */
int poll(struct pollfd *fds, nfds_t nfds, int timeout)
{
    return poll_all(fds, nfds, timeout);
}
