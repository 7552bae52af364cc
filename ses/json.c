/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ses/json.h"

#include <string.h>
#include <sysexits.h>

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
    cJSON *json;

    if (!is_shallow(bytes, length)) {
        (void)failure_set(why, EX_PROTOCOL, "the JSON is nested deeper than %d", JSON_DEPTH_MAX);
        return NULL;
    }
    json = cJSON_ParseWithLengthOpts(bytes, length, &end, 0);
    if (json != NULL && end != NULL && is_blank(end, bytes + length))
        return json;
    json_free(json);
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
