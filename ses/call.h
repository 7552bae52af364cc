/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * One call to an AWS service: signed, sent once, its error told apart. SES and STS go through here;
 * what a success means is for the caller.
 */
#ifndef SES_CALL_H
#define SES_CALL_H

#include "ses/endpoint.h"
#include "ses/http.h"
#include "ses/keys.h"
#include "ses/outcome.h"

enum { CALL_URL_SIZE = 16384 };

/* How to get through; the same for all calls of a client. */
struct call_transport {
    struct http *http;
    long connect_timeout; /* milliseconds */
    long first_byte_timeout;
    long timeout;
    const char *ca_file; /* NULL: those of the system */
    bool (*stop)(void *context);
    void *stop_context;
};

struct call {
    const char *method;
    const struct endpoint *endpoint;
    const char *path;  /* as on the wire, without the prefix of the endpoint */
    const char *query; /* as on the wire, "" for none */
    const char *content_type;
    const char *body;
    const char *region;
    const char *service;
    const struct keys *keys; /* NULL: unsigned */
    /* The reply's error; error->code may stay empty. */
    void (*read_error)(struct outcome_error *error, const struct http_reply *reply);
};

/* What became of a call that has no reply; OUTCOME_OK for HTTP_REPLIED. */
enum outcome call_outcome_of(enum http_result result);

/* now: seconds since the epoch. Fills *reply, which then has to be reset, for OUTCOME_OK; *error
 * and *why otherwise. date: of the reply, 0 without one. */
enum outcome call_perform(const struct call *call, const struct call_transport *transport,
                          int64_t now, struct http_reply *reply, struct outcome_error *error,
                          int64_t *date, struct failure *why);

/* How far the server's clock is ahead, if that can be why it refused a call; 0 if not. */
int64_t call_skew(const struct outcome_error *error, int64_t date, int64_t now);

/* Appends text to out, everything but A-Z a-z 0-9 - . _ ~ as %XX. False: no room. */
bool call_encode(char *out, size_t size, const char *text);

#endif
