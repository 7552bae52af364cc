/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The load driver: speaks the milter protocol over a unix socket as Postfix 3.7 does, checks that
 * every message is rewritten as expected, and prints one line of figures. One thread, epoll, so
 * that the milter is the bound and not the driver. Anything unexpected is an error, and exit 1.
 */
#include "tests/bench/message.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include <libmilter/mfdef.h>

enum {
    REPLIES_MAX = 4096,
    CONNECTIONS_MAX = 10000,
    MESSAGES_MAX = 10000000,
    TIMEOUT_MAX = 3600,
    OFFERED_ACTIONS = SMFI_CURR_ACTS,
    OFFERED_STEPS = SMFI_CURR_PROT,
    CONNECT_RETRY_NANOSECONDS = 50000,
    SIGNATURE_SIZE = sizeof "prvs=XXXXXXXXXX=" - 1
};

struct options {
    const char *socket;
    uint32_t connections;
    uint32_t messages;
    uint32_t identities;
    uint32_t seed;
    uint32_t timeout;   /* seconds, for the whole run */
    const char *expect; /* the new sender, without <> */
    const char *expect_subdomain;
    bool is_signed; /* and before its local part there is a signature */
    bool hold;
    bool wait;
};

struct connection {
    int fd;
    bool aborting; /* an ABORT is due before the next message */
    bool changed;  /* the expected SMFIR_CHGFROM has come */
    uint64_t sent;
    struct message_protocol protocol;
    struct message message;
    size_t received;
    char replies[REPLIES_MAX];
};

struct load {
    const struct options *options;
    struct connection *connections;
    uint32_t *latencies; /* microseconds, one for each message done */
    uint32_t started;
    uint32_t done;
    uint32_t errors;
    uint64_t random;
    uint64_t first_verdict; /* CLOCK_MONOTONIC, nanoseconds */
    struct packets packets;
};

static void __attribute__((noreturn)) fail(const char *what)
{
    fprintf(stderr, "load: %s\n", what);
    exit(EXIT_FAILURE);
}

static void __attribute__((noreturn)) fail_errno(const char *what)
{
    fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    exit(EXIT_FAILURE);
}

static uint64_t nanoseconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* The same sequence for every milter with the same seed; Vigna's xorshift64*. */
static uint32_t next_identity(struct load *load)
{
    load->random ^= load->random >> 12;
    load->random ^= load->random << 25;
    load->random ^= load->random >> 27;
    return (uint32_t)((load->random * 2685821657736338717u) >> 33) % load->options->identities;
}

static void report_error(struct load *load, const struct message *message, const char *what)
{
    /* The first one tells the story; the count says how often. */
    if (load->errors++ == 0)
        fprintf(stderr, "load: %s: %s: %s\n", message->queue_id, message->sender, what);
}

static int connect_once(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        fail_errno("socket");
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    close(fd);
    return -1;
}

static int connect_to(const struct options *options)
{
    const struct timespec pause = {.tv_nsec = CONNECT_RETRY_NANOSECONDS};
    int fd;

    /* The alarm ends this if nobody ever listens. */
    while ((fd = connect_once(options->socket)) < 0) {
        if (!options->wait || (errno != ENOENT && errno != ECONNREFUSED))
            fail_errno(options->socket);
        nanosleep(&pause, NULL);
    }
    return fd;
}

static void send_packets(struct load *load, const struct connection *connection)
{
    if (!packets_send(&load->packets, connection->fd))
        fail_errno("the milter went away while being written to");
}

static void receive(struct connection *connection)
{
    ssize_t count = recv(connection->fd, connection->replies + connection->received,
                         sizeof connection->replies - connection->received, 0);

    if (count < 0 && errno == EINTR)
        return;
    if (count < 0)
        fail_errno("the milter's reply");
    if (count == 0)
        fail("the milter closed the connection, or a reply is too long");
    connection->received += (size_t)count;
}

/* The length of the first whole packet, its four octets of length included, or 0. */
static size_t whole_packet(const struct connection *connection)
{
    size_t size;

    if (connection->received < 5)
        return 0;
    size = 4 + (size_t)packets_read_number(connection->replies);
    if (size < 5 || size > sizeof connection->replies)
        fail("a packet of an impossible length");
    return size <= connection->received ? size : 0;
}

static void drop_packet(struct connection *connection, size_t size)
{
    connection->received -= size;
    memmove(connection->replies, connection->replies + size, connection->received);
}

static void negotiate(struct load *load, struct connection *connection)
{
    const char *problem;
    size_t size;

    packets_begin(&load->packets, SMFIC_OPTNEG);
    packets_number(&load->packets, SMFI_PROT_VERSION);
    packets_number(&load->packets, OFFERED_ACTIONS);
    packets_number(&load->packets, OFFERED_STEPS);
    packets_end(&load->packets);
    send_packets(load, connection);
    while ((size = whole_packet(connection)) == 0)
        receive(connection);
    if (connection->replies[4] != SMFIC_OPTNEG)
        fail("no answer to the negotiation");
    problem = message_protocol_read(&connection->protocol, connection->replies + 5, size - 5);
    if (problem != NULL)
        fail(problem);
    drop_packet(connection, size);
}

static void open_connection(struct load *load, struct connection *connection)
{
    message_protocol_init(&connection->protocol);
    connection->fd = connect_to(load->options);
    negotiate(load, connection);
    /* Without a reply to wait for, Postfix lets it leave with the first envelope. */
    message_add_connect(&load->packets, &connection->protocol);
    send_packets(load, connection);
}

static void close_connection(struct load *load, struct connection *connection)
{
    packets_command(&load->packets, SMFIC_ABORT);
    packets_command(&load->packets, SMFIC_QUIT);
    /* A milter that is gone by now has answered everything. */
    if (!packets_send(&load->packets, connection->fd))
        load->packets.length = 0;
    close(connection->fd);
}

static void start_message(struct load *load, struct connection *connection)
{
    message_init(&connection->message, next_identity(load), load->started++);
    connection->changed = false;
    connection->sent = nanoseconds();
    /* Postfix writes the ABORT that follows a message into the same buffer as the next envelope. */
    if (connection->aborting)
        packets_command(&load->packets, SMFIC_ABORT);
    message_add_envelope(&load->packets, &connection->protocol, &connection->message);
    send_packets(load, connection);
    message_add_content(&load->packets, &connection->protocol, &connection->message);
    send_packets(load, connection);
    connection->aborting = true;
}

static void expected_sender(const struct options *options, const struct message *message,
                            char out[MESSAGE_SENDER_SIZE * 2])
{
    size_t local = strcspn(message->sender, "@");

    if (options->expect != NULL)
        snprintf(out, MESSAGE_SENDER_SIZE * 2, "%s", options->expect);
    else
        snprintf(out, MESSAGE_SENDER_SIZE * 2, "%.*s@%s.%s", (int)local, message->sender,
                 options->expect_subdomain, message->domain);
}

static void check_new_sender(struct load *load, struct connection *connection, const char *data,
                             size_t length)
{
    char expected[MESSAGE_SENDER_SIZE * 2];
    size_t size = strnlen(data, length);

    if (size >= 2 && data[0] == '<' && data[size - 1] == '>') {
        data++;
        size -= 2;
    }
    if (load->options->is_signed) {
        size_t skipped = size < SIGNATURE_SIZE ? size : SIGNATURE_SIZE;
        if (size < SIGNATURE_SIZE || memcmp(data, "prvs=", 5) != 0)
            report_error(load, &connection->message, "got a sender without a signature");
        data += skipped;
        size -= skipped;
    }
    expected_sender(load->options, &connection->message, expected);
    if (connection->changed || size != strlen(expected) || memcmp(data, expected, size) != 0)
        report_error(load, &connection->message, "changed to another sender than expected");
    connection->changed = true;
}

static void finish_message(struct load *load, struct connection *connection)
{
    uint64_t now = nanoseconds();

    if (!connection->changed)
        report_error(load, &connection->message, "accepted without a new sender");
    if (load->done == 0)
        load->first_verdict = now;
    load->latencies[load->done++] = (uint32_t)((now - connection->sent) / 1000);
}

/* One reply. True if it was the last one of the message. */
static bool take_reply(struct load *load, struct connection *connection, char command,
                       const char *data, size_t length)
{
    switch (command) {
    case SMFIR_CHGFROM:
        check_new_sender(load, connection, data, length);
        return false;
    case SMFIR_PROGRESS:
        return false;
    case SMFIR_CONTINUE:
    case SMFIR_ACCEPT:
        finish_message(load, connection);
        return true;
    case SMFIR_REJECT:
    case SMFIR_TEMPFAIL:
    case SMFIR_REPLYCODE:
    case SMFIR_DISCARD:
        report_error(load, &connection->message, "refused");
        connection->changed = true; /* told once is enough */
        finish_message(load, connection);
        return true;
    default:
        report_error(load, &connection->message, "a change that nobody asked for");
        return false;
    }
}

/* Reads what is there. True if the message is done. */
static bool read_replies(struct load *load, struct connection *connection)
{
    bool finished = false;
    size_t size;

    receive(connection);
    while ((size = whole_packet(connection)) > 0) {
        if (finished)
            fail("a reply after the last one");
        finished =
            take_reply(load, connection, connection->replies[4], connection->replies + 5, size - 5);
        drop_packet(connection, size);
    }
    return finished;
}

/* One message on each connection, one at a time: as idle sessions come to be, and without making
 * the milter start a thread for each. */
static void run_in_turn(struct load *load)
{
    for (uint32_t i = 0; i < load->options->connections; i++) {
        start_message(load, &load->connections[i]);
        while (!read_replies(load, &load->connections[i]))
            continue;
    }
}

static void run_at_once(struct load *load)
{
    int poller = epoll_create1(EPOLL_CLOEXEC);

    if (poller < 0)
        fail_errno("epoll_create1");
    for (uint32_t i = 0; i < load->options->connections && load->started < load->options->messages;
         i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &load->connections[i]};

        if (epoll_ctl(poller, EPOLL_CTL_ADD, load->connections[i].fd, &event) != 0)
            fail_errno("epoll_ctl");
        start_message(load, &load->connections[i]);
    }
    while (load->done < load->options->messages) {
        struct epoll_event events[64];
        int count = epoll_wait(poller, events, sizeof events / sizeof events[0], -1);

        for (int i = 0; i < count; i++) {
            if (read_replies(load, events[i].data.ptr) && load->started < load->options->messages)
                start_message(load, events[i].data.ptr);
        }
    }
    close(poller);
}

static int compare_latencies(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

    return (a > b) - (a < b);
}

static void print_figures(struct load *load, uint64_t duration)
{
    struct timespec processor;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &processor);
    qsort(load->latencies, load->done, sizeof *load->latencies, compare_latencies);
    printf("messages=%" PRIu32 " seconds=%.6f p50_us=%" PRIu32 " p99_us=%" PRIu32 " errors=%" PRIu32
           " first_verdict_ns=%" PRIu64 " driver_cpu_seconds=%.6f\n",
           load->done, (double)duration / 1e9, load->latencies[load->done / 2],
           load->latencies[(uint64_t)load->done * 99 / 100], load->errors, load->first_verdict,
           (double)processor.tv_sec + (double)processor.tv_nsec / 1e9);
    fflush(stdout);
}

static void wait_for_end_of_input(void)
{
    char octets[64];

    while (read(STDIN_FILENO, octets, sizeof octets) > 0)
        continue;
}

static bool run_load(const struct options *options)
{
    struct load *load = calloc(1, sizeof *load);
    uint64_t begin;
    bool clean;

    if (load == NULL ||
        (load->connections = calloc(options->connections, sizeof *load->connections)) == NULL ||
        (load->latencies = calloc(options->messages, sizeof *load->latencies)) == NULL)
        fail("out of memory");
    load->options = options;
    load->random = 88172645463325252u + options->seed;
    for (uint32_t i = 0; i < options->connections; i++)
        open_connection(load, &load->connections[i]);
    begin = nanoseconds();
    if (options->hold)
        run_in_turn(load);
    else
        run_at_once(load);
    print_figures(load, nanoseconds() - begin);
    if (options->hold)
        wait_for_end_of_input();
    for (uint32_t i = 0; i < options->connections; i++)
        close_connection(load, &load->connections[i]);
    clean = load->errors == 0;
    free(load->latencies);
    free(load->connections);
    free(load);
    return clean;
}

static void __attribute__((noreturn)) usage(int exit_code)
{
    fputs("usage: load --socket PATH [--connections N] [--messages N] [--identities N]\n"
          "            [--expect ADDRESS | --expect-subdomain LABEL [--signed]] [--seed N]\n"
          "            [--hold] [--wait] [--timeout SECONDS]\n"
          "  --expect            every message gets this new sender\n"
          "  --expect-subdomain  it keeps its local part, at LABEL.DOMAIN-OF-FROM (bounce)\n"
          "  --signed            prvs=SIGNATURE= stands before its local part\n"
          "  --hold              one message on each connection, then keep all of them open and\n"
          "                      idle until standard input ends\n"
          "  --wait              wait until the socket is there\n",
          exit_code == 0 ? stdout : stderr);
    exit(exit_code);
}

static uint32_t read_number(const char *text, uint32_t max)
{
    char *end;
    unsigned long number = strtoul(text, &end, 10);

    if (*text < '0' || *text > '9' || *end != '\0' || number < 1 || number > max) {
        fprintf(stderr, "load: %s: a number from 1 to %" PRIu32 " is needed\n", text, max);
        exit(EX_USAGE);
    }
    return (uint32_t)number;
}

static void read_options(struct options *options, int argc, char *argv[])
{
    static const struct option names[] = {{"socket", required_argument, NULL, 's'},
                                          {"connections", required_argument, NULL, 'c'},
                                          {"messages", required_argument, NULL, 'm'},
                                          {"identities", required_argument, NULL, 'i'},
                                          {"expect", required_argument, NULL, 'e'},
                                          {"expect-subdomain", required_argument, NULL, 'd'},
                                          {"seed", required_argument, NULL, 'r'},
                                          {"timeout", required_argument, NULL, 't'},
                                          {"signed", no_argument, NULL, 'g'},
                                          {"hold", no_argument, NULL, 'o'},
                                          {"wait", no_argument, NULL, 'w'},
                                          {"help", no_argument, NULL, 'h'},
                                          {NULL, 0, NULL, 0}};
    int option;

    while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
        switch (option) {
        case 's':
            options->socket = optarg;
            break;
        case 'c':
            options->connections = read_number(optarg, CONNECTIONS_MAX);
            break;
        case 'm':
            options->messages = read_number(optarg, MESSAGES_MAX);
            break;
        case 'i':
            options->identities = read_number(optarg, 9999999); /* seven digits in their names */
            break;
        case 'e':
            options->expect = optarg;
            break;
        case 'd':
            options->expect_subdomain = optarg;
            break;
        case 'r':
            options->seed = read_number(optarg, 1000000);
            break;
        case 't':
            options->timeout = read_number(optarg, TIMEOUT_MAX);
            break;
        case 'g':
            options->is_signed = true;
            break;
        case 'o':
            options->hold = true;
            break;
        case 'w':
            options->wait = true;
            break;
        case 'h':
            usage(EXIT_SUCCESS);
        default:
            usage(EX_USAGE);
        }
    }
    if (options->socket == NULL || optind != argc)
        usage(EX_USAGE);
    if (strlen(options->socket) >= sizeof((struct sockaddr_un *)NULL)->sun_path)
        fail("the path of the socket is too long");
    if (options->hold)
        options->messages = options->connections;
}

int main(int argc, char *argv[])
{
    struct options options = {.connections = 2,
                              .messages = 10000,
                              .identities = 10,
                              .seed = 1,
                              .timeout = 60,
                              .expect_subdomain = "bounce"};

    read_options(&options, argc, argv);
    /* SIGALRM's own way of ending the process is all that is needed. */
    alarm(options.timeout);
    return run_load(&options) ? EXIT_SUCCESS : EXIT_FAILURE;
}
