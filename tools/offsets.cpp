// tools/offsets.cpp — prints the offsets of structures that assembly shares with C++, as nasm `equ` lines.
#include <cstdio>

#include "boot/handoff.h"

#define FIELD(type, field) std::printf(#type "." #field " equ %zu\n", __builtin_offsetof(boot::type, field))

int main() {
    FIELD(Handoff, magic);
    FIELD(Handoff, version);
    FIELD(Handoff, size);
    FIELD(Handoff, build_id);
    FIELD(Handoff, map);
    FIELD(Handoff, map_count);
    FIELD(Handoff, boot_drive);
    FIELD(Handoff, kernel);
    FIELD(Handoff, kernel_bytes);
    FIELD(Handoff, kernel_xxh64);
    FIELD(Handoff, bundle);
    FIELD(Handoff, bundle_bytes);
    FIELD(Handoff, bundle_xxh64);
    FIELD(Handoff, stage2);
    FIELD(Handoff, entropy);
    std::printf("Handoff_size equ %zu\n", sizeof(boot::Handoff));
    std::printf("Handoff_magic equ %lu\n", boot::Handoff::expected_magic);
    std::printf("Handoff_version equ %u\n", boot::Handoff::expected_version);
    FIELD(CoreArgs, stack_top);
    FIELD(CoreArgs, core);
}
