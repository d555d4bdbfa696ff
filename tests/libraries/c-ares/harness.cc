// Parses the input as a DNS answer of each kind that the library knows, and as a name to ask for.
#include <ares.h>
#include <cstddef>
#include <cstdint>
#include <netdb.h>
#include <string>

template <class Reply>
static void each(int (*parse)(const unsigned char *, int, Reply **), const uint8_t *data, int size) {
    Reply *reply = nullptr;
    if (parse(data, size, &reply) == ARES_SUCCESS) ares_free_data(reply);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const int length = static_cast<int>(size);
    each(ares_parse_mx_reply, data, length);
    each(ares_parse_srv_reply, data, length);
    each(ares_parse_naptr_reply, data, length);
    each(ares_parse_txt_reply, data, length);
    each(ares_parse_soa_reply, data, length);
    hostent *host = nullptr;
    ares_addrttl addresses[4];
    int count = 4;
    if (ares_parse_a_reply(data, length, &host, addresses, &count) == ARES_SUCCESS) ares_free_hostent(host);
    if (ares_parse_ns_reply(data, length, &host) == ARES_SUCCESS) ares_free_hostent(host);
    unsigned char *query = nullptr;
    const std::string name(data, data + size);
    if (ares_create_query(name.c_str(), 1, 1, 7, 1, &query, &count, 512) == ARES_SUCCESS) ares_free_string(query);
    return 0;
}
