/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "milter/socketmap_connection.h"
#include "common/log.h"
#include "common/log_limit.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <syslog.h>

enum {
    /* Whenever more is read, less than one request is left of what was received before. */
    IN_SIZE = 32 * 1024,
    OUT_SIZE = SOCKETMAP_TURN_MAX * SOCKETMAP_WRITTEN_SIZE,
    SHOWN_MAX = 40 /* octets of something malformed, in the log */
};

/* The work space of a turn. What is left over goes into buffers of the connection; as a rule that
 * is nothing, and nothing is allocated. */
struct turn {
    char in[IN_SIZE];
    size_t received;
    size_t done; /* of it */
    char out[OUT_SIZE];
    size_t written;
};

void socketmap_connection_init(struct socketmap_connection *connection, int descriptor)
{
    *connection = (struct socketmap_connection){.descriptor = descriptor, .state = SOCKETMAP_IDLE};
}

void socketmap_connection_reset(struct socketmap_connection *connection)
{
    free(connection->received.octets);
    free(connection->unsent.octets);
    socketmap_connection_init(connection, connection->descriptor);
}

/* --- what is kept from turn to turn --- */

/* The octets may lie in the buffer that they replace. */
static bool keep(struct socketmap_octets *kept, const char *octets, size_t length)
{
    char *copy = NULL;

    if (length > 0) {
        copy = malloc(length);
        if (copy == NULL)
            return false;
        memcpy(copy, octets, length);
    }
    free(kept->octets);
    *kept = (struct socketmap_octets){copy, length};
    return true;
}

/* By what has been received. The next turn finds out if that is malformed. */
static enum socketmap_state state_of(const struct socketmap_octets *received)
{
    struct socketmap_request request;

    if (received->length == 0)
        return SOCKETMAP_IDLE;
    return socketmap_read(&request, received->octets, received->length) == SOCKETMAP_INCOMPLETE
               ? SOCKETMAP_UNFINISHED
               : SOCKETMAP_QUEUED;
}

/* --- send and receive --- */

/* False if the client is gone. */
static bool send_some(int descriptor, const char *octets, size_t length, size_t *sent)
{
    ssize_t count = send(descriptor, octets, length, MSG_NOSIGNAL);

    *sent = count < 0 ? 0 : (size_t)count;
    return count >= 0 || errno == EAGAIN || errno == EINTR;
}

static enum socketmap_state send_unsent(struct socketmap_connection *connection)
{
    struct socketmap_octets *unsent = &connection->unsent;
    size_t sent;

    if (!send_some(connection->descriptor, unsent->octets, unsent->length, &sent) ||
        !keep(unsent, unsent->octets + sent, unsent->length - sent))
        return SOCKETMAP_ENDED;
    return unsent->length > 0 ? SOCKETMAP_UNREAD : state_of(&connection->received);
}

/* False if the client has hung up. */
static bool receive(struct socketmap_connection *connection, struct turn *turn)
{
    ssize_t count;

    memcpy(turn->in, connection->received.octets == NULL ? "" : connection->received.octets,
           connection->received.length);
    turn->received = connection->received.length;
    if (connection->state == SOCKETMAP_QUEUED)
        return true;
    count = recv(connection->descriptor, turn->in + turn->received, IN_SIZE - turn->received, 0);
    if (count > 0)
        turn->received += (size_t)count;
    return count > 0 || (count < 0 && (errno == EAGAIN || errno == EINTR));
}

/* --- a turn --- */

static void answer(struct turn *turn, const struct socketmap_request *request,
                   const struct socketmap_handlers *handlers)
{
    struct socketmap_reply reply;

    reply.status = SOCKETMAP_TEMP;
    reply.text[0] = '\0';
    handlers->answer(request->map, request->map_length, request->key, request->key_length, &reply);
    turn->written += socketmap_write(turn->out + turn->written, &reply);
    turn->done += request->size;
}

/* Returns what follows the requests that it has answered. */
static enum socketmap_found answer_all(struct socketmap_connection *connection, struct turn *turn,
                                       const struct socketmap_handlers *handlers)
{
    struct socketmap_request request;

    for (int i = 0; i < SOCKETMAP_TURN_MAX; i++) {
        enum socketmap_found found =
            socketmap_read(&request, turn->in + turn->done, turn->received - turn->done);

        if (found != SOCKETMAP_WHOLE)
            return found;
        answer(turn, &request, handlers);
        connection->answered++;
    }
    return SOCKETMAP_WHOLE;
}

static void report(const struct turn *turn)
{
    static struct log_limit limit;
    size_t left = turn->received - turn->done;
    char text[SHOWN_MAX + 1];
    char shown[4 * SHOWN_MAX + 10];

    (void)snprintf(text, sizeof text, "%.*s", left < SHOWN_MAX ? (int)left : SHOWN_MAX,
                   turn->in + turn->done);
    (void)log_quote(shown, shown + sizeof shown, text, SHOWN_MAX);
    log_limited(&limit, LOG_WARNING,
                "socketmap: closed a connection whose client sent %s, which is not a request",
                shown);
}

static enum socketmap_state finish(struct socketmap_connection *connection, const struct turn *turn)
{
    size_t sent = 0;

    if (turn->written > 0 && !send_some(connection->descriptor, turn->out, turn->written, &sent))
        return SOCKETMAP_ENDED;
    if (!keep(&connection->unsent, turn->out + sent, turn->written - sent) ||
        !keep(&connection->received, turn->in + turn->done, turn->received - turn->done))
        return SOCKETMAP_ENDED;
    return connection->unsent.length > 0 ? SOCKETMAP_UNREAD : state_of(&connection->received);
}

static enum socketmap_state take_turn(struct socketmap_connection *connection,
                                      const struct socketmap_handlers *handlers)
{
    static struct turn turn; /* there is one thread, and one turn at a time */
    enum socketmap_found found;

    turn.done = turn.written = 0;
    if (!receive(connection, &turn))
        return SOCKETMAP_ENDED;
    found = answer_all(connection, &turn, handlers);
    if (found == SOCKETMAP_MALFORMED) {
        report(&turn);
        (void)finish(connection, &turn); /* the requests before it get their replies */
        return SOCKETMAP_BAD_PEER;
    }
    return finish(connection, &turn);
}

enum socketmap_state socketmap_connection_serve(struct socketmap_connection *connection,
                                                const struct socketmap_handlers *handlers)
{
    connection->state = connection->state == SOCKETMAP_UNREAD ? send_unsent(connection)
                                                              : take_turn(connection, handlers);
    return connection->state;
}
