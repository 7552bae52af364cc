/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * What a check found, for a person or as JSON: how it stands, about what, and what to do.
 */
#ifndef CTL_FINDING_H
#define CTL_FINDING_H

#include <stdbool.h>
#include <stdio.h>

enum finding_level { FINDING_OK, FINDING_WARNING, FINDING_ERROR };
enum { FINDING_LEVEL_COUNT = FINDING_ERROR + 1 };
extern const char *const finding_level_words[FINDING_LEVEL_COUNT]; /* "ok", "warning", "error" */

enum { FINDING_TEXT_SIZE = 1024 };

/* Plain facts. The texts are as they came: what shows them escapes them. */
struct finding {
    enum finding_level level;
    const char *check; /* a word for programs: "mx" */
    const char *subject;
    char found[FINDING_TEXT_SIZE];
    char expected[FINDING_TEXT_SIZE]; /* "" where that goes without saying */
    char advice[FINDING_TEXT_SIZE];   /* "" where there is nothing to do */
};

/* Fill a text. What is too long is cut. */
void finding_found(struct finding *finding, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void finding_expected(struct finding *finding, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void finding_advise(struct finding *finding, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Where findings go, one at a time, and how many there were. */
struct findings {
    FILE *out;
    bool json;
    bool quiet; /* of text: those that are ok are counted only */
    unsigned long count[FINDING_LEVEL_COUNT];
};

void findings_begin(struct findings *findings);
void findings_put(struct findings *findings, const struct finding *finding);
void findings_end(struct findings *findings);

/* The worst there was. */
enum finding_level findings_level(const struct findings *findings);

#endif
