/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * What the commands that deal with return paths look at: the settings, the secrets, and the store.
 */
#ifndef CTL_RETURN_VIEW_H
#define CTL_RETURN_VIEW_H

#include "common/return_address.h"
#include "ctl/command.h"

/* The setting secrets-file into *file. Fails with EX_CONFIG if there is none. */
bool return_view_file(const char **file, struct invocation *invocation, struct failure *why);

/* Reads the secrets. Whoever may not is told to be root. Free with return_secrets_free. */
bool return_view_secrets(struct return_secrets **secrets, struct invocation *invocation,
                         struct failure *why);

/* All of it, as of now, or of a day (days since the epoch; 0 for now). That the store cannot be
 * read is no failure here. Close after success and failure. */
struct return_view {
    struct return_secrets *secrets;
    struct lookup *lookup;
    struct return_scene scene;
};

bool return_view_open(struct return_view *view, int64_t day, struct invocation *invocation,
                      struct failure *why);
void return_view_close(struct return_view *view);

/* "today", "tomorrow", "3d ago". */
enum { RETURN_VIEW_AGE_SIZE = 32 };
void return_view_age(int64_t day, int64_t today, char out[RETURN_VIEW_AGE_SIZE]);

#endif
