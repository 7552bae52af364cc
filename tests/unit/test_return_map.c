/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * What the MTA is told, by map. Whose bounce it is, test_return_address.c asks.
 */
#include "common/return_address.h"
#include "milter/counters.h"
#include "milter/live_settings.h"
#include "milter/return_map.h"
#include "tests/unit/scratch.h"

#include <time.h>

enum { A_DAY = 86400 };

static struct scratch scratch;
static struct lookup *filled, *missing;

static const struct scratch_record records[] = {
    {"mute.example",
     {.kind = IDENTITY_DOMAIN,
      .source = MAIL_FROM_LOCAL,
      .verified = true,
      .feedback_off = true,
      .domain = "bounce.mute.example",
      .status = MAIL_FROM_SUCCESS}},
    {"shop.example",
     {.kind = IDENTITY_DOMAIN,
      .source = MAIL_FROM_LOCAL,
      .verified = true,
      .domain = "bounce.shop.example",
      .status = MAIL_FROM_SUCCESS}},
};

/* Puts settings with this section into force; "" for none at all. */
static void configure(const char *section)
{
    char text[1000];
    struct settings *settings;
    struct return_secrets *secrets = NULL;
    struct failure why;
    FILE *in;

    (void)snprintf(text, sizeof text,
                   "default-mail-from-domain = d.example\nreturn-path {\n%s\n}\n", section);
    in = fmemopen(text, strlen(text), "r");
    assert_non_null(in);
    if (!settings_parse(&settings, in, "test", &why))
        fail_msg("%s", why.text);
    (void)fclose(in);
    if (*section != '\0') {
        secrets = calloc(1, sizeof *secrets);
        assert_non_null(secrets);
        assert_true(return_secrets_add(secrets, "0123456789abcdef", 0, &why));
    }
    assert_true(live_settings_take(settings, secrets));
}

static int open_all(void **state)
{
    char path[SCRATCH_PATH_SIZE];

    (void)state;
    scratch_make(&scratch);
    scratch_fill(scratch.store, records, sizeof records / sizeof *records);
    (void)snprintf(path, sizeof path, "%s/missing", scratch.directory);
    filled = lookup_open(scratch.store);
    missing = lookup_open(path);
    return filled == NULL || missing == NULL ? -1 : 0;
}

static int close_all(void **state)
{
    (void)state;
    lookup_close(filled);
    lookup_close(missing);
    scratch_remove(&scratch);
    configure("");
    return 0;
}

static int begin(void **state)
{
    (void)state;
    configure("lifetime = 21d");
    return_map_use(filled);
    return 0;
}

/* A return path of env@DOMAIN, signed so many days ago. */
static const char *return_path(const char *domain, int days)
{
    static char out[200];
    struct live_settings *live = live_settings_acquire();
    struct return_original original = {"env", 3, domain, strlen(domain)};
    struct return_sender sender;
    char mail_from_domain[100];
    struct failure why;

    (void)snprintf(mail_from_domain, sizeof mail_from_domain, "bounce.%s", domain);
    return_address_make(&sender, &original, mail_from_domain, domain,
                        &(struct return_scene){live_settings_get(live), live_settings_secrets(live),
                                               filled, (int64_t)time(NULL) - (int64_t)days * A_DAY},
                        &why);
    (void)snprintf(out, sizeof out, "%.*s@%s", (int)sender.length, sender.content,
                   mail_from_domain);
    live_settings_release(live);
    return out;
}

static void expect(const char *map, const char *key, enum socketmap_status status, const char *text)
{
    struct socketmap_reply reply = {.status = SOCKETMAP_TEMP, .text = ""};

    return_map_answer(map, strlen(map), key, strlen(key), &reply);
    if (reply.status != status ||
        (status != SOCKETMAP_NOTFOUND && strstr(reply.text, text) == NULL))
        fail_msg("%s %s: status %d, %s", map, key, (int)reply.status, reply.text);
}

static void sends_bounces_to_the_original_sender(void **state)
{
    (void)state;
    expect("return", return_path("shop.example", 0), SOCKETMAP_OK, "env@shop.example");
    expect("virtuser", return_path("shop.example", 21), SOCKETMAP_OK, "env@shop.example");
    expect("return", return_path("shop.example", 22), SOCKETMAP_NOTFOUND, "");
    expect("return", "prvs=0123456789=env@bounce.shop.example", SOCKETMAP_NOTFOUND, "");
    expect("return", "env@bounce.shop.example", SOCKETMAP_NOTFOUND, "");
    expect("return", "env@next.example", SOCKETMAP_NOTFOUND, "");
    expect("return", "postmaster@bounce.shop.example", SOCKETMAP_OK, "postmaster");
    expect("return", "", SOCKETMAP_NOTFOUND, "");
    expect("return", "@bounce.shop.example", SOCKETMAP_NOTFOUND, "");
}

static void knows_mail_from_domains(void **state)
{
    (void)state;
    static const char *const maps[] = {"domain", "return", "virtuser"};

    for (size_t i = 0; i < sizeof maps / sizeof *maps; i++) {
        expect(maps[i], "Bounce.Shop.Example", SOCKETMAP_OK, "bounce.shop.example");
        expect(maps[i], "d.example", SOCKETMAP_OK, "d.example");
        expect(maps[i], "shop.example", SOCKETMAP_NOTFOUND, "");
        expect(maps[i], "next.example", SOCKETMAP_NOTFOUND, "");
    }
}

static void says_at_rcpt_what_is_wrong(void **state)
{
    (void)state;
    expect("check", return_path("shop.example", 0), SOCKETMAP_OK, "DUNNO");
    expect("check", return_path("shop.example", 22), SOCKETMAP_OK,
           "550 5.1.1 Return path expired on ");
    expect("check", "prvs=0123456789=env@bounce.shop.example", SOCKETMAP_OK,
           "550 5.1.1 Return path is forged");
    expect("check", "env@bounce.shop.example", SOCKETMAP_OK, "550 5.1.1 No such return path");
    expect("check", return_path("mute.example", 0), SOCKETMAP_OK, "550 5.7.1 The sender does not");
    expect("check", "abuse@d.example", SOCKETMAP_OK, "DUNNO");
    expect("check", "env@next.example", SOCKETMAP_NOTFOUND, "");
    expect("check", "bounce.shop.example", SOCKETMAP_NOTFOUND, "");
    configure("feedback-address = f@x.example");
    expect("check", return_path("mute.example", 0), SOCKETMAP_OK, "DUNNO");
    expect("return", return_path("mute.example", 0), SOCKETMAP_OK, "f@x.example");
}

static void lets_only_bounces_through_where_it_must(void **state)
{
    (void)state;
    static const char local[] = "a23456789012345678901234567890123456789012345678901";
    char plain[200];

    (void)snprintf(plain, sizeof plain, "%s@bounce.shop.example", local);
    expect("check", plain, SOCKETMAP_OK, "mailfrom_bounces_only");
    expect("return", plain, SOCKETMAP_OK, "@shop.example");
    configure("accept-from = null");
    expect("check", return_path("shop.example", 0), SOCKETMAP_OK, "mailfrom_bounces_only");
    expect("check", "postmaster@bounce.shop.example", SOCKETMAP_OK, "DUNNO");
}

static void asks_for_another_try_while_the_store_cannot_be_read(void **state)
{
    (void)state;
    static const char *const maps[] = {"domain", "return", "virtuser", "check"};

    return_map_use(missing);
    for (size_t i = 0; i < sizeof maps / sizeof *maps; i++)
        expect(maps[i], i == 0 ? "bounce.shop.example" : "env@bounce.shop.example", SOCKETMAP_TEMP,
               "there is no store");
}

static void finds_nothing_elsewhere(void **state)
{
    (void)state;
    expect("virtual", return_path("shop.example", 0), SOCKETMAP_NOTFOUND, "");
    expect("", "", SOCKETMAP_NOTFOUND, "");
    expect("retur", return_path("shop.example", 0), SOCKETMAP_NOTFOUND, "");
    configure(""); /* a reload took the section away */
    expect("return", "env@bounce.shop.example", SOCKETMAP_NOTFOUND, "");
}

static void counts_each_answer_by_result_and_form(void **state)
{
    (void)state;
    struct counters before, after;

    counters_read(&before);
    expect("return", return_path("shop.example", 0), SOCKETMAP_OK, "");
    expect("check", return_path("shop.example", 0), SOCKETMAP_OK, ""); /* return counts it */
    expect("check", return_path("shop.example", 22), SOCKETMAP_OK, "");
    expect("check", "prvs=0123456789=env@bounce.shop.example", SOCKETMAP_OK, "");
    expect("check", "env@next.example", SOCKETMAP_NOTFOUND, "");
    counters_read(&after);
#define GREW(result, form) (after.returns[result][form] - before.returns[result][form])
    assert_int_equal(GREW(RETURN_OK, RETURN_PRVS), 1);
    assert_int_equal(GREW(RETURN_EXPIRED, RETURN_PRVS), 1);
    assert_int_equal(GREW(RETURN_FORGED, RETURN_PRVS), 1);
    assert_int_equal(GREW(RETURN_UNKNOWN, RETURN_PLAIN), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(sends_bounces_to_the_original_sender, begin),
        cmocka_unit_test_setup(knows_mail_from_domains, begin),
        cmocka_unit_test_setup(says_at_rcpt_what_is_wrong, begin),
        cmocka_unit_test_setup(lets_only_bounces_through_where_it_must, begin),
        cmocka_unit_test_setup(asks_for_another_try_while_the_store_cannot_be_read, begin),
        cmocka_unit_test_setup(finds_nothing_elsewhere, begin),
        cmocka_unit_test_setup(counts_each_answer_by_result_and_form, begin),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
