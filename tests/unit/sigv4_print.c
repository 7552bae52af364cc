/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Prints the signatures of the requests on standard input, for test_sigv4_botocore. A request is a
 * line of fields in hexadecimal, separated by blanks: time, key, secret, token, region, service,
 * method, host, path, query, content type, body; "-" is an empty field.
 */
#include "ses/sigv4.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIELDS = 12, LINE_SIZE = 65536 };

static unsigned digit(char c)
{
    return c >= 'a' ? (unsigned)(c - 'a' + 10) : (unsigned)(c - '0');
}

/* In place; returns false for a field that is none. */
static bool decode(char *field)
{
    size_t length = strlen(field), out = 0;

    if (strcmp(field, "-") == 0)
        length = 0;
    if (length % 2 != 0)
        return false;
    for (size_t i = 0; i < length; i += 2)
        field[out++] = (char)(digit(field[i]) * 16 + digit(field[i + 1]));
    field[out] = '\0';
    return true;
}

static bool print(char *fields[FIELDS])
{
    struct sigv4_signer signer = {fields[1], fields[2], fields[3], fields[4], fields[5]};
    struct sigv4_request request = {.method = fields[6],
                                    .host = fields[7],
                                    .path = fields[8],
                                    .query = fields[9],
                                    .content_type = fields[10][0] != '\0' ? fields[10] : NULL,
                                    .body = fields[11],
                                    .body_length = strlen(fields[11])};
    struct sigv4_signature signature;
    struct failure why;

    if (!sigv4_sign(&signature, &request, &signer, strtoll(fields[0], NULL, 10), &why)) {
        (void)fprintf(stderr, "%s\n", why.text);
        return false;
    }
    return puts(signature.authorization) >= 0;
}

int main(void)
{
    static char line[LINE_SIZE];

    while (fgets(line, sizeof line, stdin) != NULL) {
        char *fields[FIELDS], *rest = line;
        for (int i = 0; i < FIELDS; i++) {
            fields[i] = strtok_r(rest, " \n", &rest);
            if (fields[i] == NULL || !decode(fields[i]))
                return 2;
        }
        if (!print(fields))
            return 1;
    }
    return 0;
}
