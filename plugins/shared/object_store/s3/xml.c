/* SPDX-License-Identifier: Apache-2.0 */
/* Walks the XML that an S3 server sends: no network, no entities, no document types. */
#include "object_store/s3/message.h"

#include <string.h>

#include <libxml/xmlreader.h>

#define PATH_LIMIT 256
#define DEPTH_LIMIT 12

struct walk {
    xmlTextReaderPtr reader;
    char path[PATH_LIMIT];
    size_t path_size;
    int depth;
    struct counted_text text;
    s3_xml_visit visit;
    void *user;
};

enum step { STEP_ON, STEP_STOPPED, STEP_REFUSED };

static bool enter(struct walk *walk)
{
    const char *name = (const char *)xmlTextReaderConstLocalName(walk->reader);
    size_t size = name ? strlen(name) : 0;
    if (size == 0 || walk->depth >= DEPTH_LIMIT || walk->path_size + size + 2 > PATH_LIMIT) {
        return false;
    }
    if (walk->depth > 0) {
        walk->path[walk->path_size++] = '/';
    }
    memcpy(walk->path + walk->path_size, name, size + 1);
    walk->path_size += size;
    walk->depth++;
    counted_clear(&walk->text);
    return true;
}

static enum step leave(struct walk *walk)
{
    struct sluice_string text = {counted_get(&walk->text), walk->text.buffer.size};
    bool goes_on = !walk->text.has_failed && walk->visit(walk->user, walk->path, text);
    while (walk->path_size > 0 && walk->path[walk->path_size - 1] != '/') {
        walk->path_size--;
    }
    if (walk->path_size > 0) {
        walk->path_size--;
    }
    walk->path[walk->path_size] = '\0';
    walk->depth--;
    counted_clear(&walk->text);
    return goes_on ? STEP_ON : STEP_STOPPED;
}

static enum step take_node(struct walk *walk)
{
    switch (xmlTextReaderNodeType(walk->reader)) {
    case XML_READER_TYPE_ELEMENT: {
        bool is_empty = xmlTextReaderIsEmptyElement(walk->reader) == 1;
        if (!enter(walk)) {
            return STEP_REFUSED;
        }
        return is_empty ? leave(walk) : STEP_ON;
    }
    case XML_READER_TYPE_END_ELEMENT:
        return leave(walk);
    case XML_READER_TYPE_TEXT:
    case XML_READER_TYPE_CDATA:
    case XML_READER_TYPE_WHITESPACE:
    case XML_READER_TYPE_SIGNIFICANT_WHITESPACE: {
        const char *value = (const char *)xmlTextReaderConstValue(walk->reader);
        counted_add(&walk->text, value ? value : "");
        return STEP_ON;
    }
    case XML_READER_TYPE_DOCUMENT_TYPE:
    case XML_READER_TYPE_ENTITY_REFERENCE:
        return STEP_REFUSED;
    default: /* comments, processing instructions */
        return STEP_ON;
    }
}

static enum sluice_status refuse(const struct sluice_host *host, struct sluice_error *error)
{
    return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_PROTOCOL_ERROR,
                       "the server's answer is not the XML of an S3 service: is the endpoint "
                       "right?");
}

enum sluice_status s3_xml_walk(const struct sluice_host *host, const char *bytes, size_t size,
                               s3_xml_visit visit, void *user, struct sluice_error *error)
{
    if (size == 0 || size > INT32_MAX) {
        return refuse(host, error);
    }
    struct walk walk = {.visit = visit, .user = user};
    walk.reader = xmlReaderForMemory(bytes, (int)size, NULL, NULL,
                                     XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    if (!walk.reader) {
        return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_OUT_OF_MEMORY,
                           "no memory for an XML reader");
    }
    counted_init(&walk.text, host);
    enum step step = STEP_ON;
    int has_node;
    while (step == STEP_ON && (has_node = xmlTextReaderRead(walk.reader)) == 1) {
        step = take_node(&walk);
    }
    xmlFreeTextReader(walk.reader);
    counted_free(&walk.text);
    if (step == STEP_STOPPED) {
        return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_OUT_OF_MEMORY,
                           "no memory for a server's answer of %zu bytes", size);
    }
    return step == STEP_REFUSED || has_node != 0 ? refuse(host, error) : SLUICE_OK;
}
