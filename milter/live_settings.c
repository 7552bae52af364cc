/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "milter/live_settings.h"

#include <pthread.h>
#include <stdlib.h>

struct live_settings {
    struct settings *settings;
    struct return_secrets *secrets;
    unsigned long users; /* being in force counts as one */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct live_settings *in_force;

bool live_settings_take(struct settings *settings, struct return_secrets *secrets)
{
    struct live_settings *live = malloc(sizeof *live);
    struct live_settings *old;

    if (live == NULL)
        return false;
    *live = (struct live_settings){settings, secrets, 1};
    (void)pthread_mutex_lock(&lock);
    old = in_force;
    in_force = live;
    (void)pthread_mutex_unlock(&lock);
    live_settings_release(old);
    return true;
}

struct live_settings *live_settings_acquire(void)
{
    struct live_settings *live;

    (void)pthread_mutex_lock(&lock);
    live = in_force;
    live->users++;
    (void)pthread_mutex_unlock(&lock);
    return live;
}

const struct settings *live_settings_get(const struct live_settings *live)
{
    return live->settings;
}

const struct return_secrets *live_settings_secrets(const struct live_settings *live)
{
    return live->secrets;
}

void live_settings_release(struct live_settings *live)
{
    bool is_last;

    if (live == NULL)
        return;
    (void)pthread_mutex_lock(&lock);
    is_last = --live->users == 0;
    (void)pthread_mutex_unlock(&lock);
    if (!is_last)
        return;
    settings_free(live->settings);
    return_secrets_free(live->secrets);
    free(live);
}
