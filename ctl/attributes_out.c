/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/attributes_out.h"

#include "ctl/moment.h"

static void put_string(FILE *out, const char *text)
{
    (void)putc('"', out);
    for (; *text != '\0'; text++) {
        unsigned char octet = (unsigned char)*text;
        if (octet == '"' || octet == '\\')
            (void)putc('\\', out);
        if (octet < 0x20 || octet == 0x7f)
            (void)fprintf(out, "\\u%04x", octet);
        else
            (void)putc(octet, out);
    }
    (void)putc('"', out);
}

/* before: what comes before the name, the comma or the indentation. */
static void put_text(FILE *out, const char *before, const char *name, const char *text)
{
    (void)fprintf(out, "%s\"%s\": ", before, name);
    put_string(out, text);
}

static void put_moment(FILE *out, const char *before, const char *name, int64_t moment)
{
    char text[MOMENT_SIZE];

    if (moment_format(moment, text))
        (void)fprintf(out, "%s\"%s\": \"%s\"", before, name, text);
    else
        (void)fprintf(out, "%s\"%s\": null", before, name);
}

/* The fields of ours, without braces. between: what stands before each but the first. */
static void put_record(FILE *out, const char *first, const char *between,
                       const struct mail_from *record)
{
    put_text(out, first, "Source", mail_from_source_words[record->source]);
    (void)fprintf(out, "%s\"Verified\": %s", between, record->verified ? "true" : "false");
    put_moment(out, between, "StatusSince", record->status_since);
    put_moment(out, between, "Checked", record->checked);
    put_moment(out, between, "RefreshAfter", record->refresh_after);
    put_moment(out, between, "ExpireAfter", record->expire_after);
    put_text(out, between, "LastError", record->last_error);
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
    put_string(out, key);
    (void)fputs(": {", out);
    if (has_domain) {
        put_text(out, first, "MailFromDomain", record->domain);
        put_text(out, between, "MailFromDomainStatus", mail_from_status_words[record->status]);
    }
    put_text(out, has_domain ? between : first, "BehaviorOnMXFailure",
             mail_from_behavior_words[record->behavior]);
    if (form == ATTRIBUTES_WITH_RECORD) {
        (void)fprintf(out, "%s\"Record\": {", between);
        put_record(out, "\n                ", ",\n                ", record);
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
    put_text(out, "{", "Identity", key);
    put_text(out, ", ", "Kind", identity_kind_words[record->kind]);
    put_text(out, ", ", "MailFromDomain", record->domain);
    put_text(out, ", ", "MailFromDomainStatus",
             has_domain ? mail_from_status_words[record->status] : "");
    put_text(out, ", ", "BehaviorOnMXFailure", mail_from_behavior_words[record->behavior]);
    put_record(out, ", ", ", ", record);
    (void)putc('}', out);
}

void attributes_out_list_end(FILE *out, uint64_t count)
{
    (void)fputs(count == 0 ? "]\n" : "\n]\n", out);
}
