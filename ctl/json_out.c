/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/json_out.h"

#include "common/moment.h"

void json_out_string(FILE *out, const char *text)
{
    (void)putc('"', out);
    for (; *text != '\0'; text++) {
        unsigned char octet = (unsigned char)*text;
        if (octet == '"' || octet == '\\')
            (void)putc('\\', out);
        if (octet < 0x20 || octet == 0x7f)
            (void)fprintf(out, "\\u%04x", octet);
        else if (octet == 0xc2 && (unsigned char)text[1] >= 0x80 && (unsigned char)text[1] < 0xa0)
            (void)fprintf(out, "\\u%04x", (unsigned char)*++text); /* a terminal would obey it */
        else
            (void)putc(octet, out);
    }
    (void)putc('"', out);
}

void json_out_text(FILE *out, const char *before, const char *name, const char *text)
{
    (void)fprintf(out, "%s\"%s\": ", before, name);
    json_out_string(out, text);
}

void json_out_moment(FILE *out, const char *before, const char *name, int64_t moment)
{
    char text[MOMENT_SIZE];

    if (moment_format(moment, text))
        (void)fprintf(out, "%s\"%s\": \"%s\"", before, name, text);
    else
        (void)fprintf(out, "%s\"%s\": null", before, name);
}
