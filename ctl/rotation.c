/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/rotation.h"

#include <string.h>
#include <strings.h>
#include <sysexits.h>

#include "common/moment.h"

int64_t rotation_free_from(const struct return_secrets *secrets, size_t index, int lifetime)
{
    /* One day is that of the last signature, another one is for clocks and a late reload. */
    int64_t needed = lifetime + 2;
    int64_t stopped = index == 0 ? 0 : secrets->items[index - 1].created;
    int64_t own = secrets->items[index].created;

    if (stopped == 0)
        return 0;
    /* One that is younger than what is in front of it has not signed yet, and is going to. */
    return (own > stopped ? own : stopped) + needed;
}

int rotation_find(const struct return_secrets *secrets, const char *id)
{
    for (size_t i = 0; i < secrets->count; i++) {
        if (strcasecmp(secrets->items[i].id, id) == 0)
            return (int)i;
    }
    return -1;
}

static bool is_needed(const struct return_secrets *secrets, size_t index, int lifetime,
                      int64_t today)
{
    int64_t free_from = rotation_free_from(secrets, index, lifetime);

    return free_from == 0 || today < free_from;
}

static bool copy(struct return_secrets *rotated, const struct return_secret *secret,
                 struct failure *why)
{
    return return_secrets_add(rotated, secret->text, secret->created, why);
}

/* None of them may be dropped today. */
static bool refuse(const struct return_secrets *secrets, int lifetime, struct failure *why)
{
    char day[MOMENT_DAY_SIZE];
    int64_t first = 0;

    for (size_t i = 1; i < secrets->count; i++) {
        int64_t free_from = rotation_free_from(secrets, i, lifetime);
        if (free_from != 0 && (first == 0 || free_from < first))
            first = free_from;
    }
    if (!moment_format_day(first, day))
        return failure_set(why, EX_CONFIG,
                           "there are %d keys, the most there may be, and no date tells which one "
                           "is not needed any more; delete the line of one that stopped signing "
                           "more than %d days ago",
                           RETURN_SECRETS_MAX, lifetime + 1);
    return failure_set(why, EX_TEMPFAIL,
                       "there are %d keys, the most there may be, and bounces may still come for "
                       "each; a new key can be created from %s on",
                       RETURN_SECRETS_MAX, day);
}

bool rotation_add(struct return_secrets *rotated, const struct return_secrets *secrets,
                  const char *text, bool verify_only, int lifetime, int64_t today,
                  struct failure *why)
{
    size_t place = verify_only ? 1 : 0;
    bool needed[RETURN_SECRETS_MAX] = {false};
    size_t count = 0;
    bool good = true;

    for (size_t i = 0; i < secrets->count; i++) {
        needed[i] = is_needed(secrets, i, lifetime, today);
        count += needed[i];
    }
    if (count == RETURN_SECRETS_MAX)
        return refuse(secrets, lifetime, why);
    for (size_t i = 0; good && i <= secrets->count; i++) {
        if (i == place)
            good = return_secrets_add(rotated, text, today, why);
        if (good && i < secrets->count && needed[i])
            good = copy(rotated, &secrets->items[i], why);
    }
    return good;
}

bool rotation_promote(struct return_secrets *rotated, const struct return_secrets *secrets,
                      const char *id, int64_t today, struct failure *why)
{
    int found = rotation_find(secrets, id);
    bool good;

    if (found < 0)
        return failure_set(why, EX_UNAVAILABLE,
                           "there is no key %s; `mailfromctl return-path key list` shows them", id);
    good = return_secrets_add(rotated, secrets->items[found].text, today, why);
    for (size_t i = 0; good && i < secrets->count; i++) {
        if (i != (size_t)found)
            good = copy(rotated, &secrets->items[i], why);
    }
    return good;
}
