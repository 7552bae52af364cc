/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Answers each line of standard input, FROM or FROM<tab>SENDER, with the chosen address or an empty
 * line. In and out, \n \r \t \\ and \xHH stand for octets. For test_sender_corpus.
 */
#include "milter/sender.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char unescape_octet(const char **at)
{
    char digits[3] = {0};

    switch (*++*at) {
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    case '\\':
        return '\\';
    case 'x':
        if ((*at)[1] != '\0' && (*at)[2] != '\0') {
            memcpy(digits, *at + 1, 2);
            *at += 2;
            return (char)strtol(digits, NULL, 16);
        }
    }
    fprintf(stderr, "sender_print: what escape is that: %s\n", *at - 1);
    exit(EXIT_FAILURE);
}

static void unescape(char *text)
{
    char *to = text;

    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '\\')
            *to++ = unescape_octet(&at);
        else
            *to++ = *at;
    }
    *to = '\0';
}

static void print_escaped(const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char octet = (unsigned char)*text;
        if (octet == '\\')
            printf("\\\\");
        else if (octet < 0x20 || octet >= 0x7f)
            printf("\\x%02x", octet);
        else
            putchar(octet);
    }
    putchar('\n');
}

static void answer(char *line)
{
    char address[SENDER_ADDRESS_SIZE];
    char *sender;

    line[strcspn(line, "\n")] = '\0';
    sender = strchr(line, '\t');
    if (sender != NULL) {
        *sender++ = '\0';
        unescape(sender);
    }
    unescape(line);
    print_escaped(sender_choose(line, sender, address) ? address : "");
}

int main(void)
{
    char *line = NULL;
    size_t size = 0;

    while (getline(&line, &size, stdin) > 0)
        answer(line);
    free(line);
    return ferror(stdin) || fflush(stdout) != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
