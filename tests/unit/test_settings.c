/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/reply.h"
#include "common/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include <cmocka.h>

enum { FILE_SIZE_MAX = 1 << 20 };

static struct settings *read_octets(const char *text, size_t length, struct failure *why)
{
    struct settings *settings;
    FILE *in = tmpfile();
    bool worked;

    assert_non_null(in);
    assert_int_equal(fwrite(text, 1, length, in), length);
    rewind(in);
    worked = settings_parse(&settings, in, "file.conf", why);
    (void)fclose(in);
    assert_int_equal(worked, settings != NULL);
    if (!worked)
        assert_true(why->text[0] != '\0' && strchr(why->text, '\n') == NULL);
    return settings;
}

static struct settings *read_valid(const char *text)
{
    struct failure why;
    struct settings *settings = read_octets(text, strlen(text), &why);

    if (settings == NULL)
        fail_msg("%s", why.text);
    return settings;
}

/* What settings_print makes of them; to be freed. */
static char *print(const struct settings *settings)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);

    assert_non_null(out);
    settings_print(settings, out);
    (void)fclose(out);
    return text;
}

struct row {
    const char *behaviour;
    const char *text;
    const char *expected; /* within the print, or the complaint */
};

static void expect_taken(const struct row *row)
{
    struct failure why;
    struct settings *settings = read_octets(row->text, strlen(row->text), &why);
    char *printed;

    if (settings == NULL)
        fail_msg("%s: %s", row->behaviour, why.text);
    printed = print(settings);
    if (strstr(printed, row->expected) == NULL)
        fail_msg("%s: %s", row->behaviour, printed);
    free(printed);
    settings_free(settings);
}

static void expect_refused(const struct row *row)
{
    struct failure why = {.text = ""};
    struct settings *settings = read_octets(row->text, strlen(row->text), &why);

    if (settings != NULL)
        fail_msg("%s: taken", row->behaviour);
    if (strstr(why.text, row->expected) == NULL || why.exit_code != EX_CONFIG)
        fail_msg("%s: %d, %s", row->behaviour, why.exit_code, why.text);
}

static void takes_accounts_of_ses(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"an account without a title", "ses { }", "\nses {\n    region = \"\"\n"},
        {"one with a title", "ses \"eu\" { region = \"eu-west-1\" }",
         "\nses \"eu\" {\n    region = \"eu-west-1\"\n"},
        {"a rate with or without quotes", "ses { requests-per-second = 0.5 }",
         "requests-per-second = 0.5\n"},
        {"a duration in another unit", "ses { list-every = \"90s\" refresh-after = 120m }",
         "list-every = \"90s\"\n    refresh-after = \"2h\"\n"},
        {"identities in canonical form", "ses { identities = {\"EXAMPLE.com\", \"A@x.org\"} }",
         "identities = {\"example.com\", \"A@x.org\"}"},
        {"a program", "ses { on-transition = \"/bin/true\" }", "on-transition = \"/bin/true\""},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect_taken(&rows[i]);
}

static void takes_the_section_of_local_identities(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"domains in canonical form",
         "local { expected-mx = {\"MX1.Example.\", \"b\u00fccher.example\"} }",
         "expected-mx = {\"mx1.example\", \"xn--bcher-kva.example\"}"},
        {"a match", "local { match = any-of-these }", "match = \"any-of-these\""},
        {"every form of a nameserver",
         "local { nameservers = {\"192.0.2.1\", \"192.0.2.1:5353\", \"2001:db8::1\", "
         "\"[2001:db8::1]\", \"[::1]:53\"} }",
         "nameservers = {\"192.0.2.1\", \"192.0.2.1:5353\", \"2001:db8::1\", \"[2001:db8::1]\", "
         "\"[::1]:53\"}"},
        {"ports", "milter { reinjection-ports = {\"10025\", \"010027\"} }",
         "reinjection-ports = {\"10025\", \"10027\"}"},
        {"a number with or without quotes", "local { concurrency = \"7\" }", "concurrency = 7\n"},
        {"windows of days", "local { pending-window = 72h }", "pending-window = \"3d\""},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect_taken(&rows[i]);
}

static void takes_the_section_of_return_paths(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"secrets without a socket, on a gateway that only sends",
         "return-path { secrets-file = \"/etc/secrets\" }", "secrets-file = \"/etc/secrets\""},
        {"an inherited descriptor",
         "return-path { secrets-file = \"/etc/secrets\" socket = \"fd:4\" }", "socket = \"fd:4\""},
        {"no socket", "return-path { socket = \"\" }", "return-path {\n    socket = \"\""},
        {"a postmaster of this machine", "return-path { postmaster = \"root\" }",
         "postmaster = \"root\""},
        {"a postmaster elsewhere", "return-path { postmaster = \"p@x.example\" }",
         "postmaster = \"p@x.example\""},
        {"domains in canonical form", "return-path { return-domains = {\"WEB1.Example.\"} }",
         "return-domains = {\"web1.example\"}"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect_taken(&rows[i]);
}

static void refuses_wrong_return_paths(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"a return path that answers without secrets",
         "return-path { socket = \"unix:/run/return.sock\" }", "set both"},
        {"a lifetime that the date of a tag cannot hold", "return-path { lifetime = \"1024d\" }",
         "from 1d to 365d"},
        {"a lifetime of less than the days of a tag", "return-path { lifetime = \"23h\" }",
         "from 1d to 365d"},
        {"a postmaster that is a domain", "return-path { postmaster = \"@x.example\" }",
         "is not an email address"},
        {"a feedback address that is two", "return-path { feedback-address = \"a b@x.example\" }",
         "is not an email address"},
        {"too many return domains",
         "return-path { return-domains = {\"a.example\", \"b.example\", \"c.example\", "
         "\"d.example\", \"e.example\", \"f.example\", \"g.example\", \"h.example\", "
         "\"i.example\", \"j.example\", \"k.example\", \"l.example\", \"m.example\", "
         "\"n.example\", \"o.example\", \"p.example\", \"q.example\"} }",
         "at most 16"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect_refused(&rows[i]);
}

static void refuses_wrong_local_settings(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"an address for a domain", "local { expected-mx = {\"a@b.example\"} }", "expected-mx: "},
        {"a name for a nameserver", "local { nameservers = {\"ns.example\"} }",
         "\"ns.example\" is no nameserver"},
        {"a port that is none", "local { nameservers = {\"192.0.2.1:65536\"} }", "no nameserver"},
        {"a port without a number", "local { nameservers = {\"192.0.2.1:\"} }", "no nameserver"},
        {"a bracket that stays open", "local { nameservers = {\"[::1\"} }", "no nameserver"},
        {"nothing in brackets", "local { nameservers = {\"[]:53\"} }", "no nameserver"},
        {"what follows a bracket", "local { nameservers = {\"[::1]53\"} }", "no nameserver"},
        {"an address that is too long",
         "local { nameservers = {\"1111:1111:1111:1111:1111:1111:1111:1111:1111:1111\"} }",
         "no nameserver"},
        {"too many nameservers",
         "local { nameservers = {\"::1\", \"::2\", \"::3\", \"::4\", \"::5\", \"::6\"} }",
         "at most 5 of them"},
        {"a nameserver of the link without its interface", "local { nameservers = {\"fe80::1\"} }",
         "\"fe80::1\" is no nameserver"},
        {"an interface of no link", "local { nameservers = {\"::1%lo\"} }", "is no nameserver"},
        {"a port by its name", "milter { reinjection-ports = {\"smtp\"} }",
         "\"smtp\" is no port, a number from 1 to 65535"},
        {"port 0", "milter { reinjection-ports = {\"0\"} }", "is no port"},
        {"a port that is too high", "milter { reinjection-ports = {\"65536\"} }", "is no port"},
        {"a port with an address", "milter { reinjection-ports = {\"127.0.0.1:10025\"} }",
         "is no port"},
        {"no number", "local { concurrency = \"1x\" }", "no whole number from 1 to 1000"},
        {"a number of nothing", "local { concurrency = 0 }", "no whole number from 1 to 1000"},
        {"a number beyond", "local { concurrency = 1001 }", "no whole number from 1 to 1000"},
        {"a number beyond all", "local { concurrency = 99999999999999999999 }", "no whole number"},
        {"a negative number", "local { concurrency = \"-1\" }", "no whole number"},
        {"a title", "local \"a\" { }", "file.conf:1"},
        {"a grace time of one look-up",
         "local { indeterminate-grace = \"65s\" pending-interval = \"1m\" }",
         "file.conf: indeterminate-grace must be longer than pending-interval and timeout"},
        {"a grace time below the interval by default", "local { indeterminate-grace = \"5m\" }",
         "indeterminate-grace must be longer"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect_refused(&rows[i]);
}

static void refuses_wrong_accounts(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"two without a title", "ses { }\nses { }", "file.conf:2: two sections of one name"},
        {"two of one title", "ses \"a\" { } ses \"a\" { }", "two sections of one name"},
        {"a title that is no name", "ses \"a/b\" { }", "a title has up to 60 letters"},
        {"a duration without a unit", "ses {\n list-every = \"5\" }",
         "file.conf:2: list-every: \"5\" is no duration from 100ms to 1d"},
        {"a duration out of range", "ses { timeout = \"11m\" }", "from 100ms to 10m"},
        {"a rate of nothing", "ses { requests-per-second = 0 }", "is no number from 0.01 to 1000"},
        {"a rate that is none", "ses { requests-per-second = \"1e3\" }", "is no number"},
        {"a rate beyond", "ses { requests-per-second = 1001 }", "is no number"},
        {"an identity that is none", "ses { identities = {\"a@@b\"} }", "identities: "},
        {"another scheme", "ses { endpoint = \"ftp://x\" }", "endpoint: a URL begins with"},
        {"a relative program", "ses { on-transition = \"true\" }", "an absolute path is needed"},
        {"what expires before it is refreshed", "ses { expire-after = \"1h\" }",
         "expire-after must be longer"},
        {"what it does not know", "ses { secret = \"x\" }", "no such option 'secret'"},
        {"an account in a section", "milter { ses { } }", "no such option 'ses'"},
        {"an end inside", "ses {", "} is missing"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect_refused(&rows[i]);
}

static void keeps_accounts_in_the_order_of_the_file(void **state)
{
    (void)state;
    struct settings *settings =
        read_valid("ses \"z\" { timeout = \"5s\" }\nses { }\n# ses { }\nses \"a\" { }\n");

    assert_int_equal(settings->ses_count, 3);
    assert_string_equal(settings->ses[0].title, "z");
    assert_string_equal(settings->ses[1].title, "");
    assert_string_equal(settings->ses[2].title, "a");
    assert_true(settings->ses[0].timeout == 5000 && settings->ses[1].timeout == 30000);
    assert_true(settings->ses[2].refresh_after == 3600000);
    assert_true(settings->ses[2].expire_after == 7LL * 86400000);
    assert_true(settings->ses[1].requests_per_second > 0.79);
    settings_free(settings);
}

static void has_a_default_for_everything(void **state)
{
    (void)state;
    struct settings *settings = read_valid("");

    assert_string_equal(settings->store, DEFAULT_STORE);
    assert_string_equal(settings->store_group, "");
    assert_string_equal(settings->default_mail_from_domain, "");
    assert_string_equal(settings->milter.socket, "unix:/run/mailfrom-milter/milter.sock");
    assert_int_equal(settings->milter.socket_mode, 0660);
    assert_string_equal(settings->milter.socket_group, "");
    assert_string_equal(settings->milter.user, "");
    assert_int_equal(settings->milter.identity_from, IDENTITY_FROM_HEADER);
    assert_int_equal(settings->milter.outbound_networks_count, 2);
    assert_true(settings->milter.outbound_authenticated);
    assert_int_equal(settings->milter.on_unknown_identity, VERDICT_PASS);
    assert_int_equal(settings->milter.on_unavailable, VERDICT_DEFER);
    assert_int_equal(settings->milter.on_expired, VERDICT_DEFER);
    assert_int_equal(settings->milter.temporary_failure, TEMPORARY_FAILURE_REJECT);
    assert_int_equal(settings->milter.mode, MODE_ENFORCE);
    assert_string_equal(settings->milter.reject_reply, reply_default_reject);
    assert_string_equal(settings->milter.defer_reply, reply_default_defer);
    assert_true(settings->milter.strip_label);
    settings_free(settings);
    settings_free(NULL);
}

static void knows_loopback_by_default(void **state)
{
    (void)state;
    struct settings *settings = read_valid("milter { }");
    const struct network *networks = settings->milter.outbound_networks;

    assert_true(network_contains(networks, 2, "127.1.2.3"));
    assert_true(network_contains(networks, 2, "IPv6:::1"));
    assert_false(network_contains(networks, 2, "192.0.2.1"));
    settings_free(settings);
}

static void takes_each_type_of_value(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"no networks", "milter { outbound-networks = {} }", "outbound-networks = {}"},
        {"path", "store = \"/a b\"", "store = \"/a b\""},
        {"text", "store-group = postfix", "store-group = \"postfix\""},
        {"empty text", "store-group = \"\"", "store-group = \"\""},
        {"domain", "default-mail-from-domain = \"B\303\274cher.Example.\"",
         "default-mail-from-domain = \"xn--bcher-kva.example\""},
        {"no domain", "default-mail-from-domain = \"\"", "default-mail-from-domain = \"\""},
        {"unix socket", "milter { socket = \"unix:/run/s\" }", "socket = \"unix:/run/s\""},
        {"local socket", "milter { socket = \"local:/run/s\" }", "socket = \"local:/run/s\""},
        {"path as socket", "milter { socket = /run/s }", "socket = \"/run/s\""},
        {"inet socket", "milter { socket = \"inet:1@h\" }", "socket = \"inet:1@h\""},
        {"metrics", "milter { metrics = \"[::1]:9895\" }", "metrics = \"[::1]:9895\""},
        {"metrics for others", "milter { metrics = \"192.0.2.1:1\" metrics-remote = true }",
         "metrics-remote = true"},
        {"inet6 socket", "milter { socket = \"inet6:1@::1\" }", "socket = \"inet6:1@::1\""},
        {"fd socket", "milter { socket = \"fd:3\" }", "socket = \"fd:3\""},
        {"mode", "milter { socket-mode = \"0600\" }", "socket-mode = \"0600\""},
        {"lowest mode", "milter { socket-mode = \"0\" }", "socket-mode = \"0000\""},
        {"highest mode", "milter { socket-mode = \"0777\" }", "socket-mode = \"0777\""},
        {"mode without quotes", "milter { socket-mode = 0606 }", "socket-mode = \"0606\""},
        {"identity-from", "milter { identity-from = \"envelope\" }",
         "identity-from = \"envelope\""},
        {"mode of work", "milter { mode = monitor }", "mode = \"monitor\""},
        {"temporary failure", "milter { temporary-failure = defer }",
         "temporary-failure = \"defer\""},
        {"policy pass", "milter { on-expired = pass }", "on-expired = \"pass\""},
        {"policy default", "milter { on-expired = default }", "on-expired = \"default\""},
        {"policy reject", "milter { on-unavailable = reject }", "on-unavailable = \"reject\""},
        {"policy defer", "milter { on-unknown-identity = defer }",
         "on-unknown-identity = \"defer\""},
        {"switch off", "milter { strip-label = false }", "strip-label = false"},
        {"switch by another word", "milter { strip-label = no }", "strip-label = false"},
        {"switch on", "milter { outbound-authenticated = yes }", "outbound-authenticated = true"},
        {"networks", "milter { outbound-networks = {\"192.0.2.0/24\", \"2001:db8::1\"} }",
         "outbound-networks = {\"192.0.2.0/24\", \"2001:db8::1/128\"}"},
        {"reject reply", "milter { reject-reply = \"550 5.7.1 {from}\" }",
         "reject-reply = \"550 5.7.1 {from}\""},
        {"defer reply", "milter { defer-reply = \"450 4.7.1 \\\"x\\\"\" }",
         "defer-reply = \"450 4.7.1 \\\"x\\\"\""},
        {"the last of two counts", "store = /a\nstore = /b", "store = \"/b\""},
        {"comments", "# c\n// c\n/* c */ store = /a # c", "store = \"/a\""},
        {"single quotes", "store = '/a$b'", "store = \"/a\\$b\""},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect_taken(&rows[i]);
}

static void refuses_wrong_values_with_line_and_choice(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"relative path", "\n\nstore = \"a\"", "file.conf:3: store: an absolute path is needed"},
        {"empty path", "store = \"\"", "file.conf:1: store: an absolute path is needed"},
        {"domain", "\ndefault-mail-from-domain = \"a b\"",
         "file.conf:2: default-mail-from-domain: \"a b\" is not a domain name"},
        {"address as domain", "default-mail-from-domain = \"a@b\"", "is not a domain name"},
        {"socket", "milter {\nsocket = \"tcp:1\"\n}",
         "file.conf:2: socket: a socket is unix:/path, local:/path, inet:port@host"},
        {"empty socket", "milter { socket = \"\" }", "a socket is unix:/path"},
        {"relative socket", "milter { socket = \"unix:s\" }", "a socket is unix:/path"},
        {"metrics without a port", "milter {\n metrics = \"127.0.0.1\" }",
         "file.conf:2: metrics: \"127.0.0.1\" is no address to listen on"},
        {"metrics for others", "milter { metrics = \"192.0.2.1:1\" }",
         "file.conf: metrics: 192.0.2.1:1 is no loopback address"},
        {"socket without a port", "milter { socket = \"inet:\" }", "a socket is unix:/path"},
        {"mode beyond", "milter { socket-mode = \"01000\" }",
         "file.conf:1: socket-mode: a mode is octal, 0000 to 0777"},
        {"mode in decimal", "milter { socket-mode = \"660\" }", "a mode is octal"},
        {"mode with 8", "milter { socket-mode = \"0680\" }", "a mode is octal"},
        {"mode in words", "milter { socket-mode = \"0rw\" }", "a mode is octal"},
        {"empty mode", "milter { socket-mode = \"\" }", "a mode is octal"},
        {"huge mode", "milter { socket-mode = \"040000000660\" }", "a mode is octal"},
        {"policy", "milter { on-expired = \"drop\" }",
         "file.conf:1: on-expired: \"drop\" is not one of pass, default, reject or defer"},
        {"policy custom", "milter { on-unavailable = \"custom\" }",
         "is not one of pass, default, reject or defer"},
        {"policy in upper case", "milter { on-unknown-identity = \"Pass\" }", "is not one of"},
        {"identity-from", "milter { identity-from = \"sender\" }",
         "is not one of header or envelope"},
        {"mode of work", "milter { mode = \"\" }", "is not one of enforce or monitor"},
        {"temporary failure", "milter { temporary-failure = \"pass\" }",
         "is not one of reject or defer"},
        {"switch", "milter {\n\nstrip-label = maybe }", "file.conf:3: invalid boolean value"},
        {"network", "milter { outbound-networks = {\"127.0.0.1\", \"localhost\"} }",
         "file.conf:1: outbound-networks: \"localhost\" is not an IP network"},
        {"host bits", "milter { outbound-networks = {\"192.0.2.1/24\"} }",
         "has bits set after its prefix"},
        {"reject reply", "milter { reject-reply = \"451 4.3.0 x\" }",
         "file.conf:1: reject-reply: a reply begins with a code of class 5"},
        {"defer reply", "milter { defer-reply = \"421 4.3.0 x\" }", "would close the connection"},
        {"reply with a line end", "milter { defer-reply = \"451 4.3.0 a\\nb\" }",
         "printable ASCII"},
        {"name behind comments", "# a\n# b\n// c\n/* d */ /* e\n*/\nmilter {\n# f\n}\nstor = 1",
         "file.conf:9: no such option 'stor'"},
        {"unknown setting", "stor = /a",
         "file.conf:1: no such option 'stor'; did you mean 'store'? There are store, store-group, "
         "default-mail-from-domain, rewrite, seccomp, log-format, log-level, milter {..}"},
        {"unknown setting in the section", "milter {\nstore = /a\n}",
         "file.conf:2: no such option 'store'; there are socket, socket-mode"},
        {"setting of the section outside", "socket = \"fd:3\"", "no such option 'socket'"},
        {"unknown section", "post { }", "no such option 'post'; there are "},
        {"misspelt section", "miller { }", "no such option 'miller'; did you mean 'milter'? There"},
        {"misspelt setting in a section", "ses { requests-per-secnod = 1 }",
         "; did you mean 'requests-per-second'? There are "},
        {"include", "include(\"/etc/passwd\")", "no such option"},
        {"no value", "store =\n", "file.conf:"},
        {"no equals sign", "store \"/a\"", "file.conf:1: "},
        {"list for a text", "store = {\"/a\"}", "file.conf:1: "},
        {"text for a list", "milter { outbound-networks = {{ }", "file.conf:1: "},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect_refused(&rows[i]);
}

static void refuses_a_file_that_was_cut_short(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"section", "milter {\nmode = monitor\n", "file.conf:2: the file ends inside of a section"},
        {"section without a line end", "milter { mode = monitor",
         "file.conf:1: the file ends inside"},
        {"only the opening brace", "milter {", "the file ends inside of a section"},
        {"comment", "store = /a /* b", "file.conf"},
        {"string", "store = \"/a", "file.conf"},
        {"single-quoted string", "store = '/a", "file.conf"},
        {"list", "milter { outbound-networks = {\"127.0.0.1\"", "file.conf"},
        {"value", "\nstore =", "file.conf:2: the file ends where a value should stand"},
        {"brace too many", "milter { } }", "file.conf"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect_refused(&rows[i]);
}

static void refuses_nul_octets(void **state)
{
    (void)state;
    static const char text[] = "store = /a\0\n";
    struct failure why;

    assert_null(read_octets(text, sizeof text - 1, &why));
    assert_int_equal(why.exit_code, EX_CONFIG);
    assert_non_null(strstr(why.text, "file.conf: a file of settings holds no NUL octets"));
    assert_null(read_octets("\0", 1, &why));
    assert_non_null(strstr(why.text, "if it is UTF-16, save it as UTF-8"));
}

static void takes_a_byte_order_mark(void **state)
{
    (void)state;
    static const char mark[] = "\xef\xbb\xbf";
    struct settings *settings = read_valid("\xef\xbb\xbfstore = \"/a\"\n");
    struct failure why;

    assert_string_equal(settings->store, "/a");
    settings_free(settings);
    settings = read_octets(mark, sizeof mark - 1, &why);
    assert_non_null(settings);
    settings_free(settings);
    assert_null(read_octets("\xef\xbb\xbf\nstore = 1x\nnone = 2\n", 24, &why));
    assert_non_null(strstr(why.text, "file.conf:2:"));
    assert_null(read_octets("store = \"/a\"\n\xef\xbb\xbfsync { }", 24, &why));
}

static void caps_the_size_of_the_file(void **state)
{
    (void)state;
    char *text = malloc(FILE_SIZE_MAX);
    struct failure why;
    struct settings *settings;

    assert_non_null(text);
    memset(text, '\n', FILE_SIZE_MAX);
    settings = read_octets(text, FILE_SIZE_MAX - 1, &why);
    assert_non_null(settings);
    settings_free(settings);
    assert_null(read_octets(text, FILE_SIZE_MAX, &why));
    assert_int_equal(why.exit_code, EX_CONFIG);
    assert_non_null(strstr(why.text, "octets at most"));
    free(text);
}

/* Builds `before`, count times `item`, `after`. */
static struct settings *read_repeated(const char *before, const char *item, size_t count,
                                      const char *after, struct failure *why)
{
    char *text = malloc(strlen(before) + count * strlen(item) + strlen(after) + 1);
    struct settings *settings;
    char *end;

    assert_non_null(text);
    end = stpcpy(text, before);
    for (size_t i = 0; i < count; i++)
        end = stpcpy(end, item);
    end = stpcpy(end, after);
    settings = read_octets(text, (size_t)(end - text), why);
    free(text);
    return settings;
}

static void caps_the_length_of_a_value(void **state)
{
    (void)state;
    struct failure why;
    struct settings *settings = read_repeated("store = \"/", "x", 1023, "\"", &why);

    assert_non_null(settings);
    settings_free(settings);
    assert_null(read_repeated("store = \"/", "x", 1024, "\"", &why));
    assert_non_null(strstr(why.text, "file.conf:1: store: at most 1024 octets"));
    assert_null(read_repeated("store = \"/", "x", 100000, "\"", &why));
    assert_null(read_repeated("", "x", 100000, " = 1", &why));
    assert_int_equal(why.exit_code, EX_CONFIG);
}

static void caps_the_number_of_networks(void **state)
{
    (void)state;
    struct failure why;
    struct settings *settings = read_repeated("milter { outbound-networks = {", "\"10.0.0.1\",",
                                              SETTINGS_NETWORKS_MAX - 1, "\"10.0.0.1\"} }", &why);

    assert_non_null(settings);
    assert_int_equal(settings->milter.outbound_networks_count, SETTINGS_NETWORKS_MAX);
    settings_free(settings);
    assert_null(read_repeated("milter { outbound-networks = {", "\"10.0.0.1\",",
                              SETTINGS_NETWORKS_MAX, "\"10.0.0.1\"} }", &why));
    assert_non_null(strstr(why.text, "at most 256 networks"));
}

static void prints_what_reads_back_the_same(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "store = \"/a b\\\\c\\\"d\\$HOME\"\nstore-group = \"x y\"\n"
        "default-mail-from-domain = m.example\n"
        "milter { socket = 'unix:/run/$x' socket-mode = \"0666\" user = u mode = monitor\n"
        "identity-from = envelope outbound-networks = {\"10.0.0.0/8\", \"::/0\"}\n"
        "outbound-authenticated = off on-expired = reject on-unavailable = pass\n"
        "on-unknown-identity = default temporary-failure = defer strip-label = off\n"
        "reject-reply = \"550 5.0.0 \\\"{identity}\\\" costs \\$5 # /* \\\\ '\"\n"
        "defer-reply = '450 4.0.0 $HOME {status}' }",
    };

    (void)setenv("HOME", "/nowhere", 1);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct settings *settings;
        struct settings *again;
        char *first;
        char *second;
        settings = read_valid(texts[i]);
        first = print(settings);
        again = read_valid(first);
        second = print(again);
        assert_string_equal(first, second);
        free(first);
        free(second);
        settings_free(settings);
        settings_free(again);
    }
}

static void reads_environment_variables_in_strings(void **state)
{
    (void)state;
    static const struct row taken[] = {
        {"in double quotes", "store = \"${MF_TEST}/b\"", "store = \"/from/environment/b\""},
        {"not in single quotes", "store = '/${MF_TEST}'", "store = \"/\\${MF_TEST}\""},
        {"escaped", "store = \"/\\${MF_TEST}\"", "store = \"/\\${MF_TEST}\""},
        {"with a default", "store = \"${MF_UNSET:-/d}\"", "store = \"/d\""},
    };
    static const struct row refused = {"checked like any value", "store = \"${MF_UNSET}\"",
                                       "file.conf:1: store: an absolute path is needed"};

    (void)setenv("MF_TEST", "/from/environment", 1);
    (void)unsetenv("MF_UNSET");
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
        expect_taken(&taken[i]);
    expect_refused(&refused);
}

static void reads_the_sample_as_the_defaults(void **state)
{
    (void)state;
    char *sample = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&sample, &length);
    struct settings *settings;
    struct settings *defaults = read_valid("");
    char *printed[2];

    assert_non_null(out);
    settings_print_sample(out);
    (void)fclose(out);
    settings = read_valid(sample);
    printed[0] = print(settings);
    printed[1] = print(defaults);
    assert_string_equal(printed[0], printed[1]);
    free(printed[0]);
    free(printed[1]);
    free(sample);
    settings_free(settings);
    settings_free(defaults);
}

/* The sample with every setting uncommented says the same; the account in it stays a comment. */
static void reads_the_uncommented_sample_as_the_defaults(void **state)
{
    (void)state;
    char *sample = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&sample, &length);
    struct settings *settings;
    struct settings *defaults = read_valid("");
    char *printed[2];

    assert_non_null(out);
    settings_print_sample(out);
    (void)fclose(out);
    for (char *at = sample; (at = strchr(at, '#')) != NULL; at++) {
        if (at[1] >= 'a' && at[1] <= 'z' && strncmp(at, "#ses {", 6) != 0)
            *at = ' ';
    }
    settings = read_valid(sample);
    printed[0] = print(settings);
    printed[1] = print(defaults);
    assert_string_equal(printed[0], printed[1]);
    free(printed[0]);
    free(printed[1]);
    free(sample);
    settings_free(settings);
    settings_free(defaults);
}

static void reads_a_file(void **state)
{
    (void)state;
    char path[] = "/tmp/mailfrom-test-XXXXXX";
    int file = mkstemp(path);
    struct settings *settings = NULL;
    struct failure why;

    assert_true(file >= 0);
    assert_int_equal(write(file, "store = /a\n", 11), 11);
    (void)close(file);
    assert_true(settings_read(&settings, path, &why));
    assert_string_equal(settings->store, "/a");
    settings_free(settings);
    (void)unlink(path);
    assert_false(settings_read(&settings, path, &why));
    assert_null(settings);
    assert_int_equal(why.exit_code, EX_CONFIG);
    assert_memory_equal(why.text, path, strlen(path));
    assert_non_null(strstr(why.text, "No such file or directory"));
    assert_false(settings_read(&settings, "/tmp", &why));
    assert_int_equal(why.exit_code, EX_CONFIG);
}

static void starts_afresh_after_a_failure(void **state)
{
    (void)state;
    struct failure why;
    struct settings *settings;

    assert_null(read_octets("milter { mode = monitor\n x = 1 }", 32, &why));
    settings = read_valid("store = /a");
    assert_int_equal(settings->milter.mode, MODE_ENFORCE);
    settings_free(settings);
    assert_null(read_octets("store = \"/unclosed", 18, &why));
    settings = read_valid("milter { mode = monitor }");
    assert_int_equal(settings->milter.mode, MODE_MONITOR);
    settings_free(settings);
    assert_null(read_octets("/* unclosed", 11, &why));
    settings_free(read_valid("milter { mode = monitor }"));
}

static void says_whether_the_sender_of_a_record_moves(void **state)
{
    (void)state;
    static const struct {
        const char *behaviour;
        const char *text;
        struct mail_from record;
        bool moves;
    } rows[] = {
        {"imported, by default", "", {.source = MAIL_FROM_FILE}, true},
        {"imported", "rewrite = false", {.source = MAIL_FROM_FILE}, false},
        {"imported, whatever sections say",
         "ses { rewrite = false }\nlocal { rewrite = false }",
         {.source = MAIL_FROM_FILE},
         true},
        {"local", "local { rewrite = false }", {.source = MAIL_FROM_LOCAL}, false},
        {"local, whatever the top says", "rewrite = false", {.source = MAIL_FROM_LOCAL}, true},
        {"adopted",
         "ses { rewrite = false }",
         {.source = MAIL_FROM_LOCAL, .former = MAIL_FROM_SES},
         true},
        {"of the account", "ses { rewrite = false }", {.source = MAIL_FROM_SES}, false},
        {"of the account with that title",
         "ses \"a\" { }\nses \"b\" { rewrite = false }",
         {.source = MAIL_FROM_SES, .section = "b"},
         false},
        {"of another account",
         "ses \"a\" { }\nses \"b\" { rewrite = false }",
         {.source = MAIL_FROM_SES, .section = "a"},
         true},
        {"of an account without a section",
         "rewrite = false\nses \"a\" { }",
         {.source = MAIL_FROM_SES, .section = "b"},
         false},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct settings *settings = read_valid(rows[i].text);
        if (settings_rewrite(settings, &rows[i].record) != rows[i].moves)
            fail_msg("%s", rows[i].behaviour);
        settings_free(settings);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(has_a_default_for_everything),
        cmocka_unit_test(knows_loopback_by_default),
        cmocka_unit_test(takes_each_type_of_value),
        cmocka_unit_test(refuses_wrong_values_with_line_and_choice),
        cmocka_unit_test(refuses_a_file_that_was_cut_short),
        cmocka_unit_test(refuses_nul_octets),
        cmocka_unit_test(takes_a_byte_order_mark),
        cmocka_unit_test(caps_the_size_of_the_file),
        cmocka_unit_test(caps_the_length_of_a_value),
        cmocka_unit_test(caps_the_number_of_networks),
        cmocka_unit_test(prints_what_reads_back_the_same),
        cmocka_unit_test(reads_environment_variables_in_strings),
        cmocka_unit_test(reads_the_sample_as_the_defaults),
        cmocka_unit_test(reads_the_uncommented_sample_as_the_defaults),
        cmocka_unit_test(reads_a_file),
        cmocka_unit_test(starts_afresh_after_a_failure),
        cmocka_unit_test(takes_the_section_of_local_identities),
        cmocka_unit_test(says_whether_the_sender_of_a_record_moves),
        cmocka_unit_test(takes_the_section_of_return_paths),
        cmocka_unit_test(refuses_wrong_return_paths),
        cmocka_unit_test(refuses_wrong_local_settings),
        cmocka_unit_test(takes_accounts_of_ses),
        cmocka_unit_test(refuses_wrong_accounts),
        cmocka_unit_test(keeps_accounts_in_the_order_of_the_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
