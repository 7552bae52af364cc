/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/log_limit.h"
#include "common/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <time.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct log_limit *open_ones;

bool log_limit_pass(struct log_limit *limit, int64_t now)
{
    if (limit->is_open) {
        limit->left_out++;
        return false;
    }
    limit->is_open = true;
    limit->opened = now;
    limit->left_out = 0;
    return true;
}

bool log_limit_is_over(const struct log_limit *limit, int64_t now)
{
    return limit->is_open && now - limit->opened >= LOG_LIMIT_SECONDS;
}

static int64_t seconds(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

void log_limited(struct log_limit *limit, int level, const char *format, ...)
{
    char text[LOG_LIMIT_TEXT_SIZE];
    va_list arguments;
    bool passes;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    (void)pthread_mutex_lock(&lock);
    passes = log_limit_pass(limit, seconds());
    if (passes) {
        limit->next = open_ones;
        open_ones = limit;
    } else {
        limit->level = level;
        (void)snprintf(limit->text, sizeof limit->text, "%s", text);
    }
    (void)pthread_mutex_unlock(&lock);
    if (passes)
        log_write(level, "%s", text);
}

static void write_counts(bool all)
{
    int64_t now = seconds();

    (void)pthread_mutex_lock(&lock);
    for (struct log_limit **place = &open_ones; *place != NULL;) {
        struct log_limit *limit = *place;
        if (!all && !log_limit_is_over(limit, now)) {
            place = &limit->next;
            continue;
        }
        if (limit->left_out > 0)
            log_write(limit->level, "%s (repeated %lu times in %lld s)", limit->text,
                      limit->left_out, (long long)(now - limit->opened));
        limit->is_open = false;
        *place = limit->next;
    }
    (void)pthread_mutex_unlock(&lock);
}

void log_limit_check(void)
{
    write_counts(false);
}

void log_limit_finish(void)
{
    write_counts(true);
}
