/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Credentials without any network: the environment, the files, a program. What comes over HTTP is
 * in tests/ses.
 */
#include "ses/credentials.h"
#include "ses/process.h"
#include "ses/role.h"
#include "ses/timestamp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { NOW = 1767323045, PATH_SIZE = 128, VARIABLES_MAX = 24 };

/* A directory with a config and a credentials file, and an environment that names them. */
struct place {
    char directory[PATH_SIZE], config[PATH_SIZE + 16], credentials[PATH_SIZE + 16];
    const char *variables[VARIABLES_MAX];
    struct environment environment;
};

static const char *get(void *context, const char *name)
{
    const char **variables = context;

    for (; variables[0] != NULL; variables += 2) {
        if (strcmp(variables[0], name) == 0)
            return variables[1];
    }
    return NULL;
}

static void set(struct place *place, const char *name, const char *value)
{
    size_t i = 0;

    while (place->variables[i] != NULL && strcmp(place->variables[i], name) != 0)
        i += 2;
    assert_true(i + 2 < VARIABLES_MAX);
    place->variables[i] = name;
    place->variables[i + 1] = value;
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int make_place(void **state)
{
    struct place *place = calloc(1, sizeof *place);

    assert_non_null(place);
    (void)strcpy(place->directory, "/tmp/test-credentials-XXXXXX");
    assert_non_null(mkdtemp(place->directory));
    (void)snprintf(place->config, sizeof place->config, "%s/config", place->directory);
    (void)snprintf(place->credentials, sizeof place->credentials, "%s/credentials",
                   place->directory);
    place->environment = (struct environment){get, place->variables};
    set(place, "AWS_CONFIG_FILE", place->config);
    set(place, "AWS_SHARED_CREDENTIALS_FILE", place->credentials);
    set(place, "AWS_EC2_METADATA_DISABLED", "true");
    *state = place;
    return 0;
}

static int remove_place(void **state)
{
    struct place *place = *state;

    (void)unlink(place->config);
    (void)unlink(place->credentials);
    assert_int_equal(rmdir(place->directory), 0);
    free(place);
    return 0;
}

/* The access key that is found, or "" and *why. */
static const char *find(struct place *place, const char *profile, const char **provider,
                        struct failure *why)
{
    static char access_key[KEYS_ACCESS_MAX + 1];
    struct call_transport transport = {.http = NULL};
    struct credentials credentials;
    const struct keys *keys;

    credentials_init(&credentials, profile, &place->environment, &transport);
    if (credentials_get(&credentials, NOW, &keys, why) != OUTCOME_OK)
        keys = NULL;
    (void)snprintf(access_key, sizeof access_key, "%s", keys != NULL ? keys->access_key : "");
    if (provider != NULL)
        *provider = keys != NULL ? keys->provider : "none";
    credentials_reset(&credentials);
    return access_key;
}

static void asks_in_the_order_of_aws(void **state)
{
    struct place *place = *state;
    const char *provider;
    struct failure why;

    write_file(place->config, "[default]\naws_access_key_id=CONFIG\naws_secret_access_key=s\n");
    assert_string_equal(find(place, NULL, &provider, &why), "CONFIG");
    assert_string_equal(provider, "config-file");
    write_file(place->config, "[default]\naws_access_key_id=CONFIG\naws_secret_access_key=s\n"
                              "credential_process = echo '{\"Version\":1,\"AccessKeyId\":"
                              "\"PROCESS\",\"SecretAccessKey\":\"s\"}'\n");
    assert_string_equal(find(place, NULL, &provider, &why), "PROCESS");
    write_file(place->credentials, "[default]\naws_access_key_id=FILE\naws_secret_access_key=s\n"
                                   "[other]\naws_access_key_id=OTHER\naws_secret_access_key=s\n");
    assert_string_equal(find(place, NULL, &provider, &why), "FILE");
    assert_string_equal(provider, "shared-credentials-file");
    set(place, "AWS_ACCESS_KEY_ID", "ENVIRONMENT");
    set(place, "AWS_SECRET_ACCESS_KEY", "s");
    assert_string_equal(find(place, NULL, &provider, &why), "ENVIRONMENT");
    assert_string_equal(find(place, "other", &provider, &why), "OTHER");
    set(place, "AWS_PROFILE", "other");
    assert_string_equal(find(place, "", &provider, &why), "ENVIRONMENT");
    set(place, "AWS_ACCESS_KEY_ID", "");
    set(place, "AWS_SECRET_ACCESS_KEY", "");
    assert_string_equal(find(place, NULL, &provider, &why), "OTHER");
    set(place, "AWS_PROFILE", "");
    set(place, "AWS_DEFAULT_PROFILE", "other");
    assert_string_equal(find(place, NULL, &provider, &why), "OTHER");
    assert_string_equal(find(place, "default", &provider, &why), "FILE");
}

static void names_the_missing_half(void **state)
{
    static const struct {
        const char *variable, *text;
    } cases[] = {
        {"AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not"},
        {"AWS_SECRET_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY is set, but AWS_ACCESS_KEY_ID is not"},
    };
    struct place *place = *state;
    struct failure why;

    write_file(place->credentials, "[default]\naws_access_key_id=A\naws_secret_access_key=s\n"
                                   "[id]\naws_access_key_id=A\n"
                                   "[secret]\naws_secret_access_key=hidden\n");
    for (size_t i = 0; i < 2; i++) {
        set(place, cases[i].variable, "hidden");
        assert_string_equal(find(place, NULL, NULL, &why), "");
        assert_non_null(strstr(why.text, cases[i].text));
        assert_null(strstr(why.text, "hidden"));
        assert_int_equal(why.exit_code, EX_CONFIG);
        set(place, cases[i].variable, "");
    }
    assert_string_equal(find(place, "id", NULL, &why), "");
    assert_non_null(strstr(why.text, "aws_secret_access_key is not"));
    assert_string_equal(find(place, "secret", NULL, &why), "");
    assert_non_null(strstr(why.text, "aws_access_key_id is not"));
    assert_null(strstr(why.text, "hidden"));
}

static void never_makes_a_pair_from_two_files(void **state)
{
    struct place *place = *state;
    struct failure why;

    write_file(place->config, "[default]\naws_access_key_id=A\naws_secret_access_key=s\n");
    write_file(place->credentials, "[default]\naws_access_key_id=B\n");
    assert_string_equal(find(place, NULL, NULL, &why), "");
    assert_non_null(strstr(why.text, "aws_secret_access_key is not"));
}

static void tells_what_is_wrong_with_a_profile(void **state)
{
    struct place *place = *state;
    struct failure why;

    write_file(place->config, "[profile sso]\nsso_start_url = x\n[profile empty]\n[x\n");
    assert_string_equal(find(place, "empty", NULL, &why), "");
    assert_non_null(strstr(why.text, "config: line 4: the ]"));
    write_file(place->config, "[profile sso]\nsso_start_url = x\n[profile empty]\n[plain]\na=b\n");
    assert_string_equal(find(place, "empty", NULL, &why), "");
    assert_non_null(strstr(why.text, "no AWS credentials"));
    assert_string_equal(find(place, "nobody", NULL, &why), "");
    assert_non_null(strstr(why.text, "there is no AWS profile \"nobody\""));
    assert_string_equal(find(place, "plain", NULL, &why), "");
    assert_non_null(strstr(why.text, "there is no AWS profile \"plain\""));
    assert_string_equal(find(place, "sso", NULL, &why), "");
    assert_non_null(strstr(why.text, "export-credentials"));
    assert_string_equal(find(place, NULL, NULL, &why), "");
    assert_non_null(strstr(why.text, "no AWS credentials"));
}

static void refuses_keys_that_would_break_a_header(void **state)
{
    static const char *const bad[] = {"a b", "a\nX: y", "a\x7f", "\xc3\xbc"};
    char *text = malloc(KEYS_TOKEN_MAX + 2);
    struct failure why;
    struct keys keys;

    (void)state;
    assert_non_null(text);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(keys_set(&keys, "test", bad[i], "s", NULL, &why));
        assert_false(keys_set(&keys, "test", "A", bad[i], NULL, &why));
        assert_false(keys_set(&keys, "test", "A", "s", bad[i], &why));
    }
    memset(text, 't', KEYS_TOKEN_MAX + 1);
    text[KEYS_TOKEN_MAX + 1] = '\0';
    assert_false(keys_set(&keys, "test", "A", "s", text, &why));
    assert_string_equal(keys.secret_key, "");
    assert_true(keys_set(&keys, "test", "A", "s", text + 1, &why));
    assert_false(keys_set(&keys, "test", "A", text + KEYS_TOKEN_MAX - KEYS_SECRET_MAX, "", &why));
    free(text);
}

static void splits_a_command_as_a_shell_does(void **state)
{
    static const struct {
        const char *command, *words[5];
    } cases[] = {
        {"a b", {"a", "b"}},
        {"  a\tb\n c ", {"a", "b", "c"}},
        {"'a b' \"c d\"", {"a b", "c d"}},
        {"a\\ b \\'c", {"a b", "'c"}},
        {"'a\\b' \"a\\b\" \"\\\"\\\\\"", {"a\\b", "a\\b", "\"\\"}},
        {"a'b'\"c\"d", {"abcd"}},
        {"'' \"\" x", {"", "", "x"}},
        {"a;b $HOME `x` *|&>", {"a;b", "$HOME", "`x`", "*|&>"}},
    };
    static const char *const bad[] = {"", "  ", "'a", "\"a", "a\\", "\"a\\\""};
    char buffer[PROCESS_COMMAND_MAX + 1], *words[PROCESS_WORDS_MAX + 1];
    struct failure why;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t j = 0;
        assert_true(process_split(cases[i].command, buffer, words, &why) > 0);
        for (; cases[i].words[j] != NULL; j++)
            assert_string_equal(words[j], cases[i].words[j]);
        assert_null(words[j]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(process_split(bad[i], buffer, words, &why), 0);
}

static void bounds_a_program(void **state)
{
    static const struct {
        const char *command;
        int exit_code;
    } cases[] = {
        {"sleep 30", EX_TEMPFAIL},
        {"sh -c 'exec >&-; sleep 30'", EX_TEMPFAIL},
        {"sh -c 'sleep 30 & echo {}; exit 0'", EX_TEMPFAIL},
        {"yes", EX_PROTOCOL},
        {"echo secret", EX_PROTOCOL},
        {"echo {\\\"Version\\\":2}", EX_PROTOCOL},
        {"sh -c 'echo secret; exit 3'", EX_UNAVAILABLE},
        {"sh -c 'kill -9 $$'", EX_UNAVAILABLE},
        {"/nonexistent/program", EX_CONFIG},
    };
    struct failure why;
    struct keys keys;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        time_t begin = time(NULL);
        print_message("%s\n", cases[i].command);
        assert_false(process_read_keys(cases[i].command, 500, &keys, &why));
        assert_int_equal(why.exit_code, cases[i].exit_code);
        assert_null(strstr(why.text, "secret"));
        assert_true(time(NULL) - begin < 5);
    }
}

static void ends_what_a_program_started(void **state)
{
    struct place *place = *state;
    const struct timespec a_while = {.tv_sec = 1, .tv_nsec = 300000000};
    char command[4 * PATH_SIZE];
    struct failure why;
    struct keys keys;

    (void)snprintf(command, sizeof command, "sh -c '(sleep 1; touch %s) & sleep 30'",
                   place->config);
    assert_false(process_read_keys(command, 300, &keys, &why));
    (void)nanosleep(&a_while, NULL);
    assert_int_equal(access(place->config, F_OK), -1);
}

static void reads_timestamps(void **state)
{
    static const struct {
        const char *text;
        int64_t seconds;
    } good[] = {
        {"2026-01-02T03:04:05Z", NOW},      {"2026-01-02T03:04:05.123456Z", NOW},
        {"2026-01-02T04:04:05+01:00", NOW}, {"2026-01-01T23:34:05-0330", NOW},
        {"1970-01-01T00:00:00Z", 0},
    };
    static const char *const bad[] = {"",
                                      "2026-01-02",
                                      "2026-01-02T03:04:05",
                                      "2026-13-02T03:04:05Z",
                                      "2026-01-02T24:04:05Z",
                                      "2026-01-02T03:04:05Zx",
                                      "2026-01-02 03:04:05Z",
                                      "1767323045",
                                      "2026-01-02T03:04:05+1",
                                      "2026-00-02T03:04:05Z"};
    int64_t seconds;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(timestamp_parse(good[i].text, &seconds));
        assert_int_equal(seconds, good[i].seconds);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(timestamp_parse(bad[i], &seconds));
}

static void wipes_what_it_is_done_with(void **state)
{
    struct place *place = *state;
    struct call_transport transport = {.http = NULL};
    struct credentials credentials, empty;
    const struct keys *keys;
    struct failure why;

    memset(&empty, 0, sizeof empty);
    write_file(place->credentials, "[default]\naws_access_key_id=A\naws_secret_access_key=s\n");
    credentials_init(&credentials, NULL, &place->environment, &transport);
    assert_int_equal(credentials_get(&credentials, NOW, &keys, &why), OUTCOME_OK);
    assert_string_equal(credentials.keys.secret_key, "s");
    credentials_reset(&credentials);
    assert_memory_equal(&credentials, &empty, sizeof empty);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(asks_in_the_order_of_aws, make_place, remove_place),
        cmocka_unit_test_setup_teardown(names_the_missing_half, make_place, remove_place),
        cmocka_unit_test_setup_teardown(never_makes_a_pair_from_two_files, make_place,
                                        remove_place),
        cmocka_unit_test_setup_teardown(tells_what_is_wrong_with_a_profile, make_place,
                                        remove_place),
        cmocka_unit_test(refuses_keys_that_would_break_a_header),
        cmocka_unit_test(splits_a_command_as_a_shell_does),
        cmocka_unit_test(bounds_a_program),
        cmocka_unit_test_setup_teardown(ends_what_a_program_started, make_place, remove_place),
        cmocka_unit_test(reads_timestamps),
        cmocka_unit_test_setup_teardown(wipes_what_it_is_done_with, make_place, remove_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
