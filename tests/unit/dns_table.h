/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The DNS as a table, for an inquiry. What is not in it is NXDOMAIN.
 */
#ifndef TESTS_UNIT_DNS_TABLE_H
#define TESTS_UNIT_DNS_TABLE_H

#include "ctl/inquiry.h"

/* One record; with a result other than DNS_FOUND, the answer for that name and type. The table ends
 * with a name that is NULL. */
struct dns_row {
    const char *name;
    enum dns_type type;
    const char *text;
    enum dns_result result;
};

struct dns_table {
    const struct dns_row *rows;
    unsigned asked;
    struct dns_record records[DNS_RECORDS_MAX];
    struct dns_answer answer;
};

/* context: a struct dns_table. */
const struct dns_answer *dns_table_ask(void *context, const char *name, enum dns_type type);

#endif
