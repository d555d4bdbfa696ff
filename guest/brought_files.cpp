// guest/brought_files.cpp — see brought_files.h.
#include "guest/brought_files.h"

#include "boot/formats/bytes.h"
#include "guest/codes.h"
#include "targets/runtime/abi.h"

namespace guest {

namespace {

constexpr u64 alignment = 16, longest_path = 4096;

} // namespace

rstate::Result<BroughtFiles> BroughtFiles::parse(Bytes records) {
    if (records.size() > most_bytes)
        return FAIL(bad_files, "the target brings more than its file system takes", records.size(),
                    most_bytes);
    u32 count = 0;
    for (u64 at = 0; at < records.size(); ++count) {
        rl_brought_file file = {};
        if (!boot::load(records, at, file))
            return FAIL(bad_files, "the list ends inside a record", count, at, records.size());
        if (file.path_length == 0 || file.path_length > longest_path)
            return FAIL(bad_files, "a file's path is empty or too long", count, file.path_length);
        const u64 bytes_at = align_up(at + sizeof(file) + file.path_length, alignment);
        if (!records.holds(bytes_at, file.size))
            return FAIL(bad_files, "a file is larger than the list", count, bytes_at, file.size,
                        records.size());
        at = align_up(bytes_at + file.size, alignment);
    }
    return BroughtFiles(records, count);
}

} // namespace guest
