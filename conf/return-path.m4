dnl SPDX-License-Identifier: BSD-2-Clause
dnl SPDX-FileCopyrightText: the mailfrom-milter contributors
dnl
dnl Return paths of mailfrom-milter, for Sendmail. In sendmail.mc, before MAILER_DEFINITIONS:
dnl
dnl     include(`/usr/share/mailfrom-milter/return-path.m4')dnl
dnl
dnl and before that, where the setting return-path.socket names another place:
dnl
dnl     define(`confRETURN_PATH_SOCKET', `local:/run/mailfrom-milter/return.sock')dnl
dnl
dnl mailfrom-milter knows which domains are MAIL FROM domains: nothing here changes when identities
dnl do.
dnl
ifdef(`confRETURN_PATH_SOCKET',,
    `define(`confRETURN_PATH_SOCKET', `local:/run/mailfrom-milter/return.sock')')dnl
LOCAL_CONFIG
# The names of these maps are those that mailfrom-milter knows. -f: the case of a local part counts.
Kreturn socket -f -T<TMPF> confRETURN_PATH_SOCKET
Kcheck socket -f -T<TMPF> confRETURN_PATH_SOCKET

LOCAL_RULE_0
R$*				$: $>ReturnPath $1

LOCAL_RULESETS
# A return path becomes the original sender, as a recipient only.
SReturnPath
R$*				$: < $&{addr_type} > $1
R< e s > $*			$@ $1
R< $* > $*			$: $2
R$+ < @ $+ . >			$: < $(return $1@$2 $: NONE $) > $1 < @ $2 . >
R< $* <TMPF> > $*		$#error $@ 4.3.0 $: "451 4.3.0 Return paths cannot be looked up now"
R< NONE > $*			$@ $1
R< $+ > $+ < @ $+ >		$@ $>Recurse $1

# RCPT: a return path needs no permission to relay, and what is wrong with one is said here.
SLocal_check_rcpt
R$*				$: $1 $| $>CanonAddr $1
R$* $| $+ < @ $+ . >		$: $1 $| $(check $2@$3 $: NONE $)
R$* $| $* <TMPF>		$#error $@ 4.3.0 $: "451 4.3.0 Return paths cannot be looked up now"
R$* $| DUNNO			$#OK
R$* $| 550 $- . $- . $- $+	$#error $@ $2.$3.$4 $: "550 " $5
R$* $| mailfrom_bounces_only	$: $1 $| bounces < $&f >
R$* $| bounces < <> >		$#OK
R$* $| bounces < >		$#OK
R$* $| bounces < $+ >		$#error $@ 5.7.1 $: "550 Only bounces go to this address"
