/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The macros of SPF (RFC 7208, 7). Pure.
 */
#ifndef CTL_SPF_MACRO_H
#define CTL_SPF_MACRO_H

#include <stdbool.h>
#include <stddef.h>

enum { SPF_NAME_MAX = 253, SPF_CLIENT_TEXT_SIZE = 64 };

/* What the letters stand for. */
struct spf_macros {
    const char *sender;                /* s; l and o are its parts */
    const char *helo;                  /* h */
    const char *domain;                /* d */
    char client[SPF_CLIENT_TEXT_SIZE]; /* i: "192.0.2.1"; of IPv6 all nibbles with dots between */
    const char *family;                /* v: "in-addr" or "ip6" */
};

/* Is it a macro-string? Is it a domain-spec, which ends like a domain name? The letters c, r and t
 * are for explanations only. */
bool spf_macro_is_valid(const char *text);
bool spf_macro_is_domain(const char *text);

/* Does what it stands for depend on the client: i, p or v? */
bool spf_macro_needs_client(const char *text);

/* text: valid. A name that is too long loses labels from the left. %{p} is "unknown", as RFC 7208
 * has it where no name is validated. False: nothing is left, or the text is not valid. */
bool spf_macro_expand(const char *text, const struct spf_macros *macros,
                      char name[SPF_NAME_MAX + 1]);

#endif
