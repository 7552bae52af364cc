/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/progress.h"
#include "common/monotonic.h"

#include <poll.h>
#include <stdio.h>
#include <unistd.h>

enum { PIECES_BETWEEN_LOOKS = 512, REDRAW_MILLISECONDS = 100 };

/* Never waits for a terminal that was stopped by Ctrl-S: the store may be locked meanwhile. */
static bool can_be_shown(void)
{
    struct pollfd terminal = {.fd = STDERR_FILENO, .events = POLLOUT};

    return poll(&terminal, 1, 0) == 1 && (terminal.revents & POLLOUT) != 0;
}

void progress_init(struct progress *progress)
{
    *progress = (struct progress){.shown = isatty(STDERR_FILENO) == 1};
}

void progress_step(struct progress *progress, const char *what, size_t done, size_t total)
{
    if (done % PIECES_BETWEEN_LOOKS == 0)
        progress_show(progress, what, done, total);
}

void progress_show(struct progress *progress, const char *what, size_t done, size_t total)
{
    int64_t now;

    if (!progress->shown)
        return;
    now = monotonic_milliseconds();
    if (now < progress->redraw)
        return;
    progress->redraw = now + REDRAW_MILLISECONDS;
    if (!can_be_shown())
        return;
    progress->dirty = true;
    if (total == 0)
        (void)fprintf(stderr, "\r%s: %zu", what, done);
    else
        (void)fprintf(stderr, "\r%s: %zu of %zu (%zu %%)", what, done, total, done * 100 / total);
    (void)fputs("\033[K", stderr);
    (void)fflush(stderr);
}

void progress_end(struct progress *progress)
{
    if (progress->dirty)
        (void)fputs("\r\033[K", stderr);
    progress->dirty = false;
}
