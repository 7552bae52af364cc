/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The floor: a milter with the negotiation of mailfrom-milter (keep it equal to milter/milter.c)
 * that answers every message with one fixed smfi_chgfrom, or, without an address, with nothing at
 * all. What mailfrom-milter costs above it is our own work.
 *
 *     floor SOCKET [ADDRESS]
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>

#include <libmilter/mfapi.h>

#include "common/sandbox.h"

static char *new_sender; /* set before the threads start, read-only from then on */

static const unsigned long silence = SMFIP_NR_CONN | SMFIP_NR_HELO | SMFIP_NR_MAIL | SMFIP_NR_RCPT |
                                     SMFIP_NR_DATA | SMFIP_NR_UNKN | SMFIP_NR_HDR | SMFIP_NR_EOH |
                                     SMFIP_NR_BODY | SMFIP_NOBODY;

static sfsistat negotiate(SMFICTX *context, unsigned long offered_actions,
                          unsigned long offered_steps, unsigned long unused_2,
                          unsigned long unused_3, unsigned long *actions, unsigned long *steps,
                          unsigned long *wanted_2, unsigned long *wanted_3)
{
    static char connect_macros[] = "{client_addr} {client_port} {daemon_port}";
    static char sender_macros[] = "i {auth_type} {auth_authen}";
    static char end_macros[] = "i";

    (void)unused_2;
    (void)unused_3;
    *wanted_2 = *wanted_3 = 0;
    *actions = SMFIF_CHGFROM | (offered_actions & SMFIF_SETSYMLIST);
    *steps |= offered_steps & silence;
    if (smfi_setsymlist(context, SMFIM_CONNECT, connect_macros) != MI_SUCCESS ||
        smfi_setsymlist(context, SMFIM_ENVFROM, sender_macros) != MI_SUCCESS ||
        smfi_setsymlist(context, SMFIM_EOM, end_macros) != MI_SUCCESS)
        return SMFIS_REJECT;
    return SMFIS_CONTINUE;
}

static sfsistat on_mail(SMFICTX *context, char **arguments)
{
    (void)context;
    (void)arguments;
    return SMFIS_NOREPLY;
}

static sfsistat on_header(SMFICTX *context, char *name, char *value)
{
    (void)context;
    (void)name;
    (void)value;
    return SMFIS_NOREPLY;
}

static sfsistat on_end_of_message(SMFICTX *context)
{
    if (new_sender != NULL && smfi_chgfrom(context, new_sender, NULL) != MI_SUCCESS)
        return SMFIS_TEMPFAIL;
    return SMFIS_CONTINUE;
}

static sfsistat on_abort(SMFICTX *context)
{
    (void)context;
    return SMFIS_CONTINUE;
}

static sfsistat on_close(SMFICTX *context)
{
    (void)context;
    return SMFIS_CONTINUE;
}

int main(int argc, char *argv[])
{
    static char name[] = "floor";
    struct smfiDesc description = {
        .xxfi_name = name,
        .xxfi_version = SMFI_VERSION,
        .xxfi_flags = SMFIF_CHGFROM | SMFIF_SETSYMLIST,
        .xxfi_envfrom = on_mail,
        .xxfi_header = on_header,
        .xxfi_eom = on_end_of_message,
        .xxfi_abort = on_abort,
        .xxfi_close = on_close,
        .xxfi_negotiate = negotiate,
    };

    bool filtered = argc > 1 && strcmp(argv[1], "--no-filter") != 0;
    struct failure why;

    argc -= !filtered;
    argv += !filtered;
    if (argc < 2 || argc > 3) {
        fputs("usage: floor [--no-filter] SOCKET [ADDRESS]\n", stderr);
        return EX_USAGE;
    }
    new_sender = argv[2];
    if (smfi_setconn(argv[1]) != MI_SUCCESS || smfi_register(description) != MI_SUCCESS ||
        smfi_opensocket(true) != MI_SUCCESS) {
        fprintf(stderr, "floor: %s cannot be listened on\n", argv[1]);
        return EX_UNAVAILABLE;
    }
    if (filtered && !sandbox_enter_milter(AF_UNIX, &why)) {
        fprintf(stderr, "floor: %s\n", why.text);
        return why.exit_code;
    }
    return smfi_main() == MI_SUCCESS ? EXIT_SUCCESS : EX_SOFTWARE;
}
