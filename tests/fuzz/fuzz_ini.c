/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Input: an AWS config or credentials file.
 */
#include "ses/ini.h"
#include "ses/process.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void split_command(const char *command)
{
    char buffer[PROCESS_COMMAND_MAX + 1], *words[PROCESS_WORDS_MAX + 1];
    struct failure why;
    size_t total = 0;

    if (process_split(command, buffer, words, &why) == 0)
        return;
    for (char **word = words; *word != NULL; word++)
        total += strlen(*word);
    require(total <= strlen(command));
}

static void visit(void *context, const struct ini_item *item)
{
    (void)context;
    require(item->section[0] != '\0' && strlen(item->section) <= INI_NAME_MAX);
    if (item->key == NULL)
        return;
    require(item->key[0] != '\0' && strlen(item->key) <= INI_NAME_MAX);
    require(item->nested == NULL || item->nested[0] != '\0');
    require(strlen(item->value) <= INI_VALUE_MAX);
    split_command(item->value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *bytes = malloc(size > 0 ? size : 1);
    struct failure why;

    require(bytes != NULL);
    if (size > 0)
        memcpy(bytes, data, size);
    (void)ini_parse(bytes, size, visit, NULL, &why);
    free(bytes);
    return 0;
}
