/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "milter/signals.h"
#include "common/monotonic.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <time.h>

static struct signals_handlers handlers;

void signals_init(const struct signals_handlers *wanted)
{
    sigset_t set;

    handlers = *wanted;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGHUP);
    (void)sigaddset(&set, SIGUSR1);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
}

/* In place of the C library's: see the header. Its only caller is libmilter's signal thread. */
int sigwait(const sigset_t *set, int *sig)
{
    const struct timespec second = {.tv_sec = 1};
    long long next = monotonic_milliseconds();
    sigset_t ours = *set;

    (void)sigaddset(&ours, SIGHUP);
    (void)sigaddset(&ours, SIGUSR1);
    for (;;) {
        int received = sigtimedwait(&ours, NULL, &second);
        if (received == SIGHUP || received == SIGUSR1) {
            handlers.reload();
        } else if (received > 0) {
            handlers.stop();
            *sig = received;
            return 0;
        } else if (errno != EAGAIN && errno != EINTR) {
            return errno;
        }
        /* Also where signals keep coming. */
        if (monotonic_milliseconds() >= next) {
            handlers.every_second();
            next = monotonic_milliseconds() + 1000;
        }
    }
}
