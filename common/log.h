/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The log: syslog (facility mail), or stderr for a program in the foreground, in the form of the
 * journal where that reads it (sd-daemon(3)). Levels are those of
 * syslog(3), used as Postfix uses its words: LOG_INFO, LOG_WARNING (carry on), LOG_ERR (something
 * does not work), LOG_CRIT (the program ends). Any thread may write.
 */
#ifndef COMMON_LOG_H
#define COMMON_LOG_H

#include <stddef.h>
#include <syslog.h>

enum { LOG_LINE_MAX = 4096 };

enum log_target {
    LOG_TO_SYSLOG,
    LOG_TO_STDERR,
    LOG_TO_NOBODY /* for a program that tells a person everything itself */
};

void log_open(const char *program, enum log_target target);

/* One line. Control characters and octets outside ASCII are escaped as \xHH; a line that is too
 * long is cut. */
void log_write(int level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same for a line that is whole already: printable ASCII, as log_escape leaves it. This is the
 * way of the line that each message has. */
void log_plain(int level, const char *line);

/* Appends text with everything that could be mistaken for the log's own syntax escaped as \xHH:
 * control characters, space, <, >, \ and octets outside ASCII. At most `max` octets of text are
 * shown, then "...". Returns the new end; always terminated. */
char *log_escape(char *out, const char *end, const char *text, size_t max);

#endif
