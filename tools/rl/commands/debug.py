"""`build.py debug`: QEMU stopped before its first instruction, and gdb with every stage's symbols.

The kernel lies at a random base, which it prints; tools/gdb/raclette.py reads the console's log at every stop
and loads the kernel's symbols there as soon as the line is in it. `rl wait` runs until then.
"""
import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
from pathlib import Path

from tools.rl.building import builder
from tools.rl.building.progress import hold
from tools.rl.common import (BUILD, BUILTIN_TARGET, MISSING, OK, ROOT, Stop, TESTS_FAILED, folder_of,
                             refuse_unreadable)
from tools.rl.images import artefacts, package
from tools.rl.machines.qemu import Machine, die_with_parent


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


LOADED_AT = 1 << 24             # where QEMU's own loader puts the package
STAGE2_AT = 0x10000             # where stage1 puts stage2


def stages(way, data):
    """What runs before the kernel: (ELF file, where its address 0 lies, its first instruction), in their order."""
    if way == "img":
        return {"stage0": ("stage0.elf", 0, 0x7C00), "stage1": ("stage1.elf", 0, 0x7E00),
                "stage2": ("stage2.elf", STAGE2_AT, STAGE2_AT)}
    header = package.find(data)
    pvh_entry, = struct.unpack_from("<I", data, header + package.PVH_ENTRY)
    stage2_at = LOADED_AT + struct.unpack_from("<Q", data, header + package.STAGE2_OFFSET)[0]
    return {"loader": ("loader.elf", LOADED_AT, LOADED_AT + pvh_entry),
            "stage2": ("stage2.elf", stage2_at, stage2_at)}


def gdb_script(port, log, console, folder, before_kernel):
    return "\n".join((
        "set pagination off",
        "set confirm off",
        "set architecture i386:x86-64",
        f"python RACLETTE_BUILD = {str(BUILD)!r}",
        f"python RACLETTE_KERNEL = {str(folder / 'kernel.elf')!r}",
        f"python RACLETTE_LOG = {str(log)!r}",
        f"python RACLETTE_CONSOLE = {str(console)!r}",
        f"python RACLETTE_STAGES = {before_kernel!r}",
        f"source {ROOT / 'tools/gdb/raclette.py'}",
        f"source {ROOT / 'tools/gdb/look.py'}",
        f"target remote 127.0.0.1:{port}",
        "")) + "\n"


def gdb_words(arguments, script):
    """gdb's command line: at a prompt, or through a file of commands and out."""
    words = ["gdb", "-q", "-nx", "-x", str(script)]
    if arguments.stage is not None:
        words += ["-ex", f"rl stage {arguments.stage}"]
    return words + (["-batch", "-x", arguments.commands] if arguments.commands else [])


def refuse(arguments):
    if arguments.commands is not None:
        refuse_unreadable(arguments.commands)


def main(arguments):
    built = folder_of(arguments)
    builder.build_for(BUILTIN_TARGET, built)
    if shutil.which("gdb") is None:
        raise Stop(MISSING, "gdb is not on PATH (Debian: gdb)")
    with tempfile.TemporaryDirectory(prefix="raclette-debug-") as folder:
        copy, log, script = Path(folder) / "disk.img", Path(folder) / "serial.log", Path(folder) / "raclette.gdb"
        shutil.copyfile(artefacts.path(arguments.way, built), copy)
        log.touch()
        port, console = free_port(), Path(folder) / "console"
        script.write_text(gdb_script(port, log, console, built, stages(arguments.way, copy.read_bytes())))
        disk = "ide" if arguments.way == "img" else "kernel"
        command = Machine(cpus=2, may_exit=False, disk=disk).arguments(str(copy))
        command += ["-S", "-gdb", f"tcp:127.0.0.1:{port}", "-serial", "chardev:console",
                    "-chardev", f"socket,id=console,path={console},server=on,wait=off,logfile={log}"]
        qemu = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
                                preexec_fn=die_with_parent)
        print(f"the console: tail -f {log}\nrl wait runs to the kernel; help rl lists the rest", flush=True)
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)       # Ctrl-C is gdb's
        try:
            with hold():
                gdb = subprocess.run(gdb_words(arguments, script), cwd=ROOT, env=dict(os.environ))
        finally:
            signal.signal(signal.SIGINT, before)
            qemu.kill()
            qemu.wait()
    return OK if gdb.returncode == 0 else TESTS_FAILED
