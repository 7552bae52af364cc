/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/attributes_out.h"

#include "ctl/json_out.h"

static void put_flag(FILE *out, const char *before, const char *name, bool value)
{
    (void)fprintf(out, "%s\"%s\": %s", before, name, value ? "true" : "false");
}

/* The fields of ours, without braces. between: what stands before each but the first. */
static void put_record(FILE *out, const char *first, const char *between,
                       const struct mail_from *record)
{
    json_out_text(out, first, "Source", mail_from_source_words[record->source]);
    json_out_text(out, between, "Section", record->section);
    put_flag(out, between, "Verified", record->verified);
    put_flag(out, between, "FeedbackForwardingStatus", !record->feedback_off);
    json_out_moment(out, between, "StatusSince", record->status_since);
    json_out_moment(out, between, "Checked", record->checked);
    json_out_moment(out, between, "RefreshAfter", record->refresh_after);
    json_out_moment(out, between, "ExpireAfter", record->expire_after);
    json_out_text(out, between, "LastError", record->last_error);
}

/* Those that mean something in local records only. */
static void put_found(FILE *out, const char *between, const struct mail_from *record)
{
    bool is_local = record->source == MAIL_FROM_LOCAL;

    json_out_text(out, between, "Former", is_local ? mail_from_source_words[record->former] : "");
    json_out_text(out, between, "Found", record->found);
    json_out_moment(out, between, "FoundAt", record->found_at);
    json_out_moment(out, between, "UnclearSince", record->unclear_since);
}

void attributes_out_begin(FILE *out)
{
    (void)fputs("{\n    \"MailFromDomainAttributes\": {", out);
}

void attributes_out_entry(FILE *out, const char *key, const struct mail_from *record,
                          enum attributes_form form, uint64_t count)
{
    static const char first[] = "\n            ";
    static const char between[] = ",\n            ";
    bool has_domain = record->domain[0] != '\0';

    (void)fputs(count == 0 ? "\n        " : ",\n        ", out);
    json_out_string(out, key);
    (void)fputs(": {", out);
    if (has_domain) {
        json_out_text(out, first, "MailFromDomain", record->domain);
        json_out_text(out, between, "MailFromDomainStatus", mail_from_status_words[record->status]);
    }
    json_out_text(out, has_domain ? between : first, "BehaviorOnMXFailure",
                  mail_from_behavior_words[record->behavior]);
    /* SES does not print it here: where it is on, as is usual, the text is the very one of SES. */
    if (form == ATTRIBUTES_SES && record->feedback_off)
        put_flag(out, between, "FeedbackForwardingStatus", false);
    if (form == ATTRIBUTES_WITH_RECORD) {
        (void)fprintf(out, "%s\"Record\": {", between);
        put_record(out, "\n                ", ",\n                ", record);
        if (record->source == MAIL_FROM_LOCAL)
            put_found(out, ",\n                ", record);
        (void)fputs("\n            }", out);
    }
    (void)fputs("\n        }", out);
}

void attributes_out_end(FILE *out, uint64_t count)
{
    (void)fputs(count == 0 ? "}\n}\n" : "\n    }\n}\n", out);
}

void attributes_out_list_begin(FILE *out)
{
    (void)putc('[', out);
}

void attributes_out_list_entry(FILE *out, const char *key, const struct mail_from *record,
                               uint64_t count)
{
    bool has_domain = record->domain[0] != '\0';

    (void)fputs(count == 0 ? "\n" : ",\n", out);
    json_out_text(out, "{", "Identity", key);
    json_out_text(out, ", ", "Kind", identity_kind_words[record->kind]);
    json_out_text(out, ", ", "MailFromDomain", record->domain);
    json_out_text(out, ", ", "MailFromDomainStatus",
                  has_domain ? mail_from_status_words[record->status] : "");
    json_out_text(out, ", ", "BehaviorOnMXFailure", mail_from_behavior_words[record->behavior]);
    put_record(out, ", ", ", ", record);
    put_found(out, ", ", record);
    (void)putc('}', out);
}

void attributes_out_list_end(FILE *out, uint64_t count)
{
    (void)fputs(count == 0 ? "]\n" : "\n]\n", out);
}
