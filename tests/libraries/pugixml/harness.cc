// Evaluates the first line as an XPath query on the document that follows it, or on a fixed one.
#include <cstddef>
#include <cstdint>
#include <pugixml.hpp>
#include <sstream>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const std::string text(reinterpret_cast<const char *>(data), size);
    const size_t end = text.find('\n');
    const std::string xml = end == std::string::npos ? "<a x='1'><b>2</b><b y='z'/>t<!--c--></a>" : text.substr(end + 1);
    pugi::xml_document document;
    document.load_buffer(xml.data(), xml.size(), pugi::parse_full);
    try {
        const pugi::xpath_query query(text.substr(0, end).c_str());
        if (query.return_type() == pugi::xpath_type_node_set) query.evaluate_node_set(document);
        else query.evaluate_string(document);
    } catch (const pugi::xpath_exception &) {
        return 0;
    }
    std::ostringstream out;
    document.save(out);
    return 0;
}
