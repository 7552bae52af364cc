/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/return_secrets.h"
#include "common/moment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

enum { LINES_MAX = 1000, LINE_SIZE = 1024 };

/* --- one secret --- */

static bool is_secret(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (text[i] <= ' ' || text[i] > '~' || text[i] == '#')
            return false;
    }
    return length >= RETURN_SECRET_TEXT_MIN && length <= RETURN_SECRET_TEXT_MAX;
}

bool return_secret_id(char id[RETURN_SECRET_ID_SIZE], const char *text)
{
    unsigned char hash[RETURN_MAC_SIZE];

    if (EVP_Digest(text, strlen(text), hash, NULL, EVP_sha256(), NULL) != 1)
        return false;
    (void)snprintf(id, RETURN_SECRET_ID_SIZE, "%02x%02x", hash[0], hash[1]);
    return true;
}

/* Keyed once; each signature begins with a copy of it. */
static bool set_mac(struct return_secret *secret)
{
    char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string("digest", digest, 0),
                                     OSSL_PARAM_construct_end()};
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *context = hmac == NULL ? NULL : EVP_MAC_CTX_new(hmac);

    EVP_MAC_free(hmac);
    secret->mac = context;
    return context != NULL && EVP_MAC_init(context, (const unsigned char *)secret->text,
                                           strlen(secret->text), parameters) == 1;
}

bool return_secret_mac(const struct return_secret *secret, const void *text, size_t length,
                       unsigned char out[RETURN_MAC_SIZE])
{
    EVP_MAC_CTX *context = EVP_MAC_CTX_dup(secret->mac);
    size_t written = 0;
    bool worked = context != NULL && EVP_MAC_update(context, text, length) == 1 &&
                  EVP_MAC_final(context, out, &written, RETURN_MAC_SIZE) == 1 &&
                  written == RETURN_MAC_SIZE;

    EVP_MAC_CTX_free(context);
    return worked;
}

bool return_secrets_add(struct return_secrets *secrets, const char *text, int64_t created,
                        struct failure *why)
{
    struct return_secret *secret = &secrets->items[secrets->count];

    if (secrets->count == RETURN_SECRETS_MAX)
        return failure_set(why, EX_CONFIG, "more than %d secrets", RETURN_SECRETS_MAX);
    if (!is_secret(text, strlen(text)))
        return failure_set(why, EX_CONFIG,
                           "a secret has %d to %d printable ASCII characters without spaces",
                           RETURN_SECRET_TEXT_MIN, RETURN_SECRET_TEXT_MAX);
    for (size_t i = 0; i < secrets->count; i++) {
        if (strcmp(secrets->items[i].text, text) == 0)
            return failure_set(why, EX_CONFIG, "this secret is already there");
    }
    (void)snprintf(secret->text, sizeof secret->text, "%s", text);
    secret->created = created;
    secrets->count++; /* from here on return_secrets_free knows it */
    return (return_secret_id(secret->id, secret->text) && set_mac(secret)) ||
           failure_set(why, EX_OSERR, "out of memory");
}

/* OpenSSL takes itself down when main returns, unless it is told not to; a session that still
 * signs then would use what is gone. */
struct return_secrets *return_secrets_new(void)
{
    (void)OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL);
    return calloc(1, sizeof(struct return_secrets));
}

void return_secrets_free(struct return_secrets *secrets)
{
    if (secrets == NULL)
        return;
    for (size_t i = 0; i < secrets->count; i++)
        EVP_MAC_CTX_free(secrets->items[i].mac);
    OPENSSL_cleanse(secrets, sizeof *secrets);
    free(secrets);
}

/* --- the file --- */

/* "# created 2026-11-27"; 0 for any other comment. */
static int64_t creation_day(const char *comment)
{
    static const char word[] = "created ";
    const char *date = comment == NULL ? NULL : strstr(comment, word);
    char text[MOMENT_DAY_SIZE];
    int64_t day = 0;

    if (date == NULL)
        return 0;
    (void)snprintf(text, sizeof text, "%.10s", date + strlen(word));
    return moment_parse_day(text, &day) ? day : 0;
}

/* A line without a secret is fine too. Writes into the line. */
static bool take_line(struct return_secrets *secrets, char *line, struct failure *why)
{
    static const char space[] = " \t\r\n";
    char *comment = strchr(line, '#');
    int64_t created = creation_day(comment);
    char *end;

    if (comment != NULL)
        *comment = '\0';
    line += strspn(line, space);
    end = line + strcspn(line, space);
    if (*line == '\0')
        return true;
    if (end[strspn(end, space)] != '\0')
        return failure_set(why, EX_CONFIG, "one secret per line, and only a # comment after it");
    *end = '\0';
    return return_secrets_add(secrets, line, created, why);
}

static bool take_lines(struct return_secrets *secrets, FILE *in, const char *name,
                       struct failure *why)
{
    char line[LINE_SIZE];
    bool good = true;

    for (int number = 1; good && fgets(line, sizeof line, in) != NULL; number++) {
        size_t length = strlen(line);
        if (number > LINES_MAX || (length == sizeof line - 1 && line[length - 1] != '\n'))
            good = failure_set(why, EX_CONFIG, "%s:%d: not a file of secrets", name, number);
        else if (!take_line(secrets, line, why))
            good = failure_prefix(why, "%s:%d", name, number);
    }
    OPENSSL_cleanse(line, sizeof line);
    if (good && ferror(in))
        return failure_set(why, EX_IOERR, "%s: cannot read it", name);
    if (good && secrets->count == 0)
        return failure_set(why, EX_CONFIG,
                           "%s: there is no secret in it; `mailfromctl return-path key new` "
                           "creates one",
                           name);
    return good;
}

bool return_secrets_parse(struct return_secrets **secrets, FILE *in, const char *name,
                          struct failure *why)
{
    *secrets = return_secrets_new();
    if (*secrets == NULL)
        return failure_set(why, EX_OSERR, "out of memory");
    if (take_lines(*secrets, in, name, why))
        return true;
    return_secrets_free(*secrets);
    *secrets = NULL;
    return false;
}

static bool check_permissions(int descriptor, const char *file, struct failure *why)
{
    struct stat status;

    if (fstat(descriptor, &status) != 0)
        return failure_set(why, EX_IOERR, "%s: %s", file, strerror(errno));
    if (!S_ISREG(status.st_mode))
        return failure_set(why, EX_CONFIG, "%s: not a regular file", file);
    if (status.st_uid != 0 && status.st_uid != geteuid())
        return failure_set(why, EX_NOPERM,
                           "%s: must belong to root or to the user who reads it, not to user "
                           "number %lu",
                           file, (unsigned long)status.st_uid);
    if ((status.st_mode & (S_IWGRP | S_IRWXO)) != 0)
        return failure_set(why, EX_NOPERM,
                           "%s: its mode %04o lets others at the secrets; set it to 0640", file,
                           (unsigned)(status.st_mode & 07777));
    return true;
}

bool return_secrets_load(struct return_secrets **secrets, FILE *in, const char *name,
                         struct failure *why)
{
    *secrets = NULL;
    return check_permissions(fileno(in), name, why) && return_secrets_parse(secrets, in, name, why);
}

bool return_secrets_read(struct return_secrets **secrets, const char *file, struct failure *why)
{
    int descriptor = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    int code = errno == ENOENT ? EX_NOINPUT : errno == EACCES ? EX_NOPERM : EX_IOERR;
    FILE *in = descriptor < 0 ? NULL : fdopen(descriptor, "r");
    bool worked;

    *secrets = NULL;
    if (descriptor < 0)
        return failure_set(why, code, "secrets-file %s: %s", file, strerror(errno));
    if (in == NULL) {
        (void)close(descriptor);
        return failure_set(why, EX_OSERR, "out of memory");
    }
    (void)setvbuf(in, NULL, _IONBF, 0);
    worked = return_secrets_load(secrets, in, file, why);
    (void)fclose(in);
    return worked;
}
