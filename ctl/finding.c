/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/finding.h"

#include <stdarg.h>

#include "ctl/json_out.h"
#include "ctl/terminal.h"

const char *const finding_level_words[FINDING_LEVEL_COUNT] = {
    [FINDING_OK] = "ok",
    [FINDING_WARNING] = "warning",
    [FINDING_ERROR] = "error",
};

enum { LEVEL_WIDTH = 8 };

void finding_found(struct finding *finding, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(finding->found, sizeof finding->found, format, arguments);
    va_end(arguments);
}

void finding_expected(struct finding *finding, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(finding->expected, sizeof finding->expected, format, arguments);
    va_end(arguments);
}

void finding_advise(struct finding *finding, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(finding->advice, sizeof finding->advice, format, arguments);
    va_end(arguments);
}

static void put_part(FILE *out, const char *before, const char *text)
{
    char shown[TERMINAL_TEXT_SIZE];

    if (*text != '\0')
        (void)fprintf(out, "%s%s", before, terminal_text(text, shown));
}

static void put_text(FILE *out, const struct finding *finding)
{
    char shown[TERMINAL_TEXT_SIZE];

    (void)fprintf(out, "%-*s ", LEVEL_WIDTH, finding_level_words[finding->level]);
    (void)fputs(terminal_name(finding->subject, shown), out);
    put_part(out, ": ", finding->found);
    put_part(out, ", expected ", finding->expected);
    put_part(out, "; ", finding->advice);
    (void)putc('\n', out);
}

static void put_json(FILE *out, const struct finding *finding, bool first)
{
    (void)fputs(first ? "\n" : ",\n", out);
    json_out_text(out, "{", "level", finding_level_words[finding->level]);
    json_out_text(out, ", ", "subject", finding->subject);
    json_out_text(out, ", ", "check", finding->check);
    json_out_text(out, ", ", "found", finding->found);
    json_out_text(out, ", ", "expected", finding->expected);
    json_out_text(out, ", ", "advice", finding->advice);
    (void)putc('}', out);
}

static unsigned long total(const struct findings *findings)
{
    unsigned long sum = 0;

    for (int level = 0; level < FINDING_LEVEL_COUNT; level++)
        sum += findings->count[level];
    return sum;
}

void findings_begin(struct findings *findings)
{
    if (findings->json)
        (void)fputs("{\"findings\": [", findings->out);
}

void findings_put(struct findings *findings, const struct finding *finding)
{
    if (findings->json)
        put_json(findings->out, finding, total(findings) == 0);
    else if (!findings->quiet || finding->level != FINDING_OK)
        put_text(findings->out, finding);
    findings->count[finding->level]++;
}

void findings_end(struct findings *findings)
{
    const unsigned long *count = findings->count;

    if (findings->json)
        (void)fprintf(findings->out, "\n], \"ok\": %lu, \"warnings\": %lu, \"errors\": %lu}\n",
                      count[FINDING_OK], count[FINDING_WARNING], count[FINDING_ERROR]);
    else
        (void)fprintf(findings->out, "%lu ok, %lu warning%s, %lu error%s\n", count[FINDING_OK],
                      count[FINDING_WARNING], count[FINDING_WARNING] == 1 ? "" : "s",
                      count[FINDING_ERROR], count[FINDING_ERROR] == 1 ? "" : "s");
}

enum finding_level findings_level(const struct findings *findings)
{
    if (findings->count[FINDING_ERROR] > 0)
        return FINDING_ERROR;
    return findings->count[FINDING_WARNING] > 0 ? FINDING_WARNING : FINDING_OK;
}
