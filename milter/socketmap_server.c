/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "milter/socketmap_server.h"
#include "common/log_limit.h"
#include "common/monotonic.h"
#include "milter/listener.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <syslog.h>
#include <unistd.h>

enum {
    EVENTS_MAX = 64,  /* in a round, so that queued clients do not wait long */
    ACCEPTS_MAX = 64, /* in a round, for the same reason */
    DESCRIPTORS_SHARE = 4
};

const struct socketmap_limits socketmap_server_limits = {
    /* Postfix has one for each smtpd and each cleanup, 100 of either by default; Sendmail has one
     * for each session. */
    .connections = 1024,
    /* Both MTAs write a request at once, and read its reply before they do anything else. */
    .request_time = 10 * 1000,
    .reply_time = 10 * 1000,
    /* Sendmail keeps its connection through a session, which may be idle for an hour by default. If
     * it were closed meanwhile, the next recipient would be deferred. */
    .idle_time = 2 * 60 * 60 * 1000,
    .accept_pause = 100,
};

static struct {
    struct listener listener;
    int poller;
    int wake; /* an eventfd; once it is readable, the thread ends */
    pthread_t thread;
    bool is_running;
    int accept_pause;     /* milliseconds */
    int64_t accept_again; /* when; INT64_MAX while it accepts */
    atomic_uint_fast64_t accept_pauses;
} server = {.listener = {.descriptor = -1}, .poller = -1, .wake = -1};

static bool watch(int operation, int descriptor, uint32_t events, void *who)
{
    struct epoll_event event = {.events = events, .data.ptr = who};

    return epoll_ctl(server.poller, operation, descriptor, &event) == 0;
}

/* --- accept --- */

/* It concerns one connection only, or there is none to accept: see accept(2). */
static bool is_passing(int error)
{
    switch (error) {
    case EAGAIN:
    case EINTR:
    case ECONNABORTED:
    case EPERM: /* by the firewall */
    case EPROTO:
    case ENOPROTOOPT:
    case EOPNOTSUPP:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENONET:
        return true;
    default:
        return false;
    }
}

/* Without descriptors or memory, the poller would report the same connection over and over. */
static void pause_accepting(int error, int64_t now)
{
    static struct log_limit limit;

    (void)watch(EPOLL_CTL_MOD, server.listener.descriptor, 0, &server.listener);
    server.accept_again = now + server.accept_pause;
    (void)atomic_fetch_add_explicit(&server.accept_pauses, 1, memory_order_relaxed);
    log_limited(&limit, LOG_WARNING, "socketmap: cannot accept connections: %s; trying again",
                strerror(error));
}

static void accept_clients(int64_t now)
{
    for (int i = 0; i < ACCEPTS_MAX; i++) {
        int descriptor =
            accept4(server.listener.descriptor, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (descriptor >= 0) {
            socketmap_clients_add(descriptor, now);
            continue;
        }
        if (!is_passing(errno))
            pause_accepting(errno, now);
        return;
    }
}

static void accept_again_if_due(int64_t now)
{
    if (now < server.accept_again)
        return;
    server.accept_again = INT64_MAX;
    (void)watch(EPOLL_CTL_MOD, server.listener.descriptor, EPOLLIN, &server.listener);
}

/* --- the thread --- */

/* Milliseconds until something is due, -1 for never. */
static int patience(void)
{
    int64_t due = socketmap_clients_due();
    int64_t left;

    if (server.accept_again < due)
        due = server.accept_again;
    if (due == INT64_MAX)
        return -1;
    left = due - monotonic_milliseconds();
    return left <= 0 ? 0 : (int)(left < INT_MAX ? left : INT_MAX);
}

/* False if the thread has to end. */
static bool take_events(const struct epoll_event events[], int count, int64_t now)
{
    bool is_called = false;

    for (int i = 0; i < count; i++) {
        if (events[i].data.ptr == &server.wake)
            return false;
        if (events[i].data.ptr == &server.listener)
            is_called = true;
        else
            socketmap_clients_serve(events[i].data.ptr, now);
    }
    /* From here on, no event points to a client, and any client may go. */
    socketmap_clients_serve_queued(now);
    socketmap_clients_close_overdue(now);
    accept_again_if_due(now);
    if (is_called)
        accept_clients(now);
    return true;
}

static void *run(void *unused)
{
    struct epoll_event events[EVENTS_MAX];
    int count;

    do
        count = epoll_wait(server.poller, events, EVENTS_MAX, patience());
    while (take_events(events, count, monotonic_milliseconds()));
    return unused;
}

/* The program's signals are for the thread that waits for them. Those of faults stay open:
 * common/fault.h catches some, and a fault whose signal is blocked ends the program. */
static void block_signals(sigset_t *mask_before)
{
    static const int open[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS, SIGURG};
    sigset_t set;

    (void)sigfillset(&set);
    for (size_t i = 0; i < sizeof open / sizeof *open; i++)
        (void)sigdelset(&set, open[i]);
    (void)pthread_sigmask(SIG_SETMASK, &set, mask_before);
}

static int start_thread(void)
{
    sigset_t mask_before;
    int error;

    block_signals(&mask_before);
    error = pthread_create(&server.thread, NULL, run, NULL);
    (void)pthread_sigmask(SIG_SETMASK, &mask_before, NULL);
    server.is_running = error == 0;
    return error;
}

/* --- bind, start, stop --- */

bool socketmap_server_bind(const char *socket, int mode, const char *group, const char *user,
                           struct failure *why)
{
    return socket[0] == '\0' || listener_open(&server.listener, socket, mode, group, user, why);
}

static int open_poller(void)
{
    server.poller = epoll_create1(EPOLL_CLOEXEC);
    server.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (server.poller >= 0 && server.wake >= 0 &&
        watch(EPOLL_CTL_ADD, server.wake, EPOLLIN, &server.wake) &&
        watch(EPOLL_CTL_ADD, server.listener.descriptor, EPOLLIN, &server.listener))
        return 0;
    return errno;
}

/* The rest is for the mail path: libmilter's listener spins when it gets no descriptor. */
static unsigned share_of_descriptors(unsigned wanted)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur / DESCRIPTORS_SHARE >= wanted)
        return wanted;
    return limit.rlim_cur < DESCRIPTORS_SHARE ? 1 : (unsigned)(limit.rlim_cur / DESCRIPTORS_SHARE);
}

bool socketmap_server_start(const struct socketmap_handlers *handlers,
                            const struct socketmap_limits *limits, struct failure *why)
{
    struct socketmap_limits ours = *limits;
    int error;

    if (server.listener.descriptor < 0)
        return true;
    ours.connections = share_of_descriptors(limits->connections);
    server.accept_pause = limits->accept_pause;
    server.accept_again = INT64_MAX;
    error = open_poller();
    socketmap_clients_init(server.poller, handlers, &ours);
    if (error == 0)
        error = start_thread();
    return error == 0 || failure_set(why, EX_OSERR, "socketmap: cannot start: %s", strerror(error));
}

static void stop_thread(void)
{
    (void)eventfd_write(server.wake, 1);
    (void)pthread_join(server.thread, NULL);
    server.is_running = false;
    socketmap_clients_reset();
}

void socketmap_server_stop(void)
{
    if (server.is_running)
        stop_thread();
    if (server.poller >= 0)
        (void)close(server.poller);
    if (server.wake >= 0)
        (void)close(server.wake);
    server.poller = server.wake = -1;
    listener_close(&server.listener);
}

void socketmap_server_read_counts(struct socketmap_counts *counts)
{
    socketmap_clients_read_counts(counts);
    counts->accept_pauses = atomic_load_explicit(&server.accept_pauses, memory_order_relaxed);
}
