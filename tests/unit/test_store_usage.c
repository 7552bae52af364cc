/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Walks that hold no snapshot, who holds one, how much room the store takes, and giving it back.
 */
#include "ctl/store_care.h"
#include "tests/unit/scratch.h"

#include <inttypes.h>
#include <signal.h>
#include <sysexits.h>

#include <lmdb.h>

enum { MANY = 1700, LARGE = 30000, TRANSACTIONS = 201 };

static int set_up(void **state)
{
    static struct scratch scratch;

    scratch_make(&scratch);
    *state = &scratch;
    return 0;
}

static int tear_down(void **state)
{
    scratch_remove(*state);
    return 0;
}

static struct store *open_store(const struct scratch *scratch)
{
    struct failure why;
    struct store *store;

    if (!store_open(&store, scratch->store, STORE_WRITE, NULL, &why))
        fail_msg("%s", why.text);
    return store;
}

/* --- filling --- */

struct range {
    unsigned from;
    unsigned to;
    bool remove;
};

static bool change_range(struct store *store, void *context, struct failure *why)
{
    const struct range *range = context;
    struct mail_from record = {.kind = IDENTITY_DOMAIN, .source = MAIL_FROM_SES, .verified = true};
    char key[40];
    bool existed;

    for (unsigned i = range->from; i < range->to; i++) {
        (void)snprintf(key, sizeof key, "d%06u.example", i);
        (void)snprintf(record.domain, sizeof record.domain, "bounce.d%06u.example", i);
        record.status_since = i;
        if (!(range->remove ? store_remove(store, key, &existed, why)
                            : store_put(store, key, &record, why)))
            return false;
    }
    return true;
}

static void change(struct store *store, unsigned from, unsigned to, bool remove)
{
    struct range range = {from, to, remove};
    struct failure why;

    if (!store_update(store, change_range, &range, &why))
        fail_msg("%s", why.text);
}

/* --- walks --- */

struct walk {
    struct store *store;
    unsigned seen;
    char last[IDENTITY_SIZE];
};

static bool look_around(void *context, const char *key, const struct mail_from *record)
{
    struct walk *walk = context;
    struct store_usage usage;
    struct failure why;

    assert_true(strcmp(walk->last, key) < 0);
    assert_string_equal(record->domain + strlen("bounce."), key);
    (void)strcpy(walk->last, key);
    /* No snapshot is open, so others may write, and the store may be used. */
    if (walk->seen++ % 100 == 0) {
        assert_true(store_usage(walk->store, &usage, &why));
        assert_int_equal(usage.readers, 0);
        assert_int_equal(usage.oldest, 0);
        change(walk->store, 0, 1, true);
    }
    return true;
}

static void holds_no_snapshot_while_it_visits(void **state)
{
    struct store *store = open_store(*state);
    struct walk walk = {.store = store};
    struct failure why;

    change(store, 0, MANY, false);
    assert_true(store_each_slowly(store, look_around, &walk, &why));
    assert_int_equal(walk.seen, MANY);
    store_close(store);
}

static bool change_all_around(void *context, const char *key, const struct mail_from *record)
{
    struct walk *walk = context;
    unsigned number = (unsigned)record->status_since;

    assert_true(strcmp(walk->last, key) < 0);
    (void)strcpy(walk->last, key);
    walk->seen++;
    change(walk->store, 0, number + 1, true);
    if (number < 2 * MANY)
        change(walk->store, number + 1500, number + 1502, false);
    return walk->seen < 20;
}

static void goes_on_where_what_it_saw_last_is_gone(void **state)
{
    struct store *store = open_store(*state);
    struct walk walk = {.store = store};
    struct failure why;
    uint64_t count;

    change(store, 0, MANY, false);
    assert_true(store_each_slowly(store, change_all_around, &walk, &why));
    assert_int_equal(walk.seen, 20);
    change(store, 0, 2 * MANY, true);
    assert_true(store_count(store, &count, &why));
    assert_int_equal(count, 0);
    assert_true(store_each_slowly(store, change_all_around, &walk, &why));
    assert_int_equal(walk.seen, 20);
    change(store, 7, 8, false);
    walk = (struct walk){.store = store};
    assert_true(store_each_slowly(store, change_all_around, &walk, &why));
    assert_true(walk.seen >= 1);
    store_close(store);
}

/* --- a reader of another process --- */

/* Ends of two pipes: "begun" from it, "go on" to it. */
struct reader {
    pid_t process;
    int begun[2];
    int go_on[2];
    unsigned seen;
};

static bool wait_once(void *context, const char *key, const struct mail_from *record)
{
    struct reader *reader = context;
    char octet = 'b';

    if (reader->seen == 0 &&
        (write(reader->begun[1], &octet, 1) != 1 || read(reader->go_on[0], &octet, 1) != 1))
        _exit(EXIT_FAILURE);
    if (strcmp(record->domain + strlen("bounce."), key) != 0)
        _exit(EXIT_FAILURE);
    reader->seen++;
    return true;
}

/* It has `count` records in its snapshot, and exits with 0 if all are there in the end. */
static void start_reader(struct reader *reader, const struct scratch *scratch, unsigned count)
{
    char octet;

    assert_int_equal(pipe(reader->begun), 0);
    assert_int_equal(pipe(reader->go_on), 0);
    reader->process = fork();
    if (reader->process == 0) {
        struct failure why;
        struct store *store;
        (void)alarm(SCRATCH_CHILD_SECONDS);
        reader->seen = 0;
        _exit(store_open(&store, scratch->store, STORE_READ, NULL, &why) &&
                      store_each(store, wait_once, reader, &why) && reader->seen == count
                  ? EXIT_SUCCESS
                  : EXIT_FAILURE);
    }
    assert_int_equal(read(reader->begun[0], &octet, 1), 1);
}

static void end_reader(struct reader *reader)
{
    int status;

    assert_int_equal(write(reader->go_on[1], "g", 1), 1);
    assert_int_equal(waitpid(reader->process, &status, 0), reader->process);
    assert_int_equal(status, 0);
    for (int end = 0; end < 2; end++) {
        (void)close(reader->begun[end]);
        (void)close(reader->go_on[end]);
    }
}

static void names_the_oldest_reader(void **state)
{
    struct store_usage usage;
    struct store_care care;
    struct reader reader;
    struct failure why;
    char process[24];
    struct store *store = open_store(*state);

    change(store, 0, 10, false);
    store_close(store);
    start_reader(&reader, *state, 10);
    store = open_store(*state);
    for (unsigned i = 0; i < TRANSACTIONS; i++)
        change(store, i, i + 1, false);
    assert_true(store_usage(store, &usage, &why));
    assert_int_equal(usage.readers, 1);
    assert_int_equal(usage.oldest, reader.process);
    assert_true(usage.behind >= TRANSACTIONS);
    assert_true(store_usage_has_old_reader(&usage));
    (void)snprintf(process, sizeof process, "process %d (", reader.process);
    assert_true(store_care_look(&care, store, ((struct scratch *)*state)->store, &why));
    assert_int_equal(care.count, 1);
    assert_non_null(strstr(care.concerns[0].found, process));
    end_reader(&reader);
    assert_true(store_care_look(&care, store, ((struct scratch *)*state)->store, &why));
    assert_int_equal(care.count, 0);
    assert_true(store_usage(store, &usage, &why));
    assert_int_equal(usage.readers, 0);
    assert_int_equal(usage.oldest, 0);
    assert_false(store_usage_has_old_reader(&usage));
    store_close(store);
}

/* --- room --- */

static void calls_only_a_large_and_empty_file_grown(void **state)
{
    (void)state;
    static const uint64_t mega = UINT64_C(1) << 20;
    const struct store_usage small = {.size = 64 * mega, .used = mega};
    const struct store_usage full = {.size = 65 * mega, .used = 17 * mega};
    const struct store_usage grown = {.size = 65 * mega, .used = 16 * mega};

    assert_false(store_usage_is_grown(&small));
    assert_false(store_usage_is_grown(&full));
    assert_true(store_usage_is_grown(&grown));
}

static struct store_usage usage_of(struct store *store)
{
    struct store_usage usage;
    struct failure why;

    if (!store_usage(store, &usage, &why))
        fail_msg("%s", why.text);
    return usage;
}

static bool count_record(void *context, const char *key, const struct mail_from *record)
{
    assert_string_equal(record->domain + strlen("bounce."), key);
    ++*(unsigned *)context;
    return true;
}

static void expect_records(struct store *store, unsigned count)
{
    struct failure why;
    unsigned seen = 0;

    assert_true(store_each(store, count_record, &seen, &why));
    assert_int_equal(seen, count);
}

/* False: the file system cannot. */
static bool compact(struct store *store)
{
    struct failure why;

    if (store_compact(store, &why))
        return true;
    assert_int_equal(why.exit_code, EX_UNAVAILABLE);
    print_message("SKIP: %s\n", why.text);
    return false;
}

static void gives_back_what_holds_nothing(void **state)
{
    struct store *store = open_store(*state);
    struct store_usage before;
    struct store_usage after;

    change(store, 0, LARGE, false);
    change(store, 10, LARGE, true);
    change(store, 0, 1, false); /* what a transaction gives up may be used by the second after it */
    before = usage_of(store);
    assert_true(before.used < before.size / 4);
    if (compact(store)) {
        after = usage_of(store);
        assert_true(after.size < before.size / 2);
        assert_true(after.size >= after.used);
        expect_records(store, 10);
        change(store, 0, LARGE, false);
        expect_records(store, LARGE);
        assert_true(compact(store));
        expect_records(store, LARGE);
    }
    store_close(store);
    store = open_store(*state);
    (void)usage_of(store);
    store_close(store);
}

static void leaves_what_a_reader_has(void **state)
{
    struct reader reader;
    struct store *store = open_store(*state);
    uint64_t size;

    change(store, 0, LARGE, false);
    store_close(store);
    start_reader(&reader, *state, LARGE);
    store = open_store(*state);
    change(store, 10, LARGE, true);
    change(store, 0, 1, false);
    change(store, 0, 1, false);
    if (compact(store)) {
        size = usage_of(store).size;
        end_reader(&reader); /* it has seen all of them */
        assert_true(compact(store));
        assert_true(usage_of(store).size < size / 2);
        expect_records(store, 10);
    } else {
        end_reader(&reader);
    }
    store_close(store);
}

/* --- a crowd --- */

/* Opens as many snapshots as it is told, and waits. */
static void start_crowd(struct reader *reader, const struct scratch *scratch, int count)
{
    char octet = 'b';

    assert_int_equal(pipe(reader->begun), 0);
    assert_int_equal(pipe(reader->go_on), 0);
    reader->process = fork();
    if (reader->process == 0) {
        MDB_env *environment;
        MDB_txn *snapshot;
        (void)alarm(SCRATCH_CHILD_SECONDS);
        if (mdb_env_create(&environment) != 0 ||
            mdb_env_open(environment, scratch->store, MDB_NOTLS | MDB_RDONLY, 0) != 0)
            _exit(EXIT_FAILURE);
        for (int i = 0; i < count; i++)
            if (mdb_txn_begin(environment, NULL, MDB_RDONLY, &snapshot) != 0)
                _exit(EXIT_FAILURE);
        if (write(reader->begun[1], &octet, 1) != 1 || read(reader->go_on[0], &octet, 1) != 1)
            _exit(EXIT_FAILURE);
        _exit(EXIT_SUCCESS); /* as one that was killed: the slots stay taken */
    }
    assert_int_equal(close(reader->begun[1]), 0);
    if (read(reader->begun[0], &octet, 1) != 1)
        fail_msg("%d snapshots cannot be had", count);
}

static void end_crowd(struct reader *reader)
{
    assert_int_equal(write(reader->go_on[1], "g", 1), 1);
    assert_int_equal(waitpid(reader->process, NULL, 0), reader->process);
    (void)close(reader->begun[0]);
    (void)close(reader->go_on[0]);
    (void)close(reader->go_on[1]);
}

static void a_crowd_of_readers_leaves_room_for_a_daemon(void **state)
{
    struct reader crowd;
    struct failure why;
    char process[24];
    struct store *store = open_store(*state);

    change(store, 0, 10, false);
    assert_true(store_has_room(store, &why));
    store_close(store);
    start_crowd(&crowd, *state, STORE_READERS_MAX - STORE_READERS_SPARE);
    assert_true(store_open(&store, ((struct scratch *)*state)->store, STORE_READ, NULL, &why));
    assert_false(store_has_room(store, &why));
    assert_int_equal(why.exit_code, EX_TEMPFAIL);
    (void)snprintf(process, sizeof process, "process %d ", crowd.process);
    assert_non_null(strstr(why.text, process));
    expect_records(store, 10);
    end_crowd(&crowd);
    store_close(store);
}

static void slots_of_the_dead_keep_no_one_out(void **state)
{
    struct reader crowd;
    struct failure why;
    struct store *store = open_store(*state);

    change(store, 0, 10, false);
    store_close(store);
    start_crowd(&crowd, *state, STORE_READERS_MAX);
    assert_false(store_open(&store, ((struct scratch *)*state)->store, STORE_READ, NULL, &why));
    assert_int_equal(why.exit_code, EX_TEMPFAIL);
    assert_non_null(strstr(why.text, "too many processes"));
    /* Another opens the store before those are gone, so nothing is made new. */
    end_crowd(&crowd);
    assert_true(store_open(&store, ((struct scratch *)*state)->store, STORE_READ, NULL, &why));
    expect_records(store, 10);
    store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(holds_no_snapshot_while_it_visits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(goes_on_where_what_it_saw_last_is_gone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_the_oldest_reader, set_up, tear_down),
        cmocka_unit_test(calls_only_a_large_and_empty_file_grown),
        cmocka_unit_test_setup_teardown(gives_back_what_holds_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(leaves_what_a_reader_has, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_crowd_of_readers_leaves_room_for_a_daemon, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(slots_of_the_dead_keep_no_one_out, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
