; svm/enter.asm — VMRUN: enters the guest, returns at #VMEXIT, exchanges what VMRUN leaves alone.
;
;   extern "C" void svm_enter(svm::EntryFrame *frame);
;
; 64-bit mode, ring 0, EFER.SVME set, VM_HSAVE_PA set, one core's own frame.
; in:       RDI = frame
; clobbers: what the System V calling convention lets a function clobber: RAX RCX RDX RSI RDI R8-R11, flags.
;           Vector registers are the guest's from the first entry on; the kernel is compiled without them.
;           DR6 is the guest's, DR7 is "no breakpoints" (#VMEXIT disables them), CR2 may be the guest's.
;           DR0 to DR3 are unchanged.
; returns:  interrupts enabled (IF = 1, GIF = 1).
;
; Who saves what (APM vol 2 §15.5.1 "Basic Operation", §15.5.2 "VMSAVE and VMLOAD Instructions"):
;   VMRUN and #VMEXIT  RIP RSP RAX RFLAGS, CS SS DS ES, GDTR IDTR, CR0 CR2(guest) CR3 CR4 EFER, DR6 DR7
;   VMLOAD and VMSAVE  FS GS TR LDTR and hidden parts, KernelGsBase, STAR LSTAR CSTAR SFMASK, SYSENTER_*
;   this file          the other fourteen general registers
;
; The host's values of the second row never change after a core is set up, so host_vmcb is stored once
; (svm/core.h) and only loaded here. The guest's must be stored at each exit: a case that a tick stopped must
; find its own FS base again.
;
; GIF, step by step (§15.17 "Global Interrupt Flag, STGI and CLGI Instructions", §15.6 "#VMEXIT"):
;   CLGI     GIF = 0. INTR, NMI, INIT and SMI stay pending. From the first VMLOAD on the core has FS, GS and
;            TR of the guest: an interrupt handler would take the guest's GS for per-CPU data, and find a TSS
;            without IST stacks.
;   VMRUN    sets GIF = 1 when the guest's state is loaded. A pending event then ends the guest before its
;            first instruction.
;   #VMEXIT  sets GIF = 0 again, for the same reason as CLGI.
;   STGI     after the second VMLOAD: pending events are taken here, with the host's TR and GS in place. So
;            run() finds the interrupt served, whichever it was.
; With GIF = 0 a machine check may be a shutdown, and breakpoint registers are ignored (table 15-10). Both
; stretches without GIF are short.
;
; IF: VMRUN saves the host's RFLAGS, and with V_INTR_MASKING the saved IF decides whether INTR ends the guest
; (§15.21.1 "Physical (INTR) Interrupt Masking in EFLAGS"). STI sets it while GIF = 0 still holds interrupts
; back. Without STI a timer interrupt would wait until the guest stops by itself, which a looping target never
; does.
;
; Hazards of #VMEXIT (§15.6) that an emulator does not show:
;   - It may read the host's CS, SS, DS and ES again from the GDT. The GDT must be mapped present and writable
;     in the host's page tables, and hold what the selectors say. A fault here is a shutdown of the core.
;   - LDTR is the guest's until VMLOAD, so no host selector may use the LDT.
;   - It reloads the state that VMRUN kept in the host save area, so software must never write there.
;
; Stack while the guest runs:        RSP -> frame | r15 | r14 | r13 | r12 | rbp | rbx | return address
;
; 53 instructions from CALL to RET, of which the guest's hidden state costs three.

%include "offsets.inc"

bits 64
default rel
section .text align=16

global svm_enter:function hidden
svm_enter:
        push    rbx                                     ; the caller's registers, as the calling convention
        push    rbp                                     ; demands them back
        push    r12
        push    r13
        push    r14
        push    r15
        push    rdi                                     ; the frame: RSP finds it again, #VMEXIT restores RSP
        clgi                                            ; from here to STGI nothing interrupts this core
        sti                                             ; the IF that VMRUN saves; GIF = 0 holds all back
        mov     rax, [rdi + EntryFrame.guest_vmcb]
        vmload                                          ; guest FS GS TR LDTR, STAR LSTAR SFMASK ...
        mov     rbx, [rdi + EntryFrame.registers.rbx]
        mov     rcx, [rdi + EntryFrame.registers.rcx]
        mov     rdx, [rdi + EntryFrame.registers.rdx]
        mov     rsi, [rdi + EntryFrame.registers.rsi]
        mov     rbp, [rdi + EntryFrame.registers.rbp]
        mov     r8,  [rdi + EntryFrame.registers.r8]
        mov     r9,  [rdi + EntryFrame.registers.r9]
        mov     r10, [rdi + EntryFrame.registers.r10]
        mov     r11, [rdi + EntryFrame.registers.r11]
        mov     r12, [rdi + EntryFrame.registers.r12]
        mov     r13, [rdi + EntryFrame.registers.r13]
        mov     r14, [rdi + EntryFrame.registers.r14]
        mov     r15, [rdi + EntryFrame.registers.r15]
        mov     rdi, [rdi + EntryFrame.registers.rdi]   ; last: it was the frame's address

        ; Nothing is pushed: the guest has its own RSP in the VMCB.
        vmrun                                           ; the guest, until #VMEXIT

        vmsave                                          ; RAX is the host's again: still the guest's VMCB
        xchg    rdi, [rsp]                              ; RDI = frame, and the guest's RDI on the stack
        mov     [rdi + EntryFrame.registers.rbx], rbx
        mov     [rdi + EntryFrame.registers.rcx], rcx
        mov     [rdi + EntryFrame.registers.rdx], rdx
        mov     [rdi + EntryFrame.registers.rsi], rsi
        mov     [rdi + EntryFrame.registers.rbp], rbp
        mov     [rdi + EntryFrame.registers.r8],  r8
        mov     [rdi + EntryFrame.registers.r9],  r9
        mov     [rdi + EntryFrame.registers.r10], r10
        mov     [rdi + EntryFrame.registers.r11], r11
        mov     [rdi + EntryFrame.registers.r12], r12
        mov     [rdi + EntryFrame.registers.r13], r13
        mov     [rdi + EntryFrame.registers.r14], r14
        mov     [rdi + EntryFrame.registers.r15], r15
        pop     rcx                                     ; the guest's RDI
        mov     [rdi + EntryFrame.registers.rdi], rcx
        mov     rax, [rdi + EntryFrame.host_vmcb]
        vmload                                          ; this core's TR, GS ... before anything interrupts
        stgi                                            ; a pending interrupt is served here
        pop     r15
        pop     r14
        pop     r13
        pop     r12
        pop     rbp
        pop     rbx
        ret
