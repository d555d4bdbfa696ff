// Loads each document of a stream of YAML and writes it again.
#include <cstddef>
#include <cstdint>
#include <vector>
#include <yaml.h>

static int collect(void *to, unsigned char *text, size_t size) {
    auto *out = static_cast<std::vector<unsigned char> *>(to);
    if (out->size() + size > 65536) return 0;
    out->insert(out->end(), text, text + size);
    return 1;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    std::vector<unsigned char> out;
    yaml_parser_t parser;
    yaml_emitter_t emitter;
    yaml_document_t document;
    if (!yaml_parser_initialize(&parser) || !yaml_emitter_initialize(&emitter)) return 0;
    yaml_parser_set_input_string(&parser, data, size);
    yaml_emitter_set_output(&emitter, collect, &out);
    while (yaml_parser_load(&parser, &document)) {
        const bool last = yaml_document_get_root_node(&document) == nullptr;
        if (last) yaml_document_delete(&document);
        if (last || !yaml_emitter_dump(&emitter, &document)) break;
    }
    yaml_emitter_delete(&emitter);
    yaml_parser_delete(&parser);
    return 0;
}
