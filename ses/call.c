/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ses/call.h"

#include "ses/secret.h"
#include "ses/sigv4.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

/* AWS accepts signatures within five minutes at the strictest; a smaller difference is no reason.
 */
enum { SKEW_MIN = 4 * 60 };

struct sending {
    char url[CALL_URL_SIZE];
    char path[CALL_URL_SIZE];
    struct sigv4_signature signature;
};

bool call_encode(char *out, size_t size, const char *text)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    size_t used = strlen(out);

    for (; *text != '\0'; text++) {
        if (size - used < 4)
            return false;
        if (strchr(plain, *text) != NULL)
            out[used++] = *text;
        else
            used += (size_t)snprintf(out + used, size - used, "%%%02X", (unsigned char)*text);
        out[used] = '\0';
    }
    return true;
}

int64_t call_skew(const struct outcome_error *error, int64_t date, int64_t now)
{
    int64_t ahead = date - now;

    if (date == 0 || !outcome_may_be_skew(error->code))
        return 0;
    return ahead >= SKEW_MIN || ahead <= -SKEW_MIN ? ahead : 0;
}

static bool make_url(struct sending *sending, const struct call *call)
{
    const struct endpoint *endpoint = call->endpoint;
    int path = snprintf(sending->path, sizeof sending->path, "%s%s", endpoint->path, call->path);
    int url = snprintf(sending->url, sizeof sending->url, "%s://%s%s%s%s",
                       endpoint->https ? "https" : "http", endpoint->host, sending->path,
                       call->query[0] != '\0' ? "?" : "", call->query);

    return path > 0 && (size_t)path < sizeof sending->path && url > 0 &&
           (size_t)url < sizeof sending->url;
}

static bool sign(struct sending *sending, const struct call *call, int64_t now, struct failure *why)
{
    struct sigv4_request request = {.method = call->method,
                                    .host = call->endpoint->host,
                                    .path = sending->path,
                                    .query = call->query,
                                    .content_type = call->content_type,
                                    .body = call->body != NULL ? call->body : "",
                                    .body_length = call->body != NULL ? strlen(call->body) : 0};
    struct sigv4_signer signer = {.access_key = call->keys->access_key,
                                  .secret_key = call->keys->secret_key,
                                  .session_token = call->keys->session_token,
                                  .region = call->region,
                                  .service = call->service};

    return sigv4_sign(&sending->signature, &request, &signer, now, why);
}

static void add_header(struct http_request *request, const char *name, const char *value)
{
    request->headers[request->headers_count++] = (struct http_header){name, value};
}

static struct http_request make_request(const struct sending *sending, const struct call *call,
                                        const struct call_transport *transport)
{
    struct http_request request = {.method = call->method,
                                   .url = sending->url,
                                   .body = call->body,
                                   .body_length = call->body != NULL ? strlen(call->body) : 0,
                                   .body_max = HTTP_BODY_MAX,
                                   .connect_timeout = transport->connect_timeout,
                                   .first_byte_timeout = transport->first_byte_timeout,
                                   .timeout = transport->timeout,
                                   .ca_file = transport->ca_file,
                                   .stop = transport->stop,
                                   .stop_context = transport->stop_context};

    if (call->content_type != NULL)
        add_header(&request, "Content-Type", call->content_type);
    if (call->keys != NULL) {
        add_header(&request, "X-Amz-Date", sending->signature.date);
        add_header(&request, "Authorization", sending->signature.authorization);
        if (call->keys->session_token[0] != '\0')
            add_header(&request, "X-Amz-Security-Token", call->keys->session_token);
    }
    return request;
}

enum outcome call_outcome_of(enum http_result result)
{
    switch (result) {
    case HTTP_REPLIED:
        return OUTCOME_OK;
    case HTTP_UNREACHED:
    case HTTP_NO_REPLY:
        return OUTCOME_NETWORK;
    case HTTP_BARRED:
        return OUTCOME_REFUSED;
    case HTTP_TOO_LARGE:
        return OUTCOME_MALFORMED_REPLY;
    case HTTP_STOPPED:
        return OUTCOME_STOPPED;
    case HTTP_UNSENT:
        break;
    }
    return OUTCOME_LOCAL;
}

/* A service that shows what it was sent must not bring it into a log. */
static void cut_secrets(struct outcome_error *error, const struct keys *keys)
{
    if (keys == NULL)
        return;
    secret_cut_keys(error->code, keys);
    secret_cut_keys(error->message, keys);
    secret_cut_keys(error->request_id, keys);
}

static void explain(const struct outcome_error *error, int status, struct failure *why)
{
    char code[2 * OUTCOME_CODE_SIZE] = "", message[OUTCOME_MESSAGE_SIZE + 64] = "";
    char id[2 * OUTCOME_CODE_SIZE] = "";

    outcome_escape(code, sizeof code, error->code[0] != '\0' ? error->code : "no error code");
    outcome_escape(message, sizeof message, error->message);
    outcome_escape(id, sizeof id, error->request_id);
    (void)failure_set(why, EX_UNAVAILABLE, "%s%s%s (HTTP %d%s%s)", code,
                      message[0] != '\0' ? ": " : "", message, status,
                      id[0] != '\0' ? ", request " : "", id);
}

static enum outcome judge_reply(const struct call *call, struct http_reply *reply,
                                struct outcome_error *error, struct failure *why)
{
    enum outcome outcome;

    if (reply->status != 200)
        call->read_error(error, reply);
    if (error->request_id[0] == '\0')
        (void)snprintf(error->request_id, sizeof error->request_id, "%.79s", reply->request_id);
    cut_secrets(error, call->keys);
    outcome = outcome_classify(reply->status, error->code);
    if (outcome != OUTCOME_OK) {
        explain(error, reply->status, why);
        http_reply_reset(reply);
    }
    return outcome;
}

enum outcome call_perform(const struct call *call, const struct call_transport *transport,
                          int64_t now, struct http_reply *reply, struct outcome_error *error,
                          int64_t *date, struct failure *why)
{
    struct sending *sending = calloc(1, sizeof *sending);
    enum outcome outcome = OUTCOME_LOCAL;
    struct http_request request;

    memset(error, 0, sizeof *error);
    *date = 0;
    if (sending == NULL) {
        (void)failure_set(why, EX_OSERR, "out of memory");
        return outcome;
    }
    if (!make_url(sending, call)) {
        (void)failure_set(why, EX_DATAERR, "the URL would be longer than %d octets", CALL_URL_SIZE);
        goto out;
    }
    if (call->keys != NULL && !sign(sending, call, now, why))
        goto out;
    request = make_request(sending, call, transport);
    outcome = call_outcome_of(http_perform(transport->http, &request, reply, why));
    if (outcome == OUTCOME_OK) {
        *date = reply->date;
        outcome = judge_reply(call, reply, error, why);
    }
out:
    free(sending);
    return outcome;
}
