/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "milter/arrival.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void tells_submissions(void **state)
{
    (void)state;
    static const struct {
        const char *behaviour;
        const char *client;
        const char *client_port;
        const char *daemon_port;
        bool submission;
    } rows[] = {
        {"sendmail(1) of Postfix", "127.0.0.1", "0", "0", true},
        {"sendmail(1) of an old Postfix, which does not name listeners", "127.0.0.1", "0", NULL,
         true},
        {"SMTP from this machine", "127.0.0.1", "50000", "25", false},
        {"a known client whose port is unknown", "192.0.2.7", "0", "25", false},
        {"the same, of an MTA that does not name listeners", "192.0.2.7", "0", NULL, false},
        {"a known client of QMQP", "192.0.2.7", "0", "0", false},
        {"an unknown client, as Postfix names it", "unknown", "0", "25", false},
        {"an unknown client and an unknown listener", "unknown", "0", "unknown", false},
        {"a client that claims to be this machine", "127.0.0.1", "0", "25", false},
        {"this machine, at a listener that is not named", "127.0.0.1", "50000", NULL, false},
        {"an MTA that says nothing", NULL, NULL, NULL, false},
        {"an MTA that says the port alone", NULL, "0", NULL, false},
        {"an MTA that says the address alone", "127.0.0.1", NULL, NULL, false},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (arrival_is_submission(rows[i].client, rows[i].client_port, rows[i].daemon_port) !=
            rows[i].submission)
            fail_msg("%s", rows[i].behaviour);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(tells_submissions)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
