/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "milter/metrics_server.h"
#include "common/listen_address.h"
#include "milter/host_header.h"
#include "milter/live_settings.h"
#include "milter/metrics.h"
#include "milter/stats.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include <microhttpd.h>

/* A request is a few lines. Whoever opens more connections waits in the backlog. */
enum { CONNECTIONS_MAX = 16, IDLE_SECONDS_MAX = 10, CONNECTION_MEMORY = 16 * 1024, BACKLOG = 128 };

static struct {
    int socket; /* -1: none */
    struct MHD_Daemon *daemon;
    struct lookup *lookup;
    int64_t started;
    bool is_local;      /* only this machine reaches it */
    char own_name[256]; /* of this machine, "" if it has none */
} server = {.socket = -1};

/* --- who asks --- */

/* Of the header of a request. */
struct fields {
    unsigned hosts;
    bool is_host_safe; /* of all of them */
    bool is_forwarded;
};

static enum MHD_Result look_at_field(void *context, enum MHD_ValueKind kind, const char *name,
                                     const char *value)
{
    struct fields *fields = context;

    (void)kind;
    if (strcasecmp(name, MHD_HTTP_HEADER_HOST) == 0) {
        fields->hosts++;
        fields->is_host_safe =
            fields->is_host_safe && value != NULL && host_header_is_safe(value, server.own_name);
    }
    fields->is_forwarded = fields->is_forwarded || host_header_is_of_proxy(name);
    return MHD_YES;
}

/* Where only this machine reaches the server, a page in its browser must not either. Elsewhere it
 * may have any name, and nobody is named. Probes of old have no Host field. */
static bool is_meant_for_us(const struct fields *fields)
{
    return !server.is_local || fields->is_host_safe;
}

/* --- the pages --- */

struct page {
    struct MHD_Connection *connection;
    const struct fields *fields;
    unsigned status;
    const char *type;
    FILE *out;
};

static void look_at_store(struct store_view *view)
{
    struct live_settings *live = live_settings_acquire();

    store_view_take(view, server.lookup, live_settings_get(live)->store);
    live_settings_release(live);
}

static void write_metrics(struct page *page, struct store_view *view)
{
    struct counters counters;

    look_at_store(view);
    counters_read(&counters);
    page->type = METRICS_CONTENT_TYPE;
    metrics_write(page->out, &counters, view, server.started);
}

static void write_alive(struct page *page, struct store_view *view)
{
    (void)view;
    (void)fputs("alive\n", page->out);
}

static void write_ready(struct page *page, struct store_view *view)
{
    struct failure why;

    look_at_store(view);
    if (store_view_is_ready(view, &why)) {
        (void)fputs("ready\n", page->out);
        return;
    }
    page->status = MHD_HTTP_SERVICE_UNAVAILABLE;
    (void)fprintf(page->out, "not ready: %s\n", why.text);
}

static bool is_same_host(const struct listen_address *a, const struct listen_address *b)
{
    if (a->socket.any.sa_family == AF_INET6)
        return memcmp(&a->socket.v6.sin6_addr, &b->socket.v6.sin6_addr,
                      sizeof a->socket.v6.sin6_addr) == 0;
    return a->socket.v4.sin_addr.s_addr == b->socket.v4.sin_addr.s_addr;
}

/* Who talks to an address of this machine from that very address is on it. */
static bool is_this_machine(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct listen_address peer = {.length = sizeof peer.socket};
    struct listen_address own = {.length = sizeof own.socket};

    return info != NULL && getpeername(info->connect_fd, &peer.socket.any, &peer.length) == 0 &&
           getsockname(info->connect_fd, &own.socket.any, &own.length) == 0 &&
           (listen_address_is_loopback(&peer) || is_same_host(&peer, &own));
}

static void write_stats(struct page *page, struct store_view *view)
{
    struct counters counters;

    (void)view;
    if (!is_this_machine(page->connection) || page->fields->is_forwarded ||
        page->fields->hosts != 1 || !page->fields->is_host_safe) {
        page->status = MHD_HTTP_FORBIDDEN;
        (void)fputs("/stats names identities, and is for this machine only: no proxy, and in Host "
                    "an IP address, localhost or its own name\n",
                    page->out);
        return;
    }
    counters_read(&counters);
    page->type = "application/json";
    if (!stats_write(page->out, &counters, server.started))
        page->status = MHD_HTTP_INTERNAL_SERVER_ERROR;
}

static const struct {
    const char *path;
    void (*write)(struct page *page, struct store_view *view);
} pages[] = {
    {"/metrics", write_metrics},
    {"/healthz", write_alive},
    {"/readyz", write_ready},
    {"/stats", write_stats},
};

static void write_page(struct page *page, const char *path, struct store_view *view)
{
    if (!is_meant_for_us(page->fields)) {
        page->status = MHD_HTTP_FORBIDDEN;
        (void)fputs("Host has to be an IP address, localhost or the name of this machine\n",
                    page->out);
        return;
    }
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        if (strcmp(path, pages[i].path) == 0) {
            pages[i].write(page, view);
            return;
        }
    }
    page->status = MHD_HTTP_NOT_FOUND;
    (void)fputs("there are /metrics, /healthz, /readyz and /stats\n", page->out);
}

/* --- HTTP --- */

static enum MHD_Result answer(const struct page *page, char *text, size_t length)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(length, text, MHD_RESPMEM_MUST_FREE);
    enum MHD_Result result = MHD_NO;

    if (response == NULL) {
        free(text);
        return MHD_NO;
    }
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, page->type);
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    if (page->status == MHD_HTTP_METHOD_NOT_ALLOWED)
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    result = MHD_queue_response(page->connection, page->status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result respond(struct MHD_Connection *connection, const char *path,
                               const char *method)
{
    struct fields fields = {.is_host_safe = true};
    struct page page = {connection, &fields, MHD_HTTP_OK, "text/plain; charset=utf-8", NULL};
    struct store_view *view = malloc(sizeof *view);
    char *text = NULL;
    size_t length = 0;

    page.out = view == NULL ? NULL : open_memstream(&text, &length);
    if (page.out == NULL) {
        free(view);
        return MHD_NO;
    }
    if (strcmp(method, MHD_HTTP_METHOD_GET) == 0 || strcmp(method, MHD_HTTP_METHOD_HEAD) == 0) {
        (void)MHD_get_connection_values(connection, MHD_HEADER_KIND, look_at_field, &fields);
        write_page(&page, path, view);
    } else {
        page.status = MHD_HTTP_METHOD_NOT_ALLOWED;
        (void)fputs("only GET and HEAD\n", page.out);
    }
    free(view);
    if (fclose(page.out) != 0 || text == NULL) {
        free(text);
        return MHD_NO;
    }
    return answer(&page, text, length);
}

/* Called first when the headers are there, then for what is uploaded, which is nothing to us. */
static enum MHD_Result on_request(void *context, struct MHD_Connection *connection,
                                  const char *path, const char *method, const char *version,
                                  const char *upload, size_t *upload_length, void **seen)
{
    static char mark;

    (void)context;
    (void)version;
    (void)upload;
    if (*seen == NULL &&
        (strcmp(method, MHD_HTTP_METHOD_GET) == 0 || strcmp(method, MHD_HTTP_METHOD_HEAD) == 0)) {
        *seen = &mark;
        return MHD_YES;
    }
    if (*upload_length != 0)
        return MHD_NO;
    return respond(connection, path, method);
}

/* --- the socket --- */

static bool bind_to(const struct listen_address *address)
{
    static const int on = 1;

    server.socket =
        socket(address->socket.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return server.socket >= 0 &&
           setsockopt(server.socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
           (address->socket.any.sa_family != AF_INET6 ||
            setsockopt(server.socket, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) == 0) &&
           bind(server.socket, &address->socket.any, address->length) == 0;
}

bool metrics_server_bind(const struct settings *settings, struct failure *why)
{
    const char *text = settings->milter.metrics;
    struct listen_address address;

    if (text[0] == '\0')
        return true;
    if (!listen_address_parse(&address, text, why))
        return false;
    server.is_local = listen_address_is_loopback(&address);
    if (gethostname(server.own_name, sizeof server.own_name) != 0)
        server.own_name[0] = '\0';
    server.own_name[sizeof server.own_name - 1] = '\0';
    return bind_to(&address) || failure_set(why, EX_UNAVAILABLE, "metrics: cannot listen on %s: %s",
                                            text, strerror(errno));
}

bool metrics_server_listen(struct failure *why)
{
    return server.socket < 0 || listen(server.socket, BACKLOG) == 0 ||
           failure_set(why, EX_UNAVAILABLE, "metrics: cannot listen: %s", strerror(errno));
}

bool metrics_server_start(struct lookup *lookup, struct failure *why)
{
    if (server.socket < 0)
        return true;
    server.lookup = lookup;
    server.started = (int64_t)time(NULL);
    server.daemon = MHD_start_daemon(
        MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL, 0, NULL, NULL, on_request, NULL,
        MHD_OPTION_LISTEN_SOCKET, server.socket, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS_MAX,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY, MHD_OPTION_END);
    return server.daemon != NULL ||
           failure_set(why, EX_OSERR, "metrics: libmicrohttpd does not start");
}

bool metrics_server_is_on(void)
{
    return server.daemon != NULL;
}

void metrics_server_stop(void)
{
    if (server.daemon != NULL)
        MHD_stop_daemon(server.daemon);
    server.daemon = NULL;
}
