/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "milter/stats.h"
#include "common/log.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct top live;

void stats_add(const char *identity, struct decision decision)
{
    (void)pthread_mutex_lock(&lock);
    top_add(&live, identity, decision);
    (void)pthread_mutex_unlock(&lock);
}

static void write_decision(FILE *out, struct decision decision)
{
    (void)fprintf(out, "\"Verdict\":\"%s\",\"Reason\":\"%s\"", verdict_words[decision.verdict],
                  reason_words[decision.reason]);
}

static void write_reasons(FILE *out, const struct counters *counters)
{
    const char *separator = "";

    for (size_t reason = 0; reason < REASON_COUNT; reason++) {
        for (size_t verdict = 0; verdict < VERDICT_COUNT; verdict++) {
            struct decision decision = {(enum verdict)verdict, (enum reason)reason};
            uint64_t enforced = counters->messages[MODE_ENFORCE][reason][verdict];
            uint64_t monitored = counters->messages[MODE_MONITOR][reason][verdict];
            if (enforced + monitored == 0)
                continue;
            (void)fprintf(out, "%s\n{", separator);
            write_decision(out, decision);
            (void)fprintf(out, ",\"Messages\":%" PRIu64 ",\"Monitored\":%" PRIu64 "}",
                          enforced + monitored, monitored);
            separator = ",";
        }
    }
}

static void write_identities(FILE *out, const struct top *top)
{
    for (size_t i = 0; i < top->count; i++) {
        const struct top_entry *entry = &top->entries[i];
        char identity[5 * IDENTITY_SIZE + 16];
        (void)log_json_string(identity, identity + sizeof identity, entry->identity, IDENTITY_SIZE);
        (void)fprintf(out, "%s\n{\"Identity\":%s,", i == 0 ? "" : ",",
                      entry->identity[0] == '\0' ? "null" : identity);
        write_decision(out, entry->decision);
        (void)fprintf(out, ",\"Messages\":%" PRIu64 ",\"Excess\":%" PRIu64 "}", entry->count,
                      entry->excess);
    }
}

bool stats_write(FILE *out, const struct counters *counters, int64_t started)
{
    struct top *top = malloc(sizeof *top);

    if (top == NULL)
        return false;
    (void)pthread_mutex_lock(&lock);
    *top = live;
    (void)pthread_mutex_unlock(&lock);
    top_sort(top);
    (void)fprintf(out, "{\"Started\":%" PRId64 ",\"DecisionNanoseconds\":%" PRIu64 ",\"Reasons\":[",
                  started, counters->nanoseconds);
    write_reasons(out, counters);
    (void)fputs("],\n\"Identities\":[", out);
    write_identities(out, top);
    (void)fputs("]}\n", out);
    free(top);
    return true;
}
