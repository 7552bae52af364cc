/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * For a failure that each message can have: the first is logged at once, those of the next minute
 * are counted, and one line says how many there were. Any thread.
 */
#ifndef COMMON_LOG_LIMIT_H
#define COMMON_LOG_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

enum { LOG_LIMIT_SECONDS = 60, LOG_LIMIT_TEXT_SIZE = 400 };

/* One for each kind of failure; static, all zero at first. */
struct log_limit {
    bool is_open;   /* a line was written, and the minute after it is not over */
    int64_t opened; /* seconds of a clock that only goes forward */
    unsigned long left_out;
    int level;
    char text[LOG_LIMIT_TEXT_SIZE]; /* of the last one left out */
    struct log_limit *next;         /* that is open */
};

/* As log_write. */
void log_limited(struct log_limit *limit, int level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* To be called about once a second: writes what was counted in minutes that are over. */
void log_limit_check(void);

/* The same with minutes that are not over yet: the program ends. */
void log_limit_finish(void);

/* What the three above go by. Pure. */
bool log_limit_pass(struct log_limit *limit, int64_t now);
bool log_limit_is_over(const struct log_limit *limit, int64_t now);

#endif
