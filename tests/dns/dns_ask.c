/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Drives dns/resolver and dns/mx for the tests:
 *
 *     dns_ask [-s SERVER].. [-t MILLISECONDS] [-e EXPECTED].. [-m MATCH] TYPE/NAME..
 *     dns_ask [-s SERVER].. [-t MILLISECONDS] [-r RATE] -n COUNT [-o OPEN] TYPE/NAME
 *
 * The first asks all at once, and prints a line for each answer. The second asks COUNT names below
 * NAME, OPEN of them at a time, with RATE queries a second, and prints how many answers of each
 * kind came.
 */
#include "dns/mx.h"
#include "dns/resolver.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

enum { LIST_MAX = 64, FLOOD_MAX = 1000000, NAME_SIZE = 512 };

static const struct {
    const char *word;
    enum dns_type type;
} types[] = {{"a", DNS_A}, {"ptr", DNS_PTR}, {"mx", DNS_MX}, {"txt", DNS_TXT}, {"aaaa", DNS_AAAA}};
static const char *const matches[] = {"exactly-one", "only-these", "any-of-these"};
static const char *const findings[] = {"found", "gone", "unclear"};

static const char *servers[LIST_MAX];
static char *expected_items[LIST_MAX];
static struct settings_list expected = {.items = expected_items};
static enum settings_mx_match match;
static struct dns_settings settings = {.servers = servers, .timeout = 5000};
static struct dns_resolver *resolver;

/* Splits "mx/example.com". */
static const char *read_question(const char *text, enum dns_type *type)
{
    const char *slash = strchr(text, '/');

    for (size_t i = 0; i < sizeof types / sizeof types[0] && slash != NULL; i++) {
        if (strncmp(types[i].word, text, (size_t)(slash - text)) == 0 &&
            strlen(types[i].word) == (size_t)(slash - text)) {
            *type = types[i].type;
            return slash + 1;
        }
    }
    errx(EX_USAGE, "%s: not TYPE/NAME", text);
}

static void print_answer(const char *question, const struct dns_answer *answer)
{
    char text[MX_TEXT_SIZE];
    enum mx_finding finding = mx_judge(answer, &expected, match, text);

    printf("%s result=%s servers=%s truncated=%d", question, dns_result_words[answer->result],
           answer->servers, answer->truncated);
    for (size_t i = 0; i < answer->count; i++)
        printf(" [%u %s]", answer->records[i].preference, answer->records[i].text);
    if (strncmp(question, "mx/", 3) == 0)
        printf(" %s: %s", findings[finding], text);
    printf("\n");
    (void)fflush(stdout);
}

static void answered(void *context, const struct dns_answer *answer)
{
    print_answer(context, answer);
}

static void ask_all(char *questions[], int count)
{
    for (int i = 0; i < count; i++) {
        enum dns_type type;
        const char *name = read_question(questions[i], &type);
        if (count == 1)
            print_answer(questions[i], dns_lookup(resolver, name, type));
        else if (!dns_ask(resolver, name, type, answered, questions[i]))
            errx(EX_OSERR, "out of memory");
    }
    while (dns_open_questions(resolver) > 0)
        dns_run(resolver, 1000);
}

static unsigned char times[FLOOD_MAX]; /* a question was answered */
static size_t results[DNS_RESULT_COUNT];

static void count_answer(void *context, const struct dns_answer *answer)
{
    unsigned char *time = context;

    ++*time;
    results[answer->result]++;
}

static double read_clock(clockid_t which)
{
    struct timespec now;

    (void)clock_gettime(which, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void flood(const char *question, size_t count, size_t open)
{
    double begin = read_clock(CLOCK_MONOTONIC);
    enum dns_type type;
    const char *name = read_question(question, &type);
    char full[NAME_SIZE];

    for (size_t i = 0; i < count || dns_open_questions(resolver) > 0;) {
        for (; i < count && dns_open_questions(resolver) < open && dns_wait(resolver) == 0; i++) {
            (void)snprintf(full, sizeof full, "q%zu.%s", i, name);
            if (!dns_ask(resolver, full, type, count_answer, &times[i]))
                errx(EX_OSERR, "out of memory");
        }
        dns_run(resolver, settings.queries_per_second > 0 ? 1 : 1000);
    }
    for (size_t i = 0; i < count; i++) {
        if (times[i] != 1)
            errx(EX_SOFTWARE, "question %zu was answered %u times", i, times[i]);
    }
    for (int i = 0; i < DNS_RESULT_COUNT; i++)
        printf("%s=%zu ", i == DNS_NO_DATA ? "nothing" : dns_result_words[i], results[i]);
    begin = read_clock(CLOCK_MONOTONIC) - begin;
    printf("seconds=%.2f cpu=%.2f per-second=%.0f\n", begin, read_clock(CLOCK_PROCESS_CPUTIME_ID),
           (double)count / begin);
}

static void set_match(const char *word)
{
    for (int i = 0; i < 3; i++) {
        if (strcmp(matches[i], word) == 0)
            match = (enum settings_mx_match)i;
    }
}

int main(int argc, char *argv[])
{
    size_t count = 0, open = 1000;
    struct failure why;
    int option;

    while ((option = getopt(argc, argv, "s:t:e:m:n:o:r:")) != -1) {
        if (option == 's' && settings.server_count < LIST_MAX)
            servers[settings.server_count++] = optarg;
        else if (option == 't')
            settings.timeout = strtol(optarg, NULL, 10);
        else if (option == 'e' && expected.count < LIST_MAX)
            expected_items[expected.count++] = optarg;
        else if (option == 'm')
            set_match(optarg);
        else if (option == 'n')
            count = strtoul(optarg, NULL, 10);
        else if (option == 'r')
            settings.queries_per_second = strtod(optarg, NULL);
        else if (option == 'o')
            open = strtoul(optarg, NULL, 10);
        else
            return EX_USAGE;
    }
    if (optind == argc || count > FLOOD_MAX)
        return EX_USAGE;
    if (!dns_open(&resolver, &settings, &why))
        errx(why.exit_code, "%s", why.text);
    if (count > 0)
        flood(argv[optind], count, open);
    else
        ask_all(argv + optind, argc - optind);
    dns_close(resolver);
    return 0;
}
