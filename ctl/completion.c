/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/completion.h"

#include <ctype.h>
#include <string.h>

enum { WORD_MAX = 64, VALUE_MAX = 64, IDENTITIES_MAX = 500 };

struct completion {
    FILE *out;
    const char *prefix; /* what is there already */
    const char *settings_file;
    const struct command *command; /* NULL: the command itself is to be completed */
    int count;                     /* the words behind the command and before the prefix */
    char *const *words;
};

static void offer(const struct completion *completion, const char *word, size_t length)
{
    size_t begun = strlen(completion->prefix);

    if (length >= begun && strncmp(word, completion->prefix, begun) == 0)
        (void)fprintf(completion->out, "%.*s\n", (int)length, word);
}

/* --- values --- */

static void offer_words(const struct completion *completion, const char *const words[],
                        size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (words[i] != NULL)
            offer(completion, words[i], strlen(words[i]));
    }
}

struct walk {
    const struct completion *completion;
    size_t offered;
};

static bool offer_identity(void *context, const char *key, const struct mail_from *record)
{
    struct walk *walk = context;
    const char *prefix = walk->completion->prefix;

    (void)record;
    /* A local part may need quotes that a shell would not keep; of a million no one wants a list.
     */
    if (strncmp(key, prefix, strlen(prefix)) != 0 || strpbrk(key, " \"\\'") != NULL)
        return true;
    offer(walk->completion, key, strlen(key));
    return ++walk->offered < IDENTITIES_MAX;
}

static void offer_identities(const struct completion *completion, const struct settings *settings)
{
    struct walk walk = {.completion = completion};
    struct store *store = NULL;
    struct failure unused;

    if (store_open(&store, settings->store, STORE_READ, settings->store_group, &unused))
        (void)store_each(store, offer_identity, &walk, &unused);
    store_close(store);
}

static void offer_from_settings(const struct completion *completion, bool identities)
{
    struct settings *settings = NULL;
    struct failure unused;

    if (!settings_read(&settings, completion->settings_file, &unused))
        return;
    if (identities)
        offer_identities(completion, settings);
    for (size_t i = 0; !identities && i < settings->ses_count; i++)
        offer(completion, settings->ses[i].title, strlen(settings->ses[i].title));
    settings_free(settings);
}

static void offer_commands(const struct completion *completion)
{
    const struct command *command;

    for (size_t i = 0; (command = command_at(i)) != NULL; i++)
        offer(completion, command->name, strlen(command->name));
}

/* As help spells it: a name in capitals, or words that are to be typed, as on|off. */
static void offer_value(const struct completion *completion, const char *value)
{
    if (strncmp(value, "FILE", 4) == 0)
        (void)fputs(":file\n", completion->out);
    else if (strcmp(value, "DIR") == 0)
        (void)fputs(":directory\n", completion->out);
    else if (strncmp(value, "IDENTITY", 8) == 0)
        offer_from_settings(completion, true);
    else if (strcmp(value, "TITLE") == 0)
        offer_from_settings(completion, false);
    else if (strcmp(value, "COMMAND") == 0)
        offer_commands(completion);
    else if (strcmp(value, "SOURCE") == 0)
        offer_words(completion, mail_from_source_words, MAIL_FROM_SOURCE_COUNT);
    else if (strcmp(value, "B") == 0)
        offer_words(completion, mail_from_behavior_words, MAIL_FROM_BEHAVIOR_COUNT);
    else if (strcmp(value, "STATUS") == 0) {
        offer_words(completion, mail_from_status_words, MAIL_FROM_STATUS_COUNT);
        offer(completion, "none", 4);
    } else if (islower((unsigned char)value[0])) {
        for (size_t length; *value != '\0'; value += length + (value[length] == '|')) {
            length = strcspn(value, "|");
            offer(completion, value, length);
        }
    }
}

/* --- options --- */

/* Goes through the options that a text of help names, in the synopsis or in the lines of details.
 * value: what the option takes there, "" for nothing. Returns the rest of the text, NULL at its
 * end. */
static const char *next_option(const char *text, char option[WORD_MAX], char value[VALUE_MAX])
{
    size_t length;

    while ((text = strstr(text, "--")) != NULL && !islower((unsigned char)text[2]))
        text += 2;
    if (text == NULL)
        return NULL;
    length = 2 + strspn(text + 2, "abcdefghijklmnopqrstuvwxyz-");
    (void)snprintf(option, WORD_MAX, "%.*s", (int)length, text);
    text += length;
    length = text[0] == ' ' && isalnum((unsigned char)text[1]) ? strcspn(text + 1, " \n]") : 0;
    (void)snprintf(value, VALUE_MAX, "%.*s", (int)length, text + 1);
    return text;
}

/* The lines of details that begin with an option: others talk of it in prose. */
static const char *option_lines(const char *details, char out[], size_t size)
{
    size_t used = 0;

    out[0] = '\0';
    while ((details = strstr(details, "  --")) != NULL && used + 1 < size) {
        size_t length = strcspn(details, "\n");
        const char *end = strstr(details + 4, "  ");
        if (end != NULL && end < details + length)
            length = (size_t)(end - details);
        used += (size_t)snprintf(out + used, size - used, "%.*s\n", (int)length, details);
        details += length;
    }
    return out;
}

struct options {
    char lines[2048];
    const char *texts[2];
};

static void read_options(struct options *options, const struct command *command)
{
    options->texts[0] = command->synopsis;
    options->texts[1] = option_lines(command->details, options->lines, sizeof options->lines);
}

/* Of the option before the word to complete; false if that is none that takes a value. */
static bool find_value(const struct completion *completion, const struct options *options,
                       char value[VALUE_MAX])
{
    const char *before = completion->words[completion->count - 1];
    char option[WORD_MAX];

    for (size_t i = 0; completion->count > 0 && i < 2; i++) {
        const char *text = options->texts[i];
        while ((text = next_option(text, option, value)) != NULL) {
            if (strcmp(option, before) == 0 && value[0] != '\0')
                return true;
        }
    }
    return false;
}

static void offer_options(const struct completion *completion, const struct options *options)
{
    char seen[4096] = " ";
    char option[WORD_MAX];
    char value[VALUE_MAX];
    char framed[WORD_MAX + 2];

    for (size_t i = 0; i < 2; i++) {
        const char *text = options->texts[i];
        while ((text = next_option(text, option, value)) != NULL) {
            (void)snprintf(framed, sizeof framed, " %s ", option);
            if (strstr(seen, framed) != NULL || strlen(seen) + WORD_MAX >= sizeof seen)
                continue;
            (void)strcat(seen, framed + 1);
            offer(completion, option, strlen(option));
        }
    }
    offer(completion, "--help", 6);
}

/* --- the arguments that are no options --- */

/* The next word of an alternative of the synopsis that is no option and no value of one; the text
 * behind it, or NULL. Brackets do not matter here. */
static const char *next_argument(const char *text, char word[WORD_MAX])
{
    bool is_value = false;

    for (;;) {
        size_t length;
        text += strspn(text, " \n[]|");
        if (*text == '\0')
            return NULL;
        length = strcspn(text, " \n]");
        if (!is_value && text[0] != '-') {
            (void)snprintf(word, WORD_MAX, "%.*s", (int)length, text);
            return text + length;
        }
        is_value = !is_value && text[length] == ' ' && isalnum((unsigned char)text[length + 1]);
        text += length;
    }
}

/* Arguments that were given, options left out. What follows an option may be its value: it is taken
 * for one, as a wrong guess only costs a candidate. */
static int count_parts(const struct completion *completion)
{
    int count = 0;

    while (count < completion->count && completion->words[count][0] != '-')
        count++;
    return count;
}

/* alternative: one of the synopsis, terminated. Words in small letters have to be typed as they
 * are, and lead to what follows. */
static void offer_argument(const struct completion *completion, const char *alternative)
{
    int given = count_parts(completion);
    char word[WORD_MAX];

    for (int i = 0; (alternative = next_argument(alternative, word)) != NULL; i++) {
        if (!islower((unsigned char)word[0])) {
            offer_value(completion, word);
            return;
        }
        if (i >= given) {
            offer(completion, word, strlen(word));
            return;
        }
        if (strcmp(word, completion->words[i]) != 0)
            return;
    }
}

static void offer_arguments(const struct completion *completion)
{
    const char *text = completion->command->synopsis;
    char alternative[512];

    while (*text != '\0') {
        size_t depth = 0;
        size_t length = 0;
        while (text[length] != '\0' && (depth > 0 || strncmp(text + length, " |", 2) != 0)) {
            depth += text[length] == '[';
            depth -= text[length] == ']';
            length++;
        }
        (void)snprintf(alternative, sizeof alternative, "%.*s", (int)length, text);
        offer_argument(completion, alternative);
        text += length + (text[length] == '\0' ? 0 : 2);
    }
}

/* --- the command line --- */

static void complete_command(const struct completion *completion)
{
    static const char *const general[] = {"--config", "--help", "--version"};

    if (completion->prefix[0] == '-')
        offer_words(completion, general, sizeof general / sizeof *general);
    else
        offer_commands(completion);
}

static void complete_arguments(const struct completion *completion)
{
    struct options options;
    char value[VALUE_MAX];

    read_options(&options, completion->command);
    if (find_value(completion, &options, value))
        offer_value(completion, value);
    else if (completion->prefix[0] == '-')
        offer_options(completion, &options);
    else
        offer_arguments(completion);
}

static bool takes_settings_file(const char *word)
{
    return strcmp(word, "-c") == 0 || strcmp(word, "--config") == 0;
}

void completion_print(int count, char *const words[], FILE *out)
{
    struct completion completion = {.out = out,
                                    .prefix = count > 0 ? words[count - 1] : "",
                                    .settings_file = DEFAULT_SETTINGS_FILE};
    int i;

    for (i = 0; i < count - 1 && words[i][0] == '-'; i++) {
        if (takes_settings_file(words[i]) && i + 1 < count - 1)
            completion.settings_file = words[++i];
        else if (takes_settings_file(words[i])) {
            (void)fputs(":file\n", out);
            return;
        }
    }
    if (i >= count - 1) {
        complete_command(&completion);
        return;
    }
    completion.command = command_find(words[i]);
    completion.words = words + i + 1;
    completion.count = count - 1 - (i + 1);
    if (completion.command != NULL)
        complete_arguments(&completion);
}
