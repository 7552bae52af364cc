/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { PROGRAM_NAME_MAX = 30 };

static const char *program_name = "mailfrom";
static enum log_target log_target = LOG_TO_STDERR;
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

char *log_escape(char *out, const char *end, const char *text, size_t max)
{
    size_t i = 0;

    for (; i < max && text[i] != '\0' && end - out > 8; i++) {
        unsigned char octet = (unsigned char)text[i];
        if (is_plain(octet) && octet != ' ' && octet != '<' && octet != '>' && octet != '\\')
            *out++ = text[i];
        else
            out = append_hex(out, octet);
    }
    if (text[i] != '\0' && end - out > 3) {
        memcpy(out, "...", 3);
        out += 3;
    }
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

/* The journal knows the program, and wants the level. */
static void write_journal(int level, const char *line, size_t length)
{
    const char prefix[] = {'<', (char)('0' + level), '>'};
    const char *word = level_word(level);
    struct iovec parts[] = {
        {(void *)prefix, sizeof prefix},
        {(void *)word, strlen(word)},
        {(void *)line, length},
        {(void *)"\n", 1},
    };

    if (writev(STDERR_FILENO, parts, sizeof parts / sizeof *parts) < 0)
        return; /* there is nobody left to tell */
}

static void write_stderr(int level, const char *line, size_t length)
{
    const char *word = level_word(level);
    struct iovec parts[] = {
        {(void *)program_name, strnlen(program_name, PROGRAM_NAME_MAX)},
        {(void *)": ", 2},
        {(void *)word, strlen(word)},
        {(void *)line, length},
        {(void *)"\n", 1},
    };

    if (writev(STDERR_FILENO, parts, sizeof parts / sizeof *parts) < 0)
        return; /* there is nobody left to tell */
}

static void write_line(int level, const char *line, size_t length)
{
    switch (log_target) {
    case LOG_TO_SYSLOG:
        syslog(level, "%s%.*s", level_word(level), (int)length, line);
        break;
    case LOG_TO_STDERR:
        (is_journal ? write_journal : write_stderr)(level, line, length);
        break;
    case LOG_TO_NOBODY:
        break;
    }
}

void log_plain(int level, const char *line)
{
    write_line(level, line, strlen(line));
}

void log_write(int level, const char *format, ...)
{
    char text[LOG_LINE_MAX];
    char line[LOG_LINE_MAX];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    write_line(level, line, make_plain(line, sizeof line, text));
}
