// Parses XML, visits every element and prints the document.
#include <cstddef>
#include <cstdint>
#include <tinyxml2.h>

using namespace tinyxml2;

static void visit(const XMLElement *element) {
    for (; element; element = element->NextSiblingElement()) {
        for (const XMLAttribute *one = element->FirstAttribute(); one; one = one->Next()) one->DoubleValue();
        element->GetText();
        visit(element->FirstChildElement());
    }
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    XMLDocument document(true, (size & 1) ? COLLAPSE_WHITESPACE : PRESERVE_WHITESPACE);
    if (document.Parse(reinterpret_cast<const char *>(data), size) != XML_SUCCESS) return 0;
    visit(document.RootElement());
    XMLPrinter printer;
    document.Print(&printer);
    return 0;
}
