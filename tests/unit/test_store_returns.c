/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/checksum.h"
#include "common/return_pair.h"
#include "common/store_key.h"
#include "common/store_lmdb.h"
#include "tests/unit/fault_handlers.h"
#include "tests/unit/scratch.h"

#include <sysexits.h>
#include <time.h>

/* A new store, open for writing. */
struct fixture {
    struct scratch scratch;
    struct store *store;
};

static void open_store(struct fixture *fixture, enum store_access access)
{
    struct failure why;

    if (!store_open(&fixture->store, fixture->scratch.store, access, NULL, &why))
        fail_msg("%s", why.text);
    (void)mdb_env_set_flags(fixture->store->environment, MDB_NOSYNC, 1); /* faster */
}

static void open_again(struct fixture *fixture, enum store_access access)
{
    store_close(fixture->store);
    open_store(fixture, access);
}

static int make_fixture(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);

    *state = fixture;
    if (fixture == NULL)
        return -1;
    scratch_make(&fixture->scratch);
    open_store(fixture, STORE_WRITE);
    return 0;
}

static int free_fixture(void **state)
{
    struct fixture *fixture = *state;

    store_close(fixture->store);
    scratch_remove(&fixture->scratch);
    free(fixture);
    return 0;
}

/* --- one record, at a time --- */

enum { AT = 1000 }; /* the time of all that does not say another */

struct step {
    const char *key;
    const char *domain; /* the MAIL FROM domain, "" for none; NULL removes the record */
    enum mail_from_source source;
    bool feedback_off;
    int64_t now; /* 0: AT */
    int64_t checked;
};

static bool change(struct store *store, void *context, struct failure *why)
{
    const struct step *step = context;
    struct mail_from record = {.kind = strchr(step->key, '@') != NULL ? IDENTITY_ADDRESS
                                                                      : IDENTITY_DOMAIN,
                               .source = step->source,
                               .feedback_off = step->feedback_off,
                               .checked = step->checked};
    bool existed;

    store->now = step->now == 0 ? AT : step->now;
    if (step->domain == NULL)
        return store_remove(store, step->key, &existed, why);
    strcpy(record.domain, step->domain);
    return store_put(store, step->key, &record, why);
}

static void run(struct fixture *fixture, struct step step)
{
    struct failure why;

    if (!store_update(fixture->store, change, &step, &why))
        fail_msg("%s", why.text);
}

#define RUN(identity, mail_from_domain, ...)                                                       \
    run(fixture, (struct step){.key = (identity), .domain = (mail_from_domain), __VA_ARGS__})

static void put(struct fixture *fixture, const char *key, const char *domain)
{
    RUN(key, domain, .source = MAIL_FROM_LOCAL);
}

static void remove_record(struct fixture *fixture, const char *key)
{
    RUN(key, NULL, .now = AT);
}

/* --- what there is, as text: "x.example*2", "x.example*0@1000", with "!" for feedback off --- */

static void print(char *text, size_t size, const struct store_return *entry)
{
    size_t used = strlen(text);

    used += (size_t)snprintf(text + used, size - used, "%s%s*%llu%s", used > 0 ? " " : "",
                             entry->domain, (unsigned long long)entry->references,
                             entry->feedback_off ? "!" : "");
    if (entry->since != 0)
        (void)snprintf(text + used, size - used, "@%lld", (long long)entry->since);
}

static void expect_after(struct fixture *fixture, const char *mail_from_domain, int64_t gone_after,
                         const char *expected)
{
    struct store_return found[STORE_RETURNS_MAX];
    struct failure why = {.text = ""};
    char text[STORE_RETURNS_MAX * (IDENTITY_DOMAIN_MAX + 50)] = "";
    size_t count = 99;
    enum store_result result =
        store_returns(fixture->store, mail_from_domain, gone_after, found, &count, &why);

    if (result == STORE_FAILED)
        fail_msg("%s", why.text);
    for (size_t i = 0; i < count; i++)
        print(text, sizeof text, &found[i]);
    assert_string_equal(text, expected);
    assert_int_equal(result, count > 0 ? STORE_FOUND : STORE_NOT_FOUND);
}

static void expect(struct fixture *fixture, const char *mail_from_domain, const char *expected)
{
    expect_after(fixture, mail_from_domain, 0, expected);
}

/* --- which records count --- */

static void knows_the_domain_of_a_mail_from_domain(void **state)
{
    struct fixture *fixture = *state;

    put(fixture, "x.example", "m.x.example");
    put(fixture, "y.example", "m.y.example");
    expect(fixture, "m.x.example", "x.example*1");
    expect(fixture, "m.y.example", "y.example*1");
    expect(fixture, "x.example", "");
    expect(fixture, "m.x.exampl", "");
    expect(fixture, "m.x.example2", "");
    expect(fixture, "", "");
}

static void counts_an_address_for_its_domain(void **state)
{
    struct fixture *fixture = *state;

    put(fixture, "a@x.example", "m.x.example");
    put(fixture, "\"b@c\"@x.example", "m.x.example");
    expect(fixture, "m.x.example", "x.example*2");
    put(fixture, "x.example", "m.x.example");
    expect(fixture, "m.x.example", "x.example*3");
    remove_record(fixture, "\"b@c\"@x.example");
    expect(fixture, "m.x.example", "x.example*2");
}

static void tells_all_domains_that_share_one(void **state)
{
    struct fixture *fixture = *state;

    put(fixture, "mail.x.example", "m.mail.x.example");
    put(fixture, "u@x.example", "m.mail.x.example");
    put(fixture, "example", "m.mail.x.example");
    expect(fixture, "m.mail.x.example", "example*1 x.example*1 mail.x.example*1");
}

static void leaves_out_what_bounces_do_not_come_back_for(void **state)
{
    struct fixture *fixture = *state;

    RUN("s.example", "m.s.example", .source = MAIL_FROM_SES);
    put(fixture, "none.example", "");
    RUN("f.example", "m.f.example", .source = MAIL_FROM_FILE);
    expect(fixture, "m.s.example", "");
    expect(fixture, "m.f.example", "f.example*1");
    RUN("f.example", "m.f.example", .source = MAIL_FROM_SES);
    RUN("s.example", "m.s.example", .source = MAIL_FROM_LOCAL);
    expect(fixture, "m.f.example", "f.example*0@1000");
    expect(fixture, "m.s.example", "s.example*1");
}

/* SES's rule holds in every record of ours, but the store does not rely on it. */
static void leaves_out_what_is_no_subdomain(void **state)
{
    struct fixture *fixture = *state;

    put(fixture, "x.example", "x.example");
    put(fixture, "y.example", "my.example");
    put(fixture, "z.example", "m.other.example");
    expect(fixture, "x.example", "");
    expect(fixture, "my.example", "");
    expect(fixture, "m.other.example", "");
    put(fixture, "z.example", "m.z.example");
    remove_record(fixture, "y.example");
    open_again(fixture, STORE_WRITE);
    expect(fixture, "m.z.example", "z.example*1");
}

static void follows_a_record_to_another_domain(void **state)
{
    struct fixture *fixture = *state;

    put(fixture, "x.example", "m.x.example");
    put(fixture, "u@x.example", "m.x.example");
    put(fixture, "x.example", "n.x.example");
    expect(fixture, "m.x.example", "x.example*1");
    expect(fixture, "n.x.example", "x.example*1");
    RUN("u@x.example", "n.x.example", .source = MAIL_FROM_FILE, .now = 2000);
    expect(fixture, "m.x.example", "x.example*0@2000");
    expect(fixture, "n.x.example", "x.example*2");
    put(fixture, "x.example", "");
    expect(fixture, "n.x.example", "x.example*1");
}

static void knows_whether_all_have_feedback_off(void **state)
{
    struct fixture *fixture = *state;

    RUN("x.example", "m.x.example", .source = MAIL_FROM_LOCAL, .feedback_off = true);
    expect(fixture, "m.x.example", "x.example*1!");
    put(fixture, "u@x.example", "m.x.example");
    expect(fixture, "m.x.example", "x.example*2");
    RUN("u@x.example", "m.x.example", .source = MAIL_FROM_LOCAL, .feedback_off = true);
    expect(fixture, "m.x.example", "x.example*2!");
    put(fixture, "x.example", "m.x.example");
    expect(fixture, "m.x.example", "x.example*2");
    remove_record(fixture, "x.example");
    expect(fixture, "m.x.example", "x.example*1!");
    remove_record(fixture, "u@x.example");
    expect(fixture, "m.x.example", "x.example*0!@1000");
    put(fixture, "x.example", "m.x.example");
    expect(fixture, "m.x.example", "x.example*1");
    put(fixture, "y.example", "m.y.example");
    remove_record(fixture, "y.example");
    expect(fixture, "m.y.example", "y.example*0@1000");
}

static bool change_and_fail(struct store *store, void *context, struct failure *why)
{
    return change(store, context, why) && failure_set(why, EX_USAGE, "changed my mind");
}

static void undoes_what_is_undone(void **state)
{
    struct fixture *fixture = *state;
    struct step step = {.key = "x.example", .domain = "n.x.example", .source = MAIL_FROM_FILE};
    struct failure why;

    put(fixture, "x.example", "m.x.example");
    put(fixture, "y.example", "m.y.example");
    remove_record(fixture, "y.example");
    assert_false(store_update(fixture->store, change_and_fail, &step, &why));
    step.key = "z.example";
    step.domain = "m.z.example";
    assert_false(store_update(fixture->store, change_and_fail, &step, &why));
    expect(fixture, "m.x.example", "x.example*1");
    expect(fixture, "n.x.example", "");
    put(fixture, "x.example", "o.x.example");
    open_again(fixture, STORE_WRITE);
    expect(fixture, "o.x.example", "x.example*1");
    expect(fixture, "m.y.example", "y.example*0@1000"); /* not built again, so the totals fit */
}

/* --- what has gone --- */

static void keeps_what_has_gone_for_bounces_under_way(void **state)
{
    struct fixture *fixture = *state;

    put(fixture, "x.example", "m.x.example");
    remove_record(fixture, "x.example");
    put(fixture, "z.example", "");
    expect_after(fixture, "m.x.example", 999, "x.example*0@1000");
    expect_after(fixture, "m.x.example", 1000, "x.example*0@1000");
    expect_after(fixture, "m.x.example", 1001, "");
    RUN("x.example", "m.x.example", .source = MAIL_FROM_LOCAL, .now = 2000);
    expect_after(fixture, "m.x.example", 9000, "x.example*1");
    RUN("x.example", NULL, .now = 3000);
    expect_after(fixture, "m.x.example", 3000, "x.example*0@3000");
}

static void does_not_let_a_pair_go_in_between(void **state)
{
    struct fixture *fixture = *state;

    put(fixture, "x.example", "m.x.example");
    RUN("x.example", "m.x.example", .source = MAIL_FROM_FILE, .feedback_off = true);
    expect(fixture, "m.x.example", "x.example*1!");
    assert_int_equal(fixture->store->totals.gone, 0);
    assert_int_equal(fixture->store->totals.records, 1);
}

static void leaves_alone_what_does_not_move(void **state)
{
    struct fixture *fixture = *state;

    put(fixture, "x.example", "m.x.example");
    assert_true(fixture->store->has_totals);
    RUN("x.example", "m.x.example", .source = MAIL_FROM_FILE, .checked = 5000);
    RUN("s.example", "m.s.example", .source = MAIL_FROM_SES);
    RUN("s.example", NULL, .now = AT);
    assert_false(fixture->store->has_totals);
}

/* Parents of one name: p24, p23.p24, ... */
static const char *parent_of(char out[IDENTITY_SIZE], int depth)
{
    out[0] = '\0';
    for (int i = depth; i <= 24; i++)
        (void)snprintf(out + strlen(out), 8, "%sp%02d", i > depth ? "." : "", i);
    return out;
}

static void tells_those_with_references_first_if_there_are_many(void **state)
{
    struct fixture *fixture = *state;
    char mail_from_domain[IDENTITY_SIZE];
    char key[IDENTITY_SIZE];
    char expected[STORE_RETURNS_MAX * IDENTITY_SIZE] = "";

    (void)parent_of(mail_from_domain, 1);
    for (int i = 2; i <= 24; i++)
        put(fixture, parent_of(key, i), mail_from_domain);
    for (int i = 11; i <= 24; i++)
        remove_record(fixture, parent_of(key, i));
    for (int i = 10; i >= 2; i--)
        (void)snprintf(expected + strlen(expected), IDENTITY_SIZE, "%s*1 ", parent_of(key, i));
    for (int i = 24; i > 17; i--)
        (void)snprintf(expected + strlen(expected), IDENTITY_SIZE, "%s*0@1000%s", parent_of(key, i),
                       i > 18 ? " " : "");
    expect(fixture, mail_from_domain, expected);
}

static bool count_return(void *context, const char *mail_from_domain,
                         const struct store_return *entry)
{
    (void)mail_from_domain;
    (void)entry;
    ++*(uint64_t *)context;
    return true;
}

static uint64_t all_returns(struct fixture *fixture)
{
    struct failure why;
    uint64_t count = 0;

    if (!store_each_return(fixture->store, count_return, &count, &why))
        fail_msg("%s", why.text);
    return count;
}

static bool let_many_go(struct store *store, void *context, struct failure *why)
{
    struct mail_from record = {.source = MAIL_FROM_LOCAL};
    char key[IDENTITY_SIZE];
    bool existed;

    for (int i = 0; i < *(int *)context; i++) {
        (void)snprintf(key, sizeof key, "%06d.example", i);
        (void)snprintf(record.domain, sizeof record.domain, "m.%06d.example", i);
        store->now = AT + i;
        if (!store_put(store, key, &record, why) || !store_remove(store, key, &existed, why))
            return false;
    }
    return true;
}

static void let_go(struct fixture *fixture, int count)
{
    struct failure why;

    put(fixture, "none.example", ""); /* a store without any record is a failure */
    assert_true(store_update(fixture->store, let_many_go, &count, &why));
    assert_int_equal(all_returns(fixture), count);
}

static void let_one_go(struct fixture *fixture, int64_t now)
{
    RUN("x.example", "m.x.example", .source = MAIL_FROM_LOCAL, .now = now);
    RUN("x.example", NULL, .now = now);
}

static void purges_two_that_went_long_ago_for_each_that_goes(void **state)
{
    struct fixture *fixture = *state;
    const int many = STORE_RETURNS_SPARED + 10;

    let_go(fixture, many);
    let_one_go(fixture, AT + STORE_RETURNS_KEPT);
    assert_int_equal(all_returns(fixture), many + 1);
    let_one_go(fixture, AT + STORE_RETURNS_KEPT + 1);
    assert_int_equal(all_returns(fixture), many);
    expect(fixture, "m.000000.example", "");
    expect(fixture, "m.000001.example", "000001.example*0@1001");
    let_one_go(fixture, AT + STORE_RETURNS_KEPT + 5);
    assert_int_equal(all_returns(fixture), many - 2);
    expect(fixture, "m.000002.example", "");
    expect(fixture, "m.000003.example", "000003.example*0@1003");
    RUN("y.example", "m.y.example", .source = MAIL_FROM_LOCAL, .now = AT + 2 * STORE_RETURNS_KEPT);
    assert_int_equal(all_returns(fixture), many - 1);
}

static void spares_the_last_whatever_the_clock_says(void **state)
{
    struct fixture *fixture = *state;

    let_go(fixture, STORE_RETURNS_SPARED + 3);
    for (int i = 0; i < 5; i++)
        let_one_go(fixture, INT64_MAX - 10 + i);
    assert_int_equal(all_returns(fixture), STORE_RETURNS_SPARED);
    expect(fixture, "m.000003.example", "");
    expect(fixture, "m.000004.example", "000004.example*0@1004");
}

static void does_not_purge_what_has_come_back(void **state)
{
    struct fixture *fixture = *state;

    let_go(fixture, STORE_RETURNS_SPARED + 10);
    put(fixture, "000000.example", "m.000000.example");
    let_one_go(fixture, 3 * (int64_t)STORE_RETURNS_KEPT);
    expect(fixture, "m.000000.example", "000000.example*1");
    expect(fixture, "m.000001.example", "");
    expect(fixture, "m.000002.example", "");
    expect(fixture, "m.000003.example", "000003.example*0@1003");
}

/* As if the x.example of the entry had gone long ago. */
static bool write_time_of_going(struct store *store, void *context, struct failure *why)
{
    unsigned char gone[RETURN_PAIR_GONE_SIZE];
    struct return_pair pair;
    MDB_val key = {0, gone};
    MDB_val nothing = {0, gone};

    (void)context;
    assert_true(return_pair_init(&pair, "x.example", "n.x.example"));
    key.mv_size = return_pair_write_gone(gone, &pair, 1);
    return store_written(store, mdb_put(store->writer, store->returns, &key, &nothing, 0), why);
}

static void does_not_purge_what_its_entry_knows_nothing_of(void **state)
{
    struct fixture *fixture = *state;
    struct failure why;

    let_go(fixture, STORE_RETURNS_SPARED + 10);
    put(fixture, "x.example", "n.x.example");
    put(fixture, "u@x.example", "m.x.example");
    assert_true(store_update(fixture->store, write_time_of_going, NULL, &why));
    RUN("u@x.example", NULL, .now = AT + STORE_RETURNS_KEPT + 100);
    expect(fixture, "n.x.example", "x.example*1");
    expect(fixture, "m.000000.example", "");
    expect(fixture, "m.000001.example", "000001.example*0@1001");
}

static void trusts_the_record_more_than_a_clock_that_is_behind(void **state)
{
    struct fixture *fixture = *state;

    RUN("x.example", "m.x.example", .source = MAIL_FROM_FILE, .checked = 5000);
    RUN("x.example", NULL, .now = 10);
    expect(fixture, "m.x.example", "x.example*0@5000");
    put(fixture, "y.example", "m.y.example");
    RUN("y.example", NULL, .now = -10);
    expect(fixture, "m.y.example", "y.example*0@1");
}

static bool tell_time(struct store *store, void *context, struct failure *why)
{
    (void)why;
    *(int64_t *)context = store->now;
    return true;
}

static void takes_the_time_from_the_clock(void **state)
{
    struct fixture *fixture = *state;
    int64_t before = (int64_t)time(NULL);
    struct failure why;
    int64_t told = 0;

    assert_true(store_update(fixture->store, tell_time, &told, &why));
    assert_in_range(told, before, time(NULL));
}

/* --- a store without it --- */

static bool drop(struct store *store, void *context, struct failure *why)
{
    return store_written(store, mdb_drop(store->writer, store->returns, *(int *)context), why);
}

/* As a version would leave it that does not know of it: without the database, or without content.
 */
static void drop_returns(struct fixture *fixture, int and_delete)
{
    struct failure why;

    assert_true(store_update(fixture->store, drop, &and_delete, &why));
}

static int open_for_writing(void *context)
{
    const struct fixture *fixture = context;
    struct failure why;
    struct store *store;

    if (!store_open(&store, fixture->scratch.store, STORE_UPDATE, NULL, &why))
        return 1;
    store_close(store);
    return 0;
}

static void builds_it_when_a_store_without_it_is_written(void **state)
{
    struct fixture *fixture = *state;

    put(fixture, "x.example", "m.x.example");
    put(fixture, "u@x.example", "m.x.example");
    RUN("s.example", "m.s.example", .source = MAIL_FROM_SES);
    RUN("f.example", "m.f.example", .source = MAIL_FROM_FILE, .feedback_off = true);
    for (int and_delete = 0; and_delete < 2; and_delete++) {
        drop_returns(fixture, and_delete);
        open_again(fixture, STORE_UPDATE);
        expect(fixture, "m.x.example", "x.example*2");
        expect(fixture, "m.f.example", "f.example*1!");
        expect(fixture, "m.s.example", "");
        assert_int_equal(all_returns(fixture), 2);
    }
    remove_record(fixture, "x.example");
    expect(fixture, "m.x.example", "x.example*1");
}

/* That there are none would be taken for a signature that is forged. */
static void answers_nothing_from_a_store_without_it(void **state)
{
    struct fixture *fixture = *state;
    struct store_return found[STORE_RETURNS_MAX];
    struct failure why = {.text = ""};
    uint64_t seen = 0;
    size_t count = 99;

    put(fixture, "x.example", "m.x.example");
    drop_returns(fixture, 1);
    open_again(fixture, STORE_READ);
    assert_int_equal(store_returns(fixture->store, "m.x.example", 0, found, &count, &why),
                     STORE_FAILED);
    assert_int_equal(why.exit_code, EX_UNAVAILABLE);
    assert_false(store_each_return(fixture->store, count_return, &seen, &why));
    assert_int_equal(why.exit_code, EX_UNAVAILABLE);
    assert_int_equal(scratch_run_child(open_for_writing, fixture), 0);
    expect(fixture, "m.x.example", "x.example*1");
    assert_int_equal(all_returns(fixture), 1);
}

static void keeps_what_has_gone_when_it_is_opened_again(void **state)
{
    struct fixture *fixture = *state;

    put(fixture, "x.example", "m.x.example");
    remove_record(fixture, "x.example");
    put(fixture, "y.example", "m.y.example");
    RUN("s.example", "m.s.example", .source = MAIL_FROM_SES);
    put(fixture, "none.example", "");
    open_again(fixture, STORE_WRITE);
    expect(fixture, "m.x.example", "x.example*0@1000");
    open_again(fixture, STORE_READ);
    expect(fixture, "m.x.example", "x.example*0@1000");
}

static void fails_over_a_store_that_was_never_filled(void **state)
{
    struct fixture *fixture = *state;
    struct store_return found[STORE_RETURNS_MAX];
    struct failure why = {.text = ""};
    size_t count = 99;

    assert_int_equal(store_returns(fixture->store, "m.x.example", 0, found, &count, &why),
                     STORE_FAILED);
    assert_int_equal(why.exit_code, EX_UNAVAILABLE);
    assert_int_equal(count, 0);
}

/* What a version without the database does to a record. */
static bool write_as_an_early_version(struct store *store, void *context, struct failure *why)
{
    const struct step *step = context;
    struct mail_from record = {.source = step->source};
    size_t length = strlen(step->key);
    unsigned char coded[MAIL_FROM_CODED_MAX];
    char key[IDENTITY_SIZE];
    MDB_val name = {length, key};
    MDB_val value = {0, coded};

    strcpy(record.domain, step->domain);
    store_key_write(key, step->key, length);
    value.mv_size = mail_from_encode(&record, step->key, length, coded);
    return store_written(store, mdb_put(store->writer, store->identities, &name, &value, 0), why);
}

static void write_early(struct fixture *fixture, const char *key, const char *domain)
{
    struct step step = {.key = key, .domain = domain, .source = MAIL_FROM_FILE};
    struct failure why;

    assert_true(store_update(fixture->store, write_as_an_early_version, &step, &why));
}

static void builds_it_again_after_an_early_version_has_written(void **state)
{
    struct fixture *fixture = *state;

    put(fixture, "x.example", "m.x.example");
    write_early(fixture, "y.example", "m.y.example");
    expect(fixture, "m.y.example", "");
    open_again(fixture, STORE_WRITE);
    expect(fixture, "m.y.example", "y.example*1");
    expect(fixture, "m.x.example", "x.example*1");
}

/* The number of records does not tell, but the next change of that one does. */
static void builds_it_again_where_a_record_does_not_fit(void **state)
{
    struct fixture *fixture = *state;

    RUN("x.example", "m.x.example", .source = MAIL_FROM_FILE);
    put(fixture, "y.example", "m.y.example");
    write_early(fixture, "x.example", "n.x.example");
    open_again(fixture, STORE_WRITE);
    expect(fixture, "m.x.example", "x.example*1");
    put(fixture, "x.example", "o.x.example");
    expect(fixture, "m.x.example", "");
    expect(fixture, "n.x.example", "x.example*0@1000");
    expect(fixture, "o.x.example", "x.example*1");
    expect(fixture, "m.y.example", "y.example*1");
}

/* So many that the records fit into a map that the index does not fit into as well. */
enum { MANY = 28000 };

static bool write_many_as_an_early_version(struct store *store, void *context, struct failure *why)
{
    char key[IDENTITY_SIZE];
    char domain[IDENTITY_SIZE];
    struct step step = {.key = key, .domain = domain, .source = MAIL_FROM_FILE};

    (void)context;
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(key, sizeof key, "%06d.example", i);
        (void)snprintf(domain, sizeof domain, "m.%06d.example", i);
        if (!write_as_an_early_version(store, &step, why))
            return false;
    }
    return true;
}

static size_t map_size(const struct fixture *fixture)
{
    MDB_envinfo info;

    assert_int_equal(mdb_env_info(fixture->store->environment, &info), 0);
    return info.me_mapsize;
}

static void grows_the_map_to_build_it(void **state)
{
    struct fixture *fixture = *state;
    struct failure why;
    size_t size;

    assert_true(store_update(fixture->store, write_many_as_an_early_version, NULL, &why));
    assert_int_equal(all_returns(fixture), 0);
    size = map_size(fixture);
    open_again(fixture, STORE_WRITE);
    assert_true(map_size(fixture) > size);
    assert_int_equal(all_returns(fixture), MANY);
    expect(fixture, "m.027999.example", "027999.example*1");
}

/* --- damage --- */

struct value {
    const char *key; /* of a pair */
    size_t size;
    uint64_t numbers[4]; /* an entry, and its checksum if that is 0 */
    size_t length;
};

static bool write_value(struct store *store, void *context, struct failure *why)
{
    struct value value = *(struct value *)context;
    MDB_val key = {value.size, (void *)value.key};
    MDB_val content = {value.length, value.numbers};

    if (value.numbers[3] == 0)
        value.numbers[3] = checksum_of(value.key, value.size, value.numbers, 24);
    return store_written(store, mdb_put(store->writer, store->returns, &key, &content, 0), why);
}

#define PAIR "m.x.example\0\011"

static void expect_damaged(struct fixture *fixture, const struct value *value)
{
    struct store_return found[STORE_RETURNS_MAX];
    struct failure why = {.text = ""};
    uint64_t visited = 0;
    size_t count = 99;

    assert_true(store_update(fixture->store, write_value, (void *)value, &why));
    assert_int_equal(store_returns(fixture->store, value->key, 0, found, &count, &why),
                     STORE_FAILED);
    assert_int_equal(why.exit_code, EX_DATAERR);
    assert_non_null(strstr(why.text, "what it knows of return paths is damaged"));
    assert_int_equal(count, 0);
    why.exit_code = 0;
    assert_false(store_each_return(fixture->store, count_return, &visited, &why));
    assert_int_equal(why.exit_code, EX_DATAERR);
}

static void refuses_entries_that_are_damaged(void **state)
{
    struct fixture *fixture = *state;
    static const struct value values[] = {
        {PAIR, 13, {1, 0, 0, 12345}, 32},   /* another checksum */
        {PAIR, 13, {1, 0, 0}, 31},          /* too short */
        {PAIR, 13, {1, 0, 0}, 0},           /* nothing at all */
        {PAIR, 13, {1, 2, 0}, 32},          /* more have feedback off than there are */
        {PAIR, 13, {0, 0, 0}, 32},          /* neither there nor gone */
        {PAIR, 13, {1, 0, 5000}, 32},       /* both */
        {PAIR, 13, {0, 0, UINT64_MAX}, 32}, /* gone before 1970 */
        {PAIR, 13, {0, 2, 5000}, 32},       /* as if two had been the last */
        {"m.x.example\0\010", 13, {1}, 32}, /* the domain begins within a label */
        {"m.x.example\0\013", 13, {1}, 32}, /* is the MAIL FROM domain itself */
        {"m.x.example\0\014", 13, {1}, 32}, /* longer than that */
        {"m.x.example\0\377", 13, {1}, 32}, /* much longer */
        {"m.x.example\0", 13, {1}, 32},     /* empty */
    };

    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        expect_damaged(fixture, &values[i]);
        drop_returns(fixture, 0);
    }
}

static void mends_an_entry_that_changes(void **state)
{
    struct fixture *fixture = *state;
    static const struct value damaged = {PAIR, 13, {1, 0, 0, 12345}, 32};

    put(fixture, "y.example", "m.y.example");
    put(fixture, "x.example", "m.x.example");
    put(fixture, "u@x.example", "m.x.example");
    expect_damaged(fixture, &damaged);
    put(fixture, "v@x.example", "m.x.example");
    expect(fixture, "m.x.example", "x.example*3");
    expect_damaged(fixture, &damaged);
    remove_record(fixture, "x.example");
    expect(fixture, "m.x.example", "x.example*2");
    expect(fixture, "m.y.example", "y.example*1");
}

static void mends_totals_that_are_damaged(void **state)
{
    struct fixture *fixture = *state;
    struct value damaged = {"", 1, {1, 0, 12345}, 24};
    struct failure why;

    put(fixture, "x.example", "m.x.example");
    assert_true(store_update(fixture->store, write_value, &damaged, &why));
    open_again(fixture, STORE_WRITE);
    expect(fixture, "m.x.example", "x.example*1");
    assert_true(store_update(fixture->store, write_value, &damaged, &why));
    remove_record(fixture, "x.example");
    put(fixture, "y.example", "m.y.example");
    open_again(fixture, STORE_WRITE);
    expect(fixture, "m.x.example", "x.example*0@1000");
    expect(fixture, "m.y.example", "y.example*1");
}

/* --- anything at all, beside a plain model --- */

static const char *const keys[] = {"example",           "x.example",      "u@x.example",
                                   "v@x.example",       "mail.x.example", "u@mail.x.example",
                                   "\"a@b\"@x.example", "y.example",      "u@y.example"};
static const char *const domains[] = {
    "", "m.mail.x.example", "n.mail.x.example", "m.x.example", "m.y.example", "m.other.test"};
enum {
    KEYS = sizeof keys / sizeof *keys,
    DOMAINS = sizeof domains / sizeof *domains,
    STEPS = 4000
};

struct model {
    struct {
        bool exists;
        struct step step;
    } records[KEYS];
    struct {
        int references;
        int feedback_off;
        bool last_off;
        int64_t since;
    } pairs[DOMAINS][KEYS]; /* by the key of the domain identity */
    char expected[4000];
    char found[4000];
};

static const char *domain_of(const char *key)
{
    return strrchr(key, '@') == NULL ? key : strrchr(key, '@') + 1;
}

/* Counts again from the records what the store has counted change by change. */
static void count_pairs(struct model *model, int64_t now)
{
    for (int domain = 1; domain < DOMAINS; domain++)
        for (int key = 0; key < KEYS; key++) {
            int before = model->pairs[domain][key].references;
            int references = 0;
            int feedback_off = 0;
            if (strchr(keys[key], '@') != NULL ||
                !identity_is_subdomain(domains[domain], keys[key]))
                continue;
            for (int i = 0; i < KEYS; i++) {
                const struct step *step = &model->records[i].step;
                if (!model->records[i].exists || step->source == MAIL_FROM_SES ||
                    strcmp(step->domain, domains[domain]) != 0 ||
                    strcmp(domain_of(keys[i]), keys[key]) != 0)
                    continue;
                references++;
                feedback_off += step->feedback_off;
            }
            if (before > 0 && references == 0) {
                model->pairs[domain][key].since = now;
                model->pairs[domain][key].last_off = model->pairs[domain][key].feedback_off > 0;
            } else if (references > 0) {
                model->pairs[domain][key].since = 0;
            }
            model->pairs[domain][key].references = references;
            model->pairs[domain][key].feedback_off = feedback_off;
        }
}

static void print_pair(char *text, size_t size, const char *mail_from_domain,
                       const struct store_return *entry)
{
    char line[2 * IDENTITY_SIZE] = "";

    print(line, sizeof line, entry);
    (void)snprintf(text + strlen(text), size - strlen(text), "%s: %s\n", mail_from_domain, line);
}

static void print_model(struct model *model)
{
    static const int in_order[] = {1, 3, 4, 2}; /* of the names of the domains */

    model->expected[0] = '\0';
    for (size_t i = 0; i < sizeof in_order / sizeof *in_order; i++)
        for (int key = 0; key < KEYS; key++) { /* the shorter ones first */
            int domain = in_order[i];
            int references = model->pairs[domain][key].references;
            struct store_return entry = {
                .references = (uint64_t)references,
                .feedback_off = references == 0
                                    ? model->pairs[domain][key].last_off
                                    : model->pairs[domain][key].feedback_off == references,
                .since = model->pairs[domain][key].since};
            if (references == 0 && entry.since == 0)
                continue;
            strcpy(entry.domain, keys[key]);
            print_pair(model->expected, sizeof model->expected, domains[domain], &entry);
        }
}

static bool print_found(void *context, const char *mail_from_domain,
                        const struct store_return *entry)
{
    struct model *model = context;

    print_pair(model->found, sizeof model->found, mail_from_domain, entry);
    return true;
}

/* The same on each run and machine. */
static int draw(unsigned *seed, int count)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (int)((*seed >> 8) % (unsigned)count);
}

static void agrees_with_a_plain_model(void **state)
{
    struct fixture *fixture = *state;
    struct model *model = calloc(1, sizeof *model);
    struct failure why;
    unsigned seed = 1;

    assert_non_null(model);
    for (int i = 1; i <= STEPS; i++) {
        int key = draw(&seed, KEYS);
        struct step step = {
            .key = keys[key],
            .domain = draw(&seed, 4) == 0 ? NULL : domains[draw(&seed, DOMAINS)],
            .source = (enum mail_from_source)draw(&seed, MAIL_FROM_SOURCE_COUNT),
            .feedback_off = draw(&seed, 2) == 0,
            .now = i,
        };
        run(fixture, step);
        model->records[key].exists = step.domain != NULL;
        model->records[key].step = step;
        count_pairs(model, i);
        print_model(model);
        model->found[0] = '\0';
        assert_true(store_each_return(fixture->store, print_found, model, &why));
        assert_string_equal(model->found, model->expected);
        if (i % 100 == 0)
            open_again(fixture, STORE_WRITE);
    }
    free(model);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, make_fixture, free_fixture)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(knows_the_domain_of_a_mail_from_domain),
        TEST(counts_an_address_for_its_domain),
        TEST(tells_all_domains_that_share_one),
        TEST(leaves_out_what_bounces_do_not_come_back_for),
        TEST(leaves_out_what_is_no_subdomain),
        TEST(follows_a_record_to_another_domain),
        TEST(knows_whether_all_have_feedback_off),
        TEST(undoes_what_is_undone),
        TEST(keeps_what_has_gone_for_bounces_under_way),
        TEST(does_not_let_a_pair_go_in_between),
        TEST(leaves_alone_what_does_not_move),
        TEST(tells_those_with_references_first_if_there_are_many),
        TEST(purges_two_that_went_long_ago_for_each_that_goes),
        TEST(spares_the_last_whatever_the_clock_says),
        TEST(does_not_purge_what_has_come_back),
        TEST(does_not_purge_what_its_entry_knows_nothing_of),
        TEST(trusts_the_record_more_than_a_clock_that_is_behind),
        TEST(takes_the_time_from_the_clock),
        TEST(builds_it_when_a_store_without_it_is_written),
        TEST(answers_nothing_from_a_store_without_it),
        TEST(keeps_what_has_gone_when_it_is_opened_again),
        TEST(fails_over_a_store_that_was_never_filled),
        TEST(builds_it_again_after_an_early_version_has_written),
        TEST(builds_it_again_where_a_record_does_not_fit),
        TEST(grows_the_map_to_build_it),
        TEST(refuses_entries_that_are_damaged),
        TEST(mends_an_entry_that_changes),
        TEST(mends_totals_that_are_damaged),
        TEST(agrees_with_a_plain_model),
    };
    fault_handlers_keep();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
