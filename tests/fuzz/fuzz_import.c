/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Input: the JSON that `mailfromctl import` and `mailfromctl put --from` take. What is taken must
 * be a record that the store may hold, and what was imported must come back the same from what
 * `mailfromctl export` prints of it.
 */
#include "ctl/attributes.h"
#include "ctl/attributes_out.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum { NOW = 1795341600 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

struct printing {
    FILE *out;
    uint64_t count;
};

static void check_record(const struct attributes_item *item)
{
    const struct mail_from *record = &item->record;
    const char *key = item->identity.text;
    unsigned char coded[MAIL_FROM_CODED_MAX];
    struct mail_from decoded;
    struct failure why;
    size_t length;

    require(strlen(key) == item->identity.length && record->kind == item->identity.kind);
    require(record->domain[0] == '\0' ||
            mail_from_check_domain(&item->identity, record->domain, &why));
    length = mail_from_encode(record, key, item->identity.length, coded);
    require(length <= sizeof coded);
    require(mail_from_decode(&decoded, key, item->identity.length, coded, length));
}

static bool print_item(void *context, const struct attributes_item *item, struct failure *why)
{
    struct printing *printing = context;

    (void)why;
    check_record(item);
    attributes_out_entry(printing->out, item->identity.text, &item->record, ATTRIBUTES_WITH_RECORD,
                         printing->count++);
    return true;
}

/* What was read, printed; NULL if it was refused. The caller frees it. */
static char *read_and_print(const char *text, size_t size, size_t *length)
{
    struct printing printing = {0};
    struct failure why = {0};
    char *printed = NULL;
    bool good;

    printing.out = open_memstream(&printed, length);
    require(printing.out != NULL);
    attributes_out_begin(printing.out);
    good = attributes_read(text, size, NOW, print_item, &printing, &why);
    attributes_out_end(printing.out, printing.count);
    require(fclose(printing.out) == 0);
    require(good || (why.text[0] != '\0' && why.exit_code == EX_DATAERR));
    if (good)
        return printed;
    free(printed);
    return NULL;
}

static bool take_put(void *context, const struct attributes_item *item, struct failure *why)
{
    (void)why;
    check_record(item);
    require(item->record.domain[0] != '\0' || item->record.behavior == MAIL_FROM_USE_DEFAULT_VALUE);
    ++*(size_t *)context;
    return true;
}

static void refuse_put(void *context, const struct failure *reason)
{
    (void)context;
    require(reason->text[0] != '\0' && reason->exit_code == EX_DATAERR);
}

static void read_puts(const char *text, size_t size)
{
    struct failure why = {0};
    size_t count = 0;

    if (!attributes_read_puts(text, size, take_put, refuse_put, &count, &why))
        require(count == 0 && why.text[0] != '\0' && why.exit_code == EX_DATAERR);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t length;
    size_t again_length;
    char *printed = read_and_print(size > 0 ? (const char *)data : "", size, &length);
    char *again;

    read_puts(size > 0 ? (const char *)data : "", size);
    if (printed == NULL)
        return 0;
    again = read_and_print(printed, length, &again_length);
    require(again != NULL && length == again_length && memcmp(printed, again, length) == 0);
    free(again);
    free(printed);
    return 0;
}
