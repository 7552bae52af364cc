/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { PROGRAM_NAME_MAX = 30, JSON_HEAD_SIZE = 200, JSON_STRING_SIZE = 2 * LOG_LINE_MAX + 16 };

const char *const log_format_words[LOG_FORMAT_COUNT] = {
    [LOG_LOGFMT] = "logfmt",
    [LOG_JSON] = "json",
};

const char *const log_threshold_words[LOG_THRESHOLD_COUNT] = {
    [LOG_FROM_DEBUG] = "debug",     [LOG_FROM_INFO] = "info",   [LOG_FROM_NOTICE] = "notice",
    [LOG_FROM_WARNING] = "warning", [LOG_FROM_ERROR] = "error",
};

static const int threshold_levels[LOG_THRESHOLD_COUNT] = {
    [LOG_FROM_DEBUG] = LOG_DEBUG,     [LOG_FROM_INFO] = LOG_INFO, [LOG_FROM_NOTICE] = LOG_NOTICE,
    [LOG_FROM_WARNING] = LOG_WARNING, [LOG_FROM_ERROR] = LOG_ERR,
};

static const char *program_name = "mailfrom";
static enum log_target log_target = LOG_TO_STDERR;
static atomic_int format_in_force = LOG_LOGFMT;
static atomic_int last_level = LOG_INFO;
static bool is_journal; /* does the journal read stderr? */

/* $JOURNAL_STREAM names the stream that it reads by device and inode; a shell in between may have
 * sent stderr elsewhere. */
static bool goes_to_journal(int file)
{
    const char *text = getenv("JOURNAL_STREAM");
    unsigned long long device, inode;
    struct stat status;

    return text != NULL && sscanf(text, "%llu:%llu", &device, &inode) == 2 &&
           fstat(file, &status) == 0 && status.st_dev == device && status.st_ino == inode;
}

void log_open(const char *program, enum log_target target)
{
    program_name = program;
    log_target = target;
    is_journal = goes_to_journal(STDERR_FILENO);
    /* Also for stderr: libmilter writes to syslog on its own. */
    openlog(program, LOG_PID | LOG_NDELAY, LOG_MAIL);
}

void log_configure(enum log_format format, enum log_threshold threshold)
{
    atomic_store(&format_in_force, format);
    atomic_store(&last_level, threshold_levels[threshold]);
}

enum log_format log_format_in_force(void)
{
    return (enum log_format)atomic_load_explicit(&format_in_force, memory_order_relaxed);
}

bool log_is_on(int level)
{
    return level <= atomic_load_explicit(&last_level, memory_order_relaxed);
}

static const char *level_word(int level)
{
    switch (level) {
    case LOG_CRIT:
        return "fatal: ";
    case LOG_ERR:
        return "error: ";
    case LOG_WARNING:
        return "warning: ";
    default: /* levels are syslog's integers */
        return "";
    }
}

static bool is_plain(unsigned char octet)
{
    return octet >= 0x20 && octet < 0x7f;
}

static char *append_hex(char *out, unsigned char octet)
{
    static const char digits[] = "0123456789abcdef";

    *out++ = '\\';
    *out++ = 'x';
    *out++ = digits[octet >> 4];
    *out++ = digits[octet & 15];
    return out;
}

/* Appends text with all that is not plain, and the octets of special, escaped; not terminated. */
static char *escape(char *out, const char *end, const char *text, size_t max, const char *special)
{
    size_t i = 0;

    for (; i < max && text[i] != '\0' && end - out > 8; i++) {
        unsigned char octet = (unsigned char)text[i];
        if (is_plain(octet) && strchr(special, octet) == NULL)
            *out++ = text[i];
        else
            out = append_hex(out, octet);
    }
    for (int dots = 3; text[i] != '\0' && dots > 0 && end - out > 1; dots--)
        *out++ = '.';
    return out;
}

char *log_escape(char *out, const char *end, const char *text, size_t max)
{
    out = escape(out, end, text, max, " <>\\");
    *out = '\0';
    return out;
}

char *log_quote(char *out, const char *end, const char *text, size_t max)
{
    if (end - out > 2) {
        *out++ = '"';
        out = escape(out, end - 1, text, max, "<>\\\"=");
        *out++ = '"';
    }
    *out = '\0';
    return out;
}

char *log_json_string(char *out, const char *end, const char *text, size_t max)
{
    size_t i = 0;

    *out++ = '"';
    for (; i < max && text[i] != '\0' && end - out > 10; i++) {
        unsigned char octet = (unsigned char)text[i];
        if (octet == '"')
            *out++ = '\\';
        if (is_plain(octet) && octet != '\\') {
            *out++ = text[i];
            continue;
        }
        *out++ = '\\';
        out = append_hex(out, octet);
    }
    if (text[i] != '\0') {
        memcpy(out, "...", 3);
        out += 3;
    }
    *out++ = '"';
    *out = '\0';
    return out;
}

/* The last line of defence: whatever the text came from, a line stays one line. */
static size_t make_plain(char *out, size_t size, const char *text)
{
    char *start = out;
    const char *end = out + size;

    for (; *text != '\0' && end - out > 4; text++) {
        if (is_plain((unsigned char)*text))
            *out++ = *text;
        else
            out = append_hex(out, (unsigned char)*text);
    }
    return (size_t)(out - start);
}

/* The journal wants the level, and does not keep what tells it. */
static char *append_journal_level(char *out, int level)
{
    *out++ = '<';
    *out++ = (char)('0' + level);
    *out++ = '>';
    return out;
}

static void write_stderr(const char *prefix, size_t prefix_length, const char *line, size_t length,
                         const char *suffix)
{
    struct iovec parts[] = {
        {(void *)prefix, prefix_length},
        {(void *)line, length},
        {(void *)suffix, strlen(suffix)},
    };

    if (writev(STDERR_FILENO, parts, sizeof parts / sizeof *parts) < 0)
        return; /* there is nobody left to tell */
}

static void write_text(int level, const char *line, size_t length)
{
    char prefix[PROGRAM_NAME_MAX + 20];
    char *out = prefix;
    size_t name = strnlen(program_name, PROGRAM_NAME_MAX);

    if (log_target == LOG_TO_SYSLOG) {
        syslog(level, "%s%.*s", level_word(level), (int)length, line);
        return;
    }
    if (is_journal) { /* which knows the program */
        out = append_journal_level(out, level);
    } else {
        memcpy(out, program_name, name);
        out = stpcpy(out + name, ": ");
    }
    out = stpcpy(out, level_word(level));
    write_stderr(prefix, (size_t)(out - prefix), line, length, "\n");
}

/* --- JSON --- */

static const char *json_level(int level)
{
    if (level <= LOG_CRIT)
        return "fatal";
    for (size_t i = 0; i < LOG_THRESHOLD_COUNT; i++) {
        if (threshold_levels[i] == level)
            return log_threshold_words[i];
    }
    return "info";
}

static char *append_time(char *out, size_t size)
{
    struct timespec now;
    struct tm parts;
    size_t length;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    (void)gmtime_r(&now.tv_sec, &parts);
    length = strftime(out, size, "\"time\":\"%Y-%m-%dT%H:%M:%S", &parts);
    return out + length +
           snprintf(out + length, size - length, ".%03dZ\",", (int)(now.tv_nsec / 1000000));
}

/* name: what comes before the value, "" for whole members. */
static void write_json(int level, const char *name, const char *value)
{
    char head[JSON_HEAD_SIZE];
    const char *end = head + sizeof head;
    char *out = head;

    if (log_target == LOG_TO_STDERR && is_journal)
        out = append_journal_level(out, level);
    out = stpcpy(out, "{");
    if (log_target == LOG_TO_STDERR)
        out = append_time(out, (size_t)(end - out));
    out = stpcpy(stpcpy(stpcpy(out, "\"level\":\""), json_level(level)), "\",\"program\":");
    out = log_json_string(out, end, program_name, PROGRAM_NAME_MAX);
    out = stpcpy(stpcpy(out, ","), name);
    if (log_target == LOG_TO_SYSLOG)
        syslog(level, "%s%s}", head, value);
    else
        write_stderr(head, (size_t)(out - head), value, strlen(value), "}\n");
}

static void write_json_message(int level, const char *line)
{
    char value[JSON_STRING_SIZE];

    (void)log_json_string(value, value + sizeof value, line, LOG_LINE_MAX);
    write_json(level, "\"message\":", value);
}

/* --- a line --- */

static bool is_written(int level)
{
    return log_target != LOG_TO_NOBODY && log_is_on(level);
}

void log_plain(int level, const char *line)
{
    if (!is_written(level))
        return;
    if (log_format_in_force() == LOG_JSON)
        write_json_message(level, line);
    else
        write_text(level, line, strlen(line));
}

void log_members(int level, const char *members)
{
    if (is_written(level))
        write_json(level, "", members);
}

void log_write(int level, const char *format, ...)
{
    char text[LOG_LINE_MAX];
    char line[LOG_LINE_MAX];
    va_list arguments;

    if (!is_written(level))
        return;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (log_format_in_force() == LOG_JSON)
        write_json_message(level, text);
    else
        write_text(level, line, make_plain(line, sizeof line, text));
}
