/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/log.h"
#include "sync/transition.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

static char out[16384];

static void capture(const struct transition *transition)
{
    FILE *file = tmpfile();
    int saved = dup(STDERR_FILENO);
    struct failure why;
    struct transitions *transitions = transitions_new(&why);

    assert_non_null(file);
    assert_non_null(transitions);
    (void)dup2(fileno(file), STDERR_FILENO);
    transitions_report(transitions, transition, "", 0);
    (void)dup2(saved, STDERR_FILENO);
    (void)close(saved);
    transitions_free(transitions);
    rewind(file);
    out[fread(out, 1, sizeof out - 1, file)] = '\0';
    (void)fclose(file);
}

/* Whoever has the zone of a MAIL FROM domain chooses the name of its MX. */
static void what_was_found_forges_no_field(void **state)
{
    (void)state;
    struct transition transition = {
        .identity = "shop.example",
        .domain = "bounce.shop.example",
        .section = "two words",
        .old_status = "Success",
        .new_status = "TemporaryFailure",
        .reason = "the MX record is gone",
        .found = "MX 10 x\" new-status=Success found=\"<y>.example",
    };

    capture(&transition);
    assert_string_equal(out, "program: transition: identity=shop.example old-status=Success "
                             "new-status=TemporaryFailure mail-from-domain=bounce.shop.example "
                             "section=two\\x20words reason=\"the MX record is gone\" "
                             "found=\"MX 10 x\\x22 new-status\\x3dSuccess "
                             "found\\x3d\\x22\\x3cy\\x3e.example\"\n");
    transition.found[0] = transition.section[0] = '\0';
    capture(&transition);
    assert_string_equal(out, "program: transition: identity=shop.example old-status=Success "
                             "new-status=TemporaryFailure mail-from-domain=bounce.shop.example "
                             "section=- reason=\"the MX record is gone\"\n");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_found_forges_no_field),
    };
    log_open("program", LOG_TO_STDERR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
