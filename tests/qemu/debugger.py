"""gdb through build.py debug: it stops where asked, in every stage and on every core, and reads kernel structures."""
import re
import subprocess

from tests.qemu.expectations import build_py, expect
from tools.rl.common import BUILD, CRASHED, OK, ROOT
from tools.rl.results.elf import Elf, PF_X, PT_LOAD

GDB_AT_STAGES = """
rl stage 0
printf "stage0 is at %x\\n", $pc
rl stage 1
printf "stage1 is at %x\\n", $pc
rl stage 2
printf "stage2 is at %x\\n", $pc
info symbol $pc
"""

GDB_IN_THE_FIRST_STAGES = """
hbreak stage0.asm:start
continue
x/i $pc
hbreak read_e820_map
continue
x/i $pc
hbreak enter_long_mode.long
continue
x/i $pc
"""

GDB_IN_THE_LOADER = """
rl stage loader
x/i $pc
hbreak long_mode
continue
x/i $pc
break loader_main
continue
rl stage 2
info symbol $pc
"""

GDB_IN_THE_KERNEL = """
rl wait
tbreak kernel::Reporter::serve
continue
printf "stopped on thread %d\\n", $_thread
rl pt $rip
rl maps
rl heap kernel::world.object_->windows.windows_[1]
rl heap (unsigned long)kernel::world.object_->windows.windows_[1] + 5000000
rl vmcb
rl npt 0x1000
rl window
rl errors
rl core 1
rl core 0
rl dis
"""


GDB_ON_ANOTHER_CORE = """
rl wait
tbreak cpu::trace thread 2
continue
printf "stopped on thread %d\\n", $_thread
rl core 1
"""

GDB_ABOUT_A_FREED_BLOCK = """
rl wait
tbreak kernel::Reporter::serve
continue
python
with processor_in_kernel():
    freed = next(r for r in records() if plain(r["state"]) == "freed" and plain(r["block"]))
gdb.execute(f"rl heap {plain(freed['block']) + 1:#x}")
end
"""

# The kernel's file, where stage1 loaded it, is corrupted: a reboot is refused, in a chain.
GDB_ABOUT_AN_ERROR = """
rl wait
tbreak kernel::Reporter::serve
continue
maintenance packet Qqemu.PhyMemMode:1
set {char}0x1005000 = {char}0x1005000 ^ 1
maintenance packet Qqemu.PhyMemMode:0
rl type reboot
tbreak rstate::report
continue
rl errors
"""

GDB_ACROSS_A_REBOOT = """
rl wait
tbreak kernel::Reporter::serve
continue
rl type reboot
rl wait
tbreak kernel::Reporter::serve
continue
info symbol $pc
"""


def debugged(out, commands, *patterns, options=()):
    """gdb's output for these commands, which has a line like each pattern. `options`: of build.py debug."""
    out.mkdir(parents=True)
    (out / "commands").write_text(commands)
    output = build_py(OK, "debug", *options, "--commands", out / "commands")
    expect("Python Exception" not in output and "Error" not in output, f"gdb complains: {output[-3000:]}")
    for pattern in patterns:
        expect(re.search(pattern, output, re.MULTILINE), f"no line like {pattern}: {output[-5000:]}")
    return output


def gdb_stops_at_each_stage(out):
    debugged(out, GDB_AT_STAGES, r"^stage0 is at 7c00$", r"^stage1 is at 7e00$", r"^stage2 is at 10000$",
             r"^stage2_start in section ")


def line_of(source, text):
    """The number of the line that has this, in a file of the tree."""
    lines = (ROOT / source).read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def gdb_shows_the_lines_of_the_first_stages(out):
    """At labels, before and behind the change from 16 to 64 bits; and the lines are of the very bytes that run."""
    debugged(out, GDB_IN_THE_FIRST_STAGES,
             rf"^{line_of('stage0/stage0.asm', 'start:') + 1}\t +cli$", r"^=> 0x\w+ <start>:\s+cli$",
             rf"^{line_of('stage1/stage1.asm', 'read_e820_map:') + 1}\t +xor ",
             r"^=> 0x\w+ <read_e820_map>:\s+xor ebx,ebx$",
             rf"^{line_of('stage1/flat_segments.inc', 'mov     eax')}\t +mov ",
             r"^=> 0x\w+ <enter_long_mode.long>:\s+mov +\$0x10,%eax$")
    for stage in ("stage0", "stage1"):
        elf = Elf((BUILD / f"{stage}.elf").read_bytes())
        code, = (elf.data[s.offset:s.offset + s.file_size] for s in elf.segments
                 if s.kind == PT_LOAD and s.flags & PF_X)
        expect(code == (BUILD / f"{stage}.bin").read_bytes(), f"{stage}.elf has other bytes than what is booted")


def gdb_shows_the_lines_of_the_loader(out):
    """Started by PVH, where it is known in which place the loader will lie: in 32-bit mode, then in 64-bit mode."""
    debugged(out, GDB_IN_THE_LOADER, r"^at the first instruction of loader$",
             rf"^{line_of('loader/entry.asm', 'pvh_32: mov')}\tpvh_32:", r"^=> 0x\w+ <pvh_32>:\s+mov edi,0x2$",
             rf"^{line_of('stage1/flat_segments.inc', 'mov     eax')}\t +mov ",
             r"^=> 0x\w+ <long_mode>:\s+mov +\$0x10,%eax$",
             r"loader_main \(way=boot::Way::pvh, .* at \S*loader/main.cpp:\d+$", r"^stage2_start in section ",
             options=("--way", "elf"))


def gdb_reads_kernel_structures(out):
    debugged(out, GDB_IN_THE_KERNEL, r"^kernel symbols at 0x[0-9a-f]{8,}$", r"^stopped on thread 1$",
             r"^  level 1  entry +\d+  0x\w+  A D$",                            # rl pt: code is not writable
             r"^0x\w+ +\d+ pages r-x live +memory +boot +kernel image\b",       # rl maps
             r"^0x\w+ +\d+ pages rw- live +heap_block +heap +fuzz::Shared  kernel/campaign/campaign.cpp:\d+$",
             r"^0x\w+: 0 bytes into a block of \d+$",                           # rl heap
             r"pages rw- live +heap_block +heap +mm::Window ",
             r"^0x\w+ lies in no range that is remembered$",
             r"^VMCB at 0x\w+000$", r"^  nested cr3 +0x0{4}\w{9}000$",       # rl vmcb
             r"^  asid +0x\w{8}00000001$",
             r"^  level 4  entry   0  0x\w+  W U", r"^  level 1  entry   1  0x\w+ ",   # rl npt
             r"^core 0: \d+ of 512 slots map a frame, \d+ are pinned",           # rl window
             r"^  slot +\d+  frame 0x\w+  1 pins  \w+",
             r"^core 1: 0 frames in use$",                                      # rl errors
             r"^core 1: at 0x\w+, in(side its guest| the kernel)",
             r"^core 0: at 0x\w+, in the kernel, kernel::Reporter::serve",
             r"^  [BE] (guest|reset) 0x")


def gdb_stops_on_another_core(out):
    debugged(out, GDB_ON_ANOTHER_CORE, r"^stopped on thread 2$", r"^core 1: at 0x\w+, in the kernel, cpu::trace\(")


def gdb_shows_who_made_and_freed_a_block(out):
    debugged(out, GDB_ABOUT_A_FREED_BLOCK, r"^0x\w+: 1 bytes into a block of \d+$",
             r"^0x\w+ +\d+ pages rw- freed +heap_block +heap ", r"^  made by core 0$",
             r"^  freed by core 0 from \w+::\S+")


def gdb_shows_an_error_in_flight(out):
    debugged(out, GDB_ABOUT_AN_ERROR, r"^core 0: [2-9] frames in use\n  boot\.damaged\n"
             rf"    kernel/reboot\.cpp:{line_of('kernel/reboot.cpp', 'check_boot_memory(')}  try_reboot  .*\n"
             r"    kernel/boot_memory\.cpp:\d+  check_boot_memory  .* 0x\w+ 0x\w+ 0x\w+$")


def gdb_finds_the_kernel_again_after_a_reboot(out):
    output = debugged(out, GDB_ACROSS_A_REBOOT, r"^kernel::Reporter::serve\(\) \+ \d+ in section \.text$")
    bases = re.findall(r"^kernel symbols at (0x\w+)$", output, re.MULTILINE)
    expect(len(set(bases)) == 2 and len(bases) == 2, f"the kernel's symbols were at {bases}")


def gdb_begins_where_the_command_line_says(out):
    for stage, where in ((1, "7e00"), (2, "10000")):
        output = debugged(out / str(stage), 'printf "it is at %x\\n", $pc\n', options=("--stage", stage))
        expect(f"it is at {where}\n" in output, f"--stage {stage}: {output[-1500:]}")


def gdb_shows_a_crashed_targets_variables_from_its_core_file(out):
    out.mkdir(parents=True)
    (out / "input").write_bytes(bytes([5]) + b"AAAABBBB")       # an injected bug: a read past a block of the heap
    build_py(CRASHED, "replay", out / "input", "--target", "injected_bugs", "--core", out / "core")
    said = subprocess.run(["gdb", "-q", "-batch", "-ex", "bt", "-ex", "frame function LLVMFuzzerTestOneInput", "-ex",
                           "print size", "-ex", "x/s data", BUILD / "targets/injected_bugs/target.elf", out / "core"],
                          cwd=ROOT, capture_output=True, text=True).stdout
    for wanted in ("heap_read_past_odd () at", "harness.c:", '"\\005AAAABBBB', "main ("):
        expect(wanted in said, f"gdb does not say {wanted}: {said[-1500:]}")


TESTS = (gdb_shows_a_crashed_targets_variables_from_its_core_file, gdb_stops_at_each_stage,
         gdb_shows_the_lines_of_the_first_stages, gdb_shows_the_lines_of_the_loader,
         gdb_reads_kernel_structures, gdb_stops_on_another_core, gdb_shows_who_made_and_freed_a_block,
         gdb_shows_an_error_in_flight, gdb_finds_the_kernel_again_after_a_reboot,
         gdb_begins_where_the_command_line_says)
