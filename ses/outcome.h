/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * What became of a call to AWS, in the few classes that somebody acts on differently. Pure.
 */
#ifndef SES_OUTCOME_H
#define SES_OUTCOME_H

#include <stdbool.h>
#include <stddef.h>

enum outcome {
    OUTCOME_OK,
    OUTCOME_THROTTLED,      /* later, and more slowly */
    OUTCOME_SERVER_ERROR,   /* AWS's own trouble: later */
    OUTCOME_NETWORK,        /* no reply, or half of one: later */
    OUTCOME_EXPIRED_TOKEN,  /* with fresh credentials too */
    OUTCOME_CLOCK_SKEW,     /* with the clock corrected too */
    OUTCOME_NO_CREDENTIALS, /* nothing was sent to SES */
    OUTCOME_ACCESS_DENIED,  /* permissions or keys: a person has to act */
    OUTCOME_BAD_REQUEST,    /* something in the call itself, in a batch perhaps one identity */
    OUTCOME_NOT_FOUND,
    OUTCOME_REFUSED,         /* anything else for good: redirects, conflicts, unknown statuses; a
                              * certificate that is not trusted, a proxy that refuses */
    OUTCOME_MALFORMED_REPLY, /* a success that cannot be read */
    OUTCOME_STOPPED,         /* the program ends */
    OUTCOME_LOCAL            /* settings or memory: nothing was sent */
};
enum { OUTCOME_COUNT = OUTCOME_LOCAL + 1 };
extern const char *const outcome_words[OUTCOME_COUNT]; /* "ok", "throttled", .. */

/* status: of HTTP. code: AWS's name for the error, "" for none. */
enum outcome outcome_classify(int status, const char *code);

/* Does it pass by itself? Else a person has to act, or the program ends. */
bool outcome_passes(enum outcome outcome);

/* What a program exits with (sysexits.h); 0 where the failure itself knows better. */
int outcome_exit_code(enum outcome outcome);

/* Can the code mean that the clock is wrong? */
bool outcome_may_be_skew(const char *code);

/* Can the code mean that the keys were replaced by others meanwhile? */
bool outcome_may_be_rotation(const char *code);

enum { OUTCOME_CODE_SIZE = 80, OUTCOME_MESSAGE_SIZE = 512 };

/* What AWS said with an error. Not escaped: that is for whoever shows it. */
struct outcome_error {
    char code[OUTCOME_CODE_SIZE]; /* without namespace and URL: "Throttling" */
    char message[OUTCOME_MESSAGE_SIZE];
    char request_id[OUTCOME_CODE_SIZE];
};

/* Copies the name out of "com.amazon.x#Name:http://..". text may be NULL. */
void outcome_set_code(struct outcome_error *error, const char *text);

/* Copies the first line: below it, SES shows the canonical request with the session token. */
void outcome_set_message(struct outcome_error *error, const char *text);

/* Appends text from outside to out, control characters, backslashes and what is not ASCII as \xHH.
 */
void outcome_escape(char *out, size_t size, const char *text);

#endif
