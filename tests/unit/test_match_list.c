/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/match_list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static char asked[512]; /* what the tables were asked for */

/* The table "hash:KEY" has that key, "fail:" cannot be asked. */
static enum match look_up(void *context, const char *table, const char *key)
{
    size_t used = strlen(asked);

    (void)context;
    (void)snprintf(asked + used, sizeof asked - used, "%s?%s ", table, key);
    if (strncmp(table, "fail:", 5) == 0)
        return MATCH_UNKNOWN;
    return strcmp(strchr(table, ':') + 1, key) == 0 ? MATCH_YES : MATCH_NO;
}

static enum match ask(const char *list, enum match_style style)
{
    static const struct match_tables tables = {look_up, NULL};

    asked[0] = '\0';
    return match_list_has(list, "b.shop.example", style, &tables);
}

static void names_and_their_parents(void **state)
{
    static const struct {
        const char *list;
        enum match names, dotted, subdomains;
    } examples[] = {
        {"", MATCH_NO, MATCH_NO, MATCH_NO},
        {"x, B.Shop.Example", MATCH_YES, MATCH_YES, MATCH_YES},
        {"shop.example", MATCH_NO, MATCH_NO, MATCH_YES},
        {".shop.example", MATCH_NO, MATCH_YES, MATCH_NO},
        {"op.example", MATCH_NO, MATCH_NO, MATCH_NO},
        {"a.b.shop.example", MATCH_NO, MATCH_NO, MATCH_NO},
        {"!b.shop.example, b.shop.example", MATCH_NO, MATCH_NO, MATCH_NO},
        {"!!b.shop.example", MATCH_YES, MATCH_YES, MATCH_YES},
        {"!x b.shop.example", MATCH_YES, MATCH_YES, MATCH_YES},
    };

    (void)state;
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        assert_int_equal(ask(examples[i].list, MATCH_NAMES), examples[i].names);
        assert_int_equal(ask(examples[i].list, MATCH_DOTTED), examples[i].dotted);
        assert_int_equal(ask(examples[i].list, MATCH_SUBDOMAINS), examples[i].subdomains);
    }
}

static void tables_are_asked_as_postfix_does(void **state)
{
    (void)state;
    assert_int_equal(ask("hash:x", MATCH_NAMES), MATCH_NO);
    assert_string_equal(asked, "hash:x?b.shop.example ");
    assert_int_equal(ask("hash:example", MATCH_SUBDOMAINS), MATCH_YES);
    assert_string_equal(asked, "hash:example?b.shop.example hash:example?shop.example "
                               "hash:example?example ");
    assert_int_equal(ask("hash:.example", MATCH_DOTTED), MATCH_YES);
    assert_string_equal(asked, "hash:.example?b.shop.example hash:.example?.shop.example "
                               "hash:.example?.example ");
    assert_int_equal(ask("regexp:example", MATCH_SUBDOMAINS), MATCH_NO);
    assert_string_equal(asked, "regexp:example?b.shop.example ");
    assert_int_equal(ask("proxy:hash:b.shop.example", MATCH_NAMES), MATCH_YES);
    assert_string_equal(asked, "hash:b.shop.example?b.shop.example ");
    assert_int_equal(ask("inline:{a=b, c=d}", MATCH_NAMES), MATCH_NO);
    assert_string_equal(asked, "inline:{a=b, c=d}?b.shop.example ");
}

static void what_cannot_be_asked_leaves_a_doubt(void **state)
{
    (void)state;
    assert_int_equal(ask("fail:x", MATCH_NAMES), MATCH_UNKNOWN);
    assert_int_equal(ask("fail:x, y", MATCH_NAMES), MATCH_UNKNOWN);
    assert_int_equal(ask("fail:x, b.shop.example", MATCH_NAMES), MATCH_YES);
    assert_int_equal(ask("/nonexistent/file", MATCH_NAMES), MATCH_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_their_parents),
        cmocka_unit_test(tables_are_asked_as_postfix_does),
        cmocka_unit_test(what_cannot_be_asked_leaves_a_doubt),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
