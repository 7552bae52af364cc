/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/return_view.h"

#include <inttypes.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

enum { SECONDS_A_DAY = 24 * 60 * 60 };

bool return_view_file(const char **file, struct invocation *invocation, struct failure *why)
{
    if (!invocation_settings(invocation, why))
        return false;
    *file = invocation->settings->return_path.secrets_file;
    return (*file)[0] != '\0' ||
           failure_set(why, EX_CONFIG,
                       "%s: there are no return paths without the setting secrets-file in section "
                       "return-path; set it, for instance to \"/etc/mailfrom-milter.secrets\"",
                       invocation->settings_file);
}

bool return_view_secrets(struct return_secrets **secrets, struct invocation *invocation,
                         struct failure *why)
{
    const char *file;
    const char *hint = "";
    struct failure cause;

    *secrets = NULL;
    if (!return_view_file(&file, invocation, why))
        return false;
    if (return_secrets_read(secrets, file, &cause))
        return true;
    if (cause.exit_code == EX_NOINPUT)
        hint = "; `mailfromctl return-path key new' creates it";
    else if (cause.exit_code == EX_NOPERM && geteuid() != 0)
        hint = "; run this as root";
    return failure_set(why, cause.exit_code, "%s%s", cause.text, hint);
}

bool return_view_open(struct return_view *view, int64_t day, struct invocation *invocation,
                      struct failure *why)
{
    *view = (struct return_view){.secrets = NULL};
    if (!return_view_secrets(&view->secrets, invocation, why))
        return false;
    view->lookup = lookup_open(invocation->settings->store);
    view->scene = (struct return_scene){invocation->settings, view->secrets, view->lookup,
                                        day == 0 ? (int64_t)time(NULL) : day * SECONDS_A_DAY};
    return view->lookup != NULL || failure_set(why, EX_OSERR, "out of memory");
}

void return_view_close(struct return_view *view)
{
    lookup_close(view->lookup);
    return_secrets_free(view->secrets);
}

void return_view_age(int64_t day, int64_t today, char out[RETURN_VIEW_AGE_SIZE])
{
    if (day == today)
        (void)snprintf(out, RETURN_VIEW_AGE_SIZE, "today");
    else if (day == today + 1)
        (void)snprintf(out, RETURN_VIEW_AGE_SIZE, "tomorrow");
    else
        (void)snprintf(out, RETURN_VIEW_AGE_SIZE, "%" PRId64 "d ago", today - day);
}
