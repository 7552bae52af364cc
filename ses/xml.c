/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ses/xml.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include <expat.h>

struct reader {
    XML_Parser parser;
    void (*leave)(void *context, const char *path, const char *text);
    void *context;
    const char *refused; /* what stopped the parser, NULL for nothing of ours */
    unsigned depth;
    size_t path_length;
    size_t text_length;
    char path[XML_PATH_MAX + 1];
    char text[XML_TEXT_MAX + 1];
};

static void refuse(struct reader *reader, const char *what)
{
    reader->refused = what;
    (void)XML_StopParser(reader->parser, XML_FALSE);
}

static void XMLCALL enter_element(void *context, const XML_Char *name, const XML_Char **attributes)
{
    struct reader *reader = context;
    size_t length = strlen(name);

    (void)attributes;
    reader->text_length = 0;
    if (++reader->depth > XML_DEPTH_MAX) {
        refuse(reader, "it is nested too deeply");
        return;
    }
    if (length + 1 > XML_PATH_MAX - reader->path_length) {
        refuse(reader, "the names in it are too long");
        return;
    }
    if (reader->path_length > 0)
        reader->path[reader->path_length++] = '/';
    memcpy(reader->path + reader->path_length, name, length + 1);
    reader->path_length += length;
}

static const char *trim(char *text, size_t length)
{
    static const char space[] = " \t\r\n";

    while (length > 0 && strchr(space, text[length - 1]) != NULL)
        length--;
    text[length] = '\0';
    return text + strspn(text, space);
}

static void XMLCALL leave_element(void *context, const XML_Char *name)
{
    struct reader *reader = context;
    char *slash;

    (void)name;
    if (reader->refused != NULL)
        return;
    reader->leave(reader->context, reader->path, trim(reader->text, reader->text_length));
    reader->text_length = 0;
    reader->depth--;
    slash = strrchr(reader->path, '/');
    reader->path_length = slash != NULL ? (size_t)(slash - reader->path) : 0;
    reader->path[reader->path_length] = '\0';
}

static void XMLCALL take_text(void *context, const XML_Char *text, int length)
{
    struct reader *reader = context;

    if (reader->refused != NULL)
        return;
    if ((size_t)length > XML_TEXT_MAX - reader->text_length) {
        refuse(reader, "a text in it is too long");
        return;
    }
    memcpy(reader->text + reader->text_length, text, (size_t)length);
    reader->text_length += (size_t)length;
}

static void XMLCALL refuse_document_type(void *context, const XML_Char *name,
                                         const XML_Char *system, const XML_Char *public,
                                         int has_internal)
{
    (void)name, (void)system, (void)public, (void)has_internal;
    refuse(context, "it has a document type");
}

static bool parse(struct reader *reader, const char *bytes, size_t length, struct failure *why)
{
    XML_SetUserData(reader->parser, reader);
    XML_SetElementHandler(reader->parser, enter_element, leave_element);
    XML_SetCharacterDataHandler(reader->parser, take_text);
    /* Entities can be declared in a document type only. */
    XML_SetStartDoctypeDeclHandler(reader->parser, refuse_document_type);
    if (XML_Parse(reader->parser, bytes, (int)length, XML_TRUE) == XML_STATUS_OK)
        return true;
    if (reader->refused != NULL)
        return failure_set(why, EX_PROTOCOL, "the XML is refused: %s", reader->refused);
    if (XML_GetErrorCode(reader->parser) == XML_ERROR_NO_MEMORY)
        return failure_set(why, EX_OSERR, "out of memory");
    return failure_set(why, EX_PROTOCOL, "not XML: %s",
                       XML_ErrorString(XML_GetErrorCode(reader->parser)));
}

bool xml_parse(const char *bytes, size_t length,
               void (*leave)(void *context, const char *path, const char *text), void *context,
               struct failure *why)
{
    struct reader *reader = calloc(1, sizeof *reader);
    bool fine = false;

    if (reader != NULL)
        reader->parser = XML_ParserCreate("UTF-8");
    if (reader == NULL || reader->parser == NULL) {
        (void)failure_set(why, EX_OSERR, "out of memory");
        goto out;
    }
    reader->leave = leave;
    reader->context = context;
    fine = parse(reader, bytes, length, why);
out:
    if (reader != NULL) {
        if (reader->parser != NULL)
            XML_ParserFree(reader->parser);
        explicit_bzero(reader, sizeof *reader);
    }
    free(reader);
    return fine;
}

bool xml_path_ends(const char *path, const char *end)
{
    size_t path_length = strlen(path), end_length = strlen(end);

    if (path_length < end_length || strcmp(path + path_length - end_length, end) != 0)
        return false;
    return path_length == end_length || path[path_length - end_length - 1] == '/';
}
