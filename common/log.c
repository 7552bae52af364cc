/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *program_name = "mailfrom";
static bool use_stderr = true;

void log_open(const char *program, bool to_stderr)
{
    program_name = program;
    use_stderr = to_stderr;
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

void log_write(int level, const char *format, ...)
{
    char text[LOG_LINE_MAX];
    char line[LOG_LINE_MAX + 64];
    va_list arguments;
    size_t length;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    length = (size_t)snprintf(line, 64, "%.30s: %s", program_name, level_word(level));
    if (!use_stderr)
        length = (size_t)snprintf(line, 64, "%s", level_word(level));
    length += make_plain(line + length, sizeof line - length - 1, text);
    if (use_stderr) {
        line[length++] = '\n';
        if (write(STDERR_FILENO, line, length) < 0)
            return; /* there is nobody left to tell */
    } else {
        syslog(level, "%.*s", (int)length, line);
    }
}
