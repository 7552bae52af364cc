/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ses/keys.h"

#include "ses/json.h"
#include "ses/timestamp.h"

#include <string.h>
#include <sysexits.h>

/* Anything else would break the header that it goes into. */
static bool is_header_text(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text <= ' ' || (unsigned char)*text > '~')
            return false;
    }
    return true;
}

static bool copy(char *out, size_t max, const char *text, const char *what, struct failure *why)
{
    size_t length = text != NULL ? strlen(text) : 0;

    if (length == 0)
        return failure_set(why, EX_CONFIG, "the %s is missing", what);
    if (length > max)
        return failure_set(why, EX_CONFIG, "the %s is longer than %zu octets", what, max);
    if (!is_header_text(text))
        return failure_set(why, EX_CONFIG, "the %s has white space or control characters in it",
                           what);
    memcpy(out, text, length + 1);
    return true;
}

bool keys_set(struct keys *keys, const char *provider, const char *access_key,
              const char *secret_key, const char *session_token, struct failure *why)
{
    memset(keys, 0, sizeof *keys);
    keys->provider = provider;
    if (copy(keys->access_key, KEYS_ACCESS_MAX, access_key, "access key id", why) &&
        copy(keys->secret_key, KEYS_SECRET_MAX, secret_key, "secret access key", why) &&
        (session_token == NULL || session_token[0] == '\0' ||
         copy(keys->session_token, KEYS_TOKEN_MAX, session_token, "session token", why)))
        return true;
    keys_reset(keys);
    return false;
}

void keys_reset(struct keys *keys)
{
    explicit_bzero(keys, sizeof *keys);
}

bool keys_check_expiration(const struct keys *keys, int64_t now, struct failure *why)
{
    return keys->expiration == 0 || keys->expiration > now ||
           failure_set(why, EX_CONFIG, "the keys expired %lld s ago, by the clock of this machine",
                       (long long)(now - keys->expiration));
}

/* A time that cannot be read is not "never". */
static bool read_expiration(struct keys *keys, const cJSON *json, struct failure *why)
{
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(json, "Expiration");

    if (member == NULL || cJSON_IsNull(member))
        return true;
    if (cJSON_IsString(member) && timestamp_parse(member->valuestring, &keys->expiration))
        return true;
    keys_reset(keys);
    return failure_set(why, EX_PROTOCOL, "the Expiration of the credentials is not a time");
}

static bool read_keys(struct keys *keys, const char *provider, const cJSON *json,
                      const char *token_name, struct failure *why)
{
    if (json_is_no_text(json, token_name))
        return failure_set(why, EX_PROTOCOL, "the %s of the credentials is not a text", token_name);
    if (!keys_set(keys, provider, json_text(json, "AccessKeyId"),
                  json_text(json, "SecretAccessKey"), json_text(json, token_name), why)) {
        why->exit_code = EX_PROTOCOL;
        return false;
    }
    return read_expiration(keys, json, why);
}

bool keys_read_process(struct keys *keys, const char *json, size_t length, struct failure *why)
{
    cJSON *object = json_parse(json, length, why);
    const cJSON *version;
    bool fine = false;

    if (object == NULL)
        return false;
    version = cJSON_GetObjectItemCaseSensitive(object, "Version");
    if (!cJSON_IsNumber(version) || version->valuedouble != 1.0)
        (void)failure_set(why, EX_PROTOCOL, "the Version of the credentials is not 1");
    else
        fine = read_keys(keys, "process", object, "SessionToken", why);
    json_free(object);
    return fine;
}

/* Metadata services report errors with status 200 too; *code is NULL for none. */
static void find_error(const cJSON *object, const char **code, struct failure *why)
{
    const char *message = json_text(object, "Message");
    char shown_code[OUTCOME_CODE_SIZE] = "", shown_message[OUTCOME_MESSAGE_SIZE] = "";

    *code = json_text(object, "Code");
    if (*code != NULL && strcmp(*code, "Success") == 0)
        *code = NULL;
    if (*code == NULL)
        return;
    outcome_escape(shown_code, sizeof shown_code, *code);
    outcome_escape(shown_message, sizeof shown_message, message != NULL ? message : "");
    (void)failure_set(why, EX_PROTOCOL, "%s%s%s", shown_code, message != NULL ? ": " : "",
                      shown_message);
}

enum outcome keys_read_metadata(struct keys *keys, const char *provider, const char *json,
                                size_t length, struct failure *why)
{
    cJSON *object = json_parse(json, length, why);
    enum outcome outcome = OUTCOME_MALFORMED_REPLY;
    const char *code = NULL;

    if (object == NULL)
        return why->exit_code == EX_OSERR ? OUTCOME_LOCAL : outcome;
    find_error(object, &code, why);
    if (code != NULL)
        outcome = outcome_passes(outcome_classify(400, code)) ? outcome_classify(400, code)
                                                              : OUTCOME_NO_CREDENTIALS;
    else if (read_keys(keys, provider, object, "Token", why))
        outcome = OUTCOME_OK;
    json_free(object);
    return outcome;
}
