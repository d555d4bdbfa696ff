// Parses requests, responses and the URLs in them.
#include <cstddef>
#include <cstdint>
#include <http_parser.h>
#include <initializer_list>

static int on_url(http_parser *parser, const char *at, size_t length) {
    http_parser_url url;
    http_parser_url_init(&url);
    return http_parser_parse_url(at, length, parser->method == HTTP_CONNECT, &url) != 0 && length > 1000;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    http_parser_settings settings;
    http_parser_settings_init(&settings);
    settings.on_url = on_url;
    for (const http_parser_type type : {HTTP_REQUEST, HTTP_RESPONSE, HTTP_BOTH}) {
        http_parser parser;
        http_parser_init(&parser, type);
        const size_t used = http_parser_execute(&parser, &settings, reinterpret_cast<const char *>(data), size);
        if (used == size) http_parser_execute(&parser, &settings, nullptr, 0);
        http_should_keep_alive(&parser);
    }
    return 0;
}
