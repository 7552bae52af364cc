/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/section.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sysexits.h>

#include <cmocka.h>

static char eu[] = "eu", us[] = "us", untitled[] = "";
static struct settings_ses sections[] = {{.title = eu}, {.title = us}, {.title = untitled}};

static struct settings settings_of(size_t count)
{
    return (struct settings){.ses = sections, .ses_count = count};
}

static struct mail_from record_of(const char *title)
{
    struct mail_from record = {.source = MAIL_FROM_SES};

    (void)strcpy(record.section, title);
    return record;
}

static const char *chosen(size_t count, const struct mail_from *record, const char *wanted,
                          struct failure *why)
{
    struct settings settings = settings_of(count);
    const struct settings_ses *section = NULL;

    return section_choose(&section, &settings, record, wanted, why) ? section->title : NULL;
}

static void the_record_comes_first_then_the_wish_then_the_only_one(void **state)
{
    struct mail_from of_us = record_of("us"), of_none = record_of("gone");
    struct failure why;

    (void)state;
    assert_string_equal(chosen(3, &of_us, NULL, &why), "us");
    assert_string_equal(chosen(3, &of_us, "us", &why), "us");
    assert_string_equal(chosen(3, &of_none, "eu", &why), "eu");
    assert_string_equal(chosen(3, NULL, "", &why), "");
    assert_string_equal(chosen(1, NULL, NULL, &why), "eu");
    assert_string_equal(chosen(1, &of_none, NULL, &why), "eu");
}

static void a_record_of_another_source_names_no_section(void **state)
{
    struct mail_from record = record_of("");
    struct failure why;

    (void)state;
    assert_string_equal(chosen(3, &record, NULL, &why), "");
    record.source = MAIL_FROM_FILE;
    assert_null(chosen(3, &record, NULL, &why));
}

static void a_failure_lists_the_sections(void **state)
{
    struct mail_from of_us = record_of("us");
    struct failure why;

    (void)state;
    assert_null(chosen(3, NULL, NULL, &why));
    assert_int_equal(why.exit_code, EX_CONFIG);
    assert_non_null(strstr(why.text, ": ses \"eu\", ses \"us\", ses"));
    assert_null(chosen(3, NULL, "asia", &why));
    assert_non_null(strstr(why.text, "no section asia; there are ses \"eu\", ses \"us\", ses"));
    assert_null(chosen(0, NULL, NULL, &why));
    assert_non_null(strstr(why.text, "the settings have no section `ses'"));
    assert_null(chosen(3, &of_us, "eu", &why));
    assert_int_equal(why.exit_code, EX_USAGE);
    assert_non_null(strstr(why.text, "ses \"us\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_record_comes_first_then_the_wish_then_the_only_one),
        cmocka_unit_test(a_record_of_another_source_names_no_section),
        cmocka_unit_test(a_failure_lists_the_sections),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
