/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "milter/message.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct message *message_new(void)
{
    return calloc(1, sizeof(struct message));
}

void message_free(struct message *message)
{
    if (message != NULL)
        message_reset(message);
    free(message);
}

void message_reset(struct message *message)
{
    free(message->from_field);
    free(message->sender_field);
    message->from_field = NULL;
    message->sender_field = NULL;
    message->sender[0] = '\0';
    message->smtputf8 = false;
    message->inbound = false;
    message->is_from_final = false;
    message->out_of_memory = false;
}

void message_begin(struct message *message, char **arguments)
{
    size_t length = strnlen(arguments[0], MESSAGE_SENDER_MAX);

    message_reset(message);
    memcpy(message->sender, arguments[0], length);
    message->sender[length] = '\0';
    for (char **argument = arguments + 1; *argument != NULL; argument++) {
        if (strcasecmp(*argument, "SMTPUTF8") == 0)
            message->smtputf8 = true;
    }
}

/* One octet more than is read, so that the reader sees that there was more. */
static void keep(struct message *message, char **field, const char *body)
{
    free(*field);
    *field = strndup(body, SENDER_FIELD_MAX + 1);
    if (*field == NULL)
        message->out_of_memory = true;
}

/* The answer is kept: a client may send From fields by the thousand. */
static void keep_from(struct message *message, const char *body)
{
    char address[SENDER_ADDRESS_SIZE];

    keep(message, &message->from_field, body);
    message->is_from_final = message->inbound || message->from_field == NULL ||
                             sender_choose(message->from_field, NULL, address);
}

bool message_wants_header(const char *name)
{
    return strcasecmp(name, "From") == 0 || strcasecmp(name, "Sender") == 0;
}

void message_header(struct message *message, const char *name, const char *body)
{
    /* Most fields are neither, and there are many. */
    if (strchr("FfSs", name[0]) == NULL)
        return;
    if (strcasecmp(name, "From") == 0) {
        if (!message->is_from_final)
            keep_from(message, body);
    } else if (message->sender_field == NULL && strcasecmp(name, "Sender") == 0) {
        keep(message, &message->sender_field, body);
    }
}

bool message_from(const struct message *message, char out[SENDER_ADDRESS_SIZE])
{
    return message->from_field != NULL &&
           sender_choose(message->from_field, message->sender_field, out);
}
