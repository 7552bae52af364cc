/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "milter/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int make_message(void **state)
{
    *state = message_new();
    return *state == NULL ? -1 : 0;
}

static int free_message(void **state)
{
    message_free(*state);
    return 0;
}

/* The arguments of MAIL FROM, separated by spaces. */
static void begin(struct message *message, const char *line)
{
    enum { ARGUMENTS_MAX = 8 };
    char *copy = strdup(line);
    char *arguments[ARGUMENTS_MAX + 1] = {copy};
    size_t count = 1;

    assert_non_null(copy);
    for (char *at = copy; (at = strchr(at, ' ')) != NULL && count < ARGUMENTS_MAX;) {
        *at++ = '\0';
        arguments[count++] = at;
    }
    message_begin(message, arguments);
    free(copy);
}

struct field {
    const char *name;
    const char *body;
};

static void chooses_among_the_header_fields(void **state)
{
    struct message *message = *state;
    static const struct {
        const char *behaviour;
        struct field fields[5];
        const char *from; /* NULL: nobody */
    } rows[] = {
        {"no header", {{0}}, NULL},
        {"other fields only", {{"To", "t@x"}, {"X-From", "a@x"}, {"Fro", "a@x"}}, NULL},
        {"From", {{"From", "A <a@x>"}}, "a@x"},
        {"any case", {{"fROM", "a@x"}}, "a@x"},
        {"the first usable of several", {{"From", "a@x"}, {"From", "b@x"}}, "a@x"},
        {"the first is not usable", {{"From", "nobody"}, {"From", "b@x"}, {"From", "c@x"}}, "b@x"},
        {"none is usable", {{"From", "nobody"}, {"From", ""}}, NULL},
        {"Sender alone", {{"Sender", "s@x"}}, NULL},
        {"Sender does not stand for From", {{"From", "nobody"}, {"Sender", "s@x"}}, NULL},
        {"Sender chooses", {{"From", "a@x, s@x"}, {"Sender", "s@x"}}, "s@x"},
        {"Sender comes first", {{"sender", "s@x"}, {"From", "a@x, s@x"}}, "s@x"},
        {"Sender names another", {{"From", "a@x, b@x"}, {"Sender", "s@x"}}, "a@x"},
        {"the first Sender counts",
         {{"From", "a@x, b@x"}, {"Sender", "b@x"}, {"Sender", "a@x"}},
         "b@x"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char out[SENDER_ADDRESS_SIZE] = "";
        bool found;
        begin(message, "<e@x>");
        for (const struct field *field = rows[i].fields; field->name != NULL; field++)
            message_header(message, field->name, field->body);
        found = message_from(message, out);
        if (found != (rows[i].from != NULL) || (found && strcmp(out, rows[i].from) != 0))
            fail_msg("%s: %s", rows[i].behaviour, out);
        assert_false(message->out_of_memory);
    }
}

static void sees_smtputf8_in_any_case(void **state)
{
    struct message *message = *state;

    begin(message, "<a@x> SIZE=1 smtpUTF8");
    assert_true(message->smtputf8);
    begin(message, "<a@x> SMTPUTF8");
    assert_true(message->smtputf8);
    begin(message, "<a@x>");
    assert_false(message->smtputf8);
    begin(message, "<a@x> SMTPUTF8=1 XSMTPUTF8 SMTPUTF");
    assert_false(message->smtputf8);
    begin(message, "SMTPUTF8");
    assert_false(message->smtputf8);
}

static void forgets_the_message_before(void **state)
{
    struct message *message = *state;
    char out[SENDER_ADDRESS_SIZE];

    for (int i = 0; i < 2; i++) {
        begin(message, "<a@x> SMTPUTF8");
        message_header(message, "From", "a@x, b@x");
        message_header(message, "Sender", "b@x");
        assert_true(message_from(message, out));
        assert_string_equal(out, "b@x");
        if (i == 0)
            begin(message, "<>");
        else
            message_reset(message);
        assert_string_equal(message->sender, i == 0 ? "<>" : "");
        assert_false(message->smtputf8);
        assert_false(message_from(message, out));
        message_header(message, "From", "a@x, b@x");
        assert_true(message_from(message, out));
        assert_string_equal(out, "a@x");
    }
}

static void cuts_an_envelope_sender_that_is_too_long(void **state)
{
    struct message *message = *state;
    char sender[2 * MESSAGE_SENDER_MAX];

    memset(sender, 's', sizeof sender);
    sender[MESSAGE_SENDER_MAX] = '\0';
    begin(message, sender);
    assert_string_equal(message->sender, sender);
    sender[MESSAGE_SENDER_MAX] = 's';
    sender[MESSAGE_SENDER_MAX + 1] = '\0';
    begin(message, sender);
    assert_int_equal(strlen(message->sender), MESSAGE_SENDER_MAX);
}

static void keeps_no_more_of_a_field_than_is_read(void **state)
{
    struct message *message = *state;
    size_t size = (size_t)4 * SENDER_FIELD_MAX;
    char *body = malloc(size);
    char out[SENDER_ADDRESS_SIZE];

    assert_non_null(body);
    memset(body, ' ', size);
    strcpy(body + size - 4, "a@x");
    begin(message, "<e@x>");
    message_header(message, "From", body);
    assert_true(strlen(message->from_field) <= SENDER_FIELD_MAX + 1);
    assert_false(message_from(message, out));
    memcpy(body, "b@x,", 4);
    message_header(message, "From", body);
    assert_true(message_from(message, out));
    assert_string_equal(out, "b@x");
    free(body);
}

/* An address that goes on beyond what is read must not be taken for a shorter one. */
static void takes_no_address_that_was_cut(void **state)
{
    struct message *message = *state;
    char body[SENDER_FIELD_MAX + 20];
    char out[SENDER_ADDRESS_SIZE];

    memset(body, ' ', sizeof body);
    strcpy(body + SENDER_FIELD_MAX - 3, "a@x");
    begin(message, "<e@x>");
    message_header(message, "From", body);
    assert_true(message_from(message, out));
    strcpy(body + SENDER_FIELD_MAX - 3, "a@x.example");
    begin(message, "<e@x>");
    message_header(message, "From", body);
    assert_false(message_from(message, out));
}

/* How much of header fields was read: the linker puts this in between. */
static size_t octets_read;
bool __real_sender_choose(const char *from_field, const char *sender_field, char *out);
bool __wrap_sender_choose(const char *from_field, const char *sender_field, char *out);

bool __wrap_sender_choose(const char *from_field, const char *sender_field, char *out)
{
    octets_read += strlen(from_field) + (sender_field == NULL ? 0 : strlen(sender_field));
    return __real_sender_choose(from_field, sender_field, out);
}

/* A client may send as many fields as it likes, one of them long, and none of them usable. */
static void reads_each_field_once(void **state)
{
    struct message *message = *state;
    enum { FIELDS = 50000 };
    char body[SENDER_FIELD_MAX];
    char out[SENDER_ADDRESS_SIZE];

    memset(body, 'x', sizeof body - 1);
    body[sizeof body - 1] = '\0';
    begin(message, "<e@x>");
    octets_read = 0;
    for (int i = 0; i < FIELDS; i++)
        message_header(message, "From", i == FIELDS / 2 ? body : "x");
    message_header(message, "From", "a@x");
    for (int i = 0; i < FIELDS; i++)
        message_header(message, "From", "b@x");
    assert_true(octets_read <= sizeof body + FIELDS + 3);
    assert_true(message_from(message, out));
    assert_string_equal(out, "a@x");
}

/* What the client of an inbound message sends costs nothing; the log shows its first From. */
static void reads_nothing_of_inbound_mail(void **state)
{
    struct message *message = *state;
    char out[SENDER_ADDRESS_SIZE];

    begin(message, "<e@x>");
    message->inbound = true;
    octets_read = 0;
    message_header(message, "From", "nobody");
    message_header(message, "From", "b@x");
    assert_int_equal(octets_read, 0);
    assert_false(message_from(message, out));
    begin(message, "<e@x>");
    assert_false(message->inbound);
    message->inbound = true;
    message_header(message, "From", "a@x");
    message_header(message, "From", "b@x");
    assert_true(message_from(message, out));
    assert_string_equal(out, "a@x");
}

static void may_be_freed_when_there_is_none(void **state)
{
    (void)state;
    message_free(NULL);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(chooses_among_the_header_fields, make_message,
                                        free_message),
        cmocka_unit_test_setup_teardown(sees_smtputf8_in_any_case, make_message, free_message),
        cmocka_unit_test_setup_teardown(forgets_the_message_before, make_message, free_message),
        cmocka_unit_test_setup_teardown(cuts_an_envelope_sender_that_is_too_long, make_message,
                                        free_message),
        cmocka_unit_test_setup_teardown(keeps_no_more_of_a_field_than_is_read, make_message,
                                        free_message),
        cmocka_unit_test_setup_teardown(takes_no_address_that_was_cut, make_message, free_message),
        cmocka_unit_test_setup_teardown(reads_each_field_once, make_message, free_message),
        cmocka_unit_test_setup_teardown(reads_nothing_of_inbound_mail, make_message, free_message),
        cmocka_unit_test(may_be_freed_when_there_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
