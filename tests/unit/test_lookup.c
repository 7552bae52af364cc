/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/log.h"
#include "common/lookup.h"
#include "tests/unit/fault_handlers.h"
#include "tests/unit/scratch.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sysexits.h>

/* Everything that a test needs, made anew for each. */
struct fixture {
    struct scratch scratch;
    char log[SCRATCH_PATH_SIZE];
    long log_read; /* how far */
    int saved_stderr;
    struct lookup *lookup;
};

static const struct scratch_record generation_a[] = {
    {"gone.example", {.kind = IDENTITY_DOMAIN, .verified = true, .domain = "a.gone.example"}},
    {"x.example", {.kind = IDENTITY_DOMAIN, .verified = true, .domain = "a.x.example"}},
};
static const struct scratch_record generation_b[] = {
    {"x.example", {.kind = IDENTITY_DOMAIN, .verified = true, .domain = "b.x.example"}},
};

static void fill_a(const struct fixture *fixture)
{
    scratch_fill(fixture->scratch.store, generation_a, 2);
}

static int make_fixture(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    int log;

    if (fixture == NULL)
        return -1;
    scratch_make(&fixture->scratch);
    (void)snprintf(fixture->log, sizeof fixture->log, "%s/log", fixture->scratch.directory);
    log = open(fixture->log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    fixture->saved_stderr = dup(STDERR_FILENO);
    (void)dup2(log, STDERR_FILENO);
    *state = fixture;
    return close(log);
}

static int free_fixture(void **state)
{
    struct fixture *fixture = *state;

    lookup_close(fixture->lookup);
    (void)dup2(fixture->saved_stderr, STDERR_FILENO);
    (void)close(fixture->saved_stderr);
    scratch_remove(&fixture->scratch);
    free(fixture);
    return 0;
}

/* --- what is found --- */

static enum lookup_result find(struct lookup *lookup, const char *address, char domain[256],
                               struct failure *why)
{
    struct identity sender = scratch_identity(address);
    struct mail_from record;
    char key[IDENTITY_SIZE];
    enum lookup_result result = lookup_find(lookup, &sender, true, key, &record, NULL, why);

    domain[0] = '\0';
    if (result == LOOKUP_FOUND)
        strcpy(domain, record.domain);
    return result;
}

static void expect_found(const struct fixture *fixture, const char *domain)
{
    struct failure why = {.text = ""};
    char found[256];

    if (find(fixture->lookup, "u@x.example", found, &why) != LOOKUP_FOUND)
        fail_msg("not found, but: %s", why.text);
    assert_string_equal(found, domain);
    assert_int_equal(find(fixture->lookup, "u@y.test", found, &why), LOOKUP_UNKNOWN);
}

static void expect_unavailable(const struct fixture *fixture, const char *complaint)
{
    struct failure why = {.text = ""};
    char found[256];

    assert_int_equal(find(fixture->lookup, "u@x.example", found, &why), LOOKUP_UNAVAILABLE);
    if (strstr(why.text, complaint) == NULL)
        fail_msg("%s; not: %s", why.text, complaint);
}

static void check(struct fixture *fixture)
{
    (void)lookup_check(fixture->lookup, fixture->scratch.store);
}

static void expect_described(struct fixture *fixture, const char *text)
{
    char line[FAILURE_TEXT_SIZE];

    lookup_describe(fixture->lookup, line, sizeof line);
    if (strstr(line, text) == NULL)
        fail_msg("%s; not: %s", line, text);
}

/* --- what is logged --- */

/* The new lines of the log: that many, and each with the text in it. */
static void expect_logged(struct fixture *fixture, int lines, const char *text)
{
    FILE *log = fopen(fixture->log, "r");
    char line[2 * LOG_LINE_MAX];
    int count = 0;

    assert_non_null(log);
    (void)fseek(log, fixture->log_read, SEEK_SET);
    for (; fgets(line, sizeof line, log) != NULL; count++) {
        if (strstr(line, text) == NULL)
            fail_msg("logged %s; not: %s", line, text);
    }
    fixture->log_read = ftell(log);
    (void)fclose(log);
    assert_int_equal(count, lines);
}

#define UNTIL_THEN "; until then mail is judged as on-unavailable says"

/* The same lookups and checks again change nothing, and say nothing. */
static void expect_silence(struct fixture *fixture)
{
    struct failure why;
    char found[256];

    for (int i = 0; i < 3; i++) {
        check(fixture);
        (void)find(fixture->lookup, "u@x.example", found, &why);
    }
    expect_logged(fixture, 0, "");
}

/* --- files --- */

static void path_in(const struct fixture *fixture, char out[SCRATCH_PATH_SIZE], const char *name)
{
    (void)snprintf(out, SCRATCH_PATH_SIZE, "%s/%s", fixture->scratch.directory, name);
}

static void move(const struct fixture *fixture, const char *from, const char *to)
{
    char old[SCRATCH_PATH_SIZE];
    char new[SCRATCH_PATH_SIZE];

    path_in(fixture, old, from);
    path_in(fixture, new, to);
    assert_int_equal(rename(old, new), 0);
}

static void write_data(const struct fixture *fixture, const char *octets, size_t length)
{
    int file = open(fixture->scratch.data, O_WRONLY | O_CREAT | O_TRUNC, 0660);

    assert_true(file >= 0);
    assert_int_equal(write(file, octets, length), length);
    (void)close(file);
}

/* --- states --- */

static void uses_a_store_that_is_there(void **state)
{
    struct fixture *fixture = *state;
    fill_a(fixture);
    fixture->lookup = lookup_open(fixture->scratch.store);
    expect_logged(fixture, 1, "in use, 2 identities");
    expect_found(fixture, "a.x.example");
    expect_silence(fixture);
}

static void sees_changes_at_once(void **state)
{
    struct fixture *fixture = *state;
    fill_a(fixture);
    fixture->lookup = lookup_open(fixture->scratch.store);
    scratch_fill(fixture->scratch.store, generation_b, 1);
    expect_found(fixture, "b.x.example");
    expect_logged(fixture, 1, "in use");
    expect_silence(fixture);
}

static void picks_up_a_store_that_appears(void **state)
{
    struct fixture *fixture = *state;
    fixture->lookup = lookup_open(fixture->scratch.store);
    expect_logged(fixture, 1, "there is no store in");
    expect_unavailable(fixture, "there is no store in");
    expect_silence(fixture);
    fill_a(fixture);
    check(fixture);
    expect_logged(fixture, 1, "in use, 2 identities");
    expect_found(fixture, "a.x.example");
}

static void picks_up_an_empty_store_that_is_filled(void **state)
{
    struct fixture *fixture = *state;
    scratch_fill(fixture->scratch.store, NULL, 0);
    fixture->lookup = lookup_open(fixture->scratch.store);
    expect_unavailable(fixture, "is empty; `mailfromctl import` fills it");
    expect_logged(fixture, 1, "is empty; `mailfromctl import` fills it" UNTIL_THEN);
    expect_silence(fixture);
    fill_a(fixture);
    expect_found(fixture, "a.x.example");
    check(fixture);
    expect_logged(fixture, 1, "in use, 2 identities");
    expect_silence(fixture);
}

static void picks_up_an_empty_directory_that_is_filled(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(mkdir(fixture->scratch.store, 0770), 0);
    fixture->lookup = lookup_open(fixture->scratch.store);
    expect_unavailable(fixture, "there is no store in");
    write_data(fixture, "", 0);
    check(fixture);
    expect_unavailable(fixture, "data.mdb is an empty file");
    assert_int_equal(unlink(fixture->scratch.data), 0);
    fill_a(fixture);
    check(fixture);
    expect_found(fixture, "a.x.example");
}

static void survives_garbage(void **state)
{
    struct fixture *fixture = *state;
    static char garbage[20000];

    fault_handlers_restore();
    memset(garbage, 'g', sizeof garbage);
    assert_int_equal(mkdir(fixture->scratch.store, 0770), 0);
    write_data(fixture, garbage, sizeof garbage);
    fixture->lookup = lookup_open(fixture->scratch.store);
    expect_unavailable(fixture, "store ");
    expect_logged(fixture, 1, UNTIL_THEN);
    expect_silence(fixture);
    assert_int_equal(unlink(fixture->scratch.data), 0);
    fill_a(fixture);
    check(fixture);
    expect_found(fixture, "a.x.example");
    expect_logged(fixture, 1, "in use, 2 identities");
}

static void notices_a_store_that_goes_and_comes_back(void **state)
{
    struct fixture *fixture = *state;
    fill_a(fixture);
    fixture->lookup = lookup_open(fixture->scratch.store);
    expect_logged(fixture, 1, "in use");
    for (int i = 0; i < 3; i++) {
        move(fixture, "store", "away");
        check(fixture);
        expect_unavailable(fixture, "there is no store in");
        expect_described(fixture, "there is no store in");
        expect_logged(fixture, 1, "there is no store in");
        expect_silence(fixture);
        move(fixture, "away", "store");
        check(fixture);
        expect_found(fixture, "a.x.example");
        expect_described(fixture, "2 identities in ");
        expect_logged(fixture, 1, "in use, 2 identities");
        expect_silence(fixture);
    }
}

static void follows_a_store_that_is_replaced_in_one_step(void **state)
{
    struct fixture *fixture = *state;
    char other[SCRATCH_PATH_SIZE];

    fill_a(fixture);
    path_in(fixture, other, "other");
    scratch_fill(other, generation_b, 1);
    fixture->lookup = lookup_open(fixture->scratch.store);
    expect_logged(fixture, 1, "in use, 2 identities");
    move(fixture, "other/data.mdb", "store/data.mdb");
    expect_found(fixture, "a.x.example");
    check(fixture);
    expect_found(fixture, "b.x.example");
    expect_logged(fixture, 1, "in use, 1 identity");
    expect_silence(fixture);
}

static void survives_a_store_that_is_cut(void **state)
{
    struct fixture *fixture = *state;
    static const off_t lengths[] = {0, 4096, 8192};

    fault_handlers_restore();
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        fill_a(fixture);
        fixture->lookup = lookup_open(fixture->scratch.store);
        expect_found(fixture, "a.x.example");
        expect_logged(fixture, 1, "in use");
        assert_int_equal(truncate(fixture->scratch.data, lengths[i]), 0);
        expect_unavailable(fixture, "is damaged; restore it");
        expect_logged(fixture, 1, "is damaged; restore it");
        assert_int_equal(unlink(fixture->scratch.data), 0);
        check(fixture);
        expect_logged(fixture, 1, "there is no store in");
        fill_a(fixture);
        check(fixture);
        expect_found(fixture, "a.x.example");
        expect_logged(fixture, 1, "in use, 2 identities");
        lookup_close(fixture->lookup);
        assert_int_equal(unlink(fixture->scratch.data), 0);
    }
    fixture->lookup = NULL;
}

static void notices_a_cut_store_before_mail_does(void **state)
{
    struct fixture *fixture = *state;
    struct stat status;

    fault_handlers_restore();
    fill_a(fixture);
    fixture->lookup = lookup_open(fixture->scratch.store);
    assert_int_equal(stat(fixture->scratch.data, &status), 0);
    assert_int_equal(truncate(fixture->scratch.data, status.st_size - 1), 0);
    expect_logged(fixture, 1, "in use");
    check(fixture);
    expect_logged(fixture, 1, "is damaged; restore it");
    expect_unavailable(fixture, "is damaged; restore it");
    expect_silence(fixture);
}

/* Changes an octet of each copy of a text in the data file, and the file's time, which might else
 * stay within one tick of the clock. */
static void patch(const struct fixture *fixture, const char *text, char first, time_t when)
{
    static char octets[1 << 20];
    const struct timespec times[2] = {{.tv_sec = when}, {.tv_sec = when}};
    FILE *file = fopen(fixture->scratch.data, "r+");
    size_t size;

    assert_non_null(file);
    size = fread(octets, 1, sizeof octets, file);
    for (char *at = octets;
         (at = memmem(at, size - (size_t)(at - octets), text, strlen(text))) != NULL; at++)
        *at = first;
    rewind(file);
    assert_int_equal(fwrite(octets, 1, size, file), size);
    (void)fclose(file);
    assert_int_equal(utimensat(AT_FDCWD, fixture->scratch.data, times, 0), 0);
}

/* It could be opened again and again, to be found damaged by the next message. */
static void leaves_a_damaged_store_alone_until_it_changes(void **state)
{
    struct fixture *fixture = *state;

    fill_a(fixture);
    fixture->lookup = lookup_open(fixture->scratch.store);
    expect_logged(fixture, 1, "in use");
    patch(fixture, "a.x.example", 'b', 1000000000);
    expect_unavailable(fixture, "the record of x.example is damaged");
    expect_logged(fixture, 1, "the record of x.example is damaged");
    expect_silence(fixture);
    expect_unavailable(fixture, "the record of x.example is damaged");
    patch(fixture, "b.x.example", 'a', 1000000001);
    check(fixture);
    expect_found(fixture, "a.x.example");
    expect_logged(fixture, 1, "in use, 2 identities");
}

/* Nobody asks for what is damaged, and mail of it would pass as that of nobody. */
static void finds_damage_before_mail_does(void **state)
{
    struct fixture *fixture = *state;

    fill_a(fixture);
    fixture->lookup = lookup_open(fixture->scratch.store);
    patch(fixture, "gone.example", 'l', 1000000000);
    for (int i = 0; i < 100; i++)
        check(fixture);
    expect_unavailable(fixture, "is damaged; restore it");
    expect_logged(fixture, 2, "");
    expect_silence(fixture);
    lookup_close(fixture->lookup);
    fixture->lookup = lookup_open(fixture->scratch.store);
    expect_unavailable(fixture, "is damaged; restore it");
    expect_logged(fixture, 1, UNTIL_THEN);
}

/* Whoever reloads wants it to be looked at again. */
static void tries_a_damaged_store_again_when_asked_to(void **state)
{
    struct fixture *fixture = *state;

    fill_a(fixture);
    fixture->lookup = lookup_open(fixture->scratch.store);
    patch(fixture, "a.x.example", 'b', 1000000000);
    expect_unavailable(fixture, "the record of x.example is damaged");
    expect_logged(fixture, 2, "");
    patch(fixture, "b.x.example", 'a', 1000000000);
    expect_silence(fixture);
    lookup_forget_damage(fixture->lookup);
    check(fixture);
    expect_found(fixture, "a.x.example");
    expect_logged(fixture, 1, "in use, 2 identities");
}

/* As on a full file system: the kernel cannot bring a page of lock.mdb, and data.mdb is sound. */
static void does_not_take_a_lost_page_of_the_lock_for_damage(void **state)
{
    struct fixture *fixture = *state;
    char lock[SCRATCH_PATH_SIZE];

    fault_handlers_restore();
    fill_a(fixture);
    fixture->lookup = lookup_open(fixture->scratch.store);
    expect_logged(fixture, 1, "in use, 2 identities");
    path_in(fixture, lock, "store/lock.mdb");
    assert_int_equal(truncate(lock, 0), 0);
    expect_unavailable(fixture, "a page of lock.mdb or data.mdb");
    expect_logged(fixture, 1, UNTIL_THEN);
    check(fixture);
    expect_found(fixture, "a.x.example");
    expect_logged(fixture, 1, "in use, 2 identities");
    expect_silence(fixture);
}

static int keep_open(void *context)
{
    const struct fixture *fixture = context;
    struct failure why;
    struct store *store;

    if (!store_open(&store, fixture->scratch.store, STORE_READ, NULL, &why))
        return 1;
    (void)kill(getpid(), SIGSTOP);
    return 0;
}

/* While another program has it open, LMDB does not make a lock.mdb good. */
static void names_a_lock_file_that_is_damaged(void **state)
{
    struct fixture *fixture = *state;
    char lock[SCRATCH_PATH_SIZE];
    pid_t child;
    int file;
    int status;

    fill_a(fixture);
    child = fork();
    if (child == 0)
        _exit(keep_open(fixture));
    assert_int_equal(waitpid(child, &status, WUNTRACED), child);
    path_in(fixture, lock, "store/lock.mdb");
    file = open(lock, O_WRONLY);
    assert_int_equal(pwrite(file, "garbage!", 8, 0), 8);
    (void)close(file);
    fixture->lookup = lookup_open(fixture->scratch.store);
    expect_unavailable(fixture, "lock.mdb is damaged; remove it, and it is made again");
    expect_logged(fixture, 1, UNTIL_THEN);
    expect_silence(fixture);
    assert_int_equal(unlink(lock), 0);
    check(fixture);
    expect_found(fixture, "a.x.example");
    (void)kill(child, SIGKILL);
    (void)waitpid(child, &status, 0);
}

static void moves_to_another_directory(void **state)
{
    struct fixture *fixture = *state;
    char other[SCRATCH_PATH_SIZE];

    fill_a(fixture);
    path_in(fixture, other, "other");
    scratch_fill(other, generation_b, 1);
    fixture->lookup = lookup_open(fixture->scratch.store);
    expect_logged(fixture, 1, "in use, 2 identities");
    (void)lookup_check(fixture->lookup, other);
    expect_found(fixture, "b.x.example");
    expect_logged(fixture, 1, "other: in use, 1 identity");
    path_in(fixture, other, "none");
    (void)lookup_check(fixture->lookup, other);
    expect_unavailable(fixture, "none");
    expect_logged(fixture, 1, "there is no store in");
    check(fixture);
    expect_found(fixture, "a.x.example");
    expect_logged(fixture, 1, "in use, 2 identities");
}

static void has_no_keys_to_look_up_for_nobody(void **state)
{
    struct fixture *fixture = *state;
    struct identity nobody = {.kind = IDENTITY_DOMAIN};
    struct mail_from record;
    struct failure why;
    char key[IDENTITY_SIZE];

    fill_a(fixture);
    fixture->lookup = lookup_open(fixture->scratch.store);
    assert_int_equal(lookup_find(fixture->lookup, &nobody, true, key, &record, NULL, &why),
                     LOOKUP_UNKNOWN);
    lookup_close(NULL);
}

/* --- where bounces belong --- */

static const struct scratch_record returning[] = {
    {"x.example", {.source = MAIL_FROM_FILE, .verified = true, .domain = "a.x.example"}},
    {"u@x.example", {.kind = IDENTITY_ADDRESS, .source = MAIL_FROM_LOCAL, .domain = "a.x.example"}},
};

static enum lookup_result returns(struct fixture *fixture, const char *domain, size_t *count,
                                  struct failure *why)
{
    struct store_return found[STORE_RETURNS_MAX];
    enum lookup_result result = lookup_returns(fixture->lookup, domain, 0, found, count, why);

    if (result == LOOKUP_FOUND) {
        assert_string_equal(found[0].domain, "x.example");
        assert_int_equal(found[0].references, 2);
    }
    return result;
}

static void tells_where_bounces_belong(void **state)
{
    struct fixture *fixture = *state;
    struct failure why = {.text = ""};
    size_t count = 99;

    fixture->lookup = lookup_open(fixture->scratch.store);
    expect_logged(fixture, 1, "there is no store in");
    assert_int_equal(returns(fixture, "a.x.example", &count, &why), LOOKUP_UNAVAILABLE);
    assert_non_null(strstr(why.text, "there is no store in"));
    assert_int_equal(count, 0);
    scratch_fill(fixture->scratch.store, NULL, 0);
    check(fixture);
    assert_int_equal(returns(fixture, "a.x.example", &count, &why), LOOKUP_UNAVAILABLE);
    assert_non_null(strstr(why.text, "is empty"));
    scratch_fill(fixture->scratch.store, returning, 2);
    assert_int_equal(returns(fixture, "a.x.example", &count, &why), LOOKUP_FOUND);
    assert_int_equal(count, 1);
    assert_int_equal(returns(fixture, "b.x.example", &count, &why), LOOKUP_UNKNOWN);
    assert_int_equal(count, 0);
}

static void gives_up_a_store_where_that_is_damaged(void **state)
{
    struct fixture *fixture = *state;
    struct failure why = {.text = ""};
    size_t count = 99;

    scratch_fill(fixture->scratch.store, returning, 2);
    fixture->lookup = lookup_open(fixture->scratch.store);
    patch(fixture, "a.x.example", 'b', 1000000000);
    expect_logged(fixture, 1, "in use, 2 identities");
    assert_int_equal(returns(fixture, "b.x.example", &count, &why), LOOKUP_UNAVAILABLE);
    assert_int_equal(count, 0);
    expect_logged(fixture, 1, "what it knows of return paths is damaged");
    expect_unavailable(fixture, "what it knows of return paths is damaged");
    expect_silence(fixture);
}

/* --- threads --- */

enum { THREADS = 6, ROUNDS = 60 };

struct reader {
    struct lookup *lookup;
    unsigned long found;
    unsigned long wrong;
};

static atomic_bool stop;

/* x.example is in both generations: it is never unknown, and nothing else is ever found. */
static void *read_until_stopped(void *context)
{
    struct reader *reader = context;

    while (!atomic_load(&stop)) {
        struct failure why = {.text = ""};
        char domain[256];
        switch (find(reader->lookup, "u@x.example", domain, &why)) {
        case LOOKUP_FOUND:
            reader->found++;
            reader->wrong += strcmp(domain + 1, ".x.example") != 0;
            break;
        case LOOKUP_UNKNOWN:
            reader->wrong++;
            break;
        case LOOKUP_UNAVAILABLE:
            reader->wrong += why.text[0] == '\0';
            break;
        }
        reader->wrong += find(reader->lookup, "u@y.test", domain, &why) == LOOKUP_FOUND;
    }
    return NULL;
}

static void copy_file(const char *from, const char *to)
{
    static char octets[1 << 20];
    FILE *in = fopen(from, "r");
    FILE *out = fopen(to, "w");
    size_t size;

    assert_true(in != NULL && out != NULL);
    size = fread(octets, 1, sizeof octets, in);
    assert_int_equal(fwrite(octets, 1, size, out), size);
    (void)fclose(in);
    (void)fclose(out);
}

/* One of the things that happen to a store; it is whole again afterwards. */
static void disturb(struct fixture *fixture, int round)
{
    char whole[SCRATCH_PATH_SIZE];
    char next[SCRATCH_PATH_SIZE];

    path_in(fixture, whole, round % 2 ? "a.mdb" : "b.mdb");
    path_in(fixture, next, "next.mdb");
    copy_file(whole, next);
    if (round % 3 == 0) {
        assert_int_equal(truncate(fixture->scratch.data, round % 6 == 0 ? 0 : 8192), 0);
        check(fixture);
    } else if (round % 3 == 1) {
        assert_int_equal(unlink(fixture->scratch.data), 0);
        check(fixture);
    }
    move(fixture, "next.mdb", "store/data.mdb");
    check(fixture);
    expect_found(fixture, round % 2 ? "a.x.example" : "b.x.example");
}

static void answers_threads_right_whatever_happens(void **state)
{
    struct fixture *fixture = *state;
    struct reader readers[THREADS];
    pthread_t ids[THREADS];

    fault_handlers_restore();
    fill_a(fixture);
    move(fixture, "store/data.mdb", "a.mdb");
    scratch_fill(fixture->scratch.store, generation_b, 1);
    move(fixture, "store/data.mdb", "b.mdb");
    fill_a(fixture);
    fixture->lookup = lookup_open(fixture->scratch.store);
    for (int i = 0; i < THREADS; i++) {
        readers[i] = (struct reader){.lookup = fixture->lookup};
        assert_int_equal(pthread_create(&ids[i], NULL, read_until_stopped, &readers[i]), 0);
    }
    for (int i = 0; i < ROUNDS; i++)
        disturb(fixture, i);
    atomic_store(&stop, true);
    for (int i = 0; i < THREADS; i++) {
        (void)pthread_join(ids[i], NULL);
        assert_int_equal(readers[i].wrong, 0);
    }
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, make_fixture, free_fixture)

/* --- a page that LMDB searches for ever --- */

/* Marks the page with a text in it as a leaf of keys of one size (LEAF2, 0x20 at offset 10) whose
 * list ends before it begins (mp_lower, offset 12): LMDB 0.9.24 does not come back from there. */
static void send_in_circles(const char *data, const char *text)
{
    unsigned char page[4096];
    int file = open(data, O_RDWR | O_CLOEXEC);

    assert_true(file >= 0);
    for (off_t at = 8192; pread(file, page, sizeof page, at) == (ssize_t)sizeof page;
         at += (off_t)sizeof page) {
        if ((page[10] & 2) == 0 || memmem(page, sizeof page, text, strlen(text)) == NULL)
            continue;
        page[10] |= 0x20;
        page[12] = 8;
        page[13] = 0;
        assert_int_equal(pwrite(file, page, sizeof page, at), (ssize_t)sizeof page);
    }
    (void)close(file);
}

static void *find_in_circles(void *context)
{
    struct fixture *fixture = context;
    struct failure why;
    char domain[256];

    return find(fixture->lookup, "a@x.example", domain, &why) == LOOKUP_UNAVAILABLE ? context
                                                                                    : NULL;
}

static void ends_a_search_that_goes_in_circles(void **state)
{
    struct fixture *fixture = *state;
    const struct timespec pause = {.tv_nsec = 100 * 1000 * 1000};
    void *unavailable = NULL;
    bool could_look = true;
    pthread_t thread;

    fill_a(fixture);
    fixture->lookup = lookup_open(fixture->scratch.store);
    send_in_circles(fixture->scratch.data, "x.example");
    assert_int_equal(pthread_create(&thread, NULL, find_in_circles, fixture), 0);
    for (int i = 0; i < 1200 && pthread_tryjoin_np(thread, &unavailable) != 0; i++) {
        could_look = lookup_check(fixture->lookup, fixture->scratch.store) && could_look;
        (void)nanosleep(&pause, NULL);
    }
    assert_non_null(unavailable);
    /* The watchdog is not told meanwhile that all is well. */
    assert_false(could_look);
    assert_true(lookup_check(fixture->lookup, fixture->scratch.store));
}

/* At the start nobody watches over the thread that opens it. */
static void ends_an_opening_that_goes_in_circles(void **state)
{
    struct fixture *fixture = *state;

    fill_a(fixture);
    send_in_circles(fixture->scratch.data, "identities");
    fixture->lookup = lookup_open(fixture->scratch.store);
    expect_unavailable(fixture, "is damaged; restore it");
    expect_logged(fixture, 1, UNTIL_THEN);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(ends_a_search_that_goes_in_circles),
        TEST(ends_an_opening_that_goes_in_circles),
        TEST(uses_a_store_that_is_there),
        TEST(sees_changes_at_once),
        TEST(picks_up_a_store_that_appears),
        TEST(picks_up_an_empty_store_that_is_filled),
        TEST(picks_up_an_empty_directory_that_is_filled),
        TEST(survives_garbage),
        TEST(notices_a_store_that_goes_and_comes_back),
        TEST(follows_a_store_that_is_replaced_in_one_step),
        TEST(survives_a_store_that_is_cut),
        TEST(notices_a_cut_store_before_mail_does),
        TEST(leaves_a_damaged_store_alone_until_it_changes),
        TEST(finds_damage_before_mail_does),
        TEST(tries_a_damaged_store_again_when_asked_to),
        TEST(does_not_take_a_lost_page_of_the_lock_for_damage),
        TEST(names_a_lock_file_that_is_damaged),
        TEST(moves_to_another_directory),
        TEST(tells_where_bounces_belong),
        TEST(gives_up_a_store_where_that_is_damaged),
        TEST(has_no_keys_to_look_up_for_nobody),
        TEST(answers_threads_right_whatever_happens),
    };
    fault_handlers_keep();
    log_open("test", LOG_TO_STDERR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
