// Parses XML with namespaces, in two pieces, with every kind of handler.
#include <expat.h>
#include <stddef.h>
#include <stdint.h>

static void XMLCALL start(void *depth, const XML_Char *name, const XML_Char **attributes) {
    for (int i = 0; attributes[i]; i += 2) *(int *)depth += attributes[i][0] == name[0];
}
static void XMLCALL end(void *depth, const XML_Char *name) { *(int *)depth -= name[0] == 'x'; }
static void XMLCALL text(void *depth, const XML_Char *data, int length) {
    *(int *)depth += length > 0 && data[0] == ' ';
}
static void XMLCALL comment(void *depth, const XML_Char *data) { *(int *)depth += data[0] == '-'; }
static void XMLCALL instruction(void *depth, const XML_Char *target, const XML_Char *data) {
    *(int *)depth += target[0] == data[0];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    int depth = 0;
    XML_Parser parser = XML_ParserCreateNS(NULL, '|');
    if (!parser) return 0;
    XML_SetUserData(parser, &depth);
    XML_SetElementHandler(parser, start, end);
    XML_SetCharacterDataHandler(parser, text);
    XML_SetCommentHandler(parser, comment);
    XML_SetProcessingInstructionHandler(parser, instruction);
    XML_SetParamEntityParsing(parser, XML_PARAM_ENTITY_PARSING_ALWAYS);
    XML_SetHashSalt(parser, 1);
    const size_t first = size / 2;
    if (XML_Parse(parser, (const char *)data, (int)first, 0) == XML_STATUS_OK)
        XML_Parse(parser, (const char *)data + first, (int)(size - first), 1);
    XML_ParserFree(parser);
    return 0;
}
