/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/owner.h"
#include "common/store.h"
#include "tests/unit/fault_handlers.h"
#include "tests/unit/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>

static int make_scratch(void **state)
{
    *state = malloc(sizeof(struct scratch));
    if (*state == NULL)
        return -1;
    scratch_make(*state);
    return 0;
}

static int remove_scratch(void **state)
{
    scratch_remove(*state);
    free(*state);
    return 0;
}

static const struct scratch_record few[] = {
    {"a@x.example", {.kind = IDENTITY_ADDRESS, .verified = true, .domain = "m.x.example"}},
    {"b@x.example", {.kind = IDENTITY_ADDRESS, .domain = "m.x.example"}},
    {"example", {.kind = IDENTITY_DOMAIN, .verified = true}},
    {"x.example", {.kind = IDENTITY_DOMAIN, .verified = true, .domain = "bounce.x.example"}},
};
enum { FEW = sizeof few / sizeof *few };

static struct store *open_store(const struct scratch *scratch, enum store_access access)
{
    struct store *store;
    struct failure why;

    if (!store_open(&store, scratch->store, access, NULL, &why))
        fail_msg("%s", why.text);
    return store;
}

static void expect_no_store(const struct scratch *scratch, enum store_access access, int exit_code,
                            const char *complaint)
{
    struct failure why = {.text = ""};
    struct store *store;

    if (store_open(&store, scratch->store, access, NULL, &why))
        fail_msg("opened, where it should say: %s", complaint);
    assert_null(store);
    if (why.exit_code != exit_code || strstr(why.text, complaint) == NULL)
        fail_msg("%d, %s; not: %s", why.exit_code, why.text, complaint);
}

static bool add_to_count(void *context, const char *key, const struct mail_from *record)
{
    (void)key;
    (void)record;
    ++*(uint64_t *)context;
    return true;
}

/* --- directory and files --- */

static mode_t mode_of(const char *path)
{
    struct stat status;

    assert_int_equal(stat(path, &status), 0);
    return status.st_mode & 07777;
}

static gid_t group_of(const char *path)
{
    struct stat status;

    assert_int_equal(stat(path, &status), 0);
    return status.st_gid;
}

static void expect_closed_to_others(const struct scratch *scratch)
{
    char lock[SCRATCH_PATH_SIZE];

    (void)snprintf(lock, sizeof lock, "%s/store/lock.mdb", scratch->directory);
    assert_int_equal(mode_of(scratch->data), 0640);
    assert_int_equal(mode_of(lock), 0660);
    assert_int_equal(group_of(scratch->data), group_of(scratch->store));
    assert_int_equal(group_of(lock), group_of(scratch->store));
}

static void makes_a_store_for_its_group_under_any_umask(void **state)
{
    const struct scratch *scratch = *state;
    static const mode_t masks[] = {0, 022, 077, 0777};

    for (size_t i = 0; i < sizeof masks / sizeof *masks; i++) {
        mode_t mask = umask(masks[i]);
        store_close(open_store(scratch, STORE_WRITE));
        assert_int_equal(umask(mask), masks[i]);
        assert_int_equal(mode_of(scratch->store), 02750);
        expect_closed_to_others(scratch);
        scratch_remove(scratch);
        assert_int_equal(mkdir(scratch->directory, 0700), 0);
    }
}

static const struct group *other_group(void)
{
    const struct group *group = getgrnam("daemon");

    if (geteuid() != 0 || group == NULL || group->gr_gid == getegid())
        skip();
    return group;
}

static void gives_a_new_store_to_the_named_group(void **state)
{
    const struct scratch *scratch = *state;
    gid_t group = other_group()->gr_gid;
    struct failure why;
    struct store *store;

    assert_true(store_open(&store, scratch->store, STORE_WRITE, "daemon", &why));
    store_close(store);
    assert_int_equal(mode_of(scratch->store), 02750);
    assert_int_equal(group_of(scratch->store), group);
    expect_closed_to_others(scratch);
}

/* A root shell in the store of the daemons must not lock them out. */
static void gives_files_to_the_group_of_the_directory(void **state)
{
    const struct scratch *scratch = *state;
    gid_t group = other_group()->gr_gid;
    mode_t mask = umask(077);

    assert_int_equal(mkdir(scratch->store, 0700), 0);
    assert_int_equal(chown(scratch->store, (uid_t)-1, group), 0);
    assert_int_equal(chmod(scratch->store, 0770), 0);
    store_close(open_store(scratch, STORE_WRITE));
    (void)umask(mask);
    assert_int_equal(group_of(scratch->data), group);
    expect_closed_to_others(scratch);
    assert_int_equal(chmod(scratch->data, 0644), 0);
    assert_int_equal(chown(scratch->data, (uid_t)-1, getegid()), 0);
    store_close(open_store(scratch, STORE_WRITE));
    expect_closed_to_others(scratch);
}

/* --- root, in a directory that is not root's alone --- */

enum { OTHER_USER = 1, OTHER_GROUP = 2 }; /* daemon and bin; neither is in the other's group */

static void need_root(void)
{
    const struct passwd *other = getpwuid(OTHER_USER);

    if (geteuid() != 0 || other == NULL || other->pw_gid == OTHER_GROUP)
        skip();
}

static void make_directory(const struct scratch *scratch, uid_t user, mode_t mode)
{
    assert_int_equal(chmod(scratch->directory, 0711), 0);
    assert_int_equal(mkdir(scratch->store, 0700), 0);
    assert_int_equal(chown(scratch->store, user, OTHER_GROUP), 0);
    assert_int_equal(chmod(scratch->store, mode), 0);
}

static void expect_owner(const struct scratch *scratch, const char *name, uid_t user, gid_t group,
                         mode_t mode)
{
    char path[SCRATCH_PATH_SIZE + 32];
    struct stat status;

    (void)snprintf(path, sizeof path, "%s/%s", scratch->store, name);
    assert_int_equal(lstat(path, &status), 0);
    assert_int_equal(status.st_uid, user);
    assert_int_equal(status.st_gid, group);
    assert_int_equal(status.st_mode & 07777, mode);
}

/* Readers are the group of the directory, writers that of its owner. */
static void lets_readers_write_the_lock_alone(void **state)
{
    const struct scratch *scratch = *state;
    gid_t writers;

    need_root();
    writers = getpwuid(OTHER_USER)->pw_gid;
    make_directory(scratch, OTHER_USER, 02770);
    store_close(open_store(scratch, STORE_WRITE));
    expect_owner(scratch, ".", OTHER_USER, OTHER_GROUP, 02750);
    expect_owner(scratch, "data.mdb", OTHER_USER, writers, 0664);
    expect_owner(scratch, "lock.mdb", OTHER_USER, OTHER_GROUP, 0660);

    /* one of an earlier version, that an administrator had filled */
    assert_int_equal(chown(scratch->data, OTHER_USER, OTHER_GROUP), 0);
    assert_int_equal(chmod(scratch->data, 0660), 0);
    store_close(open_store(scratch, STORE_UPDATE));
    expect_owner(scratch, "data.mdb", OTHER_USER, writers, 0664);

    /* the administrator's own group of writers */
    assert_int_equal(chown(scratch->data, OTHER_USER, 3), 0);
    store_close(open_store(scratch, STORE_UPDATE));
    expect_owner(scratch, "data.mdb", OTHER_USER, 3, 0664);
}

/* Returns the errno of opening data.mdb for writing as a user. */
struct intruder {
    const char *path;
    uid_t user;
    gid_t group;
};

static int open_as(void *context)
{
    const struct intruder *intruder = context;

    if (setgroups(0, NULL) != 0 || setgid(intruder->group) != 0 || setuid(intruder->user) != 0)
        return EX_OSERR;
    return open(intruder->path, O_RDWR) >= 0 ? 0 : errno;
}

static void keeps_readers_from_writing_the_data(void **state)
{
    const struct scratch *scratch = *state;
    char lock[SCRATCH_PATH_SIZE + 16];
    struct intruder reader = {scratch->data, 12345, OTHER_GROUP};
    struct intruder stranger = {scratch->data, 12345, 12345};
    struct intruder writer = {scratch->data, 12345, 0};

    need_root();
    (void)snprintf(lock, sizeof lock, "%s/lock.mdb", scratch->store);
    make_directory(scratch, OTHER_USER, 02770);
    store_close(open_store(scratch, STORE_WRITE));
    assert_int_equal(WEXITSTATUS(scratch_run_child(open_as, &reader)), EACCES);
    assert_int_equal(WEXITSTATUS(scratch_run_child(open_as, &stranger)), EACCES);
    reader.path = lock;
    assert_int_equal(WEXITSTATUS(scratch_run_child(open_as, &reader)), 0);
    /* A service that is in both groups; this one has one, and so the directory is opened to it. */
    writer.group = getpwuid(OTHER_USER)->pw_gid;
    assert_int_equal(chmod(scratch->store, 02751), 0);
    assert_int_equal(WEXITSTATUS(scratch_run_child(open_as, &writer)), 0);
}

static char *victim_of(const struct scratch *scratch, char path[SCRATCH_PATH_SIZE + 16])
{
    int file;

    (void)snprintf(path, SCRATCH_PATH_SIZE + 16, "%s/victim", scratch->directory);
    file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(file >= 0);
    assert_int_equal(write(file, "of root's", 9), 9);
    (void)close(file);
    return path;
}

static void expect_unharmed(const char *victim)
{
    struct stat status;

    assert_int_equal(stat(victim, &status), 0);
    assert_int_equal(status.st_size, 9);
    assert_int_equal(status.st_uid, 0);
    assert_int_equal(status.st_gid, 0);
    assert_int_equal(status.st_mode & 07777, 0600);
}

/* A member of the group has put a link into the directory, as one could in earlier versions. */
static void follows_no_link_as_root(void **state)
{
    struct scratch *scratch = *state;
    static const uid_t owners[] = {0, OTHER_USER};
    static const char *const names[] = {"lock.mdb", "data.mdb"};
    static const enum store_access accesses[] = {STORE_READ, STORE_UPDATE, STORE_WRITE};
    char victim[SCRATCH_PATH_SIZE + 16], path[SCRATCH_PATH_SIZE + 16];

    need_root();
    (void)victim_of(scratch, victim);
    for (size_t i = 0; i < 2 * 2 * 3; i++) {
        make_directory(scratch, owners[i % 2], 02770);
        scratch_fill(scratch->store, few, FEW);
        (void)snprintf(path, sizeof path, "%s/%s", scratch->store, names[i / 2 % 2]);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(symlink(victim, path), 0);
        expect_no_store(scratch, accesses[i / 4], EX_DATAERR, "is a symbolic link; find out who");
        expect_unharmed(victim);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(mkfifo(path, 0666), 0);
        expect_no_store(scratch, accesses[i / 4], EX_DATAERR, "is not a regular file");
        assert_int_equal(nftw(scratch->store, scratch_unlink, 8, FTW_DEPTH | FTW_PHYS), 0);
    }
}

/* Whoever owns the directory may win the race between the look and the opening. */
static int open_behind_a_link(void *context)
{
    const struct scratch *scratch = context;
    struct failure why;
    struct owner owner;

    return owner_enter(&owner, scratch->store, &why) && open(scratch->data, O_RDWR) < 0 ? errno : 0;
}

static void has_no_more_rights_there_than_the_owner(void **state)
{
    const struct scratch *scratch = *state;
    char victim[SCRATCH_PATH_SIZE + 16];

    need_root();
    make_directory(scratch, OTHER_USER, 02750);
    assert_int_equal(symlink(victim_of(scratch, victim), scratch->data), 0);
    assert_int_equal(WEXITSTATUS(scratch_run_child(open_behind_a_link, *state)), EACCES);
}

static void leaves_the_mode_of_a_directory_that_is_there(void **state)
{
    const struct scratch *scratch = *state;

    assert_int_equal(mkdir(scratch->store, 0750), 0);
    store_close(open_store(scratch, STORE_WRITE));
    assert_int_equal(mode_of(scratch->store), 0750);
}

static void refuses_a_group_that_does_not_exist(void **state)
{
    const struct scratch *scratch = *state;
    struct failure why;
    struct store *store;

    assert_false(store_open(&store, scratch->store, STORE_WRITE, "no-such-group", &why));
    assert_int_equal(why.exit_code, EX_CONFIG);
    assert_non_null(strstr(why.text, "there is no group \"no-such-group\""));
    assert_int_not_equal(access(scratch->store, F_OK), 0);
}

/* --- stores that cannot be opened --- */

static void write_file(const struct scratch *scratch, const void *octets, size_t length)
{
    int file;

    (void)mkdir(scratch->store, 0770);
    file = open(scratch->data, O_WRONLY | O_CREAT | O_TRUNC, 0660);
    assert_true(file >= 0);
    assert_int_equal(write(file, octets, length), length);
    (void)close(file);
}

static void says_what_is_missing(void **state)
{
    struct scratch *scratch = *state;

    expect_no_store(scratch, STORE_READ, EX_NOINPUT, "there is no store in");
    expect_no_store(scratch, STORE_READ, EX_NOINPUT, "`mailfromctl import` makes one");
    expect_no_store(scratch, STORE_UPDATE, EX_NOINPUT, "there is no store in");
    assert_int_not_equal(access(scratch->store, F_OK), 0);
    assert_int_equal(mkdir(scratch->store, 0770), 0);
    expect_no_store(scratch, STORE_READ, EX_NOINPUT, "there is no store in");
    expect_no_store(scratch, STORE_UPDATE, EX_NOINPUT, "there is no store in");
    assert_int_not_equal(access(scratch->data, F_OK), 0);
    write_file(scratch, "", 0);
    strcat(scratch->store, "/data.mdb");
    expect_no_store(scratch, STORE_READ, EX_NOINPUT, "there is no store in");
}

static void cannot_make_a_store_below_nothing(void **state)
{
    struct scratch *scratch = *state;

    (void)snprintf(scratch->store, sizeof scratch->store, "%s/no/store", scratch->directory);
    expect_no_store(scratch, STORE_WRITE, EX_CANTCREAT, "cannot make the store");
}

static void refuses_an_empty_file(void **state)
{
    const struct scratch *scratch = *state;

    write_file(scratch, "", 0);
    expect_no_store(scratch, STORE_READ, EX_DATAERR, "data.mdb is an empty file");
    expect_no_store(scratch, STORE_UPDATE, EX_DATAERR, "data.mdb is an empty file");
}

static void refuses_a_store_that_was_never_filled(void **state)
{
    const struct scratch *scratch = *state;
    struct identity sender = scratch_identity("a@x.example");
    struct mail_from record;
    struct failure why = {.text = ""};
    char key[IDENTITY_SIZE];
    struct store *store;

    scratch_fill(scratch->store, NULL, 0);
    store = open_store(scratch, STORE_READ);
    assert_int_equal(store_find(store, &sender, true, key, &record, NULL, &why), STORE_FAILED);
    assert_int_equal(why.exit_code, EX_UNAVAILABLE);
    assert_non_null(strstr(why.text, "is empty; `mailfromctl import` fills it"));
    assert_int_equal(store_get(store, "x.example", &record, &why), STORE_NOT_FOUND);
    store_close(store);
}

static void refuses_garbage(void **state)
{
    const struct scratch *scratch = *state;
    static unsigned char garbage[3 * 4096];
    static const size_t lengths[] = {1, 100, 4095, 4096, 8191, 8192, sizeof garbage};

    fault_handlers_restore();
    for (size_t i = 0; i < sizeof garbage; i++)
        garbage[i] = (unsigned char)(i * 7919 >> 3);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct store *store;
        struct failure why = {.text = ""};
        write_file(scratch, garbage, lengths[i]);
        assert_false(store_open(&store, scratch->store, STORE_READ, NULL, &why));
        assert_true(why.text[0] != '\0');
        assert_false(store_open(&store, scratch->store, STORE_WRITE, NULL, &why));
    }
    expect_no_store(scratch, STORE_READ, EX_DATAERR, "opening");
}

/* Replaces each occurrence of some octets in the data file; returns how many there were. */
static int patch(const struct scratch *scratch, const char *from, const char *to, size_t length)
{
    FILE *file = fopen(scratch->data, "r+");
    static char octets[1 << 20];
    size_t size;
    int count = 0;

    assert_non_null(file);
    size = fread(octets, 1, sizeof octets, file);
    for (char *at = octets; (at = memmem(at, size - (size_t)(at - octets), from, length)) != NULL;
         at++) {
        memcpy(at, to, length);
        count++;
    }
    rewind(file);
    assert_int_equal(fwrite(octets, 1, size, file), size);
    (void)fclose(file);
    return count;
}

/* LMDB divides by the size of a page. In the meta pages it stands at offset 40. */
static void refuses_pages_of_no_size(void **state)
{
    const struct scratch *scratch = *state;
    static const unsigned char sizes[][4] = {{0, 0, 0, 0}, {1, 0, 0, 0}, {255, 255, 255, 255}};

    fault_handlers_restore();
    scratch_fill(scratch->store, few, FEW);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct failure why = {.text = ""};
        struct store *store;
        int file = open(scratch->data, O_WRONLY);
        for (off_t page = 0; page <= 4096; page += 4096)
            assert_int_equal(pwrite(file, sizes[i], 4, page + 40), 4);
        (void)close(file);
        for (int access = STORE_READ; access <= STORE_UPDATE; access++) {
            assert_false(store_open(&store, scratch->store, (enum store_access)access, NULL, &why));
            assert_int_equal(why.exit_code, EX_DATAERR);
        }
    }
}

static void refuses_a_newer_schema_with_a_sentence(void **state)
{
    const struct scratch *scratch = *state;

    scratch_fill(scratch->store, few, FEW);
    assert_true(patch(scratch, "schema\001", "schema\002", 7) > 0);
    expect_no_store(scratch, STORE_READ, EX_DATAERR,
                    "has schema 2, this program knows 1: it was written by a newer version of "
                    "mailfrom-milter, install that one here too");
    expect_no_store(scratch, STORE_WRITE, EX_DATAERR, "has schema 2");
    assert_true(patch(scratch, "schema\002", "schema\377", 7) > 0);
    expect_no_store(scratch, STORE_READ, EX_DATAERR, "has schema 255");
    assert_true(patch(scratch, "schema\377", "schema\000", 7) > 0);
    expect_no_store(scratch, STORE_READ, EX_DATAERR, "is not one of mailfrom-milter");
    assert_true(patch(scratch, "schema\000", "schema\001", 7) > 0);
    store_close(open_store(scratch, STORE_READ));
}

/* An LMDB environment of someone else: the same file with its databases by other names. */
static void refuses_a_foreign_environment(void **state)
{
    const struct scratch *scratch = *state;

    scratch_fill(scratch->store, few, FEW);
    assert_true(patch(scratch, "meta", "meth", 4) > 0);
    expect_no_store(scratch, STORE_READ, EX_DATAERR, "is not one of mailfrom-milter");
    expect_no_store(scratch, STORE_WRITE, EX_DATAERR, "is not one of mailfrom-milter");
    assert_true(patch(scratch, "meth", "meta", 4) > 0);
    assert_true(patch(scratch, "schema", "schemb", 6) > 0);
    expect_no_store(scratch, STORE_WRITE, EX_DATAERR, "is not one of mailfrom-milter");
}

/* --- reading --- */

static void gets_one_record(void **state)
{
    const struct scratch *scratch = *state;
    struct mail_from record;
    struct failure why;
    struct store *store;

    scratch_fill(scratch->store, few, FEW);
    store = open_store(scratch, STORE_READ);
    for (size_t i = 0; i < FEW; i++) {
        assert_int_equal(store_get(store, few[i].key, &record, &why), STORE_FOUND);
        assert_string_equal(record.domain, few[i].record.domain);
        assert_int_equal(record.verified, few[i].record.verified);
    }
    assert_int_equal(store_get(store, "c@x.example", &record, &why), STORE_NOT_FOUND);
    assert_int_equal(store_get(store, "X.example", &record, &why), STORE_NOT_FOUND);
    store_close(store);
}

struct trace {
    char text[1000];
};

static void note(void *context, const char *key, const char *outcome)
{
    struct trace *trace = context;
    size_t used = strlen(trace->text);

    (void)snprintf(trace->text + used, sizeof trace->text - used, "%s: %s\n", key, outcome);
}

static void finds_the_first_verified_identity(void **state)
{
    const struct scratch *scratch = *state;
    static const struct {
        const char *sender;
        bool strip_label;
        const char *key; /* NULL: none */
        const char *trace;
    } rows[] = {
        {"a@x.example", true, "a@x.example", "a@x.example: found, decides\n"},
        {"a+l@x.example", true, "a@x.example",
         "a+l@x.example: no such identity\na@x.example: found, decides\n"},
        {"a+l@x.example", false, "x.example",
         "a+l@x.example: no such identity\nx.example: found, decides\n"},
        {"b@x.example", true, "x.example",
         "b@x.example: found, but not verified: skipped\nx.example: found, decides\n"},
        {"c@y.example", true, "example",
         "c@y.example: no such identity\ny.example: no such identity\nexample: found, decides\n"},
        {"c@y.test", true, NULL,
         "c@y.test: no such identity\ny.test: no such identity\ntest: no such identity\n"},
    };
    struct store *store;

    scratch_fill(scratch->store, few, FEW);
    store = open_store(scratch, STORE_READ);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct identity sender = scratch_identity(rows[i].sender);
        struct trace told = {.text = ""};
        struct store_trace trace = {.tried = note, .context = &told};
        struct mail_from record;
        struct failure why;
        char key[IDENTITY_SIZE] = "";
        enum store_result result =
            store_find(store, &sender, rows[i].strip_label, key, &record, &trace, &why);
        assert_int_equal(result, rows[i].key == NULL ? STORE_NOT_FOUND : STORE_FOUND);
        if (rows[i].key != NULL)
            assert_string_equal(key, rows[i].key);
        assert_string_equal(told.text, rows[i].trace);
    }
    store_close(store);
}

static bool take_first_keys(void *context, const char *key, const struct mail_from *record)
{
    struct trace *trace = context;

    (void)record;
    strcat(trace->text, key);
    strcat(trace->text, " ");
    return strcmp(key, "b@x.example") != 0;
}

static void visits_records_in_order_until_told_to_stop(void **state)
{
    const struct scratch *scratch = *state;
    struct trace told = {.text = ""};
    struct failure why;
    struct store *store;
    uint64_t count = 0;

    scratch_fill(scratch->store, few + 2, 2);
    scratch_fill(scratch->store, few, 2);
    store = open_store(scratch, STORE_READ);
    assert_true(store_each(store, take_first_keys, &told, &why));
    assert_string_equal(told.text, "example x.example a@x.example b@x.example ");
    assert_true(store_each(store, add_to_count, &count, &why));
    assert_int_equal(count, FEW);
    assert_true(store_count(store, &count, &why));
    assert_int_equal(count, FEW);
    store_close(store);
}

static void gives_each_read_a_fresh_snapshot(void **state)
{
    const struct scratch *scratch = *state;
    struct mail_from record;
    struct failure why;
    struct store *store;

    scratch_fill(scratch->store, few, 1);
    store = open_store(scratch, STORE_READ);
    assert_int_equal(store_get(store, "x.example", &record, &why), STORE_NOT_FOUND);
    scratch_fill(scratch->store, few, FEW);
    assert_int_equal(store_get(store, "x.example", &record, &why), STORE_FOUND);
    assert_true(store_is_current(store, &why));
    store_close(store);
}

/* --- writing --- */

static bool change_and_look(struct store *store, void *context, struct failure *why)
{
    struct mail_from record;
    uint64_t count = 0;
    bool existed = false;

    assert_true(store_put(store, "new.example", &few[3].record, why));
    assert_int_equal(store_get(store, "new.example", &record, why), STORE_FOUND);
    assert_true(store_remove(store, "x.example", &existed, why));
    assert_true(existed);
    assert_int_equal(store_get(store, "x.example", &record, why), STORE_NOT_FOUND);
    assert_true(store_remove(store, "none.example", &existed, why));
    assert_false(existed);
    assert_true(store_each(store, add_to_count, &count, why));
    assert_int_equal(count, FEW);
    return *(const bool *)context || failure_set(why, EX_USAGE, "changed my mind");
}

static void commits_what_change_did(void **state)
{
    const struct scratch *scratch = *state;
    struct mail_from record;
    struct failure why;
    struct store *store;
    bool keep = true;

    scratch_fill(scratch->store, few, FEW);
    store = open_store(scratch, STORE_WRITE);
    assert_true(store_update(store, change_and_look, &keep, &why));
    store_close(store);
    store = open_store(scratch, STORE_READ);
    assert_int_equal(store_get(store, "new.example", &record, &why), STORE_FOUND);
    assert_int_equal(store_get(store, "x.example", &record, &why), STORE_NOT_FOUND);
    store_close(store);
}

static void undoes_all_when_change_fails(void **state)
{
    const struct scratch *scratch = *state;
    struct mail_from record;
    struct failure why;
    struct store *store;
    bool keep = false;

    scratch_fill(scratch->store, few, FEW);
    store = open_store(scratch, STORE_WRITE);
    assert_false(store_update(store, change_and_look, &keep, &why));
    assert_int_equal(why.exit_code, EX_USAGE);
    assert_string_equal(why.text, "changed my mind");
    assert_int_equal(store_get(store, "new.example", &record, &why), STORE_NOT_FOUND);
    assert_int_equal(store_get(store, "x.example", &record, &why), STORE_FOUND);
    keep = true;
    assert_true(store_update(store, change_and_look, &keep, &why));
    store_close(store);
}

static bool fill_and_change_its_mind(struct store *store, void *context, struct failure *why)
{
    return scratch_put_all(store, context, why) && failure_set(why, EX_USAGE, "changed my mind");
}

static void undoes_the_filling_of_a_new_store(void **state)
{
    const struct scratch *scratch = *state;
    struct scratch_filling filling = {NULL, few, FEW};
    struct store *store = open_store(scratch, STORE_WRITE);
    struct failure why;
    uint64_t count = 1;

    assert_false(store_update(store, fill_and_change_its_mind, &filling, &why));
    assert_true(store_count(store, &count, &why));
    assert_int_equal(count, 0);
    store_close(store);
}

static void updates_a_store_that_is_there(void **state)
{
    const struct scratch *scratch = *state;
    struct scratch_filling filling = {NULL, few, FEW};
    struct failure why;
    uint64_t count;
    struct store *store;

    scratch_fill(scratch->store, NULL, 0);
    store = open_store(scratch, STORE_UPDATE);
    assert_true(store_update(store, scratch_put_all, &filling, &why));
    assert_true(store_count(store, &count, &why));
    assert_int_equal(count, FEW);
    store_close(store);
}

static void does_not_write_through_a_reader(void **state)
{
    const struct scratch *scratch = *state;
    struct scratch_filling filling = {NULL, few, FEW};
    struct failure why = {.text = ""};
    struct store *store;

    scratch_fill(scratch->store, few, 1);
    store = open_store(scratch, STORE_READ);
    assert_false(store_update(store, scratch_put_all, &filling, &why));
    assert_int_equal(why.exit_code, EX_NOPERM);
    store_close(store);
}

/* More than the first map of LMDB (1 MiB) holds. */
enum { MANY = 40000 };

struct many {
    int calls;
    int from;
};

static bool put_many(struct store *store, void *context, struct failure *why)
{
    struct many *many = context;
    struct mail_from record = {.kind = IDENTITY_DOMAIN, .verified = true};
    char key[IDENTITY_SIZE];

    many->calls++;
    memset(record.last_error, 'e', MAIL_FROM_ERROR_MAX);
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(key, sizeof key, "%06d.example", many->from + i);
        record.status_since = many->from + i;
        if (!store_put(store, key, &record, why))
            return false;
    }
    return true;
}

static void expect_many(struct store *store, int count)
{
    struct mail_from record;
    struct failure why;
    uint64_t counted = 0;
    char key[IDENTITY_SIZE];

    assert_true(store_count(store, &counted, &why));
    assert_int_equal(counted, count);
    for (int i = 0; i < count; i += 997) {
        (void)snprintf(key, sizeof key, "%06d.example", i);
        assert_int_equal(store_get(store, key, &record, &why), STORE_FOUND);
        assert_int_equal(record.status_since, i);
    }
}

static void grows_the_map_and_calls_change_again(void **state)
{
    const struct scratch *scratch = *state;
    struct many many = {0, 0};
    struct store *store = open_store(scratch, STORE_WRITE);
    struct failure why;

    assert_true(store_update(store, put_many, &many, &why));
    assert_true(many.calls > 1);
    expect_many(store, MANY);
    store_close(store);
    store = open_store(scratch, STORE_READ);
    expect_many(store, MANY);
    store_close(store);
}

static int put_many_in_child(void *context)
{
    const struct scratch *scratch = context;
    struct many many = {0, MANY};
    struct failure why;
    struct store *store;

    if (!store_open(&store, scratch->store, STORE_WRITE, NULL, &why) ||
        !store_update(store, put_many, &many, &why))
        return EXIT_FAILURE;
    store_close(store);
    return EXIT_SUCCESS;
}

static void follows_a_map_that_another_process_grew(void **state)
{
    struct scratch *scratch = *state;
    struct mail_from record;
    struct failure why;
    struct store *reader;

    scratch_fill(scratch->store, few, FEW);
    reader = open_store(scratch, STORE_READ);
    assert_int_equal(store_get(reader, "x.example", &record, &why), STORE_FOUND);
    assert_int_equal(scratch_run_child(put_many_in_child, scratch), 0);
    assert_int_equal(store_get(reader, "x.example", &record, &why), STORE_FOUND);
    assert_int_equal(store_get(reader, "079999.example", &record, &why), STORE_FOUND);
    assert_int_equal(record.status_since, 79999);
    store_close(reader);
}

static void writes_to_a_map_that_another_process_grew(void **state)
{
    struct scratch *scratch = *state;
    struct scratch_filling filling = {NULL, few, FEW};
    struct failure why;
    struct store *writer = open_store(scratch, STORE_WRITE);
    uint64_t count = 0;

    assert_int_equal(scratch_run_child(put_many_in_child, scratch), 0);
    assert_true(store_update(writer, scratch_put_all, &filling, &why));
    assert_true(store_count(writer, &count, &why));
    assert_int_equal(count, MANY + FEW);
    store_close(writer);
}

/* --- other processes --- */

static bool tell_and_wait(void *context, const char *key, const struct mail_from *record)
{
    (void)key;
    (void)record;
    if (write(*(int *)context, "r", 1) == 1)
        (void)pause();
    return true;
}

/* A process that dies within a snapshot. */
static void read_and_be_killed(const struct scratch *scratch)
{
    int ends[2];
    char octet;
    pid_t child;

    assert_int_equal(pipe(ends), 0);
    child = fork();
    if (child == 0) {
        struct failure why;
        struct store *store;
        (void)close(ends[0]);
        if (store_open(&store, scratch->store, STORE_READ, NULL, &why))
            (void)store_each(store, tell_and_wait, &ends[1], &why);
        _exit(EXIT_FAILURE);
    }
    (void)close(ends[1]);
    assert_int_equal(read(ends[0], &octet, 1), 1);
    (void)kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    (void)close(ends[0]);
}

static void clears_the_slots_of_readers_that_died(void **state)
{
    const struct scratch *scratch = *state;
    struct mail_from record;
    struct failure why;
    struct store *store;

    scratch_fill(scratch->store, few, FEW);
    store = open_store(scratch, STORE_READ);
    assert_int_equal(store_get(store, "x.example", &record, &why), STORE_FOUND);
    assert_int_equal(store_clear_stale_readers(store), 0);
    read_and_be_killed(scratch);
    read_and_be_killed(scratch);
    assert_int_equal(store_clear_stale_readers(store), 2);
    assert_int_equal(store_clear_stale_readers(store), 0);
    assert_int_equal(store_get(store, "x.example", &record, &why), STORE_FOUND);
    store_close(store);
}

static void sees_that_the_file_is_another_one(void **state)
{
    const struct scratch *scratch = *state;
    char moved[SCRATCH_PATH_SIZE];
    struct failure why;
    struct store *store;

    (void)snprintf(moved, sizeof moved, "%s/moved", scratch->directory);
    scratch_fill(scratch->store, few, FEW);
    store = open_store(scratch, STORE_READ);
    assert_true(store_is_current(store, &why));
    assert_int_equal(rename(scratch->store, moved), 0);
    assert_false(store_is_current(store, &why));
    assert_int_equal(why.exit_code, EX_NOINPUT);
    scratch_fill(scratch->store, few, 1);
    assert_false(store_is_current(store, &why));
    assert_int_equal(why.exit_code, EX_TEMPFAIL);
    assert_non_null(strstr(why.text, "is another file now"));
    store_close(store);
    store = open_store(scratch, STORE_READ);
    assert_true(store_is_current(store, &why));
    store_close(store);
}

/* --- lock.mdb is taken away while the store is in use --- */

static void lock_path(const struct scratch *scratch, char path[SCRATCH_PATH_SIZE])
{
    (void)snprintf(path, SCRATCH_PATH_SIZE, "%s/store/lock.mdb", scratch->directory);
}

static void remove_lock(const struct scratch *scratch)
{
    char path[SCRATCH_PATH_SIZE];

    lock_path(scratch, path);
    assert_int_equal(unlink(path), 0);
}

/* In another process, as every look at a store that is open here. */
static int count_in_child(void *context)
{
    const struct scratch *scratch = context;
    struct failure why;
    struct store *store;
    uint64_t count = 0;
    uint64_t visited = 0;

    if (!store_open(&store, scratch->store, STORE_READ, NULL, &why) ||
        !store_count(store, &count, &why) || !store_each(store, add_to_count, &visited, &why))
        return 100;
    store_close(store);
    return visited == count ? (int)count : 101;
}

static void expect_count(const struct scratch *scratch, int count)
{
    int status = scratch_run_child(count_in_child, (void *)scratch);

    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), count);
}

static void put_first(struct store *store, size_t count)
{
    struct scratch_filling filling = {NULL, few, count};
    struct failure why;

    if (!store_update(store, scratch_put_all, &filling, &why))
        fail_msg("%s", why.text);
}

static void keeps_what_others_wrote_after_the_lock_was_removed(void **state)
{
    const struct scratch *scratch = *state;
    struct store *store = open_store(scratch, STORE_WRITE);

    put_first(store, 1);
    remove_lock(scratch);
    for (size_t i = 1; i < FEW; i++)
        scratch_fill(scratch->store, few + i, 1);
    put_first(store, 1);
    expect_count(scratch, FEW);
    store_close(store);
}

static void sees_what_others_wrote_after_the_lock_was_removed(void **state)
{
    const struct scratch *scratch = *state;
    struct failure why;
    struct store *store;
    struct mail_from record;
    enum store_result result;

    scratch_fill(scratch->store, few, FEW);
    store = open_store(scratch, STORE_READ);
    assert_int_equal(store_get(store, "example", &record, &why), STORE_FOUND);
    remove_lock(scratch);
    for (int i = 0; i < 20; i++) {
        struct scratch_record changed = few[3];
        changed.record.status_since = i;
        scratch_fill(scratch->store, &changed, 1);
        result = store_get(store, "x.example", &record, &why);
        if (i == 0) /* the pages are those of before, and sound */
            assert_int_equal(result, STORE_FOUND);
    }
    assert_int_equal(result, STORE_FAILED);
    assert_int_equal(why.exit_code, EX_TEMPFAIL);
    assert_non_null(strstr(why.text, "was replaced while it was read"));
    store_close(store);
}

/* --- and in the middle of a transaction --- */

struct crossing {
    const struct scratch *scratch;
    pid_t other; /* writes meanwhile; 0: not begun */
};

/* Somebody has made a lock.mdb: the other process has the store open, and has seen what was last
 * committed. */
static void wait_for_lock(const struct scratch *scratch)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    char path[SCRATCH_PATH_SIZE];
    struct stat status;

    lock_path(scratch, path);
    while (stat(path, &status) != 0 || status.st_size == 0)
        (void)nanosleep(&pause, NULL);
}

static bool put_while_another_opens(struct store *store, void *context, struct failure *why)
{
    struct crossing *crossing = context;
    struct scratch_filling other = {crossing->scratch->store, few + 1, FEW - 1};
    struct scratch_filling ours = {NULL, few, 1};

    if (crossing->other == 0) {
        remove_lock(crossing->scratch);
        crossing->other = fork();
        if (crossing->other == 0) {
            (void)alarm(SCRATCH_CHILD_SECONDS);
            _exit(scratch_fill_in_child(&other));
        }
        wait_for_lock(crossing->scratch);
    }
    return scratch_put_all(store, &ours, why);
}

static void keeps_both_edits_where_the_lock_goes_within_a_transaction(void **state)
{
    const struct scratch *scratch = *state;
    struct store *store = open_store(scratch, STORE_WRITE);
    struct crossing crossing = {scratch, 0};
    struct failure why;
    int status;

    if (!store_update(store, put_while_another_opens, &crossing, &why))
        fail_msg("%s", why.text);
    assert_int_equal(waitpid(crossing.other, &status, 0), crossing.other);
    assert_int_equal(status, 0);
    expect_count(scratch, FEW);
    put_first(store, 1);
    expect_count(scratch, FEW);
    store_close(store);
}

/* Another store takes the place of this one, with all but the first record in it. */
static bool put_while_data_is_replaced(struct store *store, void *context, struct failure *why)
{
    struct crossing *crossing = context;
    struct scratch_filling ours = {NULL, few, 1};
    char other[SCRATCH_PATH_SIZE];
    char data[SCRATCH_PATH_SIZE + 10];

    if (crossing->other++ == 0) {
        (void)snprintf(other, sizeof other, "%s/other", crossing->scratch->directory);
        (void)snprintf(data, sizeof data, "%s/data.mdb", other);
        scratch_fill(other, few + 1, FEW - 1);
        assert_int_equal(rename(data, crossing->scratch->data), 0);
    }
    return scratch_put_all(store, &ours, why);
}

static void writes_into_the_file_that_took_the_place(void **state)
{
    const struct scratch *scratch = *state;
    struct store *store = open_store(scratch, STORE_WRITE);
    struct crossing crossing = {scratch, 0};
    struct failure why;

    if (!store_update(store, put_while_data_is_replaced, &crossing, &why))
        fail_msg("%s", why.text);
    assert_int_equal(crossing.other, 2);
    expect_count(scratch, FEW);
    store_close(store);
}

static bool put_while_data_is_removed(struct store *store, void *context, struct failure *why)
{
    const struct scratch *scratch = context;
    struct scratch_filling ours = {NULL, few, 1};

    (void)unlink(scratch->data);
    return scratch_put_all(store, &ours, why);
}

static void says_that_an_edit_went_into_a_file_that_is_no_more(void **state)
{
    struct scratch *scratch = *state;
    struct store *store = open_store(scratch, STORE_WRITE);
    struct failure why;

    for (int i = 0; i < 2; i++) {
        assert_false(store_update(store, put_while_data_is_removed, scratch, &why));
        assert_int_equal(why.exit_code, EX_NOINPUT);
        assert_false(store_is_current(store, &why));
        assert_int_equal(why.exit_code, EX_NOINPUT);
    }
    store_close(store);
}

static void looks_at_both_files(void **state)
{
    const struct scratch *scratch = *state;
    struct failure why;
    struct store *store;

    scratch_fill(scratch->store, few, FEW);
    store = open_store(scratch, STORE_READ);
    remove_lock(scratch);
    assert_true(store_is_current(store, &why));
    scratch_fill(scratch->store, few, FEW);
    assert_false(store_is_current(store, &why));
    assert_int_equal(why.exit_code, EX_TEMPFAIL);
    assert_non_null(strstr(why.text, "lock.mdb was removed or replaced"));
    store_close(store);
    store = open_store(scratch, STORE_UPDATE);
    assert_true(store_is_current(store, &why));
    remove_lock(scratch);
    assert_false(store_is_current(store, &why));
    assert_int_equal(why.exit_code, EX_TEMPFAIL);
    put_first(store, 1);
    assert_true(store_is_current(store, &why));
    store_close(store);
}

enum { WRITERS = 3, EDITS = 60 };

/* What is refused for now is not acknowledged. */
static bool open_patiently(struct store **store, const struct scratch *scratch, struct failure *why)
{
    while (!store_open(store, scratch->store, STORE_WRITE, NULL, why))
        if (why->exit_code != EX_TEMPFAIL)
            return false;
    return true;
}

/* Each edit is acknowledged by its own key in the store. */
static int edit_often(void *context)
{
    const struct crossing *crossing = context;
    struct failure why;
    struct store *store;

    if (!open_patiently(&store, crossing->scratch, &why))
        return 1;
    for (int i = 0; i < EDITS; i++) {
        char key[IDENTITY_SIZE];
        struct scratch_record record = {key, few[3].record};
        struct scratch_filling filling = {NULL, &record, 1};
        (void)snprintf(key, sizeof key, "e%d-%d.example", crossing->other, i);
        while (!store_update(store, scratch_put_all, &filling, &why)) {
            store_close(store);
            if (why.exit_code != EX_TEMPFAIL || !open_patiently(&store, crossing->scratch, &why)) {
                (void)fprintf(stderr, "%s\n", why.text);
                return 2;
            }
        }
    }
    store_close(store);
    return 0;
}

static void expect_all_edits(const struct scratch *scratch)
{
    struct store *store = open_store(scratch, STORE_READ);
    struct failure why;
    uint64_t count = 0;

    assert_true(store_each(store, add_to_count, &count, &why));
    assert_int_equal(count, 1 + WRITERS * EDITS);
    store_close(store);
}

/* As often as there is one, until all writers have ended. */
static void keeps_all_edits_while_the_lock_is_removed_again_and_again(void **state)
{
    const struct scratch *scratch = *state;
    struct crossing crossings[WRITERS];
    pid_t children[WRITERS];
    char path[SCRATCH_PATH_SIZE];
    int running = WRITERS;
    int status;

    lock_path(scratch, path);
    scratch_fill(scratch->store, few, 1);
    for (int i = 0; i < WRITERS; i++) {
        crossings[i] = (struct crossing){scratch, i};
        children[i] = fork();
        if (children[i] == 0) {
            (void)alarm(SCRATCH_CHILD_SECONDS);
            _exit(edit_often(&crossings[i]));
        }
    }
    while (running > 0) {
        const struct timespec pause = {.tv_nsec = 2000000};
        (void)unlink(path);
        (void)nanosleep(&pause, NULL);
        for (int i = 0; i < WRITERS; i++) {
            if (children[i] == 0 || waitpid(children[i], &status, WNOHANG) != children[i])
                continue;
            children[i] = 0;
            running--;
            assert_int_equal(status, 0);
        }
    }
    expect_all_edits(scratch);
}

/* --- damage under an open store --- */

struct damage {
    const struct scratch *scratch;
    off_t length; /* what is left of the file */
};

static int expect_failures(struct store *store)
{
    struct identity sender = scratch_identity("b@x.example");
    struct mail_from record;
    struct failure why = {.text = ""};
    char key[IDENTITY_SIZE];
    uint64_t count = 0;

    if (store_get(store, "x.example", &record, &why) != STORE_FAILED ||
        why.exit_code != EX_DATAERR || strstr(why.text, "is damaged") == NULL)
        return 10;
    if (store_find(store, &sender, true, key, &record, NULL, &why) != STORE_FAILED)
        return 11;
    if (store_each(store, add_to_count, &count, &why) || store_count(store, &count, &why))
        return 12;
    return store_is_current(store, &why) || store_clear_stale_readers(store) != 0 ? 13 : 0;
}

static int read_a_file_that_was_cut(void *context)
{
    const struct damage *damage = context;
    struct mail_from record;
    struct failure why;
    struct store *store;
    int result;

    fault_handlers_restore();
    if (!store_open(&store, damage->scratch->store, STORE_READ, NULL, &why) ||
        store_get(store, "x.example", &record, &why) != STORE_FOUND)
        return 2;
    if (truncate(damage->scratch->data, damage->length) != 0)
        return 3;
    result = expect_failures(store);
    store_close(store);
    return result;
}

static void fails_where_the_file_is_cut_under_a_reader(void **state)
{
    static const off_t lengths[] = {0, 4096, 8192};

    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct damage damage = {*state, lengths[i]};
        scratch_fill(damage.scratch->store, few, FEW);
        assert_int_equal(scratch_run_child(read_a_file_that_was_cut, &damage), 0);
        assert_int_equal(unlink(damage.scratch->data), 0);
    }
}

static int write_to_a_file_that_was_cut(void *context)
{
    const struct damage *damage = context;
    struct scratch_filling filling = {NULL, few, FEW};
    struct failure why;
    struct store *store;

    fault_handlers_restore();
    if (!store_open(&store, damage->scratch->store, STORE_WRITE, NULL, &why) ||
        !store_update(store, scratch_put_all, &filling, &why) ||
        truncate(damage->scratch->data, damage->length) != 0)
        return 2;
    if (store_update(store, scratch_put_all, &filling, &why))
        return 3;
    if (why.exit_code != EX_DATAERR)
        return 4;
    if (store_update(store, scratch_put_all, &filling, &why))
        return 5;
    store_close(store);
    return 0;
}

static void fails_where_the_file_is_cut_under_a_writer(void **state)
{
    static const off_t lengths[] = {0, 8192};

    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct damage damage = {*state, lengths[i]};
        assert_int_equal(scratch_run_child(write_to_a_file_that_was_cut, &damage), 0);
        scratch_remove(damage.scratch);
        assert_int_equal(mkdir(damage.scratch->directory, 0700), 0);
    }
}

static void survives_a_lock_that_is_cut(void **state)
{
    const struct scratch *scratch = *state;
    struct failure why;
    struct store *store;
    char path[SCRATCH_PATH_SIZE];

    fault_handlers_restore();
    scratch_fill(scratch->store, few, FEW);
    store = open_store(scratch, STORE_READ);
    lock_path(scratch, path);
    assert_int_equal(truncate(path, 0), 0);
    assert_int_equal(store_clear_stale_readers(store), 0);
    assert_false(store_is_current(store, &why));
    assert_int_equal(why.exit_code, EX_IOERR);
    store_close(store);
}

static void sees_a_cut_file_before_it_reads(void **state)
{
    const struct scratch *scratch = *state;
    struct failure why;
    struct store *store;
    struct stat status;

    fault_handlers_restore();
    scratch_fill(scratch->store, few, FEW);
    store = open_store(scratch, STORE_READ);
    assert_int_equal(stat(scratch->data, &status), 0);
    assert_int_equal(truncate(scratch->data, status.st_size - 4096), 0);
    assert_false(store_is_current(store, &why));
    assert_int_equal(why.exit_code, EX_DATAERR);
    store_close(store);
    expect_no_store(scratch, STORE_READ, EX_DATAERR, "is damaged; restore it");
}

/* --- pages with anything in them --- */

enum { SAMPLES = 400, CORRUPTIONS = 600, FLIPS_MAX = 40 };

static const char *sample_key(char out[IDENTITY_SIZE], int i)
{
    (void)snprintf(out, IDENTITY_SIZE, "%03d.example", i);
    return out;
}

static struct mail_from sample_record(int i)
{
    struct mail_from record = {
        .kind = IDENTITY_DOMAIN, .source = MAIL_FROM_FILE, .verified = true, .status_since = i};

    (void)snprintf(record.domain, sizeof record.domain, "m.%03d.example", i);
    return record;
}

static int fill_samples(void *context)
{
    const struct scratch *scratch = context;
    static struct scratch_record records[SAMPLES];
    static char keys[SAMPLES][IDENTITY_SIZE];
    struct scratch_filling filling = {scratch->store, records, SAMPLES};

    for (int i = 0; i < SAMPLES; i++)
        records[i] = (struct scratch_record){sample_key(keys[i], i), sample_record(i)};
    return scratch_fill_in_child(&filling);
}

/* The same on each run and machine. */
static unsigned next_random(unsigned *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

/* LMDB 0.9.24 searches for ever in a page that calls itself a leaf of keys of one size (LEAF2, 0x20
 * at offset 10) whose list of keys ends before it begins (mp_lower, at offset 12, below 16). No
 * guard ends that, so this one damage is left out. */
static void leave_out_endless_search(unsigned char *page)
{
    if (page[12] < 16 && page[13] == 0)
        page[10] &= (unsigned char)~0x20;
}

static void corrupt(unsigned char *octets, size_t size, unsigned *seed)
{
    unsigned kind = next_random(seed) % 4;
    size_t page = next_random(seed) % (size / 4096) * 4096;

    if (kind == 0) {
        memset(octets + page, (int)(next_random(seed) % 256), 4096);
    } else if (kind == 1) {
        memmove(octets + page, octets + next_random(seed) % (size / 4096) * 4096, 4096);
    } else {
        /* Mostly at the start of the page, where LMDB keeps what leads it on. */
        size_t width = kind == 2 ? 64 : 4096;
        for (unsigned i = 1 + next_random(seed) % FLIPS_MAX; i > 0; i--)
            octets[page + next_random(seed) % width] ^=
                (unsigned char)(1 + next_random(seed) % 255);
    }
    leave_out_endless_search(octets + page);
}

static bool is_sample(const char *key, const struct mail_from *record)
{
    char expected_key[IDENTITY_SIZE];
    struct mail_from expected;
    int i = (int)strtol(key, NULL, 10);

    if (i < 0 || i >= SAMPLES || strcmp(key, sample_key(expected_key, i)) != 0)
        return false;
    expected = sample_record(i);
    return record->status_since == i && record->verified &&
           strcmp(record->domain, expected.domain) == 0;
}

struct walk {
    int wrong;
    int visited;
};

static bool check_sample(void *context, const char *key, const struct mail_from *record)
{
    struct walk *walk = context;

    walk->wrong += !is_sample(key, record);
    return ++walk->visited < 100 * SAMPLES;
}

static bool check_sample_return(void *context, const char *mail_from_domain,
                                const struct store_return *entry)
{
    struct walk *walk = context;
    struct mail_from record = sample_record((int)strtol(entry->domain, NULL, 10) % SAMPLES);

    walk->wrong += strcmp(record.domain, mail_from_domain) != 0 || entry->references != 1;
    return ++walk->visited < 100 * SAMPLES;
}

static void read_return(struct store *store, int i, struct walk *walk)
{
    struct mail_from record = sample_record(i);
    struct store_return found[STORE_RETURNS_MAX];
    struct failure why;
    size_t count;

    if (store_returns(store, record.domain, 0, found, &count, &why) == STORE_FOUND)
        walk->wrong += count != 1 || found[0].references != 1 ||
                       strcmp(found[0].domain, strchr(record.domain, '.') + 1) != 0;
}

/* In slices as short as can be. */
static bool verify_all(struct store *store, uint64_t *visited, struct failure *why)
{
    struct store_verification verification = {.length = 0};

    while (!verification.is_complete)
        if (!store_verify(store, &verification, 0, why))
            return false;
    *visited = verification.visited;
    return true;
}

/* Whatever can be read must be right, and what is there is found. Returns how many records were
 * wrong. */
static int read_all(const struct scratch *scratch)
{
    struct walk walk = {0, 0};
    struct failure why;
    struct store *store;
    uint64_t visited;
    bool is_sound;

    if (!store_open(&store, scratch->store, STORE_READ, NULL, &why))
        return 0;
    is_sound = verify_all(store, &visited, &why);
    for (int i = 0; i < SAMPLES; i += 7) {
        struct mail_from record;
        char key[IDENTITY_SIZE];
        char found[IDENTITY_SIZE];
        struct identity sender = scratch_identity(sample_key(key, i));
        enum store_result result = store_find(store, &sender, true, found, &record, NULL, &why);
        if (result == STORE_FOUND)
            walk.wrong += strcmp(found, key) != 0 || !is_sample(found, &record);
        walk.wrong += is_sound && result == STORE_NOT_FOUND;
        read_return(store, i, &walk);
    }
    (void)store_each(store, check_sample, &walk, &why);
    walk.visited = 0;
    (void)store_each_return(store, check_sample_return, &walk, &why);
    (void)store_is_current(store, &why);
    store_close(store);
    return walk.wrong;
}

static int read_corrupted_copies(void *context)
{
    struct scratch *scratch = context;
    static unsigned char whole[1 << 20];
    static unsigned char copy[sizeof whole];
    unsigned seed = 1;
    FILE *file = fopen(scratch->data, "r");
    size_t size = file == NULL ? 0 : fread(whole, 1, sizeof whole, file);

    fault_handlers_restore();
    if (size < 16 * 4096 || fclose(file) != 0 || read_all(scratch) != 0)
        return 2;
    for (int i = 0; i < CORRUPTIONS; i++) {
        unsigned before = seed;
        memcpy(copy, whole, size);
        corrupt(copy, size, &seed);
        write_file(scratch, copy, size);
        if (read_all(scratch) != 0) {
            (void)fprintf(stderr, "wrong records after corruption %d, seed %u\n", i, before);
            return 3;
        }
    }
    return 0;
}

static void verifies_in_slices_while_others_write(void **state)
{
    struct scratch *scratch = *state;
    struct store_verification verification = {.length = 0};
    struct failure why;
    struct store *store;
    uint64_t visited;

    assert_int_equal(scratch_run_child(put_many_in_child, scratch), 0);
    store = open_store(scratch, STORE_READ);
    assert_true(verify_all(store, &visited, &why));
    assert_int_equal(visited, MANY);
    assert_true(store_verify(store, &verification, 0, &why));
    assert_false(verification.is_complete);
    scratch_fill(scratch->store, few, FEW);
    while (!verification.is_complete)
        assert_true(store_verify(store, &verification, 1, &why));
    assert_true(verify_all(store, &visited, &why));
    assert_int_equal(visited, MANY + FEW);
    store_close(store);
}

/* Changes an octet of each copy of a text. */
static void change_text(const struct scratch *scratch, const char *text)
{
    static unsigned char octets[1 << 20];
    int file = open(scratch->data, O_RDWR);
    ssize_t size = pread(file, octets, sizeof octets, 0);
    int found = 0;

    assert_true(size > 0);
    for (ssize_t at = 0; at + (ssize_t)strlen(text) <= size; at++) {
        if (memcmp(octets + at, text, strlen(text)) != 0)
            continue;
        octets[at] ^= 1;
        assert_int_equal(pwrite(file, octets + at, 1, at), 1);
        found++;
    }
    (void)close(file);
    assert_true(found > 0);
}

/* What a key was before is not found; that is not the word of the store. */
static void does_not_miss_what_is_there_under_a_damaged_key(void **state)
{
    const struct scratch *scratch = *state;
    struct identity sender = scratch_identity("u@300.example");
    struct store_verification verification = {.length = 0};
    struct mail_from record;
    struct failure why;
    struct store *store;
    char key[IDENTITY_SIZE];

    assert_int_equal(scratch_run_child(fill_samples, *state), 0);
    store = open_store(scratch, STORE_READ);
    assert_int_equal(store_find(store, &sender, true, key, &record, NULL, &why), STORE_FOUND);
    change_text(scratch, "300.example");
    assert_int_equal(store_find(store, &sender, true, key, &record, NULL, &why), STORE_FAILED);
    assert_int_equal(why.exit_code, EX_DATAERR);
    store_close(store);
    store = open_store(scratch, STORE_READ);
    assert_false(store_verify(store, &verification, 1000, &why));
    assert_int_equal(why.exit_code, EX_DATAERR);
    store_close(store);
}

static void never_crashes_or_lies_over_corrupted_pages(void **state)
{
    assert_int_equal(scratch_run_child(fill_samples, *state), 0);
    assert_int_equal(scratch_run_child(read_corrupted_copies, *state), 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, make_scratch, remove_scratch)

/* --- what is due --- */

static const struct scratch_record waiting[] = {
    {"late.example", {.source = MAIL_FROM_LOCAL, .refresh_after = 3000, .found_at = 1}},
    {"early.example", {.source = MAIL_FROM_LOCAL, .refresh_after = 200, .found_at = 1}},
    {"a@early.example", {.source = MAIL_FROM_LOCAL, .refresh_after = 200, .found_at = 1}},
    {"new.example", {.source = MAIL_FROM_LOCAL, .refresh_after = 5000}},
    {"never.example", {.source = MAIL_FROM_LOCAL, .refresh_after = 0, .found_at = 1}},
    {"file.example", {.source = MAIL_FROM_FILE, .refresh_after = 100}},
    {"ses.example", {.source = MAIL_FROM_SES, .refresh_after = 100, .found_at = 1}},
};
enum { WAITING = sizeof waiting / sizeof *waiting };

struct listed {
    char text[400];
    size_t count;
    size_t max;
};

static bool list_key(void *context, const char *key, const struct mail_from *record)
{
    struct listed *listed = context;

    assert_int_equal(record->source, MAIL_FROM_LOCAL);
    strcat(strcat(listed->text, key), " ");
    return ++listed->count < listed->max;
}

static void expect_due(struct store *store, const struct scratch_record *from, size_t max,
                       const char *expected)
{
    struct listed listed = {.text = "", .max = max};
    struct failure why;

    assert_true(store_each_due(store, from == NULL ? NULL : from->key,
                               from == NULL ? NULL : &from->record, list_key, &listed, &why));
    assert_string_equal(listed.text, expected);
}

static void lists_what_is_due_in_the_order_of_time(void **state)
{
    const struct scratch *scratch = *state;
    struct store *store;

    scratch_fill(scratch->store, waiting, WAITING);
    store = open_store(scratch, STORE_READ);
    expect_due(store, NULL, 100, "new.example early.example a@early.example late.example ");
    expect_due(store, NULL, 2, "new.example early.example ");
    expect_due(store, &waiting[2], 100, "a@early.example late.example ");
    expect_due(store, &waiting[4], 1, "new.example ");
    store_close(store);
}

static bool reschedule(struct store *store, void *context, struct failure *why)
{
    struct mail_from record = waiting[1].record;
    bool existed;

    (void)context;
    record.refresh_after = 9000;
    if (!store_put(store, waiting[1].key, &record, why) ||
        !store_remove(store, waiting[2].key, &existed, why) || !existed)
        return false;
    record = waiting[3].record;
    record.source = MAIL_FROM_FILE;
    return store_put(store, waiting[3].key, &record, why);
}

static void follows_the_records_with_what_is_due(void **state)
{
    const struct scratch *scratch = *state;
    struct store *store;
    struct failure why;

    scratch_fill(scratch->store, waiting, WAITING);
    store = open_store(scratch, STORE_WRITE);
    assert_true(store_update(store, reschedule, NULL, &why));
    expect_due(store, NULL, 100, "late.example early.example ");
    /* Where to begin need not be there any more. */
    expect_due(store, &waiting[2], 100, "late.example early.example ");
    store_close(store);
}

/* --- what is counted --- */

static const struct scratch_record counted[] = {
    {"a.example",
     {.source = MAIL_FROM_LOCAL, .status = MAIL_FROM_PENDING, .domain = "m.a.example"}},
    {"b.example",
     {.source = MAIL_FROM_LOCAL, .status = MAIL_FROM_PENDING, .domain = "m.b.example"}},
    {"c.example", {.source = MAIL_FROM_SES, .status = MAIL_FROM_SUCCESS, .expire_after = 1000}},
    {"d.example", {.source = MAIL_FROM_SES, .expire_after = 1000, .domain = "m.d.example"}},
    {"e.example", {.source = MAIL_FROM_SES, .expire_after = 70000, .domain = "m.e.example"}},
    {"f.example", {.source = MAIL_FROM_FILE, .status = MAIL_FROM_FAILED, .domain = "m.f.example"}},
};
enum { COUNTED = sizeof counted / sizeof *counted };

static struct store_tally tally_of(struct store *store, int64_t now)
{
    struct store_tally tally;
    struct failure why;

    if (!store_tally(store, now, &tally, &why))
        fail_msg("%s", why.text);
    return tally;
}

static void counts_records_by_source_and_status(void **state)
{
    const struct scratch *scratch = *state;
    struct store_tally tally;
    struct store *store;

    scratch_fill(scratch->store, counted, COUNTED);
    store = open_store(scratch, STORE_READ);
    tally = tally_of(store, 0);
    assert_int_equal(tally.records[MAIL_FROM_LOCAL][MAIL_FROM_PENDING], 2);
    assert_int_equal(tally.records[MAIL_FROM_SES][STORE_TALLY_NO_DOMAIN], 1);
    assert_int_equal(tally.records[MAIL_FROM_SES][MAIL_FROM_PENDING], 2);
    assert_int_equal(tally.records[MAIL_FROM_FILE][MAIL_FROM_FAILED], 1);
    assert_int_equal(store_tally_all(&tally), COUNTED);
    store_close(store);
}

static void knows_what_has_expired_and_what_is_next(void **state)
{
    const struct scratch *scratch = *state;
    static const struct {
        int64_t now;
        uint64_t expired;
        int64_t next;
    } rows[] = {{0, 0, 1000}, {1000, 0, 1000}, {1001, 2, 70000}, {70000, 2, 70000}, {70001, 3, 0}};
    struct store *store;

    scratch_fill(scratch->store, counted, COUNTED);
    store = open_store(scratch, STORE_READ);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct store_tally tally = tally_of(store, rows[i].now);
        assert_int_equal(tally.expired, rows[i].expired);
        assert_int_equal(tally.next_expiry, rows[i].next);
    }
    store_close(store);
}

static bool change_counted(struct store *store, void *context, struct failure *why)
{
    struct mail_from record = counted[0].record;
    bool existed;

    (void)context;
    record.status = MAIL_FROM_SUCCESS;
    if (!store_put(store, counted[0].key, &record, why) ||
        !store_put(store, counted[1].key, &counted[1].record, why) ||
        !store_remove(store, counted[2].key, &existed, why) ||
        !store_remove(store, "nobody.example", &existed, why))
        return false;
    record = counted[3].record;
    record.expire_after = 80000;
    return store_put(store, counted[3].key, &record, why);
}

static void follows_the_records_with_what_it_counts(void **state)
{
    const struct scratch *scratch = *state;
    struct store_tally tally;
    struct store *store;
    struct failure why;

    scratch_fill(scratch->store, counted, COUNTED);
    store = open_store(scratch, STORE_WRITE);
    assert_true(store_update(store, change_counted, NULL, &why));
    tally = tally_of(store, 2000);
    assert_int_equal(tally.records[MAIL_FROM_LOCAL][MAIL_FROM_PENDING], 1);
    assert_int_equal(tally.records[MAIL_FROM_LOCAL][MAIL_FROM_SUCCESS], 1);
    assert_int_equal(tally.records[MAIL_FROM_SES][STORE_TALLY_NO_DOMAIN], 0);
    assert_int_equal(store_tally_all(&tally), COUNTED - 1);
    assert_int_equal(tally.expired, 0);
    assert_int_equal(tally.next_expiry, 70000);
    store_close(store);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(makes_a_store_for_its_group_under_any_umask),
        TEST(gives_a_new_store_to_the_named_group),
        TEST(gives_files_to_the_group_of_the_directory),
        TEST(lets_readers_write_the_lock_alone),
        TEST(keeps_readers_from_writing_the_data),
        TEST(follows_no_link_as_root),
        TEST(has_no_more_rights_there_than_the_owner),
        TEST(leaves_the_mode_of_a_directory_that_is_there),
        TEST(refuses_a_group_that_does_not_exist),
        TEST(says_what_is_missing),
        TEST(cannot_make_a_store_below_nothing),
        TEST(refuses_an_empty_file),
        TEST(refuses_a_store_that_was_never_filled),
        TEST(refuses_garbage),
        TEST(refuses_pages_of_no_size),
        TEST(refuses_a_newer_schema_with_a_sentence),
        TEST(refuses_a_foreign_environment),
        TEST(gets_one_record),
        TEST(finds_the_first_verified_identity),
        TEST(visits_records_in_order_until_told_to_stop),
        TEST(gives_each_read_a_fresh_snapshot),
        TEST(commits_what_change_did),
        TEST(undoes_all_when_change_fails),
        TEST(undoes_the_filling_of_a_new_store),
        TEST(updates_a_store_that_is_there),
        TEST(does_not_write_through_a_reader),
        TEST(grows_the_map_and_calls_change_again),
        TEST(follows_a_map_that_another_process_grew),
        TEST(writes_to_a_map_that_another_process_grew),
        TEST(clears_the_slots_of_readers_that_died),
        TEST(sees_that_the_file_is_another_one),
        TEST(keeps_what_others_wrote_after_the_lock_was_removed),
        TEST(sees_what_others_wrote_after_the_lock_was_removed),
        TEST(keeps_both_edits_where_the_lock_goes_within_a_transaction),
        TEST(writes_into_the_file_that_took_the_place),
        TEST(says_that_an_edit_went_into_a_file_that_is_no_more),
        TEST(looks_at_both_files),
        TEST(keeps_all_edits_while_the_lock_is_removed_again_and_again),
        TEST(fails_where_the_file_is_cut_under_a_reader),
        TEST(fails_where_the_file_is_cut_under_a_writer),
        TEST(survives_a_lock_that_is_cut),
        TEST(sees_a_cut_file_before_it_reads),
        TEST(verifies_in_slices_while_others_write),
        TEST(does_not_miss_what_is_there_under_a_damaged_key),
        TEST(never_crashes_or_lies_over_corrupted_pages),
        TEST(lists_what_is_due_in_the_order_of_time),
        TEST(follows_the_records_with_what_is_due),
        TEST(counts_records_by_source_and_status),
        TEST(knows_what_has_expired_and_what_is_next),
        TEST(follows_the_records_with_what_it_counts),
    };
    fault_handlers_keep();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
