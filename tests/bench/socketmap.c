/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The load driver of the socketmap: asks as Postfix and Sendmail do, one request at a time on each
 * of many connections over a unix socket, and prints one line of figures. One thread, epoll.
 * Anything but one well-formed reply to each request is an error, and exit 1.
 *
 * Without a rate, each connection asks again at once, and the latency is no more than connections
 * divided by requests per second. With one, requests are due at even intervals, and the latency is
 * counted from then, also where no connection was free.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

enum {
    CONNECTIONS_MAX = 10000,
    REQUESTS_MAX = 10000000, /* of all */
    TIMEOUT_MAX = 3600,
    REPLY_SIZE = 2048,
    EVENTS_MAX = 64
};

enum status { OK, NOTFOUND, TEMP };
enum { STATUSES = TEMP + 1 };
static const char *const status_words[STATUSES] = {"OK ", "NOTFOUND ", "TEMP "};

struct options {
    const char *socket;
    const char *map;
    const char *keys; /* the name of a file, one key a line; NULL: those of the command line */
    uint32_t connections;
    uint32_t requests; /* for each connection */
    uint32_t rate;     /* requests a second, of all; 0: as many as possible */
    uint32_t timeout;  /* seconds, for the whole run */
    bool hold;
};

struct request {
    char *octets;
    size_t length;
};

struct connection {
    int fd;
    uint64_t due; /* its request; CLOCK_MONOTONIC, nanoseconds */
    size_t received;
    char reply[REPLY_SIZE];
};

struct load {
    const struct options *options;
    struct request *requests;
    size_t request_count;
    struct connection *connections;
    struct connection **free; /* a ring: the connections that have asked nothing */
    uint32_t *latencies;      /* nanoseconds, one for each request */
    uint64_t begin;
    uint32_t asked;
    uint32_t done;
    uint32_t total;
    uint32_t replies[STATUSES];
};

static void __attribute__((noreturn)) fail(const char *what)
{
    fprintf(stderr, "socketmap: %s\n", what);
    exit(EXIT_FAILURE);
}

static void __attribute__((noreturn)) fail_errno(const char *what)
{
    fprintf(stderr, "socketmap: %s: %s\n", what, strerror(errno));
    exit(EXIT_FAILURE);
}

static uint64_t nanoseconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* --- what is asked --- */

static void add_request(struct load *load, const char *key)
{
    size_t length = strlen(load->options->map) + 1 + strlen(key);
    size_t size = length + 20;
    struct request *more =
        realloc(load->requests, (load->request_count + 1) * sizeof *load->requests);
    struct request *request;

    if (more == NULL)
        fail("out of memory");
    load->requests = more;
    request = &more[load->request_count++];
    request->octets = malloc(size);
    if (request->octets == NULL)
        fail("out of memory");
    request->length =
        (size_t)snprintf(request->octets, size, "%zu:%s %s,", length, load->options->map, key);
}

static void read_keys(struct load *load)
{
    FILE *file = fopen(load->options->keys, "r");
    char *line = NULL;
    size_t size = 0;
    ssize_t length;

    if (file == NULL)
        fail_errno(load->options->keys);
    while ((length = getline(&line, &size, file)) > 0) {
        if (line[length - 1] == '\n')
            line[length - 1] = '\0';
        add_request(load, line);
    }
    free(line);
    fclose(file);
}

static void free_requests(struct load *load)
{
    for (size_t i = 0; i < load->request_count; i++)
        free(load->requests[i].octets);
    free(load->requests);
}

/* --- ask and be answered --- */

static int connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        fail_errno("socket");
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
        fail_errno(path);
    return fd;
}

static void ask(struct load *load, struct connection *connection, uint64_t due)
{
    const struct request *request = &load->requests[load->asked++ % load->request_count];

    connection->received = 0;
    connection->due = due;
    if (send(connection->fd, request->octets, request->length, MSG_NOSIGNAL) !=
        (ssize_t)request->length)
        fail_errno("the server does not take a request");
}

/* Each request that is done has freed a connection again, so the ring needs no ends of its own. */
static void ask_all_that_are_due(struct load *load)
{
    uint32_t connections = load->options->connections;

    while (load->asked < load->total && load->asked - load->done < connections) {
        uint64_t now = nanoseconds();
        uint64_t due = now;

        if (load->options->rate != 0)
            due = load->begin + load->asked * (uint64_t)1000000000 / load->options->rate;
        if (due > now)
            return;
        ask(load, load->free[load->asked % connections], due);
    }
}

/* The octets of the reply behind its length; NULL while it is not whole. */
static const char *content_of(struct connection *connection)
{
    char *content;
    size_t length;

    connection->reply[connection->received] = '\0';
    if (strchr(connection->reply, ':') == NULL)
        return NULL;
    length = strtoul(connection->reply, &content, 10);
    if (*content++ != ':' || length >= REPLY_SIZE)
        fail("a reply that is no netstring");
    length += (size_t)(content - connection->reply) + 1;
    if (connection->received > length)
        fail("more than one reply");
    if (connection->received == length && connection->reply[length - 1] != ',')
        fail("a reply that does not end in a comma");
    return connection->received == length ? content : NULL;
}

static void count_reply(struct load *load, const char *content)
{
    for (size_t i = 0; i < STATUSES; i++) {
        if (strncmp(content, status_words[i], strlen(status_words[i])) == 0) {
            load->replies[i]++;
            return;
        }
    }
    fail("a reply that is neither OK, NOTFOUND nor TEMP");
}

static void receive(struct load *load, struct connection *connection)
{
    const char *content;
    ssize_t count = recv(connection->fd, connection->reply + connection->received,
                         sizeof connection->reply - 1 - connection->received, 0);

    if (count < 0)
        fail_errno("a reply");
    if (count == 0)
        fail("the server closed a connection, or a reply is too long");
    connection->received += (size_t)count;
    content = content_of(connection);
    if (content == NULL)
        return;
    count_reply(load, content);
    load->free[load->done % load->options->connections] = connection;
    load->latencies[load->done++] = (uint32_t)(nanoseconds() - connection->due);
}

/* With a rate, until the next request is due. Who does not sleep has a processor to itself, which
 * those who are measured beside it then lack. */
static int wait_for_events(const struct load *load, int poller, struct epoll_event *events)
{
    struct timespec patience = {.tv_sec = 0};
    uint64_t now = nanoseconds(), due;

    if (load->options->rate == 0 || load->asked == load->total)
        return epoll_pwait2(poller, events, EVENTS_MAX, NULL, NULL);
    due = load->begin + (uint64_t)load->asked * 1000000000u / load->options->rate;
    if (due > now) {
        patience.tv_sec = (time_t)((due - now) / 1000000000u);
        patience.tv_nsec = (long)((due - now) % 1000000000u);
    }
    return epoll_pwait2(poller, events, EVENTS_MAX, &patience, NULL);
}

static void run(struct load *load)
{
    struct epoll_event events[EVENTS_MAX];
    int poller = epoll_create1(EPOLL_CLOEXEC);

    if (poller < 0)
        fail_errno("epoll_create1");
    for (uint32_t i = 0; i < load->options->connections; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &load->connections[i]};

        if (epoll_ctl(poller, EPOLL_CTL_ADD, load->connections[i].fd, &event) != 0)
            fail_errno("epoll_ctl");
        load->free[i] = &load->connections[i];
    }
    (void)prctl(PR_SET_TIMERSLACK, 1000UL, 0, 0, 0);
    load->begin = nanoseconds();
    while (load->done < load->total) {
        int count;

        ask_all_that_are_due(load);
        count = wait_for_events(load, poller, events);
        for (int i = 0; i < count; i++)
            receive(load, events[i].data.ptr);
    }
    close(poller);
}

/* --- figures --- */

static int compare_latencies(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

    return (a > b) - (a < b);
}

static void print_figures(struct load *load, uint64_t duration)
{
    double seconds = (double)duration / 1e9;
    struct timespec processor;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &processor);
    qsort(load->latencies, load->done, sizeof *load->latencies, compare_latencies);
    printf("requests=%" PRIu32 " seconds=%.6f requests_per_second=%.0f p50_us=%.1f p99_us=%.1f "
           "max_us=%.1f ok=%" PRIu32 " notfound=%" PRIu32 " temp=%" PRIu32
           " driver_cpu_seconds=%.6f\n",
           load->done, seconds, load->done / seconds, load->latencies[load->done / 2] / 1e3,
           load->latencies[(uint64_t)load->done * 99 / 100] / 1e3,
           load->latencies[load->done - 1] / 1e3, load->replies[OK], load->replies[NOTFOUND],
           load->replies[TEMP], (double)processor.tv_sec + (double)processor.tv_nsec / 1e9);
    fflush(stdout);
}

static void wait_for_end_of_input(void)
{
    char octets[64];

    while (read(STDIN_FILENO, octets, sizeof octets) > 0)
        continue;
}

static void run_load(struct load *load)
{
    const struct options *options = load->options;

    load->total = options->connections * options->requests;
    load->connections = calloc(options->connections, sizeof *load->connections);
    load->free = calloc(options->connections, sizeof *load->free);
    load->latencies = calloc(load->total, sizeof *load->latencies);
    if (load->connections == NULL || load->free == NULL || load->latencies == NULL)
        fail("out of memory");
    for (uint32_t i = 0; i < options->connections; i++)
        load->connections[i].fd = connect_to(options->socket);
    run(load);
    print_figures(load, nanoseconds() - load->begin);
    if (options->hold)
        wait_for_end_of_input();
    for (uint32_t i = 0; i < options->connections; i++)
        close(load->connections[i].fd);
    free(load->latencies);
    free(load->free);
    free(load->connections);
}

/* --- the command line --- */

static void __attribute__((noreturn)) usage(int exit_code)
{
    fputs("usage: socketmap --socket PATH [--map NAME] [--connections N] [--requests N]\n"
          "                 [--rate N] [--hold] [--timeout SECONDS] (--keys FILE | KEY...)\n"
          "  --map       the map to ask (return)\n"
          "  --requests  for each connection\n"
          "  --rate      requests a second, of all connections\n"
          "  --keys      one key a line, which are asked for in turn\n"
          "  --hold      keep all connections open and idle until standard input ends\n",
          exit_code == 0 ? stdout : stderr);
    exit(exit_code);
}

static uint32_t read_number(const char *text, uint32_t max)
{
    char *end;
    unsigned long number = strtoul(text, &end, 10);

    if (*text < '0' || *text > '9' || *end != '\0' || number < 1 || number > max) {
        fprintf(stderr, "socketmap: %s: a number from 1 to %" PRIu32 " is needed\n", text, max);
        exit(EX_USAGE);
    }
    return (uint32_t)number;
}

static void read_options(struct options *options, int argc, char *argv[])
{
    static const struct option names[] = {
        {"socket", required_argument, NULL, 's'},   {"map", required_argument, NULL, 'm'},
        {"keys", required_argument, NULL, 'k'},     {"connections", required_argument, NULL, 'c'},
        {"requests", required_argument, NULL, 'r'}, {"rate", required_argument, NULL, 'a'},
        {"timeout", required_argument, NULL, 't'},  {"hold", no_argument, NULL, 'o'},
        {"help", no_argument, NULL, 'h'},           {NULL, 0, NULL, 0}};
    int option;

    while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
        switch (option) {
        case 's':
            options->socket = optarg;
            break;
        case 'm':
            options->map = optarg;
            break;
        case 'k':
            options->keys = optarg;
            break;
        case 'c':
            options->connections = read_number(optarg, CONNECTIONS_MAX);
            break;
        case 'r':
            options->requests = read_number(optarg, REQUESTS_MAX);
            break;
        case 'a':
            options->rate = read_number(optarg, REQUESTS_MAX);
            break;
        case 't':
            options->timeout = read_number(optarg, TIMEOUT_MAX);
            break;
        case 'o':
            options->hold = true;
            break;
        case 'h':
            usage(EXIT_SUCCESS);
        default:
            usage(EX_USAGE);
        }
    }
    if (options->socket == NULL || (options->keys == NULL) == (optind == argc))
        usage(EX_USAGE);
    if (strlen(options->socket) >= sizeof((struct sockaddr_un *)NULL)->sun_path)
        fail("the path of the socket is too long");
    if ((uint64_t)options->connections * options->requests > REQUESTS_MAX)
        fail("too many requests");
}

int main(int argc, char *argv[])
{
    struct options options = {.map = "return", .connections = 200, .requests = 1000, .timeout = 60};
    struct load load = {.options = &options};

    read_options(&options, argc, argv);
    /* SIGALRM's own way of ending the process is all that is needed. */
    alarm(options.timeout);
    for (int i = optind; i < argc; i++)
        add_request(&load, argv[i]);
    if (options.keys != NULL)
        read_keys(&load);
    if (load.request_count == 0)
        fail("no keys");
    run_load(&load);
    free_requests(&load);
    return EXIT_SUCCESS;
}
