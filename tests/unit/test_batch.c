/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/batch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include <cmocka.h>

static struct attributes_item item_for(const char *identity, struct attributes_given given)
{
    struct attributes_item item = {.given = given};
    struct failure why;

    assert_true(identity_parse(&item.identity, identity, strlen(identity), &why));
    item.record = (struct mail_from){.kind = item.identity.kind,
                                     .source = MAIL_FROM_LOCAL,
                                     .verified = true,
                                     .feedback_off = true,
                                     .domain = "m.x.example",
                                     .status = MAIL_FROM_FAILED,
                                     .behavior = MAIL_FROM_REJECT_MESSAGE,
                                     .status_since = 1,
                                     .checked = 2,
                                     .refresh_after = 3,
                                     .expire_after = 4,
                                     .last_error = "no MX"};
    return item;
}

static void add(struct batch *batch, const char *identity)
{
    struct attributes_item item = item_for(identity, (struct attributes_given){0});
    struct failure why;

    assert_true(batch_add(batch, &item, &why));
}

static void sorts_as_the_store_does(void **state)
{
    (void)state;
    static const char *const sorted[] = {"b.example",   "x.example",   "x.example.example",
                                         "A@x.example", "a@x.example", "\xc3\xbc@x.example"};
    struct batch *batch = batch_new();
    struct failure why;

    for (size_t i = 6; i-- > 0;)
        add(batch, sorted[i]);
    assert_true(batch_sort(batch, &why));
    assert_int_equal(batch_count(batch), 6);
    for (size_t i = 0; i < 6; i++)
        assert_string_equal(batch_key(batch, i), sorted[i]);
    batch_free(batch);
}

static void keeps_every_field(void **state)
{
    (void)state;
    struct attributes_item item = item_for("x.example", (struct attributes_given){.since = true});
    struct batch *batch = batch_new();
    struct mail_from record;
    struct failure why;
    struct attributes_given given = {0};

    assert_true(batch_add(batch, &item, &why));
    assert_string_equal(batch_get(batch, 0, &record, &given), "x.example");
    assert_true(given.since);
    assert_false(given.feedback);
    assert_string_equal(record.domain, "m.x.example");
    assert_string_equal(record.last_error, "no MX");
    assert_int_equal(record.kind, IDENTITY_DOMAIN);
    assert_int_equal(record.source, MAIL_FROM_LOCAL);
    assert_int_equal(record.status, MAIL_FROM_FAILED);
    assert_int_equal(record.behavior, MAIL_FROM_REJECT_MESSAGE);
    assert_true(record.verified);
    assert_true(record.feedback_off);
    assert_int_equal(record.status_since, 1);
    assert_int_equal(record.checked, 2);
    assert_int_equal(record.refresh_after, 3);
    assert_int_equal(record.expire_after, 4);
    batch_free(batch);
}

static void refuses_one_identity_twice(void **state)
{
    (void)state;
    struct batch *batch = batch_new();
    struct failure why;

    add(batch, "x.example");
    add(batch, "b.example");
    add(batch, "X.Example.");
    assert_false(batch_sort(batch, &why));
    assert_int_equal(why.exit_code, EX_DATAERR);
    assert_non_null(strstr(why.text, "identity \"x.example\": given twice"));
    batch_free(batch);
}

static void grows(void **state)
{
    (void)state;
    struct batch *batch = batch_new();
    struct failure why;

    for (int i = 0; i < 1000; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "%03d.example", (i * 7) % 1000);
        add(batch, name);
    }
    assert_true(batch_sort(batch, &why));
    assert_int_equal(batch_count(batch), 1000);
    assert_string_equal(batch_key(batch, 999), "999.example");
    batch_free(batch);
}

static void may_be_empty(void **state)
{
    (void)state;
    struct batch *batch = batch_new();
    struct failure why;

    assert_true(batch_sort(batch, &why));
    assert_int_equal(batch_count(batch), 0);
    batch_free(batch);
    batch_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sorts_as_the_store_does),
        cmocka_unit_test(keeps_every_field),
        cmocka_unit_test(refuses_one_identity_twice),
        cmocka_unit_test(grows),
        cmocka_unit_test(may_be_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
