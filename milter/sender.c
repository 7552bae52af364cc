/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Two layers: a tokenizer that leaves out comments and white space, and a grammar that never goes
 * back; so any field costs linear time and constant space. Whatever can hide a comma (quoted
 * string, comment, domain literal) is the tokenizer's; the grammar must not look for the ends of
 * things.
 */
#include "milter/sender.h"

#include <string.h>

enum token {
    TOKEN_ATOM,
    TOKEN_QUOTED,  /* its text is between the quotes, as written */
    TOKEN_LITERAL, /* its text is between the brackets, as written */
    TOKEN_COMMA,
    TOKEN_SEMICOLON,
    TOKEN_COLON,
    TOKEN_LESS,
    TOKEN_GREATER,
    TOKEN_AT,
    TOKEN_DOT,
    TOKEN_STRAY, /* what has no place outside of quotes */
    TOKEN_END,
    TOKEN_TORN /* the field ends inside of something, or was cut */
};

struct tokenizer {
    const char *at;
    const char *end;
    bool is_torn;
    enum token token; /* the current one */
    const char *text;
    size_t length;
};

struct part {
    char text[SENDER_ADDRESS_SIZE];
    size_t length;
    bool is_usable;
};

struct mailbox {
    struct part local; /* its value: without quotes and backslashes */
    struct part domain;
    struct part address; /* canonical */
};

static bool is_space(char octet)
{
    return octet == ' ' || octet == '\t' || octet == '\r' || octet == '\n';
}

static bool is_control(char octet)
{
    return (unsigned char)octet < 0x20 || octet == 0x7f;
}

static bool is_letter_or_digit(char octet)
{
    return (octet >= 'a' && octet <= 'z') || (octet >= 'A' && octet <= 'Z') ||
           (octet >= '0' && octet <= '9');
}

/* Octets of UTF-8 and of any other 8-bit charset count as text, so that neither is misread. */
static bool is_atext(char octet)
{
    if (is_letter_or_digit(octet)) /* nearly always, and the rest is slower */
        return true;
    return !is_control(octet) && strchr(" ()<>[]:;@\\,.\"", octet) == NULL;
}

static enum token tear(struct tokenizer *from)
{
    from->is_torn = true;
    from->at = from->end;
    return TOKEN_TORN;
}

static void skip_comment(struct tokenizer *from)
{
    int depth = 0;

    for (; from->at < from->end; from->at++) {
        if (*from->at == '\\')
            from->at++;
        else if (*from->at == '(' && ++depth > SENDER_COMMENT_DEPTH_MAX)
            break;
        else if (*from->at == ')' && --depth == 0) {
            from->at++;
            return;
        }
    }
    tear(from);
}

static void skip_comments_and_space(struct tokenizer *from)
{
    while (from->at < from->end) {
        if (*from->at == '(')
            skip_comment(from);
        else if (is_space(*from->at))
            from->at++;
        else
            break;
    }
}

static enum token read_atom(struct tokenizer *from)
{
    from->text = from->at;
    while (from->at < from->end && is_atext(*from->at))
        from->at++;
    from->length = (size_t)(from->at - from->text);
    return TOKEN_ATOM;
}

static enum token read_quoted(struct tokenizer *from)
{
    from->text = ++from->at;
    for (; from->at < from->end; from->at++) {
        if (*from->at == '\\')
            from->at++;
        else if (*from->at == '"') {
            from->length = (size_t)(from->at++ - from->text);
            return TOKEN_QUOTED;
        }
    }
    return tear(from);
}

/* A lone bracket is no reason to lose the mailbox: names have them. The search ends at the next
 * opening bracket, so that a field full of them is still read in linear time. */
static enum token read_literal(struct tokenizer *from)
{
    const char *at = from->text = ++from->at;

    for (; at < from->end && *at != '['; at++) {
        if (*at == '\\')
            at++;
        else if (*at == ']') {
            from->length = (size_t)(at - from->text);
            from->at = at + 1;
            return TOKEN_LITERAL;
        }
    }
    return TOKEN_STRAY;
}

/* A backslash takes the next octet with it, as in Postfix: \"Bob\" opens no quoted string. */
static enum token read_backslash(struct tokenizer *from)
{
    from->at += from->end - from->at > 1 ? 2 : 1;
    return TOKEN_STRAY;
}

static enum token read_single(struct tokenizer *from)
{
    static const char octets[] = ",;:<>@.";
    static const enum token tokens[] = {TOKEN_COMMA,   TOKEN_SEMICOLON, TOKEN_COLON, TOKEN_LESS,
                                        TOKEN_GREATER, TOKEN_AT,        TOKEN_DOT};
    const char *octet = strchr(octets, *from->at++);

    return octet == NULL ? TOKEN_STRAY : tokens[octet - octets];
}

static enum token read_token(struct tokenizer *from)
{
    skip_comments_and_space(from);
    if (from->at >= from->end)
        return from->is_torn ? TOKEN_TORN : TOKEN_END;
    if (is_atext(*from->at))
        return read_atom(from);
    switch (*from->at) {
    case '"':
        return read_quoted(from);
    case '[':
        return read_literal(from);
    case '\\':
        return read_backslash(from);
    default:
        return read_single(from);
    }
}

static void advance(struct tokenizer *from)
{
    from->token = read_token(from);
}

static void tokenizer_init(struct tokenizer *from, const char *field)
{
    size_t length = strnlen(field, SENDER_FIELD_MAX + 1);

    from->is_torn = length > SENDER_FIELD_MAX;
    from->at = from->text = field;
    from->length = 0;
    from->end = field + (from->is_torn ? SENDER_FIELD_MAX : length);
    advance(from);
}

static void part_init(struct part *part)
{
    part->length = 0;
    part->is_usable = true;
}

static void append(struct part *part, const char *text, size_t length)
{
    if (length > SENDER_ADDRESS_MAX - part->length)
        part->is_usable = false;
    if (!part->is_usable)
        return;
    memcpy(part->text + part->length, text, length);
    part->length += length;
}

/* Length of the line end of a fold; the white space after it is the text's own. */
static size_t fold_length(const char *at, const char *end)
{
    size_t length = end - at > 1 && at[0] == '\r' && at[1] == '\n' ? 2 : 1;

    if (at[length - 1] != '\n' || end - at <= (ptrdiff_t)length)
        return 0;
    return at[length] == ' ' || at[length] == '\t' ? length : 0;
}

static void append_quoted(struct part *part, const char *at, size_t length)
{
    const char *end = at + length;

    while (at < end && part->is_usable) {
        size_t fold = fold_length(at, end);
        at += fold;
        if (fold == 0) {
            if (*at == '\\')
                at++;
            if (is_control(*at))
                part->is_usable = false;
            append(part, at++, 1);
        }
    }
}

static void append_literal(struct part *part, const char *at, size_t length)
{
    const char *end = at + length;

    append(part, "[", 1);
    for (; at < end && part->is_usable; at++) {
        if (is_space(*at))
            continue;
        if (*at == '\\')
            at++;
        if (is_control(*at) || strchr(" []\\", *at) != NULL)
            part->is_usable = false;
        append(part, at, 1);
    }
    append(part, "]", 1);
}

/* Dots anywhere, since some phone companies gave out such addresses; but no words side by side. */
static bool read_local(struct tokenizer *from, struct part *local)
{
    bool has_word = false;
    bool after_word = false;

    part_init(local);
    for (;; advance(from)) {
        if (from->token == TOKEN_DOT)
            append(local, ".", 1);
        else if (from->token == TOKEN_ATOM && !after_word)
            append(local, from->text, from->length);
        else if (from->token == TOKEN_QUOTED && !after_word)
            append_quoted(local, from->text, from->length);
        else
            return has_word;
        after_word = from->token != TOKEN_DOT;
        has_word = has_word || after_word;
    }
}

static bool read_domain(struct tokenizer *from, struct part *domain)
{
    part_init(domain);
    if (from->token == TOKEN_LITERAL) {
        append_literal(domain, from->text, from->length);
        advance(from);
        return true;
    }
    while (from->token == TOKEN_ATOM) {
        append(domain, from->text, from->length);
        advance(from);
        if (from->token != TOKEN_DOT)
            return true;
        append(domain, ".", 1);
        advance(from);
    }
    return domain->length > 0;
}

static bool read_address(struct tokenizer *from, struct mailbox *mailbox)
{
    if (!read_local(from, &mailbox->local) || from->token != TOKEN_AT)
        return false;
    advance(from);
    return read_domain(from, &mailbox->domain);
}

/* RFC 5322, 4.4: empty members, each domain after an at sign, a colon at the end. */
static bool skip_route(struct tokenizer *from)
{
    struct part ignored;

    while (from->token == TOKEN_COMMA || from->token == TOKEN_AT) {
        bool is_domain = from->token == TOKEN_AT;
        advance(from);
        if (is_domain && !read_domain(from, &ignored))
            return false;
    }
    if (from->token != TOKEN_COLON)
        return false;
    advance(from);
    return true;
}

static bool read_angle(struct tokenizer *from, struct mailbox *mailbox)
{
    advance(from);
    if ((from->token == TOKEN_COMMA || from->token == TOKEN_AT) && !skip_route(from))
        return false;
    if (!read_address(from, mailbox) || from->token != TOKEN_GREATER)
        return false;
    advance(from);
    return true;
}

/* A semicolon ends a group, and some mailers write it for a comma; either way a member ends. */
static bool is_at_member_end(const struct tokenizer *from)
{
    return from->token == TOKEN_COMMA || from->token == TOKEN_SEMICOLON ||
           from->token == TOKEN_END || from->token == TOKEN_TORN;
}

/* An address in angle brackets wins over whatever stands before it, which is but a name. */
static bool read_member(struct tokenizer *from, struct mailbox *mailbox)
{
    bool is_read = read_address(from, mailbox) && is_at_member_end(from);

    while (!is_at_member_end(from) && from->token != TOKEN_LESS && from->token != TOKEN_COLON)
        advance(from);
    if (from->token == TOKEN_LESS)
        is_read = read_angle(from, mailbox);
    else if (from->token == TOKEN_COLON)
        return false; /* that was the name of a group, and its first member comes next */
    while (!is_at_member_end(from))
        advance(from);
    return is_read && from->token != TOKEN_TORN;
}

static bool is_dot_atom(const struct part *local)
{
    char previous = '.';

    for (size_t i = 0; i < local->length; i++) {
        char octet = local->text[i];
        if (octet == '.' ? previous == '.' : !is_atext(octet))
            return false;
        previous = octet;
    }
    return previous != '.';
}

static void append_local(struct part *address, const struct part *local)
{
    if (is_dot_atom(local)) {
        append(address, local->text, local->length);
        return;
    }
    append(address, "\"", 1);
    for (size_t i = 0; i < local->length; i++) {
        if (local->text[i] == '"' || local->text[i] == '\\')
            append(address, "\\", 1);
        append(address, local->text + i, 1);
    }
    append(address, "\"", 1);
}

static bool join(struct mailbox *mailbox)
{
    struct part *address = &mailbox->address;

    part_init(address);
    append_local(address, &mailbox->local);
    append(address, "@", 1);
    append(address, mailbox->domain.text, mailbox->domain.length);
    return mailbox->local.is_usable && mailbox->domain.is_usable && address->is_usable;
}

static bool next_mailbox(struct tokenizer *from, struct mailbox *mailbox)
{
    while (from->token != TOKEN_END && from->token != TOKEN_TORN) {
        bool is_read = read_member(from, mailbox);
        advance(from); /* the comma, or what took its place */
        if (is_read && join(mailbox))
            return true;
    }
    return false;
}

/* Not strcasecmp: that one asks the locale. */
static char lower(char octet)
{
    if (octet < 'A' || octet > 'Z')
        return octet;
    return (char)(octet - 'A' + 'a');
}

static bool is_same(const struct mailbox *a, const struct mailbox *b)
{
    if (a->local.length != b->local.length || a->domain.length != b->domain.length ||
        memcmp(a->local.text, b->local.text, a->local.length) != 0)
        return false;
    for (size_t i = 0; i < a->domain.length; i++)
        if (lower(a->domain.text[i]) != lower(b->domain.text[i]))
            return false;
    return true;
}

static void write_out(const struct mailbox *mailbox, char out[SENDER_ADDRESS_SIZE])
{
    memcpy(out, mailbox->address.text, mailbox->address.length);
    out[mailbox->address.length] = '\0';
}

static bool read_sender(const char *field, struct mailbox *mailbox)
{
    struct tokenizer from;

    if (field == NULL)
        return false;
    tokenizer_init(&from, field);
    return next_mailbox(&from, mailbox);
}

bool sender_choose(const char *from_field, const char *sender_field, char out[SENDER_ADDRESS_SIZE])
{
    struct tokenizer from;
    struct mailbox mailbox;
    struct mailbox sender;

    tokenizer_init(&from, from_field);
    if (!next_mailbox(&from, &mailbox))
        return false;
    write_out(&mailbox, out);
    if (!read_sender(sender_field, &sender))
        return true;
    for (int count = 1; !is_same(&mailbox, &sender); count++)
        if (count == SENDER_MAILBOXES_MAX || !next_mailbox(&from, &mailbox))
            return true;
    write_out(&mailbox, out);
    return true;
}
