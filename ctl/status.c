/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/command.h"

#include "common/moment.h"
#include "ctl/source_out.h"

enum { STATUS_UNWELL = 1 /* not one of sysexits.h: the command itself worked */ };

static void show_text(const struct sources *sources, int64_t now)
{
    if (sources->count == 0)
        (void)puts(
            "neither a section `ses' nor expected-mx in the settings, and nothing in the store");
    for (size_t i = 0; i < sources->count; i++) {
        if (i > 0)
            (void)putchar('\n');
        source_out_text(stdout, &sources->list[i], now);
    }
}

static void show_json(const struct sources *sources, bool well)
{
    (void)printf("{\"Well\": %s, \"Sources\": [", well ? "true" : "false");
    for (size_t i = 0; i < sources->count; i++) {
        (void)fputs(i == 0 ? "\n" : ",\n", stdout);
        source_out_json(stdout, &sources->list[i]);
    }
    (void)puts(sources->count == 0 ? "]}" : "\n]}");
}

static bool show(const struct settings *settings, struct store *store, bool json,
                 struct failure *why)
{
    struct sources sources = {0};
    int64_t now = moment_milliseconds();
    bool good = sources_read(&sources, settings, store, now, why);
    bool well = true;

    for (size_t i = 0; i < sources.count; i++)
        well = well && source_is_well(&sources.list[i]);
    if (good && json)
        show_json(&sources, well);
    else if (good)
        show_text(&sources, now);
    sources_reset(&sources);
    return good && (well || failure_set(why, STATUS_UNWELL, "%s", ""));
}

bool status_run(struct invocation *invocation, struct failure *why)
{
    struct store *store = NULL;
    bool json;
    bool good;

    if (!invocation_json(invocation, "it is about all sources", &json, why) ||
        !invocation_store(invocation, STORE_READ, &store, why))
        return false;
    good = show(invocation->settings, store, json, why);
    store_close(store);
    return good;
}
