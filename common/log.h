/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The log: syslog (facility mail), or stderr for a program in the foreground, in the form of the
 * journal where that reads it (sd-daemon(3)). Levels are those of syslog(3), used as Postfix uses
 * its words: LOG_INFO, LOG_WARNING (carry on), LOG_ERR (something does not work), LOG_CRIT (the
 * program ends). Any thread may write.
 *
 * A line is text, or an object of JSON with the members level, program and message; on stderr, time
 * comes first, which syslog has of its own.
 */
#ifndef COMMON_LOG_H
#define COMMON_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <syslog.h>

enum { LOG_LINE_MAX = 4096 };

enum log_target {
    LOG_TO_SYSLOG,
    LOG_TO_STDERR,
    LOG_TO_NOBODY /* for a program that tells a person everything itself */
};

void log_open(const char *program, enum log_target target);

enum log_format { LOG_LOGFMT, LOG_JSON };
enum { LOG_FORMAT_COUNT = LOG_JSON + 1 };
extern const char *const log_format_words[LOG_FORMAT_COUNT];

/* What is worth a line. */
enum log_threshold {
    LOG_FROM_DEBUG,
    LOG_FROM_INFO,
    LOG_FROM_NOTICE,
    LOG_FROM_WARNING,
    LOG_FROM_ERROR
};
enum { LOG_THRESHOLD_COUNT = LOG_FROM_ERROR + 1 };
extern const char *const log_threshold_words[LOG_THRESHOLD_COUNT];

/* At any time. Before it: text, from LOG_INFO on. */
void log_configure(enum log_format format, enum log_threshold threshold);
enum log_format log_format_in_force(void);

/* Would a line of this level be written? */
bool log_is_on(int level);

/* One line. Control characters and octets outside ASCII are escaped as \xHH; a line that is too
 * long is cut. */
void log_write(int level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same for a line that is whole already: printable ASCII, as log_escape leaves it. This is the
 * way of the line that each message has. */
void log_plain(int level, const char *line);

/* The same for LOG_JSON. members: what the object has beside level and program, in place of a
 * message: "name":value,.. as log_json_string writes them. */
void log_members(int level, const char *members);

/* Appends text as a string of JSON. What log_escape takes for odd is \xHH here too, but for space,
 * < and >; at most `max` octets of text are shown, then "...". Five octets for each of text, and
 * eight more, are always enough. Returns the new end; always whole and terminated. */
char *log_json_string(char *out, const char *end, const char *text, size_t max);

/* Appends text with everything that could be mistaken for the log's own syntax escaped as \xHH:
 * control characters, space, <, >, \ and octets outside ASCII. At most `max` octets of text are
 * shown, then "...". Returns the new end; always terminated. */
char *log_escape(char *out, const char *end, const char *text, size_t max);

/* The same for words, in the quotes that it puts around them: space stays, while " and =, which
 * fields are made of, are escaped too. Four octets for each of text, and ten more, are always
 * enough. */
char *log_quote(char *out, const char *end, const char *text, size_t max);

#endif
