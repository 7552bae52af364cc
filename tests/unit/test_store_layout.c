/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * A store whose pages someone has changed: a writer refuses it, and is never harmed by it. Offsets
 * are those of LMDB 0.9 with 64 bits and pages of 4096 octets; elsewhere these tests are skipped.
 */
#include "common/store.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sysexits.h>

#include "tests/unit/fault_handlers.h"
#include "tests/unit/scratch.h"

enum {
    PAGE = 4096,
    RECORDS = 3000,
    FLAGS = 10,
    LOWER = 12,
    UPPER = 14,
    NODES = 16, /* their offsets */
    FREE_ROOT = 80,
    MAIN_ROOT = 128,
    TRANSACTION = 144,
    NODE_KEY_SIZE = 6,
    NODE_KEY = 8
};

static struct scratch scratch;
static unsigned char *good; /* the file as it was written */
static unsigned char *bad;
static size_t size;

/* --- a store with branches, large values and a free list --- */

static bool put_many(struct store *store, void *context, struct failure *why)
{
    const struct mail_from record = {
        .kind = IDENTITY_DOMAIN, .verified = true, .domain = "bounce.x.example"};
    char text[STORE_NOTE_MAX + 1];
    char key[64];

    (void)context;
    memset(text, 'n', STORE_NOTE_MAX);
    text[STORE_NOTE_MAX] = '\0';
    for (int i = 0; i < RECORDS; i++) {
        (void)snprintf(key, sizeof key, "shop%05d.example", i);
        if (!store_put(store, key, &record, why))
            return false;
    }
    return store_note_put(store, "large", text, why);
}

static bool change_some(struct store *store, void *context, struct failure *why)
{
    const struct mail_from record = {.kind = IDENTITY_DOMAIN, .domain = "other.x.example"};
    int first = *(int *)context;
    char key[64];
    bool existed;

    for (int i = first; i < RECORDS; i += 97) {
        (void)snprintf(key, sizeof key, "shop%05d.example", i);
        if (!(i % 2 == 0 ? store_remove(store, key, &existed, why)
                         : store_put(store, key, &record, why)))
            return false;
    }
    return store_note_put(store, "other", "text", why);
}

static int fill(void *context)
{
    struct failure why;
    struct store *store;
    bool worked = store_open(&store, scratch.store, STORE_WRITE, NULL, &why) &&
                  store_update(store, put_many, NULL, &why);

    (void)context;
    for (int i = 1; worked && i < 8; i++)
        worked = store_update(store, change_some, &i, &why);
    store_close(store);
    return worked ? 0 : 1;
}

static void read_file(void)
{
    FILE *file = fopen(scratch.data, "r");
    struct stat status;

    assert_non_null(file);
    assert_int_equal(fstat(fileno(file), &status), 0);
    size = (size_t)status.st_size;
    good = malloc(size);
    bad = malloc(size);
    assert_true(good != NULL && bad != NULL);
    assert_int_equal(fread(good, 1, size, file), size);
    (void)fclose(file);
}

/* Where the latest meta page is. */
static size_t meta(void)
{
    uint64_t first, second;

    memcpy(&first, good + TRANSACTION, 8);
    memcpy(&second, good + PAGE + TRANSACTION, 8);
    return first > second ? 0 : PAGE;
}

static size_t root(size_t offset)
{
    uint64_t page;

    memcpy(&page, good + meta() + offset, 8);
    return page < size / PAGE ? page * PAGE : 0;
}

static uint16_t number_at(size_t offset)
{
    uint16_t number;

    memcpy(&number, good + offset, 2);
    return number;
}

static size_t node(size_t page, size_t index)
{
    return page + number_at(page + NODES + 2 * index);
}

/* The root of the database "identities", and where the root of the databases has it. */
static size_t identities(size_t *entry)
{
    size_t page = root(MAIN_ROOT);
    size_t count = (number_at(page + LOWER) - NODES) / 2U;
    uint64_t number;

    for (size_t i = 0; i < count; i++) {
        *entry = node(page, i) + NODE_KEY + number_at(node(page, i) + NODE_KEY_SIZE);
        memcpy(&number, good + *entry + 40, 8);
        if (memcmp(good + node(page, i) + NODE_KEY, "identities", 10) == 0)
            return number * PAGE;
    }
    fail_msg("no identities");
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    if (sizeof(size_t) != 8 || sysconf(_SC_PAGESIZE) != PAGE)
        return 0;
    scratch_make(&scratch);
    assert_int_equal(scratch_run_child(fill, NULL), 0);
    read_file();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    if (good != NULL)
        scratch_remove(&scratch);
    free(good);
    free(bad);
    return 0;
}

/* --- what a writer makes of it --- */

static void write_bad(void)
{
    FILE *file = fopen(scratch.data, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(bad, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static char told[FAILURE_TEXT_SIZE];

/* Writes as mailfromctl does, several times. */
static int write_some(void *context)
{
    struct failure why = {.text = ""};
    struct store *store;
    bool worked;

    fault_handlers_restore();
    worked = store_open(&store, scratch.store, STORE_UPDATE, NULL, &why);
    for (int i = 10; worked && i < 16; i++)
        worked = store_update(store, change_some, &i, &why);
    store_close(store);
    if (!worked && write(*(int *)context, why.text, strlen(why.text)) < 0)
        return EX_OSERR;
    return worked ? EX_OK : why.exit_code;
}

static int wait_status_of_writer(void)
{
    int ends[2];
    int status;
    ssize_t length;

    write_bad();
    assert_int_equal(pipe(ends), 0);
    status = scratch_run_child(write_some, &ends[1]);
    assert_int_equal(close(ends[1]), 0);
    length = read(ends[0], told, sizeof told - 1);
    told[length > 0 ? length : 0] = '\0';
    assert_int_equal(close(ends[0]), 0);
    return status;
}

static void set_number(size_t offset, uint64_t value, size_t length)
{
    memcpy(bad, good, size);
    memcpy(bad + offset, &value, length);
}

static void expect_refusal(const char *complaint)
{
    int status = wait_status_of_writer();

    if (!WIFEXITED(status))
        fail_msg("%s: signal %d", complaint, WTERMSIG(status));
    if (WEXITSTATUS(status) != EX_DATAERR || strstr(told, complaint) == NULL)
        fail_msg("%s: %d, %s", complaint, WEXITSTATUS(status), told);
}

static void need_layout(void)
{
    if (good == NULL)
        skip();
}

static void what_is_whole_may_be_written(void **state)
{
    (void)state;
    need_layout();
    memcpy(bad, good, size);
    assert_int_equal(wait_status_of_writer(), 0);
}

static void each_rule_of_a_page(void **state)
{
    size_t entry;
    size_t branch;
    size_t list;
    size_t page;

    (void)state;
    need_layout();
    branch = identities(&entry);
    list = root(FREE_ROOT);
    page = branch / PAGE;
    assert_int_equal(number_at(branch + FLAGS), 1);
    assert_int_equal(number_at(list + FLAGS), 2);

    set_number(branch, page + 1, 8);
    expect_refusal("is another page");
    set_number(branch + FLAGS, 2, 2);
    expect_refusal("is of the wrong kind");
    set_number(branch + FLAGS, 0x4001, 2);
    expect_refusal("is of the wrong kind");
    set_number(branch + LOWER, 60000, 2);
    expect_refusal("has the wrong size");
    set_number(branch + LOWER, NODES + 2, 2);
    expect_refusal("has too few nodes");
    set_number(branch + UPPER, 5000, 2);
    expect_refusal("has the wrong size");
    set_number(branch + UPPER, number_at(branch + UPPER) - 2U, 2);
    expect_refusal("has nodes that overlap");
    set_number(branch + NODES + 2, 4094, 2);
    expect_refusal("has nodes in the wrong place");
    set_number(branch + NODES + 2, number_at(branch + NODES), 2);
    expect_refusal("has nodes in the wrong place");
    set_number(node(branch, 1) + NODE_KEY_SIZE, 0xffff, 2);
    expect_refusal("has nodes of the wrong size");
    set_number(node(branch, 1), page, 4);
    expect_refusal("names a page that is used already");
    set_number(node(branch, 1), 0xffffff, 4);
    expect_refusal("names a page that there is not");
    set_number(node(branch, 1), 1, 4);
    expect_refusal("names a page that there is not");
    set_number(entry + 6, 33, 2);
    expect_refusal("has a tree that is too deep");
    set_number(entry + 6, 1, 2);
    expect_refusal("is of the wrong kind");
    set_number(entry + 4, 4, 2); /* MDB_DUPSORT */
    expect_refusal("has a database of another kind");
}

static void each_rule_of_the_free_list(void **state)
{
    size_t entry;
    size_t list;
    size_t value;
    uint64_t first;

    (void)state;
    need_layout();
    list = root(FREE_ROOT);
    value = node(list, 0) + NODE_KEY + 8;
    memcpy(&first, good + value + 8, 8);

    set_number(value, 1 << 20, 8);
    expect_refusal("has an entry of the free list that is too long");
    set_number(value, UINT64_MAX, 8);
    expect_refusal("has an entry of the free list that is too long");
    set_number(value + 8, identities(&entry) / PAGE, 8);
    expect_refusal(first > identities(&entry) / PAGE ? "" : "used already");
    set_number(value + 8, 1 << 30, 8);
    expect_refusal("names a page that there is not");
    set_number(value + 16, first, 8);
    expect_refusal("has a free list out of order");
    set_number(node(list, 0) + NODE_KEY, 1 << 30, 8);
    expect_refusal("has a free list of the future");
}

static void meta_pages_and_the_lock_fit_each_other(void **state)
{
    size_t at = meta();
    uint64_t transaction;

    (void)state;
    need_layout();
    memcpy(&transaction, good + at + TRANSACTION, 8);
    set_number(at + TRANSACTION, transaction + 3, 8); /* in the place of an odd or even one */
    expect_refusal("does not fit the lock file");
    set_number(at + TRANSACTION - 8, 1 << 30, 8); /* the last page */
    expect_refusal("");
}

/* Whatever is changed, but for the meta pages: a writer may refuse it, or write, but is never
 * harmed by it. */
static void no_change_harms_a_writer(void **state)
{
    const char *tries = getenv("STORE_VERIFY_TRIES");
    unsigned seed = 20261127;
    int refused = 0;
    int count = tries == NULL ? 150 : atoi(tries);

    (void)state;
    need_layout();
    for (int i = 0; i < count; i++) {
        int status;
        memcpy(bad, good, size);
        for (int j = 0; j < 4; j++) {
            size_t page = (2 + (size_t)rand_r(&seed) % (size / PAGE - 2)) * PAGE;
            size_t place = (size_t)rand_r(&seed) % (j % 2 == 0 ? PAGE : 64);
            bad[page + place] = (unsigned char)rand_r(&seed);
        }
        status = wait_status_of_writer();
        if (!WIFEXITED(status))
            fail_msg("change %d: signal %d", i, WTERMSIG(status));
        refused += WEXITSTATUS(status) != EX_OK;
    }
    assert_true(refused > 0 && refused < count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_whole_may_be_written),
        cmocka_unit_test(each_rule_of_a_page),
        cmocka_unit_test(each_rule_of_the_free_list),
        cmocka_unit_test(meta_pages_and_the_lock_fit_each_other),
        cmocka_unit_test(no_change_harms_a_writer),
    };

    fault_handlers_keep();
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
