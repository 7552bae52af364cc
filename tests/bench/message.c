/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "tests/bench/message.h"

#include <libmilter/mfdef.h>
#include <stdio.h>
#include <string.h>

/* mfapi.h numbers them too, but it is the includer's of the milter, and pulls in its library. */
enum stage {
    STAGE_CONNECT,
    STAGE_HELO,
    STAGE_MAIL,
    STAGE_RCPT,
    STAGE_DATA,
    STAGE_END_OF_MESSAGE,
    STAGE_END_OF_HEADER
};

enum { BODY_SIZE = 2048, NAME_MAX_SIZE = 64, VALUE_SIZE = 128 };

/* main.cf's defaults (milter_connect_macros and so on). An empty list of the milter's leaves them
 * in force: measured, and in Postfix's MILTER_MACRO_EVAL. */
static const char *const default_macros[MESSAGE_STAGES] = {
    [STAGE_CONNECT] = "j {daemon_name} {daemon_addr} v _",
    [STAGE_HELO] = "{tls_version} {cipher} {cipher_bits} {cert_subject} {cert_issuer}",
    [STAGE_MAIL] =
        "i {auth_type} {auth_authen} {auth_author} {mail_addr} {mail_host} {mail_mailer}",
    [STAGE_RCPT] = "i {rcpt_addr} {rcpt_host} {rcpt_mailer}",
    [STAGE_DATA] = "i",
    [STAGE_END_OF_MESSAGE] = "i",
    [STAGE_END_OF_HEADER] = "i"};

/* Which step each NR flag silences; SMFIP_NO* of the same step takes the event away. */
static const struct {
    uint32_t no_event;
    uint32_t no_reply;
    const char *name;
} steps[] = {
    {SMFIP_NOCONNECT, SMFIP_NR_CONN, "connect"},  {SMFIP_NOHELO, SMFIP_NR_HELO, "helo"},
    {SMFIP_NOMAIL, SMFIP_NR_MAIL, "mail"},        {SMFIP_NORCPT, SMFIP_NR_RCPT, "rcpt"},
    {SMFIP_NODATA, SMFIP_NR_DATA, "data"},        {SMFIP_NOHDRS, SMFIP_NR_HDR, "header"},
    {SMFIP_NOEOH, SMFIP_NR_EOH, "end of header"}, {SMFIP_NOBODY, SMFIP_NR_BODY, "body"},
};

void message_protocol_init(struct message_protocol *protocol)
{
    protocol->steps = 0;
    for (size_t stage = 0; stage < MESSAGE_STAGES; stage++)
        strcpy(protocol->macros[stage], default_macros[stage]);
}

static const char *read_macro_lists(struct message_protocol *protocol, const char *data,
                                    size_t length)
{
    while (length > 4) {
        uint32_t stage = packets_read_number(data);
        const char *names = data + 4;
        size_t size = strnlen(names, length - 4);

        if (stage >= MESSAGE_STAGES || size == length - 4 || size >= MESSAGE_MACROS_SIZE)
            return "a malformed list of macros";
        if (size > 0)
            memcpy(protocol->macros[stage], names, size + 1);
        data += 4 + size + 1;
        length -= 4 + size + 1;
    }
    return length == 0 ? NULL : "octets after the lists of macros";
}

const char *message_protocol_read(struct message_protocol *protocol, const char *data,
                                  size_t length)
{
    if (length < 12 || packets_read_number(data) != SMFI_PROT_VERSION)
        return "another version of the protocol";
    protocol->steps = packets_read_number(data + 8);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        if ((protocol->steps & (steps[i].no_event | steps[i].no_reply)) == 0)
            return "a reply wanted before end of message";
    }
    return read_macro_lists(protocol, data + 12, length - 12);
}

void message_init(struct message *message, uint32_t identity, uint32_t number)
{
    bool is_address = identity % 10 == 9;

    snprintf(message->domain, sizeof message->domain, "%c%07u.bench.example",
             is_address ? 'a' : 'd', identity);
    snprintf(message->author, sizeof message->author, "user%07u@%s", identity, message->domain);
    snprintf(message->sender, sizeof message->sender, "bounce+%07u=reader=example.net@%s", identity,
             message->domain);
    snprintf(message->queue_id, sizeof message->queue_id, "4BENCH%07X", number);
}

/* "" for a macro that Postfix would leave out here. */
static void macro_value(char value[VALUE_SIZE], const char *name, const struct message *message,
                        enum stage stage)
{
    static const struct {
        const char *name;
        const char *value;
    } fixed[] = {
        {"j", "mx.bench.example"},      {"{daemon_name}", "mx.bench.example"},
        {"{daemon_addr}", "127.0.0.1"}, {"{daemon_port}", "25"},
        {"v", "Postfix 3.7.11"},        {"_", "localhost [127.0.0.1]"},
        {"{client_addr}", "127.0.0.1"}, {"{client_name}", "localhost"},
        {"{client_port}", "50000"},     {"{mail_host}", "example.net"},
        {"{mail_mailer}", "smtp"},      {"{rcpt_addr}", "reader@example.net"},
        {"{rcpt_host}", "example.net"}, {"{rcpt_mailer}", "smtp"},
    };

    value[0] = '\0';
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++) {
        if (strcmp(fixed[i].name, name) == 0)
            strcpy(value, fixed[i].value);
    }
    if (message == NULL)
        return;
    if (strcmp(name, "{mail_addr}") == 0)
        strcpy(value, message->sender);
    /* The queue id does not exist before the first recipient was accepted. */
    if (strcmp(name, "i") == 0 && stage >= STAGE_DATA)
        strcpy(value, message->queue_id);
}

/* A packet without any macro is sent all the same, as Postfix does. */
static void add_macros(struct packets *packets, const struct message_protocol *protocol,
                       enum stage stage, char command, const struct message *message)
{
    const char *names = protocol->macros[stage];

    packets_begin(packets, SMFIC_MACRO);
    packets_text(packets, &command, 1);
    while (*(names += strspn(names, " ")) != '\0') {
        char name[NAME_MAX_SIZE], value[VALUE_SIZE];
        size_t length = strcspn(names, " ");

        snprintf(name, sizeof name, "%.*s", (int)length, names);
        names += length;
        macro_value(value, name, message, stage);
        if (value[0] == '\0')
            continue;
        packets_string(packets, name);
        packets_string(packets, value);
    }
    packets_end(packets);
}

static bool wanted(const struct message_protocol *protocol, uint32_t no_event)
{
    return (protocol->steps & no_event) == 0;
}

void message_add_connect(struct packets *packets, const struct message_protocol *protocol)
{
    add_macros(packets, protocol, STAGE_CONNECT, SMFIC_CONNECT, NULL);
    if (wanted(protocol, SMFIP_NOCONNECT)) {
        packets_begin(packets, SMFIC_CONNECT);
        packets_string(packets, "localhost");
        packets_text(packets, "4\xc3\x50", 3); /* IPv4, port 50000 */
        packets_string(packets, "127.0.0.1");
        packets_end(packets);
    }
    add_macros(packets, protocol, STAGE_HELO, SMFIC_HELO, NULL);
    if (wanted(protocol, SMFIP_NOHELO)) {
        packets_begin(packets, SMFIC_HELO);
        packets_string(packets, "client.bench.example");
        packets_end(packets);
    }
}

void message_add_envelope(struct packets *packets, const struct message_protocol *protocol,
                          const struct message *message)
{
    char argument[MESSAGE_SENDER_SIZE + 2];

    add_macros(packets, protocol, STAGE_MAIL, SMFIC_MAIL, message);
    if (wanted(protocol, SMFIP_NOMAIL)) {
        snprintf(argument, sizeof argument, "<%s>", message->sender);
        packets_begin(packets, SMFIC_MAIL);
        packets_string(packets, argument);
        packets_string(packets, "SIZE=2900");
        packets_string(packets, "BODY=8BITMIME");
        packets_end(packets);
    }
    add_macros(packets, protocol, STAGE_RCPT, SMFIC_RCPT, message);
    if (wanted(protocol, SMFIP_NORCPT)) {
        packets_begin(packets, SMFIC_RCPT);
        packets_string(packets, "<reader@example.net>");
        packets_end(packets);
    }
    add_macros(packets, protocol, STAGE_DATA, SMFIC_DATA, message);
    if (wanted(protocol, SMFIP_NODATA))
        packets_command(packets, SMFIC_DATA);
}

static void add_header(struct packets *packets, const struct message_protocol *protocol,
                       const struct message *message, const char *name, const char *value)
{
    add_macros(packets, protocol, STAGE_END_OF_HEADER, SMFIC_HEADER, message);
    if (!wanted(protocol, SMFIP_NOHDRS))
        return;
    packets_begin(packets, SMFIC_HEADER);
    packets_string(packets, name);
    packets_string(packets, value);
    packets_end(packets);
}

static void add_headers(struct packets *packets, const struct message_protocol *protocol,
                        const struct message *message)
{
    static const char *const headers[][2] = {
        {"Received", "from app-7.bench.example (app-7.bench.example [192.0.2.17])\n"
                     "\tby mx.bench.example (Postfix) with ESMTPS id 4BENCH0000000\n"
                     "\tfor <reader@example.net>; Sun, 22 Nov 2026 06:00:00 +0000 (UTC)"},
        {"Date", "Sun, 22 Nov 2026 06:00:00 +0000"},
        {"To", "\"Reader, Rita\" <reader@example.net>"},
        {"Subject", "=?UTF-8?Q?Your_order_is_on_its_way_=E2=80=93_track_it_here?="},
        {"Message-ID", "<20261122060000.4BENCH0000000@app-7.bench.example>"},
        {"MIME-Version", "1.0"},
        {"Content-Type", "text/plain; charset=utf-8"},
        {"Content-Transfer-Encoding", "8bit"},
        {"List-Unsubscribe", "<https://bench.example/u/1f6c2a90>,\n <mailto:u@bench.example>"},
        {"List-Unsubscribe-Post", "List-Unsubscribe=One-Click"},
        {"X-Mailer", "bench 1.0 (campaign 4711)"},
    };
    char from[MESSAGE_SENDER_SIZE + 32];

    snprintf(from, sizeof from, "\"Bench, Ben\" <%s>", message->author);
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        if (i == 2)
            add_header(packets, protocol, message, "From", from);
        add_header(packets, protocol, message, headers[i][0], headers[i][1]);
    }
}

static void add_body(struct packets *packets, const struct message_protocol *protocol,
                     const struct message *message)
{
    char body[BODY_SIZE];

    memset(body, 'x', sizeof body);
    add_macros(packets, protocol, STAGE_END_OF_MESSAGE, SMFIC_BODY, message);
    packets_begin(packets, SMFIC_BODY);
    packets_text(packets, body, sizeof body);
    packets_end(packets);
}

void message_add_content(struct packets *packets, const struct message_protocol *protocol,
                         const struct message *message)
{
    add_headers(packets, protocol, message);
    add_macros(packets, protocol, STAGE_END_OF_HEADER, SMFIC_EOH, message);
    if (wanted(protocol, SMFIP_NOEOH))
        packets_command(packets, SMFIC_EOH);
    if (wanted(protocol, SMFIP_NOBODY))
        add_body(packets, protocol, message);
    add_macros(packets, protocol, STAGE_END_OF_MESSAGE, SMFIC_BODYEOB, message);
    packets_command(packets, SMFIC_BODYEOB);
}
