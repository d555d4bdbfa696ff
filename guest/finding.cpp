// guest/finding.cpp — see finding.h.
#include "guest/finding.h"

namespace guest {

namespace {

static_assert(RL_REPORT_FRAMES == vm::max_site_frames && RL_REPORT_TEXT == sizeof(vm::Finding::text));

vm::Access access_of(u32 access) {
    switch (access) {
    case rl_access_read:
        return vm::Access::read;
    case rl_access_write:
        return vm::Access::write;
    default:
        return vm::Access::none;
    }
}

Text region_text(u32 region) { return region == rl_region_none ? Text() : Text(rl_region_name(region)); }

void copy_region(vm::Finding &finding, const rl_report &report) {
    finding.region = region_text(report.region);
    finding.region_base = report.region_base;
    finding.region_size = report.region_size;
    finding.offset = report.offset;
    for (u32 i = 0; i < vm::max_site_frames; ++i) {
        finding.allocated[i] = report.alloc_frames[i];
        finding.freed[i] = report.free_frames[i];
    }
}

Text report_text(const rl_report &report) {
    return Text::from_field({reinterpret_cast<const u8 *>(report.text), sizeof(report.text)});
}

} // namespace

void set_text(vm::Finding &finding, Text text) {
    usize used = 0;
    for (const char c : text.sub(0, sizeof(finding.text) - 1))
        finding.text[used++] = c >= ' ' && c < 0x7f ? c : '.';
    finding.text[used] = 0;
}

vm::Finding finding_of(const rl_report &report) {
    vm::Finding finding;
    finding.kind = rl_kind_name(report.kind);
    finding.access = access_of(report.access);
    finding.access_size = report.size;
    finding.address = report.address;
    copy_region(finding, report);
    set_text(finding, report_text(report));
    return finding;
}

vm::Finding finding_of(const Fault &fault) {
    vm::Finding finding;
    finding.kind = rl_kind_name(fault.kind);
    finding.region = region_text(fault.region);
    finding.access = fault.access;
    finding.access_size = fault.size;
    finding.address = fault.address;
    set_text(finding, fault.text);
    return finding;
}

void describe(vm::Finding &finding, const rl_report &report) {
    if (report.region != rl_region_none) copy_region(finding, report);
    if (finding.text[0] == 0) set_text(finding, report_text(report));
}

void take_frames_of_allocation(vm::Finding &finding) {
    finding.frame_count = finding.recursion_count = 0;
    finding.frames_cut = false;
    for (const u64 returns_to : finding.allocated)
        if (returns_to != 0) finding.frames[finding.frame_count++] = returns_to - 1;
}

void set_frames(vm::Finding &finding, const Memory &memory, const Program &program, const Place &place) {
    const Walked walked = walk_stack(memory, program, place, finding.frames, finding.recursions);
    finding.frame_count = walked.frames;
    finding.recursion_count = walked.recursions;
    finding.frames_cut = walked.cut;
}

} // namespace guest
