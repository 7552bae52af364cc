/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * One line on the terminal that says how far a long piece of work is. Nothing is written where
 * stderr is no terminal.
 */
#ifndef CTL_PROGRESS_H
#define CTL_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress {
    bool shown;     /* is stderr a terminal? */
    bool dirty;     /* does the line stand there? */
    int64_t redraw; /* not before this, in milliseconds of the monotonic clock */
};

void progress_init(struct progress *progress);

/* May be called for each single piece: looks at the clock only now and then, and writes a few times
 * a second. total: 0 if it is not known. */
void progress_step(struct progress *progress, const char *what, size_t done, size_t total);

/* The same for pieces that take long: looks at the clock each time. */
void progress_show(struct progress *progress, const char *what, size_t done, size_t total);

/* Wipes the line, so that other output may follow. */
void progress_end(struct progress *progress);

#endif
