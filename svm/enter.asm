; svm/enter.asm — into the guest and back: VMRUN with everything that VMRUN itself leaves alone.
;
;   extern "C" void svm_enter(svm::EntryFrame *frame);
;
; 64-bit mode, ring 0, EFER.SVME set, VM_HSAVE_PA set, one core's own frame.
; in:       RDI = frame
; clobbers: what the System V calling convention lets a function clobber: RAX RCX RDX RSI RDI R8-R11, flags.
;           Vector registers are the guest's from the first entry on; the kernel has no use for them.
;           DR6 and DR7 (VMRUN resets DR7 to "no breakpoints"), CR2 not, DR0-DR3 not.
; returns:  interrupts enabled (IF = 1, GIF = 1).
;
; Who saves what (APM vol 2 §15.5.1 "Basic Operation", §15.5.2 "VMSAVE and VMLOAD Instructions"):
;   VMRUN and #VMEXIT  RIP RSP RAX RFLAGS, CS SS DS ES, GDTR IDTR, CR0 CR2(guest) CR3 CR4 EFER, DR6 DR7
;   VMLOAD and VMSAVE  FS GS TR LDTR with their hidden parts, KernelGSBase, STAR LSTAR CSTAR SFMASK, SYSENTER_*
;   this file          the other fourteen general registers
;
; The host's half of the second row never changes after a core is set up, so host_vmcb is written once and only
; loaded here. It must be back before STGI: a pending interrupt is taken right there, on an IST stack that TR
; names, and its handler may use the per-CPU data behind GS.
;
; The timer: VMRUN with V_INTR_MASKING looks at the host's IF, which STI sets while GIF = 0 still holds
; interrupts back. So one that is pending, or comes later, ends the guest with exit 0x60 and is served after STGI
; (APM vol 2 §15.17 "Global Interrupt Flag, STGI and CLGI Instructions").
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
        push    rdi                                     ; the frame: the only thing we must find again
        clgi                                            ; from here to STGI nothing interrupts this core
        sti                                             ; IF = 1 for VMRUN to look at; GIF = 0 holds all back
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
        vmload                                          ; this core's own TR, GS ... before anything interrupts
        stgi                                            ; a pending interrupt is served here
        pop     r15
        pop     r14
        pop     r13
        pop     r12
        pop     rbp
        pop     rbx
        ret
