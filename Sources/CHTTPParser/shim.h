// One face for two parsers with the same callbacks: llhttp where the distribution has it, else its predecessor
// http-parser. They differ in how they are called, how a callback stops them, and where they say that they stopped.
#ifndef SPILLWAY_HTTP_PARSER_H
#define SPILLWAY_HTTP_PARSER_H

#include <stddef.h>
#include <stdint.h>

#if __has_include(<llhttp.h>)

#include <llhttp.h>
typedef llhttp_t spillway_http_parser;
typedef llhttp_settings_t spillway_http_settings;

// It counts no bytes of heads.
static inline void spillway_http_leave_limits(void) {}
static inline void spillway_http_init(spillway_http_parser *parser, const spillway_http_settings *settings) {
    void *data = parser->data;
    llhttp_init(parser, HTTP_REQUEST, settings);
    parser->data = data;
}
static inline size_t spillway_http_execute(
    spillway_http_parser *parser, const spillway_http_settings *settings, const char *bytes, size_t count) {
    (void)settings;
    if (llhttp_execute(parser, bytes, count) == HPE_OK) return count;
    return (size_t)(llhttp_get_error_pos(parser) - bytes);
}
// What a callback returns to stop the parser behind the message.
static inline int spillway_http_pause(spillway_http_parser *parser) { (void)parser; return HPE_PAUSED; }
static inline int spillway_http_is_ok(const spillway_http_parser *parser) {
    int code = llhttp_get_errno(parser);
    return code == HPE_OK || code == HPE_PAUSED;
}
static inline int spillway_http_keep_alive(const spillway_http_parser *parser) {
    return llhttp_should_keep_alive(parser);
}
static inline const char *spillway_http_error(const spillway_http_parser *parser) {
    const char *reason = llhttp_get_error_reason(parser);
    return reason && *reason ? reason : llhttp_errno_name(llhttp_get_errno(parser));
}

#else

#include <http_parser.h>
typedef http_parser spillway_http_parser;
typedef http_parser_settings spillway_http_settings;

// Leaves the limits to the caller: http-parser's own is 80 KiB for a head, in a variable of the process, so this is called
// once, before any parser runs.
static inline void spillway_http_leave_limits(void) { http_parser_set_max_header_size(INT32_MAX); }
static inline void spillway_http_init(spillway_http_parser *parser, const spillway_http_settings *settings) {
    (void)settings;
    void *data = parser->data;
    http_parser_init(parser, HTTP_REQUEST);
    parser->data = data;
}
static inline size_t spillway_http_execute(
    spillway_http_parser *parser, const spillway_http_settings *settings, const char *bytes, size_t count) {
    return http_parser_execute(parser, settings, bytes, count);
}
static inline int spillway_http_pause(spillway_http_parser *parser) { http_parser_pause(parser, 1); return 0; }
static inline int spillway_http_is_ok(const spillway_http_parser *parser) {
    return HTTP_PARSER_ERRNO(parser) == HPE_OK || HTTP_PARSER_ERRNO(parser) == HPE_PAUSED;
}
static inline int spillway_http_keep_alive(const spillway_http_parser *parser) {
    return http_should_keep_alive(parser);
}
static inline const char *spillway_http_error(const spillway_http_parser *parser) {
    return http_errno_description(HTTP_PARSER_ERRNO(parser));
}

#endif

static inline int spillway_http_is_chunked(const spillway_http_parser *parser) {
    return (parser->flags & F_CHUNKED) != 0;
}

#endif
