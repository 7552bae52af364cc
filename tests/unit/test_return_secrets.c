/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/return_secrets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include <cmocka.h>

#define SECRET "0123456789abcdef"

static struct return_secrets *parse(const char *text, struct failure *why)
{
    struct return_secrets *secrets;
    FILE *in = fmemopen((void *)text, strlen(text), "r");

    assert_non_null(in);
    (void)return_secrets_parse(&secrets, in, "secrets", why);
    (void)fclose(in);
    return secrets;
}

static void reads_one_secret_per_line_and_when_it_was_created(void **state)
{
    (void)state;
    struct failure why;
    struct return_secrets *secrets =
        parse("# ours\n\n  " SECRET "0 \t# created 2026-11-27\r\n" SECRET "1\n" SECRET
              "2 # created some day\n" SECRET "3",
              &why);

    assert_non_null(secrets);
    assert_int_equal(secrets->count, 4);
    assert_string_equal(secrets->items[0].text, SECRET "0");
    assert_int_equal(secrets->items[0].created, 20784);
    assert_string_equal(secrets->items[3].text, SECRET "3");
    assert_int_equal(secrets->items[1].created + secrets->items[2].created, 0);
    /* printf 0123456789abcdef0 | sha256sum */
    assert_string_equal(secrets->items[0].id, "d402");
    return_secrets_free(secrets);
}

static void makes_hmac_sha_256(void **state)
{
    (void)state;
    struct failure why;
    struct return_secrets *secrets = parse(SECRET "\n", &why);
    unsigned char mac[RETURN_MAC_SIZE], again[RETURN_MAC_SIZE];
    /* printf text | openssl dgst -sha256 -hmac 0123456789abcdef */
    static const unsigned char expected[] = {0x20, 0x0c, 0xda, 0xb2};

    assert_true(return_secret_mac(&secrets->items[0], "text", 4, mac));
    assert_true(return_secret_mac(&secrets->items[0], "text", 4, again));
    assert_memory_equal(mac, again, sizeof mac);
    assert_memory_equal(mac, expected, sizeof expected);
    return_secrets_free(secrets);
}

static void refuses_what_is_no_file_of_secrets_without_showing_any(void **state)
{
    (void)state;
    static const struct {
        const char *behaviour, *text, *complaint;
    } rows[] = {
        {"nothing", "\n", "there is no secret in it"},
        {"comments only", "# created 2026-11-27\n", "there is no secret in it"},
        {"too short", "0123456789abcde\n", "secrets:1: a secret has 16 to 256"},
        {"two on a line", SECRET " " SECRET "\n", "secrets:1: one secret per line"},
        {"not ASCII", "\n\303\274" SECRET "\n", "secrets:2: a secret has 16 to 256"},
        {"the same one twice", SECRET "\n" SECRET "\n", "secrets:2: this secret is already there"},
        {"five", SECRET "0\n" SECRET "1\n" SECRET "2\n" SECRET "3\n" SECRET "4\n",
         "secrets:5: more than 4 secrets"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct failure why = {.text = ""};
        struct return_secrets *secrets = parse(rows[i].text, &why);
        if (secrets != NULL || strstr(why.text, rows[i].complaint) == NULL)
            fail_msg("%s: %s", rows[i].behaviour, why.text);
        assert_int_equal(why.exit_code, EX_CONFIG);
        assert_null(strstr(why.text, "0123456789"));
    }
}

static void refuses_a_line_without_end(void **state)
{
    (void)state;
    struct failure why;
    char text[5000];

    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_null(parse(text, &why));
    assert_string_equal(why.text, "secrets:1: not a file of secrets");
}

static void refuses_a_file_that_others_get_at(void **state)
{
    (void)state;
    static const struct {
        mode_t mode;
        bool is_good;
    } rows[] = {{0600, true},  {0640, true},  {0400, true}, {0660, false},
                {0644, false}, {0602, false}, {0601, false}};
    char file[] = "/tmp/mailfrom-secrets-XXXXXX";
    int descriptor = mkstemp(file);
    struct return_secrets *secrets;
    struct failure why;

    assert_int_equal(write(descriptor, SECRET "\n", 17), 17);
    (void)close(descriptor);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(chmod(file, rows[i].mode), 0);
        assert_int_equal(return_secrets_read(&secrets, file, &why), rows[i].is_good);
        if (!rows[i].is_good)
            assert_int_equal(why.exit_code, EX_NOPERM);
        return_secrets_free(secrets);
    }
    (void)unlink(file);
    assert_false(return_secrets_read(&secrets, file, &why));
    assert_int_equal(why.exit_code, EX_NOINPUT);
    assert_false(return_secrets_read(&secrets, "/dev/null", &why));
    assert_int_equal(why.exit_code, EX_CONFIG);
    assert_false(return_secrets_read(&secrets, "/tmp", &why));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_one_secret_per_line_and_when_it_was_created),
        cmocka_unit_test(makes_hmac_sha_256),
        cmocka_unit_test(refuses_what_is_no_file_of_secrets_without_showing_any),
        cmocka_unit_test(refuses_a_line_without_end),
        cmocka_unit_test(refuses_a_file_that_others_get_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
