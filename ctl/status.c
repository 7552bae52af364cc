/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/command.h"

#include <inttypes.h>

#include "common/moment.h"
#include "common/process.h"
#include "ctl/source_out.h"
#include "ctl/store_care.h"

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

static void show_care(const struct store_care *care)
{
    for (size_t i = 0; i < care->count; i++)
        (void)printf("\nstore: %s; %s\n", care->concerns[i].found, care->concerns[i].advice);
}

static void show_care_json(const struct store_care *care)
{
    const struct store_usage *usage = &care->usage;

    (void)printf(", \"Store\": {\"Size\": %" PRIu64 ", \"Used\": %" PRIu64 ", \"Readers\": %zu",
                 usage->size, usage->used, usage->readers);
    if (usage->oldest != 0)
        (void)printf(", \"OldestReader\": {\"Process\": %ld, \"Transactions\": %" PRIu64 "}",
                     (long)usage->oldest, usage->behind);
    if (care->writer != 0)
        (void)printf(", \"Writer\": {\"Process\": %ld, \"Stopped\": %s}", (long)care->writer,
                     process_is_stopped(care->writer) ? "true" : "false");
    (void)puts("}}");
}

static void show_json(const struct sources *sources, const struct store_care *care, bool well)
{
    (void)printf("{\"Well\": %s, \"Sources\": [", well ? "true" : "false");
    for (size_t i = 0; i < sources->count; i++) {
        (void)fputs(i == 0 ? "\n" : ",\n", stdout);
        source_out_json(stdout, &sources->list[i]);
    }
    (void)printf(sources->count == 0 ? "]" : "\n]");
    show_care_json(care);
}

static bool show(const struct settings *settings, struct store *store, bool json,
                 struct failure *why)
{
    struct sources sources = {0};
    struct store_care care;
    int64_t now = moment_milliseconds();
    bool good = store_care_look(&care, store, settings->store, why) &&
                sources_read(&sources, settings, store, now, why);
    bool well = good && !care.is_urgent;

    for (size_t i = 0; i < sources.count; i++)
        well = well && source_is_well(&sources.list[i]);
    if (good && json)
        show_json(&sources, &care, well);
    if (good && !json) {
        show_text(&sources, now);
        show_care(&care);
    }
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
