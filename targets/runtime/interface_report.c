// targets/runtime/interface_report.c — sanitizer/asan_interface.h: what an address is, what the last report
// says, callbacks of the target that run before a report ends the case.
#include "targets/runtime/text.h"

static bool present; // whether rl_report holds a report of an access or of the heap
static void (*death_callback)(void);
static void (*report_callback)(const char *);

WEAK void __asan_on_error(void);
WEAK void __asan_on_error(void) {}

void __asan_set_death_callback(void (*callback)(void)) { death_callback = callback; }
void __sanitizer_set_death_callback(void (*callback)(void)) { death_callback = callback; }
void __asan_set_error_report_callback(void (*callback)(const char *)) { report_callback = callback; }

static void write_access(struct text *text) {
    text_add(text, rl_report.access == rl_access_write ? "WRITE" : "READ");
    text_add(text, " of size ");
    text_unsigned(text, rl_report.size);
    text_add(text, " at ");
    text_pointer(text, rl_report.address);
    text_add(text, " thread T0\n");
}

// In AddressSanitizer's words, since callbacks search them.
static void write_report(struct text *text) {
    text_add(text, "==1==ERROR: AddressSanitizer: ");
    text_add(text, rl_kind_name(rl_report.kind));
    text_add(text, " on address ");
    text_pointer(text, rl_report.address);
    text_add(text, " at pc ");
    text_pointer(text, rl_report.pc);
    text_add(text, " bp ");
    text_pointer(text, rl_report.bp);
    text_add(text, " sp ");
    text_pointer(text, rl_report.sp);
    text_add(text, "\n");
    if (rl_report.access != rl_access_none) write_access(text);
    text_add(text, rl_report.text);
}

void rl_tell_report(void) {
    present = rl_report.kind < rl_kind_abort;
    if (present) __asan_on_error();
    if (report_callback) {
        COLD static char all[1024];
        struct text text = text_in(all, sizeof(all));
        write_report(&text);
        report_callback(all);
    }
    if (death_callback) death_callback();
}

int __asan_report_present(void) { return present; }
void *__asan_get_report_pc(void) { return (void *)rl_report.pc; }
void *__asan_get_report_bp(void) { return (void *)rl_report.bp; }
void *__asan_get_report_sp(void) { return (void *)rl_report.sp; }
void *__asan_get_report_address(void) { return (void *)rl_report.address; }
int __asan_get_report_access_type(void) { return rl_report.access == rl_access_write; }
size_t __asan_get_report_access_size(void) { return rl_report.size; }
const char *__asan_get_report_description(void) { return present ? rl_kind_name(rl_report.kind) : NULL; }

void __asan_report_error(void *pc, void *bp, void *sp, void *address, int is_write, size_t size) {
    const struct site site = {(u64)pc, (u64)sp, (u64)bp};
    rl_report_access(site, (u64)address, size, is_write ? rl_access_write : rl_access_read);
}

// What rl_describe_address says of an address, without a trace in the report.
static struct rl_report description_of(u64 address) {
    struct rl_report kept, found;
    rl_copy(&kept, &rl_report, sizeof(kept));
    rl_fill(&rl_report, 0, sizeof(rl_report));
    rl_describe_address(address);
    rl_copy(&found, &rl_report, sizeof(found));
    rl_copy(&rl_report, &kept, sizeof(kept));
    return found;
}

static void say_frames(const char *title, const u64 *frames) {
    if (!frames[0]) return;
    rl_say(title);
    for (u32 i = 0; i < RL_REPORT_FRAMES && frames[i]; i++) rl_say_frame(i, frames[i]);
}

static void write_place(struct text *text, const struct rl_report *r) {
    text_pointer(text, r->address);
    text_add(text, " is ");
    if (!r->region_size) return text_add(text, "a wild pointer");
    const i64 size = (i64)r->region_size;
    text_signed(text, r->offset < 0 ? -r->offset : r->offset >= size ? r->offset - size : r->offset);
    text_add(text, r->offset < 0       ? " bytes before the "
                   : r->offset >= size ? " bytes behind the "
                                       : " bytes inside the ");
    text_add(text, rl_region_name(r->region));
    text_add(text, " ");
    text_pointer(text, r->region_base);
    text_add(text, " of ");
    text_unsigned(text, r->region_size);
    text_add(text, " bytes ");
    text_add(text, r->text);
}

void __asan_describe_address(void *address) {
    const struct rl_report found = description_of((u64)address);
    char line[512];
    struct text text = text_in(line, sizeof(line));
    write_place(&text, &found);
    text_add(&text, "\n");
    rl_say(line);
    say_frames("freed by:\n", found.free_frames);
    say_frames("allocated by:\n", found.alloc_frames);
}

static const char *shadow_name(u64 address) {
    const u64 gap = RL_SHADOW_OF(RL_SHADOW_OFFSET), high = RL_SHADOW_OF(0x10007fff8000ull);
    return address < gap ? "low shadow" : address < high ? "shadow gap" : "high shadow";
}

static const char *kind_of_region(const struct rl_report *r) {
    switch (r->region) {
    case rl_region_heap_live:
    case rl_region_heap_freed:
    case rl_region_heap_red_zone:
    case rl_region_input: // there is a heap block of libFuzzer
        return "heap";
    case rl_region_stack:
        return rl_fake_frame(r->address) ? "stack-fake" : "stack";
    case rl_region_global:
        return "global";
    case rl_region_shadow:
        return shadow_name(r->address);
    default:
        return "heap-invalid";
    }
}

// A report's text is "variable NAME" or "global NAME".
static void copy_name(const char *text, char *to, u64 size) {
    while (*text && *text != ' ') text++;
    struct text name = text_in(to, size);
    if (*text) text_add(&name, text + 1);
}

const char *__asan_locate_address(void *address, char *name, size_t name_size, void **region_address,
                                  size_t *region_size) {
    const struct rl_report found = description_of((u64)address);
    const bool known = found.region != rl_region_wild && found.region != rl_region_none;
    if (name && name_size) copy_name(found.text, name, name_size);
    if (region_address) *region_address = known ? (void *)found.region_base : NULL;
    if (region_size) *region_size = known ? found.region_size : 0;
    return kind_of_region(&found);
}

static u64 copy_stack(const u32 *frames, void **trace, u64 room, int *thread_id) {
    u64 count = 0;
    for (; count < RL_REPORT_FRAMES && count < room && frames[count]; count++)
        trace[count] = (void *)(u64)frames[count];
    if (thread_id) *thread_id = 0;
    return count;
}

size_t __asan_get_alloc_stack(void *address, void **trace, size_t size, int *thread_id) {
    const struct block *const block = rl_block_holding((u64)address);
    return block ? copy_stack(block->allocated, trace, size, thread_id) : 0;
}

size_t __asan_get_free_stack(void *address, void **trace, size_t size, int *thread_id) {
    const struct block *const block = rl_block_holding((u64)address);
    if (!block || block->mark != block_freed) return 0;
    return copy_stack(block->freed, trace, size, thread_id);
}

int __asan_update_allocation_context(void *address) {
    struct block *const block = rl_block_at(address);
    if (!block || block->mark != block_live) return 0;
    rl_record_frames(block->allocated, CALLER());
    return 1;
}

void __asan_get_shadow_mapping(size_t *shadow_scale, size_t *shadow_offset) {
    if (shadow_scale) *shadow_scale = RL_SHADOW_SHIFT;
    if (shadow_offset) *shadow_offset = RL_SHADOW_OFFSET;
}
