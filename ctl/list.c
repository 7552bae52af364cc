/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/list.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "common/moment.h"
#include "common/word.h"
#include "ctl/attributes_out.h"
#include "ctl/terminal.h"

enum {
    COLUMN_IDENTITY,
    COLUMN_DOMAIN,
    COLUMN_STATUS,
    COLUMN_BEHAVIOR,
    COLUMN_SOURCE,
    COLUMN_SINCE,
    COLUMN_CHECKED,
    COLUMN_NOTE,
    COLUMN_COUNT
};
static const char *const titles[COLUMN_COUNT] = {
    "IDENTITY", "MAIL FROM DOMAIN", "STATUS", "BEHAVIOR", "SOURCE", "SINCE", "CHECKED", "NOTE"};

enum {
    FOUND_SHOWN_MAX = 60, /* octets; export has all of it */
    WIDTH_MAX = 48,       /* a longer name breaks the line of its own row, not the whole table */
    GAP = 2,
    FOLD_INDENT = 4
};

/* One row; a million rows share it. */
struct row {
    char cells[COLUMN_COUNT][TERMINAL_TEXT_SIZE];
};

struct table {
    const struct list *list;
    struct row row;
    size_t widths[COLUMN_COUNT];
    bool is_folded;
    uint64_t count;
    uint64_t without_domain;
    uint64_t by_status[MAIL_FROM_STATUS_COUNT];
    int64_t now;
};

static void fill_cell(struct row *row, int column, const char *text)
{
    (void)terminal_text(text, row->cells[column]);
}

/* As the store has it, or with U-labels. */
static bool matches(const char *pattern, const char *key)
{
    static const int flags = FNM_CASEFOLD | FNM_NOESCAPE;
    char shown[IDENTITY_SHOWN_SIZE];

    return fnmatch(pattern, key, flags) == 0 ||
           (identity_with_u_labels(key, shown) && fnmatch(pattern, shown, flags) == 0);
}

bool list_has(const struct list *list, const char *key, const struct mail_from *record)
{
    size_t status = record->domain[0] == '\0' ? MAIL_FROM_STATUS_COUNT : record->status;

    return (list->only == NULL || record->source == *list->only) &&
           (list->status == NULL || status == *list->status) &&
           (list->match == NULL || matches(list->match, key));
}

/* What was found last is of interest where it is not what was expected. */
static bool has_finding(const struct mail_from *record)
{
    return record->source == MAIL_FROM_LOCAL && record->domain[0] != '\0' &&
           record->found[0] != '\0' &&
           (record->status != MAIL_FROM_SUCCESS || record->unclear_since != 0);
}

/* What needs attention first; "" for nothing. */
static const char *find_trouble(const struct mail_from *record, int64_t now)
{
    if (!record->verified)
        return "unverified";
    if (record->expire_after != 0 && now > record->expire_after)
        return "expired";
    if (has_finding(record))
        return record->found;
    return record->last_error[0] == '\0' ? "" : "refresh-failed";
}

/* Feedback forwarding is off because somebody wanted it so: that stands beside any trouble. */
static void fill_note(struct row *row, const struct mail_from *record, int64_t now)
{
    static const char off[] = "feedback-off";
    const char *trouble = find_trouble(record, now);
    bool is_cut = strlen(trouble) > FOUND_SHOWN_MAX;
    bool is_off = record->feedback_off && record->source != MAIL_FROM_SES; /* SES has its own */
    char note[FOUND_SHOWN_MAX + sizeof "...; " + sizeof off];

    (void)snprintf(note, sizeof note, "%.*s%s%s%s", FOUND_SHOWN_MAX, trouble, is_cut ? "..." : "",
                   trouble[0] != '\0' && is_off ? "; " : "", is_off ? off : "");
    fill_cell(row, COLUMN_NOTE, note);
}

static void fill_row(struct table *table, const char *key, const struct mail_from *record)
{
    bool has_domain = record->domain[0] != '\0';
    struct row *row = &table->row;

    (void)terminal_name(key, row->cells[COLUMN_IDENTITY]);
    (void)terminal_name(has_domain ? record->domain : "-", row->cells[COLUMN_DOMAIN]);
    fill_cell(row, COLUMN_STATUS, has_domain ? mail_from_status_words[record->status] : "-");
    fill_cell(row, COLUMN_BEHAVIOR, mail_from_behavior_words[record->behavior]);
    fill_cell(row, COLUMN_SOURCE, mail_from_source_words[record->source]);
    moment_age(has_domain ? record->status_since : 0, table->now, row->cells[COLUMN_SINCE]);
    moment_age(record->source == MAIL_FROM_LOCAL ? record->found_at : record->checked, table->now,
               row->cells[COLUMN_CHECKED]);
    fill_note(row, record, table->now);
}

static bool measure_row(void *context, const char *key, const struct mail_from *record)
{
    struct table *table = context;

    if (!list_has(table->list, key, record))
        return true;
    fill_row(table, key, record);
    for (int column = 0; column < COLUMN_COUNT; column++) {
        size_t width = terminal_width(table->row.cells[column]);
        if (width > table->widths[column] && width <= WIDTH_MAX)
            table->widths[column] = width;
    }
    return true;
}

static void print_cell(const struct table *table, int column, bool is_last)
{
    const char *text = table->row.cells[column];
    size_t width = terminal_width(text);

    (void)fputs(text, stdout);
    if (is_last)
        (void)putchar('\n');
    else
        (void)printf("%*s",
                     (int)(width < table->widths[column] ? table->widths[column] - width : 0) + GAP,
                     "");
}

static void print_cells(const struct table *table, const int *columns, size_t count)
{
    for (size_t i = 0; i < count; i++)
        print_cell(table, columns[i], i + 1 == count);
}

/* An identity that is too long has its first line for itself. */
static void print_folded(const struct table *table)
{
    static const int first[] = {COLUMN_IDENTITY, COLUMN_STATUS, COLUMN_SOURCE, COLUMN_SINCE,
                                COLUMN_CHECKED};
    static const int second[] = {COLUMN_DOMAIN, COLUMN_BEHAVIOR};
    const struct row *row = &table->row;
    bool is_long = terminal_width(row->cells[COLUMN_IDENTITY]) > table->widths[COLUMN_IDENTITY];

    if (is_long)
        (void)printf("%s\n%*s", row->cells[COLUMN_IDENTITY],
                     (int)table->widths[COLUMN_IDENTITY] + GAP, "");
    print_cells(table, first + is_long, sizeof first / sizeof *first - is_long);
    (void)printf("%*s", FOLD_INDENT, "");
    print_cells(table, second, sizeof second / sizeof *second);
    if (row->cells[COLUMN_NOTE][0] != '\0')
        (void)printf("%*s%s\n", FOLD_INDENT, "", row->cells[COLUMN_NOTE]);
}

static void print_row(const struct table *table)
{
    static const int columns[COLUMN_COUNT] = {COLUMN_IDENTITY, COLUMN_DOMAIN, COLUMN_STATUS,
                                              COLUMN_BEHAVIOR, COLUMN_SOURCE, COLUMN_SINCE,
                                              COLUMN_CHECKED,  COLUMN_NOTE};

    if (table->is_folded)
        print_folded(table);
    else
        print_cells(table, columns,
                    table->row.cells[COLUMN_NOTE][0] == '\0' ? COLUMN_NOTE : COLUMN_COUNT);
}

/* A row that does not fit into a line of the terminal takes two, or three with a note. */
static void fold(struct table *table)
{
    size_t *widths = table->widths;
    size_t whole = widths[COLUMN_NOTE];
    size_t rest = 0;

    for (int column = 0; column < COLUMN_NOTE; column++)
        whole += widths[column] + (column > 0 || widths[COLUMN_NOTE] > 0 ? GAP : 0);
    table->is_folded = table->list->columns != 0 && whole > table->list->columns;
    if (!table->is_folded)
        return;
    rest = widths[COLUMN_STATUS] + widths[COLUMN_SOURCE] + widths[COLUMN_SINCE] +
           widths[COLUMN_CHECKED] + (size_t)4 * GAP;
    if (widths[COLUMN_IDENTITY] + rest > table->list->columns)
        widths[COLUMN_IDENTITY] = table->list->columns > rest + strlen(titles[COLUMN_IDENTITY])
                                      ? table->list->columns - rest
                                      : strlen(titles[COLUMN_IDENTITY]);
}

static bool show_row(void *context, const char *key, const struct mail_from *record)
{
    struct table *table = context;

    if (!list_has(table->list, key, record))
        return true;
    fill_row(table, key, record);
    print_row(table);
    table->count++;
    if (record->domain[0] == '\0')
        table->without_domain++;
    else
        table->by_status[record->status]++;
    return ferror(stdout) == 0;
}

static void show_titles(struct table *table)
{
    bool has_notes = table->widths[COLUMN_NOTE] > 0;

    for (int column = 0; column < COLUMN_COUNT; column++) {
        size_t width = strlen(titles[column]);
        fill_cell(&table->row, column, "");
        if (column != COLUMN_NOTE || has_notes)
            memcpy(table->row.cells[column], titles[column], width + 1);
        if (table->widths[column] < width && (column != COLUMN_NOTE || has_notes))
            table->widths[column] = width;
    }
    fold(table);
    print_row(table);
}

static void show_total(const struct table *table)
{
    const char *between = ": ";

    (void)printf("%" PRIu64 " %s", table->count, table->count == 1 ? "identity" : "identities");
    for (int status = 0; status < MAIL_FROM_STATUS_COUNT; status++) {
        if (table->by_status[status] == 0)
            continue;
        (void)printf("%s%" PRIu64 " %s", between, table->by_status[status],
                     mail_from_status_words[status]);
        between = ", ";
    }
    if (table->without_domain > 0)
        (void)printf("%s%" PRIu64 " without a MAIL FROM domain", between, table->without_domain);
    (void)putchar('\n');
}

/* Two walks, one for the widths and one for the rows: the store may be too large to keep. */
static bool show_table(const struct list *list, struct store *store, struct failure *why)
{
    struct table table = {.list = list, .now = (int64_t)time(NULL)};

    if (!store_each_slowly(store, measure_row, &table, why))
        return false;
    show_titles(&table);
    if (!store_each_slowly(store, show_row, &table, why))
        return false;
    show_total(&table);
    return true;
}

struct array {
    const struct list *list;
    uint64_t count;
};

static bool show_object(void *context, const char *key, const struct mail_from *record)
{
    struct array *array = context;

    if (list_has(array->list, key, record))
        attributes_out_list_entry(stdout, key, record, array->count++);
    return ferror(stdout) == 0;
}

static bool show_array(const struct list *list, struct store *store, struct failure *why)
{
    struct array array = {.list = list};

    attributes_out_list_begin(stdout);
    if (!store_each_slowly(store, show_object, &array, why))
        return false;
    attributes_out_list_end(stdout, array.count);
    return true;
}

bool list_print(const struct list *list, struct invocation *invocation, struct failure *why)
{
    struct store *store = NULL;
    bool good;

    if (!invocation_store(invocation, STORE_READ, &store, why))
        return false;
    good = list->json ? show_array(list, store, why) : show_table(list, store, why);
    store_close(store);
    return good;
}

static bool read_source(enum mail_from_source *source, const char *word,
                        struct invocation *invocation, struct failure *why)
{
    char choice[64];
    int found = word_find(mail_from_source_words, MAIL_FROM_SOURCE_COUNT, word);

    if (found < 0) {
        word_choice(mail_from_source_words, MAIL_FROM_SOURCE_COUNT, choice, sizeof choice);
        return invocation_misused(invocation, why, "--source is %s, not %.80s", choice, word);
    }
    *source = (enum mail_from_source)found;
    return true;
}

/* The words of SES, however they are written; none: without a MAIL FROM domain. */
static bool read_status(size_t *status, const char *word, struct invocation *invocation,
                        struct failure *why)
{
    char choice[64];

    for (*status = 0; *status < MAIL_FROM_STATUS_COUNT; (*status)++) {
        if (strcasecmp(mail_from_status_words[*status], word) == 0)
            return true;
    }
    if (strcasecmp(word, "none") == 0)
        return true;
    word_choice(mail_from_status_words, MAIL_FROM_STATUS_COUNT, choice, sizeof choice);
    return invocation_misused(invocation, why, "--status is %s, or none, not %.80s", choice, word);
}

bool list_run(struct invocation *invocation, struct failure *why)
{
    static const struct option options[] = {
        {"json", no_argument, NULL, 'j'},         {"mail-from-domains", no_argument, NULL, 'm'},
        {"match", required_argument, NULL, 'g'},  {"source", required_argument, NULL, 's'},
        {"status", required_argument, NULL, 't'}, {0}};
    enum mail_from_source source;
    size_t status;
    struct list list = {0};
    bool domains = false;
    int option;

    while ((option = invocation_option(invocation, options, why)) != -1) {
        if (option == '?' || (option == 's' && !read_source(&source, optarg, invocation, why)) ||
            (option == 't' && !read_status(&status, optarg, invocation, why)))
            return false;
        if (option == 's')
            list.only = &source;
        if (option == 't')
            list.status = &status;
        if (option == 'g')
            list.match = optarg;
        list.json = list.json || option == 'j';
        domains = domains || option == 'm';
    }
    if (optind < invocation->argc)
        return invocation_misused(invocation, why, "%s is too much; for one identity there is get",
                                  invocation->argv[optind]);
    if (domains && (list.json || list.only != NULL || list.status != NULL || list.match != NULL))
        return invocation_misused(invocation, why, "--mail-from-domains stands alone");
    list.columns = terminal_columns();
    return domains ? list_domains_print(invocation, why) : list_print(&list, invocation, why);
}
