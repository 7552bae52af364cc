/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ses/json.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

/* --- memory --- */

/* cJSON has one NULL for bad syntax and for a lack of memory. */
static _Thread_local bool has_lacked_memory;

static void *allocate(size_t size)
{
    void *memory = malloc(size);

    has_lacked_memory = has_lacked_memory || memory == NULL;
    return memory;
}

static void use_allocator(void)
{
    cJSON_Hooks hooks = {allocate, free};

    cJSON_InitHooks(&hooks);
}

cJSON *json_read(const char *bytes, size_t length, const char **end, bool *out_of_memory)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    cJSON *json;

    (void)pthread_once(&once, use_allocator);
    has_lacked_memory = false;
    json = cJSON_ParseWithLengthOpts(bytes, length, end, 0);
    *out_of_memory = json == NULL && has_lacked_memory;
    return json;
}

/* --- what comes from outside --- */

/* cJSON recurses for each level, and its own limit is 1000. Brackets within strings don't count. */
static bool is_shallow(const char *bytes, size_t length)
{
    unsigned depth = 0;
    bool in_string = false;

    for (size_t i = 0; i < length; i++) {
        char c = bytes[i];
        if (in_string && c == '\\')
            i++;
        else if (c == '"')
            in_string = !in_string;
        else if (!in_string && (c == '{' || c == '[') && ++depth > JSON_DEPTH_MAX)
            return false;
        else if (!in_string && (c == '}' || c == ']') && depth > 0)
            depth--;
    }
    return true;
}

static bool is_blank(const char *from, const char *to)
{
    while (from < to && strchr(" \t\r\n", *from) != NULL && *from != '\0')
        from++;
    return from == to;
}

cJSON *json_parse(const char *bytes, size_t length, struct failure *why)
{
    const char *end = NULL;
    bool out_of_memory;
    cJSON *json;

    if (!is_shallow(bytes, length)) {
        (void)failure_set(why, EX_PROTOCOL, "the JSON is nested deeper than %d", JSON_DEPTH_MAX);
        return NULL;
    }
    json = json_read(bytes, length, &end, &out_of_memory);
    if (json != NULL && end != NULL && is_blank(end, bytes + length))
        return json;
    json_free(json);
    if (out_of_memory)
        (void)failure_set(why, EX_OSERR, "out of memory");
    else
        (void)failure_set(why, EX_PROTOCOL, "not JSON");
    return NULL;
}

static void wipe(cJSON *json)
{
    for (; json != NULL; json = json->next) {
        if (json->valuestring != NULL)
            explicit_bzero(json->valuestring, strlen(json->valuestring));
        wipe(json->child);
    }
}

void json_free(cJSON *json)
{
    wipe(json);
    cJSON_Delete(json);
}

const char *json_text(const cJSON *object, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));

    return text != NULL && text[0] != '\0' ? text : NULL;
}

bool json_is_no_text(const cJSON *object, const char *name)
{
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(object, name);

    return member != NULL && !cJSON_IsNull(member) && !cJSON_IsString(member);
}
