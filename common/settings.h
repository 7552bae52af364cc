/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The settings file, mailfrom-milter.conf, read by all three programs. One schema table (in
 * settings_schema.c) names each setting once: type, default, range, help; `settings_print`, the
 * sample file and the manual follow it. Settings are read whole or not at all, and never change.
 */
#ifndef COMMON_SETTINGS_H
#define COMMON_SETTINGS_H

#include "common/decision.h"
#include "common/log.h"
#include "common/network.h"

#include <stdint.h>
#include <stdio.h>

enum settings_identity_from { IDENTITY_FROM_HEADER, IDENTITY_FROM_ENVELOPE };
enum settings_mode { MODE_ENFORCE, MODE_MONITOR };
enum settings_mx_match { MX_EXACTLY_ONE, MX_ONLY_THESE, MX_ANY_OF_THESE };
enum settings_temporary_failure { TEMPORARY_FAILURE_REJECT, TEMPORARY_FAILURE_DEFER };
enum settings_return_tag { RETURN_TAG_ALWAYS, RETURN_TAG_FOREIGN_ONLY };
enum settings_unreturnable { UNRETURNABLE_SEND, UNRETURNABLE_REJECT };
enum settings_accept_from { ACCEPT_FROM_ANY, ACCEPT_FROM_NULL };

enum {
    SETTINGS_NETWORKS_MAX = 256,
    SETTINGS_LIST_MAX = 10000,
    SETTINGS_SES_MAX = 32,
    SETTINGS_SERVERS_MAX = 5,
    SETTINGS_RETURN_DOMAINS_MAX = 16
};

struct settings_list {
    char **items;
    size_t count;
};

/* One section `ses`: an AWS account and region. Durations are milliseconds. */
struct settings_ses {
    char *title; /* "" for none; letters, digits, dots, hyphens and underscores */
    char *region;
    char *profile;
    char *endpoint;
    struct settings_list identities; /* canonical form; none: all of the account */
    bool rewrite;
    double requests_per_second;
    int64_t list_every;
    int64_t refresh_after;
    int64_t refresh_unsettled_after;
    int64_t expire_after;
    int64_t connect_timeout;
    int64_t timeout;
    char *ca_file;
    char *on_transition; /* "" for none */
    int64_t on_transition_timeout;
};

struct settings {
    char *store;                    /* a directory, absolute */
    char *store_group;              /* "" for none */
    char *default_mail_from_domain; /* canonical form, "" for none */
    bool rewrite;                   /* of records without a section: imported ones */
    bool seccomp;
    enum log_format log_format;
    enum log_threshold log_level;
    struct {
        char *socket;
        int socket_mode;    /* permission bits */
        char *socket_group; /* "" for none */
        char *user;         /* "" for none */
        enum settings_identity_from identity_from;
        struct network outbound_networks[SETTINGS_NETWORKS_MAX];
        size_t outbound_networks_count;
        struct settings_list reinjection_ports; /* numbers, without leading zeros */
        bool outbound_authenticated;
        enum verdict on_unknown_identity;
        enum verdict on_unavailable;
        enum verdict on_expired;
        enum settings_temporary_failure temporary_failure;
        enum settings_mode mode;
        char *reject_reply; /* accepted by reply_check */
        char *defer_reply;
        bool strip_label;
        char *metrics; /* accepted by listen_address_parse, "" for none */
        bool metrics_remote;
    } milter;
    struct {
        char *user; /* "" for none */
    } sync;
    struct {
        struct settings_list expected_mx; /* canonical form; none: nothing is checked */
        bool rewrite;
        enum settings_mx_match match;
        struct settings_list nameservers; /* an address, or one with a port; none: the system's */
        int64_t pending_interval;         /* durations are milliseconds */
        int64_t success_interval;
        int64_t pending_window;
        int64_t temporary_failure_window;
        int64_t indeterminate_grace;
        bool recheck_failed;
        int concurrency;
        double queries_per_second;
        int64_t timeout;
        char *on_transition; /* "" for none */
        int64_t on_transition_timeout;
    } local;
    struct {
        char *socket;    /* "" for none: nothing is answered */
        int socket_mode; /* permission bits */
        char *socket_group;
        char *secrets_file; /* "" for none: there is no return path */
        int64_t lifetime;   /* milliseconds */
        enum settings_return_tag tag;
        struct settings_list return_domains; /* canonical form, SETTINGS_RETURN_DOMAINS_MAX */
        enum settings_unreturnable on_unreturnable;
        enum settings_accept_from accept_from;
        char *postmaster;       /* an address, or a local part alone */
        char *feedback_address; /* "" for none */
    } return_path;
    struct settings_ses *ses; /* in the order of the file, each title once */
    size_t ses_count;
};

/* Reads file. Fails with EX_CONFIG: file, line, what is wrong, what is allowed. */
bool settings_read(struct settings **settings, const char *file, struct failure *why);

/* The same from a stream; name is what failures call it. */
bool settings_parse(struct settings **settings, FILE *in, const char *name, struct failure *why);

void settings_free(struct settings *settings); /* NULL is fine */

/* Does the section that the record is of let the envelope sender move? What is of an account that
 * has no section any more counts as imported. */
bool settings_rewrite(const struct settings *settings, const struct mail_from *record);

/* Writes the effective values in the syntax of the file. */
void settings_print(const struct settings *settings, FILE *out);

/* Writes the sample file: each setting with its help, commented out at its default. */
void settings_print_sample(FILE *out);

#endif
