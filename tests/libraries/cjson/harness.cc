// Parses JSON, prints it in both forms, and applies its member "patch" to its member "doc".
#include <cJSON.h>
#include <cJSON_Utils.h>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    cJSON *json = cJSON_ParseWithLength(reinterpret_cast<const char *>(data), size);
    if (!json) return 0;
    free(cJSON_Print(json));
    free(cJSON_PrintUnformatted(json));
    cJSON *document = cJSON_GetObjectItem(json, "doc");
    const cJSON *patch = cJSON_GetObjectItemCaseSensitive(json, "patch");
    if (document && patch) cJSONUtils_ApplyPatches(document, patch);
    cJSON_Delete(cJSON_Duplicate(json, 1));
    cJSON_Delete(json);
    return 0;
}
