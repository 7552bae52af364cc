/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * For LD_PRELOAD: a wall clock that is ahead by as many seconds as the file SET_CLOCK_FILE says (an
 * int64_t, read at each look, so that it can be set while the program runs). Only what reads the
 * wall clock is replaced: waiting goes by the monotonic clock, as it does when a real clock is set.
 * (libfaketime 0.9.10 also rewrites pthread_cond_timedwait(3), on condition variables of the
 * monotonic clock wrongly.)
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *ahead;

static void __attribute__((constructor)) map_file(void)
{
    const char *path = getenv("SET_CLOCK_FILE");
    int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    void *map = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *ahead, PROT_READ, MAP_SHARED, fd, 0);

    if (map != MAP_FAILED)
        ahead = map;
    if (fd >= 0)
        close(fd);
}

static int64_t seconds_ahead(void)
{
    return ahead == NULL ? 0 : *ahead;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int result = (int)syscall(SYS_clock_gettime, clock, now);

    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += seconds_ahead();
    return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    int result = (int)syscall(SYS_gettimeofday, now, zone);

    if (result == 0)
        now->tv_sec += seconds_ahead();
    return result;
}

time_t time(time_t *where)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME_COARSE, &now);
    if (where != NULL)
        *where = now.tv_sec;
    return now.tv_sec;
}
