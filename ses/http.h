/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * One HTTP exchange at a time over a connection that is kept warm (keep-alive, TLS sessions,
 * HTTP/1.1). Certificates are always verified, redirects never followed, time and size always
 * bounded. A CA file is read for each new connection. The proxy comes from the environment, as
 * libcurl reads it. Knows nothing of AWS but the names of two headers. A handle is used by one
 * thread at a time.
 */
#ifndef SES_HTTP_H
#define SES_HTTP_H

#include "common/failure.h"

#include <stddef.h>
#include <stdint.h>

enum {
    HTTP_BODY_MAX = 4 * 1024 * 1024, /* the usual maximum of a reply's body */
    HTTP_HEADERS_MAX = 64 * 1024,    /* of all headers of a reply, interim ones included */
    HTTP_REQUEST_HEADERS_MAX = 8,
    HTTP_NOTE_SIZE = 128
};

struct http;

struct http_header {
    const char *name;
    const char *value; /* no control characters in it */
};

struct http_request {
    const char *method; /* GET, POST or PUT */
    const char *url;    /* http or https */
    struct http_header headers[HTTP_REQUEST_HEADERS_MAX];
    size_t headers_count;
    const char *body; /* NULL for none */
    size_t body_length;
    size_t body_max;             /* octets of the reply's body; one more is a failure */
    long connect_timeout;        /* milliseconds, each */
    long first_byte_timeout;     /* from the request sent to the first octet of the reply */
    long timeout;                /* of the whole exchange */
    const char *ca_file;         /* NULL: those of the system */
    bool direct;                 /* never through a proxy; so it is for plain http in any case */
    bool (*stop)(void *context); /* NULL, or asked about once a second whether to give up */
    void *stop_context;
};

struct http_reply {
    int status;
    char *body; /* terminated */
    size_t body_length;
    int64_t date;                    /* of the Date header, 0 for none */
    char error_type[HTTP_NOTE_SIZE]; /* x-amzn-errortype, cut, "" for none */
    char request_id[HTTP_NOTE_SIZE]; /* x-amzn-requestid */
};

enum http_result {
    HTTP_REPLIED,   /* whole, whatever its status */
    HTTP_UNREACHED, /* no connection: the name, the address, or nobody there */
    HTTP_NO_REPLY,  /* TLS, time-out, or a connection that broke; perhaps a part of it came */
    HTTP_BARRED,    /* a certificate that is not trusted, or a proxy that refuses: for a person */
    HTTP_TOO_LARGE, /* body or headers */
    HTTP_STOPPED,   /* because stop() said so */
    HTTP_UNSENT     /* nothing was sent: out of memory, a URL that is none, or a CA file that cannot
                     * be read */
};

struct http *http_new(struct failure *why);
void http_free(struct http *http); /* NULL is fine */

/* Fills *reply for HTTP_REPLIED, *why otherwise. */
enum http_result http_perform(struct http *http, const struct http_request *request,
                              struct http_reply *reply, struct failure *why);

/* Wipes the body, for it may hold credentials. */
void http_reply_reset(struct http_reply *reply);

#endif
