// targets/runtime/cpuid.c — CPUID without an exit: the answers are read once, before the snapshot.
//
// Every CPUID leaves the virtual machine, and some libraries ask for the processor's features in each call.
// edges.c defines a macro of the assembler with the instruction's name, which is used in all code of the
// target that clang compiles to bitcode, so that inline assembly comes here. Code that was assembled
// elsewhere executes the instruction.
#include "targets/runtime/runtime.h"

// Leaves 0 to 31, then 0x80000000 to 0x8000001f. A bit is set for each whose answer is there.
enum { leaves = 32, extended = 0x80000000u };
struct answer {
    u32 eax, ebx, ecx, edx;
};
_Static_assert(sizeof(struct answer) == 16, "the assembly below multiplies by it");
__attribute__((used)) COLD struct answer rl_cpuid_answers[2 * leaves];
__attribute__((used)) u64 rl_cpuid_known;

// in: eax leaf, ecx subleaf. out: eax, ebx, ecx, edx, zero-extended, as CPUID leaves them. Keeps everything
// else, the flags too. The caller has left its red zone.
__attribute__((naked, used)) void rl_cpuid(void) {
    __asm__("pushfq\n\t"
            "movl %eax, %edx\n\t"
            "andl $0x7fffffff, %edx\n\t"
            "cmpl $31, %edx\n\t"
            "ja 1f\n\t"
            "movl %eax, %ebx\n\t"
            "shrl $31, %ebx\n\t"
            "shll $5, %ebx\n\t"
            "orl %ebx, %edx\n\t"
            "movq rl_cpuid_known(%rip), %rbx\n\t"
            "btq %rdx, %rbx\n\t"
            "jnc 1f\n\t"
            "shll $4, %edx\n\t"
            "leaq rl_cpuid_answers(%rip), %rbx\n\t"
            "addq %rdx, %rbx\n\t"
            "movl (%rbx), %eax\n\t"
            "movl 8(%rbx), %ecx\n\t"
            "movl 12(%rbx), %edx\n\t"
            "movl 4(%rbx), %ebx\n\t"
            "popfq\n\t"
            "ret\n"
            "1:\n\t"
            "popfq\n\t"
            "cpuid\n\t"
            "ret");
}

static struct answer ask(u32 leaf, u32 subleaf) {
    struct answer a;
    __asm__ volatile("cpuid" : "=a"(a.eax), "=b"(a.ebx), "=c"(a.ecx), "=d"(a.edx) : "0"(leaf), "2"(subleaf));
    return a;
}

// Callers do not set the subleaf where a leaf has none, so only a leaf that does not depend on it can be
// answered from here. On Raclette's processor these are all leaves; on a real one, under host_run, they are
// not.
__attribute__((constructor)) static void read_answers(void) {
    for (u32 i = 0; i < 2 * leaves; i++) {
        const u32 leaf = i < leaves ? i : extended + i - leaves;
        const struct answer one = ask(leaf, 0), other = ask(leaf, 1);
        if (one.eax != other.eax || one.ebx != other.ebx || one.ecx != other.ecx || one.edx != other.edx)
            continue;
        rl_cpuid_answers[i] = one;
        rl_cpuid_known |= 1ul << i;
    }
}
