/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/sendmail.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/identity.h"

enum { WORD_SIZE = 1024 };

static const char spaces[] = " \t\r\n";

static bool begins(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* --- maps and rules --- */

/* "Kreturn socket -f -T<TMPF> local:/run/mailfrom-milter/return.sock": the last word. */
static bool read_map(const char *line, const char *name, char address[SOCKET_NAME_SIZE])
{
    size_t length = strlen(name);
    const char *word = NULL;
    size_t word_length = 0;

    if (line[0] != 'K' || strncmp(line + 1, name, length) != 0 ||
        strchr(spaces, line[1 + length]) == NULL)
        return false;
    line += 1 + length;
    line += strspn(line, spaces);
    if (!begins(line, "socket") || strchr(spaces, line[6]) == NULL)
        return false;
    for (line += 6; *(line += strspn(line, spaces)) != '\0'; line += word_length) {
        word = line;
        word_length = strcspn(line, spaces);
    }
    if (word == NULL || word_length >= SOCKET_NAME_SIZE)
        return false;
    (void)snprintf(address, SOCKET_NAME_SIZE, "%.*s", (int)word_length, word);
    return true;
}

struct maps {
    bool returns, virtuser, check; /* lead to us */
    bool return_rule, check_rule;
};

static void note_map(struct sendmail_return *found, const char *line, const char *name, bool *leads,
                     const struct socket_name *ours)
{
    char address[SOCKET_NAME_SIZE];
    struct socket_name socket;

    if (!read_map(line, name, address))
        return;
    *leads = socket_name_read(&socket, address) && socket_name_leads_to(ours, &socket);
    if (!*leads)
        strcpy(found->elsewhere, address);
}

void sendmail_read_return(struct sendmail_return *found, FILE *file, const struct socket_name *ours)
{
    struct maps maps = {false};
    bool in_check = false;
    char *line = NULL;
    size_t size = 0;

    *found = (struct sendmail_return){.looks_up = false};
    rewind(file);
    while (getline(&line, &size, file) >= 0) {
        note_map(found, line, "return", &maps.returns, ours);
        note_map(found, line, "virtuser", &maps.virtuser, ours);
        note_map(found, line, "check", &maps.check, ours);
        if (line[0] == 'S')
            in_check = begins(line, "SLocal_check_rcpt");
        if (line[0] == 'R' && strstr(line, "$>ReturnPath") != NULL)
            maps.return_rule = true;
        if (line[0] == 'R' && in_check && strstr(line, "$(check ") != NULL)
            maps.check_rule = true;
    }
    free(line);
    found->has_rules = maps.return_rule && maps.check_rule;
    found->looks_up = (maps.returns && maps.return_rule) || maps.virtuser;
    found->checks = maps.check && maps.check_rule;
}

/* --- classes --- */

/* Of a line "CwNAMES", "C{VirtHost}NAMES", "Fw-o FILE": what follows the class, if it is one that
 * decides who may write. *with_parents: R relays to subdomains too. */
static const char *after_class(const char *line, bool *with_parents)
{
    static const char *const classes[] = {"w", "R", "{w}", "{R}", "{VirtHost}"};

    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        if (!begins(line + 1, classes[i]))
            continue;
        *with_parents = strchr(classes[i], 'R') != NULL;
        return line + 1 + strlen(classes[i]);
    }
    return NULL;
}

static bool is_named(const char *name, size_t length, const char *domain, bool with_parents)
{
    size_t whole = strlen(domain);

    if (length == 0 || length > whole || strncasecmp(domain + whole - length, name, length) != 0)
        return false;
    return length == whole || (with_parents && domain[whole - length - 1] == '.');
}

static enum match find_in_file(const char *text, const char *domain, bool with_parents)
{
    bool optional = begins(text, "-o");
    char path[WORD_SIZE];
    enum match match = MATCH_NO;
    FILE *file;
    char line[WORD_SIZE];

    if (optional)
        text += 2 + strspn(text + 2, spaces);
    (void)snprintf(path, sizeof path, "%.*s", (int)strcspn(text, spaces), text);
    if (path[0] != '/') /* a program, or a map */
        return MATCH_UNKNOWN;
    file = fopen(path, "re");
    if (file == NULL)
        return optional ? MATCH_NO : MATCH_UNKNOWN;
    while (match == MATCH_NO && fgets(line, sizeof line, file) != NULL) {
        if (is_named(line, strcspn(line, " \t\r\n#"), domain, with_parents))
            match = MATCH_YES;
    }
    (void)fclose(file);
    return match;
}

static bool find_in_words(const char *text, const char *domain, bool with_parents)
{
    for (text += strspn(text, spaces); *text != '\0'; text += strspn(text, spaces)) {
        size_t length = strcspn(text, spaces);
        if (is_named(text, length, domain, with_parents))
            return true;
        text += length;
    }
    return false;
}

enum match sendmail_takes(FILE *file, const char *domain)
{
    enum match match = MATCH_NO;
    char *line = NULL;
    size_t size = 0;

    rewind(file);
    while (match != MATCH_YES && getline(&line, &size, file) >= 0) {
        bool with_parents;
        const char *rest =
            line[0] == 'C' || line[0] == 'F' ? after_class(line, &with_parents) : NULL;
        enum match more;
        if (rest == NULL)
            continue;
        more = line[0] == 'F' ? find_in_file(rest, domain, with_parents)
                              : (enum match)find_in_words(rest, domain, with_parents);
        if (more != MATCH_NO)
            match = more;
    }
    free(line);
    return match;
}
