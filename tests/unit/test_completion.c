/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/completion.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { WORDS_MAX = 12 };

/* line: words with a blank between; one at its end means that a new word is to be completed. */
static char *complete(const char *line)
{
    char copy[256];
    char *words[WORDS_MAX];
    char *rest = copy;
    int count = 0;
    char *answer;
    size_t size;
    FILE *out = open_memstream(&answer, &size);

    assert_non_null(out);
    (void)snprintf(copy, sizeof copy, "%s", line);
    while (count < WORDS_MAX && (words[count] = strsep(&rest, " ")) != NULL)
        count++;
    completion_print(count, words, out);
    (void)fclose(out);
    return answer;
}

static void offers_what_can_follow(void **state)
{
    (void)state;
    static const struct {
        const char *line, *answer;
    } rows[] = {
        {"expl", "explain\n"},
        {"re", "remove\nreturn-path\nrecords\nrefresh\n"},
        {"nonsense", ""},
        {"nonsense ", ""},
        {"--c", "--config\n"},
        {"-c ", ":file\n"},
        {"--config x", ":file\n"},
        {"-c file expl", "explain\n"},
        {"help sta", "status\nstats\n"},
        {"import ", ":file\n"},
        {"import --r", "--replace\n"},
        {"import --replace ", ":file\n"},
        {"identity ", "add\nremove\nlist\n"},
        {"identity r", "remove\n"},
        {"identity add add", ""},
        {"identity list --j", "--json\n"},
        {"return-path ", "key\nkey\nkey\nencode\ndecode\n"},
        {"return-path key ", "new\npromote\nlist\n"},
        {"return-path key p", "promote\n"},
        {"return-path encode x@y.example --d", "--date\n"},
        {"list --s", "--source\n--status\n"},
        {"list --source ", "ses\nlocal\nfile\n"},
        {"list --status F", "Failed\n"},
        {"list --status n", "none\n"},
        {"put x.example --feedback-forwarding ", "on\noff\n"},
        {"put x.example --behavior-on-mx-failure R", "RejectMessage\n"},
        {"put x.example --clear --h", "--help\n"},
        {"put --from ", ":file\n"},
        {"check --postfix-config ", ":directory\n"},
        {"check --j", "--json\n"},
        {"get-identity-mail-from-domain-attributes --output ", "json\n"},
        {"export ", ""},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *answer = complete(rows[i].line);
        if (strcmp(answer, rows[i].answer) != 0)
            fail_msg("\"%s\" offers:\n%s", rows[i].line, answer);
        free(answer);
    }
}

static void offers_nothing_where_there_is_no_line(void **state)
{
    (void)state;
    char *answer;
    size_t size;
    FILE *out = open_memstream(&answer, &size);

    assert_non_null(out);
    completion_print(0, NULL, out);
    (void)fclose(out);
    assert_non_null(strstr(answer, "explain\n"));
    free(answer);
}

/* Help, which completion reads, has no option that getopt_long does not know. The other way is for
 * tests/lint/manual to see. */
static void offers_no_option_that_the_command_refuses(void **state)
{
    (void)state;
    const struct command *command;
    size_t seen = 0;

    for (size_t i = 0; (command = command_at(i)) != NULL; i++) {
        char line[128];
        char *answer;
        char *rest;
        char *option;
        (void)snprintf(line, sizeof line, "%s --", command->name);
        rest = answer = complete(line);
        while ((option = strsep(&rest, "\n")) != NULL) {
            char name[64];
            char refusal[96];
            char nonsense[] = "--no-such-option-at-all";
            char value[] = "value";
            char *words[] = {(char *)command->name, name, value, nonsense, NULL};
            struct invocation invocation = {.command = command, .argc = 4, .argv = words};
            struct failure why = {.text = ""};
            if (option[0] == '\0' || strcmp(option, "--help") == 0 ||
                strcmp(command->name, "return-path") == 0 || strcmp(command->name, "identity") == 0)
                continue;
            (void)snprintf(name, sizeof name, "%s", option);
            optind = 0;
            opterr = 0;
            assert_false(command->run(&invocation, &why));
            settings_free(invocation.settings);
            (void)snprintf(refusal, sizeof refusal, "wrong option %s", option);
            if (strstr(why.text, refusal) != NULL)
                fail_msg("%s: %s", command->name, why.text);
            seen++;
        }
        free(answer);
    }
    assert_true(seen > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(offers_what_can_follow),
        cmocka_unit_test(offers_nothing_where_there_is_no_line),
        cmocka_unit_test(offers_no_option_that_the_command_refuses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
