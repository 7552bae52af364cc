/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/store_care.h"

#include "common/process.h"
#include "common/store_turn.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

void store_care_size(uint64_t octets, char *out, size_t size)
{
    static const char *const units[] = {"kB", "MB", "GB", "TB"};
    double amount = (double)octets / 1000;
    size_t unit = 0;

    for (; amount >= 999.5 && unit + 1 < sizeof units / sizeof *units; unit++)
        amount /= 1000;
    (void)snprintf(out, size, amount < 9.95 ? "%.1f %s" : "%.0f %s", amount, units[unit]);
}

static void __attribute__((format(printf, 3, 4)))
add(struct store_care *care, const char *advice, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(care->concerns[care->count].found, STORE_CARE_TEXT_SIZE, format, arguments);
    va_end(arguments);
    (void)snprintf(care->concerns[care->count].advice, STORE_CARE_TEXT_SIZE, "%s", advice);
    care->count++;
}

static void look_at_writer(struct store_care *care, const char *directory)
{
    char process[PROCESS_NAME_SIZE];
    char advice[STORE_CARE_TEXT_SIZE];

    care->writer = store_turn_find_stuck(directory);
    if (care->writer == 0)
        return;
    (void)process_describe(care->writer, process);
    if (process_is_stopped(care->writer)) {
        care->is_urgent = true;
        (void)snprintf(advice, sizeof advice, "let it go on, with `kill -CONT %ld', or end it",
                       (long)care->writer);
        add(care, advice, "process %s is writing and does not go on, so nobody else can", process);
    } else {
        add(care, "wait for it, or end it", "process %s is writing all the time", process);
    }
}

static void look_at_readers(struct store_care *care)
{
    char process[PROCESS_NAME_SIZE];
    char advice[STORE_CARE_TEXT_SIZE];

    if (!store_usage_has_old_reader(&care->usage))
        return;
    care->is_urgent = true;
    (void)snprintf(advice, sizeof advice, "end process %ld", (long)care->usage.oldest);
    add(care, advice,
        "process %s has been reading for %" PRIu64 " transactions, and the store grows meanwhile",
        process_describe(care->usage.oldest, process), care->usage.behind);
}

static void look_at_growth(struct store_care *care)
{
    char size[16];
    char used[16];

    if (!store_usage_is_grown(&care->usage))
        return;
    store_care_size(care->usage.size, size, sizeof size);
    store_care_size(care->usage.used, used, sizeof used);
    add(care, "mailfromctl compact gives the rest back", "it takes %s and holds %s", size, used);
}

bool store_care_look(struct store_care *care, struct store *store, const char *directory,
                     struct failure *why)
{
    care->count = 0;
    care->is_urgent = false;
    if (!store_usage(store, &care->usage, why))
        return false;
    look_at_writer(care, directory);
    look_at_readers(care);
    look_at_growth(care);
    return true;
}
