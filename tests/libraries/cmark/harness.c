// Renders Markdown as HTML, as a manual page and as Markdown again, with the first byte's options.
#include <cmark.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1) return 0;
    const int options = ((data[0] & 1) ? CMARK_OPT_SMART : 0) | ((data[0] & 2) ? CMARK_OPT_SOURCEPOS : 0) |
                        ((data[0] & 4) ? CMARK_OPT_UNSAFE : 0);
    cmark_node *document = cmark_parse_document((const char *)data + 1, size - 1, options);
    free(cmark_render_html(document, options));
    free(cmark_render_man(document, options, 40));
    free(cmark_render_commonmark(document, options, 0));
    cmark_node_free(document);
    return 0;
}
