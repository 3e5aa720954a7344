// Parses the head of a request with http-parser. http-parser calls back for each part; Swift gets all parts at once.
#pragma once

#include <http_parser.h>
#include <stddef.h>
#include <stdint.h>

#define CHTTP_MAX_HEADERS 64

struct chttp_span {
    const char *start;
    size_t length;
};

struct chttp_head {
    // The name of the error; null for none.
    const char *error;
    // Whether the error is that the parser does not know the method.
    int has_unknown_method;
    // The bytes of the head.
    size_t length;
    struct chttp_span target;
    struct chttp_span names[CHTTP_MAX_HEADERS];
    struct chttp_span values[CHTTP_MAX_HEADERS];
    size_t header_count;
    const char *method;
    int major, minor;
    int keeps_alive;
    int has_transfer_encoding, has_content_length;
    uint64_t content_length;
};

static inline int chttp_on_target(http_parser *parser, const char *start, size_t length) {
    struct chttp_head *head = (struct chttp_head *)parser->data;
    head->target.start = start;
    head->target.length = length;
    return 0;
}

static inline int chttp_on_name(http_parser *parser, const char *start, size_t length) {
    struct chttp_head *head = (struct chttp_head *)parser->data;
    if (head->header_count == CHTTP_MAX_HEADERS) return 1;
    head->names[head->header_count].start = start;
    head->names[head->header_count].length = length;
    head->header_count++;
    return 0;
}

static inline int chttp_on_value(http_parser *parser, const char *start, size_t length) {
    struct chttp_head *head = (struct chttp_head *)parser->data;
    if (head->header_count == 0) return 1;
    head->values[head->header_count - 1].start = start;
    head->values[head->header_count - 1].length = length;
    return 0;
}

// Stops the parser after the head, because the caller reads the body.
static inline int chttp_on_head(http_parser *parser) {
    struct chttp_head *head = (struct chttp_head *)parser->data;
    head->keeps_alive = http_should_keep_alive(parser);
    head->has_transfer_encoding = parser->uses_transfer_encoding;
    head->has_content_length = (parser->flags & F_CONTENTLENGTH) != 0;
    head->content_length = parser->content_length;
    http_parser_pause(parser, 1);
    return 0;
}

// Parses the head of a request, which must be complete: it ends with an empty line.
static inline void chttp_parse_head(struct chttp_head *head, const char *bytes, size_t count) {
    http_parser_settings settings;
    http_parser_settings_init(&settings);
    settings.on_url = chttp_on_target;
    settings.on_header_field = chttp_on_name;
    settings.on_header_value = chttp_on_value;
    settings.on_headers_complete = chttp_on_head;
    http_parser parser;
    http_parser_init(&parser, HTTP_REQUEST);
    parser.data = head;
    head->length = http_parser_execute(&parser, &settings, bytes, count);
    enum http_errno error = HTTP_PARSER_ERRNO(&parser);
    head->error = error == HPE_PAUSED ? NULL : error == HPE_OK ? "the head is not complete" : http_errno_description(error);
    head->has_unknown_method = error == HPE_INVALID_METHOD;
    head->method = http_method_str((enum http_method)parser.method);
    head->major = parser.http_major;
    head->minor = parser.http_minor;
}
