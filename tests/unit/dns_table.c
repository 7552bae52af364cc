/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "tests/unit/dns_table.h"

#include <strings.h>

const struct dns_answer *dns_table_ask(void *context, const char *name, enum dns_type type)
{
    struct dns_table *table = context;

    table->asked++;
    table->answer =
        (struct dns_answer){.result = DNS_NXDOMAIN, .records = table->records, .servers = "table"};
    for (const struct dns_row *row = table->rows; row->name != NULL; row++) {
        if (strcasecmp(row->name, name) != 0)
            continue;
        if (table->answer.result == DNS_NXDOMAIN)
            table->answer.result = DNS_NO_DATA;
        if (row->type != type)
            continue;
        table->answer.result = row->result;
        if (row->result == DNS_FOUND && table->answer.count < DNS_RECORDS_MAX)
            table->records[table->answer.count++].text = row->text;
    }
    return &table->answer;
}
