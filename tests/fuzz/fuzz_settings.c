/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Input: a settings file. What is taken must be within its limits, and what is printed of it must
 * read back to the same print; what is refused must come with a reason of one line.
 */
#include "common/reply.h"
#include "common/settings.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static struct settings *read_octets(const void *octets, size_t size, struct failure *why)
{
    FILE *in = fmemopen((void *)(uintptr_t)octets, size, "r");
    struct settings *settings;
    bool worked;

    require(in != NULL);
    worked = settings_parse(&settings, in, "input", why);
    (void)fclose(in);
    require(worked == (settings != NULL));
    return settings;
}

static char *print(const struct settings *settings)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);

    require(out != NULL);
    settings_print(settings, out);
    require(fclose(out) == 0);
    return text;
}

static void check_limits(const struct settings *settings)
{
    struct failure why;

    require(settings->store[0] == '/');
    require(settings->milter.socket_mode >= 0 && settings->milter.socket_mode <= 0777);
    require(settings->milter.outbound_networks_count <= SETTINGS_NETWORKS_MAX);
    require(settings->milter.on_expired != VERDICT_CUSTOM &&
            settings->milter.on_unavailable != VERDICT_CUSTOM &&
            settings->milter.on_unknown_identity != VERDICT_CUSTOM);
    require(reply_check(settings->milter.reject_reply, '5', &why));
    require(reply_check(settings->milter.defer_reply, '4', &why));
}

static void check_print(const struct settings *settings)
{
    struct failure why;
    char *first = print(settings);
    struct settings *again = read_octets(first, strlen(first), &why);
    char *second;

    require(again != NULL);
    second = print(again);
    require(strcmp(first, second) == 0);
    settings_free(again);
    free(first);
    free(second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct failure why = {.text = ""};
    struct settings *settings;

    if (size == 0)
        return 0;
    settings = read_octets(data, size, &why);
    if (settings == NULL) {
        require(why.text[0] != '\0' && strchr(why.text, '\n') == NULL);
        require(why.exit_code == EX_CONFIG);
        return 0;
    }
    check_limits(settings);
    check_print(settings);
    settings_free(settings);
    return 0;
}
