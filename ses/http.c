/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ses/http.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>
#include <time.h>

#include <curl/curl.h>

enum { MICROSECONDS_A_MILLISECOND = 1000, BODY_FIRST_SIZE = 16 * 1024 };

struct http {
    CURL *curl;
};

/* One exchange, as the callbacks of libcurl see it. */
struct exchange {
    CURL *curl;
    const struct http_request *request;
    struct http_reply *reply;
    size_t body_size;
    size_t headers_length;
    bool too_large;
    bool out_of_memory;
    bool stopped;
    bool late; /* no first octet in time */
};

struct http *http_new(struct failure *why)
{
    struct http *http;

    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        (void)failure_set(why, EX_SOFTWARE, "libcurl does not start");
        return NULL;
    }
    http = calloc(1, sizeof *http);
    if (http != NULL)
        http->curl = curl_easy_init();
    if (http == NULL || http->curl == NULL) {
        (void)failure_set(why, EX_OSERR, "out of memory");
        http_free(http);
        return NULL;
    }
    return http;
}

void http_free(struct http *http)
{
    if (http == NULL)
        return;
    curl_easy_cleanup(http->curl);
    free(http);
    curl_global_cleanup();
}

void http_reply_reset(struct http_reply *reply)
{
    if (reply->body != NULL)
        explicit_bzero(reply->body, reply->body_length);
    free(reply->body);
    memset(reply, 0, sizeof *reply);
}

/* Not realloc(), which would leave a copy of what may be a secret. */
static bool grow_body(struct exchange *exchange, size_t needed)
{
    struct http_reply *reply = exchange->reply;
    size_t size = exchange->body_size > 0 ? exchange->body_size : BODY_FIRST_SIZE;
    char *body;

    while (size < needed)
        size *= 2;
    body = malloc(size);
    if (body == NULL)
        return false;
    if (reply->body != NULL) {
        memcpy(body, reply->body, reply->body_length);
        explicit_bzero(reply->body, reply->body_length);
        free(reply->body);
    }
    reply->body = body;
    exchange->body_size = size;
    return true;
}

static size_t take_body(char *octets, size_t one, size_t length, void *context)
{
    struct exchange *exchange = context;
    struct http_reply *reply = exchange->reply;
    size_t needed = reply->body_length + length + 1;

    (void)one;
    if (length > exchange->request->body_max - reply->body_length) {
        exchange->too_large = true;
        return 0;
    }
    if (needed > exchange->body_size && !grow_body(exchange, needed)) {
        exchange->out_of_memory = true;
        return 0;
    }
    memcpy(reply->body + reply->body_length, octets, length);
    reply->body_length += length;
    reply->body[reply->body_length] = '\0';
    return length;
}

/* The value of the header `name` in a line of the reply, or NULL. */
static const char *value_of(const char *line, size_t length, const char *name, size_t *value_length)
{
    size_t name_length = strlen(name);
    const char *value;

    if (length <= name_length || line[name_length] != ':' ||
        strncasecmp(line, name, name_length) != 0)
        return NULL;
    value = line + name_length + 1;
    length -= name_length + 1;
    while (length > 0 && (*value == ' ' || *value == '\t')) {
        value++;
        length--;
    }
    while (length > 0 && strchr("\r\n \t", value[length - 1]) != NULL)
        length--;
    *value_length = length;
    return value;
}

static void take_note(const char *line, size_t length, const char *name, char out[HTTP_NOTE_SIZE])
{
    size_t value_length;
    const char *value = value_of(line, length, name, &value_length);

    if (value == NULL)
        return;
    if (value_length > HTTP_NOTE_SIZE - 1)
        value_length = HTTP_NOTE_SIZE - 1;
    memcpy(out, value, value_length);
    out[value_length] = '\0';
}

static size_t take_header(char *line, size_t one, size_t length, void *context)
{
    struct exchange *exchange = context;
    struct http_reply *reply = exchange->reply;
    char date[HTTP_NOTE_SIZE] = "";

    (void)one;
    exchange->headers_length += length;
    if (exchange->headers_length > HTTP_HEADERS_MAX) {
        exchange->too_large = true;
        return 0;
    }
    take_note(line, length, "x-amzn-errortype", reply->error_type);
    take_note(line, length, "x-amzn-requestid", reply->request_id);
    take_note(line, length, "date", date);
    if (date[0] != '\0') {
        time_t seconds = curl_getdate(date, NULL);
        reply->date = seconds > 0 ? (int64_t)seconds : 0;
    }
    return length;
}

/* libcurl has no time-out for the first octet of a reply; it calls this about once a second. */
static int watch(void *context, curl_off_t down_total, curl_off_t down, curl_off_t up_total,
                 curl_off_t up)
{
    struct exchange *exchange = context;
    const struct http_request *request = exchange->request;
    curl_off_t sent = 0, now = 0;

    (void)down_total, (void)down, (void)up_total, (void)up;
    if (request->stop != NULL && request->stop(request->stop_context)) {
        exchange->stopped = true;
        return 1;
    }
    (void)curl_easy_getinfo(exchange->curl, CURLINFO_PRETRANSFER_TIME_T, &sent);
    (void)curl_easy_getinfo(exchange->curl, CURLINFO_TOTAL_TIME_T, &now);
    exchange->late = sent > 0 && exchange->headers_length == 0 &&
                     now - sent > request->first_byte_timeout * MICROSECONDS_A_MILLISECOND;
    return exchange->late ? 1 : 0;
}

static void free_headers(struct curl_slist *headers)
{
    for (struct curl_slist *node = headers; node != NULL; node = node->next)
        explicit_bzero(node->data, strlen(node->data));
    curl_slist_free_all(headers);
}

static bool append_header(struct curl_slist **headers, const char *name, const char *value)
{
    size_t size = strlen(name) + strlen(value) + 3;
    char *line = malloc(size);
    struct curl_slist *longer;

    if (line == NULL)
        return false;
    (void)snprintf(line, size, "%s: %s", name, value);
    longer = curl_slist_append(*headers, line);
    explicit_bzero(line, size);
    free(line);
    if (longer != NULL)
        *headers = longer;
    return longer != NULL;
}

/* "Expect:" keeps libcurl from asking for a 100 first; "Accept:" and the like stay as they are. */
static struct curl_slist *make_headers(const struct http_request *request)
{
    struct curl_slist *headers = curl_slist_append(NULL, "Expect:");
    bool fine = headers != NULL;

    for (size_t i = 0; i < request->headers_count && fine; i++)
        fine = append_header(&headers, request->headers[i].name, request->headers[i].value);
    if (fine)
        return headers;
    free_headers(headers);
    return NULL;
}

#define SET(option, value) (curl_easy_setopt(curl, (option), (value)) == CURLE_OK)

/* Without a time-out of 0, libcurl keeps what the CA file said for a day. */
static bool set_safety(CURL *curl, const struct http_request *request)
{
    bool plain = strncasecmp(request->url, "https:", 6) != 0;

    return SET(CURLOPT_PROTOCOLS_STR, "http,https") && SET(CURLOPT_FOLLOWLOCATION, 0L) &&
           SET(CURLOPT_SSL_VERIFYPEER, 1L) && SET(CURLOPT_SSL_VERIFYHOST, 2L) &&
           SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) &&
           (request->ca_file == NULL || SET(CURLOPT_CAINFO, request->ca_file)) &&
           SET(CURLOPT_CA_CACHE_TIMEOUT, 0L) &&
           SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) && SET(CURLOPT_NOSIGNAL, 1L) &&
           SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L) && SET(CURLOPT_PATH_AS_IS, 1L) &&
           (!(request->direct || plain) || SET(CURLOPT_PROXY, ""));
}

/* Without QUICK_EXIT libcurl would wait for the resolver, whatever the time-out. */
static bool set_limits(CURL *curl, const struct http_request *request, struct exchange *exchange)
{
    return SET(CURLOPT_QUICK_EXIT, 1L) &&
           SET(CURLOPT_CONNECTTIMEOUT_MS, request->connect_timeout) &&
           SET(CURLOPT_TIMEOUT_MS, request->timeout) && SET(CURLOPT_NOPROGRESS, 0L) &&
           SET(CURLOPT_XFERINFOFUNCTION, watch) && SET(CURLOPT_XFERINFODATA, exchange) &&
           SET(CURLOPT_WRITEFUNCTION, take_body) && SET(CURLOPT_WRITEDATA, exchange) &&
           SET(CURLOPT_HEADERFUNCTION, take_header) && SET(CURLOPT_HEADERDATA, exchange);
}

static bool set_request(CURL *curl, const struct http_request *request, struct curl_slist *headers)
{
    const char *body = request->body != NULL ? request->body : "";
    bool has_body = strcmp(request->method, "GET") != 0;

    return SET(CURLOPT_URL, request->url) && SET(CURLOPT_HTTPHEADER, headers) &&
           SET(CURLOPT_USERAGENT, "mailfrom-milter") &&
           (!has_body || (SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_length) &&
                          SET(CURLOPT_POSTFIELDS, body))) &&
           SET(CURLOPT_CUSTOMREQUEST, request->method);
}

/* What a proxy said to CONNECT. Its own trouble, 5xx, passes; a refusal does not. */
static bool is_refused_by_proxy(CURL *curl)
{
    long status = 0, error = CURLPX_OK;

    (void)curl_easy_getinfo(curl, CURLINFO_HTTP_CONNECTCODE, &status);
    (void)curl_easy_getinfo(curl, CURLINFO_PROXY_ERROR, &error);
    return (status >= 300 && status < 500) || error == CURLPX_NO_AUTH ||
           error == CURLPX_REPLY_NOT_ALLOWED || error == CURLPX_USER_REJECTED;
}

/* All others are the network. */
static const struct meaning {
    CURLcode code;
    enum http_result result;
    int exit_code;
} meanings[] = {
    {CURLE_OUT_OF_MEMORY, HTTP_UNSENT, EX_OSERR},
    {CURLE_SSL_CACERT_BADFILE, HTTP_UNSENT, EX_CONFIG},
    {CURLE_URL_MALFORMAT, HTTP_UNSENT, EX_CONFIG},
    {CURLE_UNSUPPORTED_PROTOCOL, HTTP_UNSENT, EX_CONFIG},
    {CURLE_PEER_FAILED_VERIFICATION, HTTP_BARRED, EX_UNAVAILABLE},
    {CURLE_SSL_ISSUER_ERROR, HTTP_BARRED, EX_UNAVAILABLE},
};

static struct meaning find_meaning(CURL *curl, CURLcode code)
{
    struct meaning network = {code, HTTP_NO_REPLY, EX_TEMPFAIL};
    curl_off_t connected = 0;

    for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++) {
        if (meanings[i].code == code)
            return meanings[i];
    }
    if (is_refused_by_proxy(curl))
        return (struct meaning){code, HTTP_BARRED, EX_UNAVAILABLE};
    (void)curl_easy_getinfo(curl, CURLINFO_CONNECT_TIME_T, &connected);
    if (connected == 0)
        network.result = HTTP_UNREACHED;
    return network;
}

/* libcurl shows the URL of a proxy that it cannot read, with user and password. */
static void cut_users(char *text)
{
    for (char *at = text; (at = strchr(at, '@')) != NULL;) {
        char *start = at;
        char *scheme;

        while (start > text && strchr(" '\"", start[-1]) == NULL)
            start--;
        scheme = strstr(start, "://");
        if (scheme != NULL && scheme < at)
            start = scheme + 3;
        memmove(start, at + 1, strlen(at + 1) + 1);
        at = start;
    }
}

static enum http_result explain(const struct exchange *exchange, CURLcode code, const char *text,
                                struct failure *why)
{
    const struct http_request *request = exchange->request;
    struct meaning meaning;

    if (exchange->too_large) {
        (void)failure_set(why, EX_PROTOCOL, "the reply is larger than %zu octets",
                          exchange->headers_length > HTTP_HEADERS_MAX ? (size_t)HTTP_HEADERS_MAX
                                                                      : request->body_max);
        return HTTP_TOO_LARGE;
    }
    if (exchange->stopped) {
        (void)failure_set(why, EX_TEMPFAIL, "stopped");
        return HTTP_STOPPED;
    }
    if (exchange->late) {
        (void)failure_set(why, EX_TEMPFAIL, "no reply within %ld ms of the request",
                          request->first_byte_timeout);
        return HTTP_NO_REPLY;
    }
    if (exchange->out_of_memory)
        code = CURLE_OUT_OF_MEMORY;
    meaning = find_meaning(exchange->curl, code);
    (void)failure_set(why, meaning.exit_code, "%s",
                      text[0] != '\0' && code != CURLE_OUT_OF_MEMORY ? text
                                                                     : curl_easy_strerror(code));
    cut_users(why->text);
    return meaning.result;
}

/* Without signals libcurl leaves SIGPIPE to us: OpenSSL raises it on a connection that has gone. */
static CURLcode perform_without_signal(CURL *curl)
{
    const struct timespec at_once = {.tv_sec = 0};
    sigset_t broken_pipe, before;
    CURLcode code;

    (void)sigemptyset(&broken_pipe);
    (void)sigaddset(&broken_pipe, SIGPIPE);
    (void)pthread_sigmask(SIG_BLOCK, &broken_pipe, &before);
    code = curl_easy_perform(curl);
    while (sigtimedwait(&broken_pipe, NULL, &at_once) > 0)
        continue;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code;
}

static enum http_result run(struct http *http, struct exchange *exchange, struct failure *why)
{
    char text[CURL_ERROR_SIZE] = "";
    CURL *curl = http->curl;
    CURLcode code;
    long status = 0;

    if (!SET(CURLOPT_ERRORBUFFER, text))
        text[0] = '\0';
    code = perform_without_signal(curl);
    (void)SET(CURLOPT_ERRORBUFFER, (char *)NULL);
    if (code != CURLE_OK)
        return explain(exchange, code, text, why);
    if (exchange->reply->body == NULL && !grow_body(exchange, 1)) {
        (void)failure_set(why, EX_OSERR, "out of memory");
        return HTTP_UNSENT;
    }
    exchange->reply->body[exchange->reply->body_length] = '\0';
    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    exchange->reply->status = (int)status;
    return HTTP_REPLIED;
}

enum http_result http_perform(struct http *http, const struct http_request *request,
                              struct http_reply *reply, struct failure *why)
{
    struct exchange exchange = {.curl = http->curl, .request = request, .reply = reply};
    struct curl_slist *headers = make_headers(request);
    enum http_result result = HTTP_UNSENT;

    memset(reply, 0, sizeof *reply);
    /* Options go, connections and TLS sessions stay. */
    curl_easy_reset(http->curl);
    if (headers == NULL)
        (void)failure_set(why, EX_OSERR, "out of memory");
    else if (!set_safety(http->curl, request) || !set_limits(http->curl, request, &exchange) ||
             !set_request(http->curl, request, headers))
        (void)failure_set(why, EX_SOFTWARE, "libcurl refuses the request");
    else
        result = run(http, &exchange, why);
    curl_easy_reset(http->curl);
    free_headers(headers);
    if (result != HTTP_REPLIED)
        http_reply_reset(reply);
    return result;
}
