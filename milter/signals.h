/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Signals, and what is to be done once a second.
 *
 * libmilter has a thread that waits for signals and takes HUP for "stop", like TERM. Whoever waits
 * beside it loses a race in a burst. So this file defines sigwait(3) itself, and libmilter's
 * thread, calling it, becomes ours: HUP and USR1 reload, a second without a signal is used for
 * housekeeping, and only TERM and INT are passed on.
 */
#ifndef MILTER_SIGNALS_H
#define MILTER_SIGNALS_H

struct signals_handlers {
    void (*reload)(void);
    void (*every_second)(void);
    void (*stop)(void); /* called once, before libmilter is told */
};

/* To be called before any thread is started. */
void signals_init(const struct signals_handlers *wanted);

#endif
