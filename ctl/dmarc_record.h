/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * A DMARC record (RFC 7489, 6.3, and the psd of its successor): tags that are not known are passed
 * over. Pure.
 */
#ifndef CTL_DMARC_RECORD_H
#define CTL_DMARC_RECORD_H

#include "common/failure.h"

enum dmarc_policy { DMARC_POLICY_NONE, DMARC_POLICY_QUARANTINE, DMARC_POLICY_REJECT };
enum { DMARC_POLICY_COUNT = DMARC_POLICY_REJECT + 1 };
extern const char *const dmarc_policy_words[DMARC_POLICY_COUNT];

enum { DMARC_TAGS_MAX = 64, DMARC_TAG_MAX = 32, DMARC_VALUE_MAX = 1024 };

struct dmarc_record {
    enum dmarc_policy policy;
    enum dmarc_policy subdomain_policy;
    bool strict_spf;
    bool strict_dkim;
    char psd; /* y, n or u */
};

/* Does the text begin as a DMARC record does? */
bool dmarc_is_record(const char *text);

/* Fails with EX_DATAERR for a record that receivers pass over. */
bool dmarc_record_read(struct dmarc_record *record, const char *text, struct failure *why);

#endif
