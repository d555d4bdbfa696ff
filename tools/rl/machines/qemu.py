"""One QEMU: QEMU's command line (Machine.arguments), its serial line on a pipe, its end.

Nothing of it outlives this process.
"""
import ctypes
import fcntl
import os
import queue
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from tools.rl.common import BUILD, CRASHED, MISSING, OK, SYSTEM_FAILED, Stop, TESTS_FAILED, TIMED_OUT
from tools.rl.machines.line_reader import pump
from tools.rl.printable import console_lines

PROGRAM = "qemu-system-x86_64"
# isa-debug-exit ends QEMU with (value << 1) | 1. 0 is a triple fault or a power-off: never a success.
STATUS = {33: OK, 35: CRASHED, 37: TIMED_OUT, 57: SYSTEM_FAILED, 59: TESTS_FAILED}
SERVED = "raclette.lkrn"        # the name under which the network's server has the image
PIPE_BYTES = 1 << 20            # QEMU drops serial output that it cannot place after four tries: leave it room


# OVMF: its code, and its variables, whose changes are dropped.
UEFI = ["-drive", "if=pflash,format=raw,unit=0,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd",
        "-drive", "if=pflash,format=raw,unit=1,snapshot=on,file=/usr/share/OVMF/OVMF_VARS_4M.fd"]


@dataclass
class Machine:
    """What is plugged together. `disk`: ide, ahci, nvme, virtio, usb, floppy, cd or none;

    kernel: by QEMU's own loader; network: by TFTP from QEMU's own server.
    """
    cpus: int = 2
    memory: str = "512M"
    cpu: str = "EPYC"
    machine: str = "pc"
    vga: str = "std"
    disk: str = "ide"
    bootfile: str = ""              # with disk "network": this file in build/ is booted, and fetches the rest
    sector: int = 512
    firmware: str = "bios"          # or uefi
    icount: bool = False
    serial: bool = True
    serial_port: int = 0x3f8        # COM1; elsewhere the machine has no COM1
    may_exit: bool = True           # has the port by which the kernel ends QEMU
    extra: list = field(default_factory=list)

    def arguments(self, image):
        accelerator = ["-accel", "tcg", "-icount", "shift=0,sleep=off"] if self.icount else \
            ["-accel", "tcg,thread=multi"]
        return [PROGRAM, "-machine", self.machine, *accelerator, "-cpu", self.cpu, "-m", self.memory,
                "-smp", str(self.cpus), "-display", "none", "-nodefaults", "-vga", self.vga, "-no-reboot",
                *(UEFI if self.firmware == "uefi" else []), *self.disk_arguments(image),
                *(["-device", "isa-debug-exit,iobase=0xf4,iosize=4"] if self.may_exit else []), *self.extra]

    def serial_arguments(self, chardev):
        if self.serial and self.serial_port == 0x3f8:
            return ["-serial", f"chardev:{chardev}"]
        if not self.serial:
            return ["-serial", "none"]
        return ["-serial", "none", "-device", f"isa-serial,chardev={chardev},iobase={self.serial_port:#x},irq=3"]

    def start(self, image_bytes, log):
        return Qemu(image_bytes, self, log)

    def disk_arguments(self, image):
        if self.disk == "none":
            return []
        if self.disk == "kernel":
            return ["-kernel", image]
        if self.disk == "network":
            folder, name = os.path.split(image)
            return ["-netdev", f"user,id=net,restrict=on,tftp={folder},bootfile={self.bootfile or name}",
                    "-device", "virtio-net-pci,netdev=net,bootindex=0"]
        if self.disk == "floppy":
            return ["-drive", f"file={image},format=raw,if=floppy,file.locking=off", "-boot", "a"]
        drive = ["-drive", f"file={image},format=raw,if=none,id=disk,file.locking=off"]
        large = f",logical_block_size={self.sector},physical_block_size={self.sector}" if self.sector != 512 else ""
        device = {
            "ide": ["-device", "ide-hd,drive=disk,bootindex=0"],
            "ahci": ["-device", "ich9-ahci,id=ahci", "-device", "ide-hd,bus=ahci.0,drive=disk,bootindex=0"],
            "virtio": ["-device", "virtio-blk-pci,drive=disk,bootindex=0" + large],
            "nvme": ["-device", "nvme,drive=disk,serial=1,bootindex=0" + large],
            "cd": ["-device", "ide-cd,drive=disk,bootindex=0"],
            "usb": ["-device", "qemu-xhci,id=xhci", "-device", "usb-storage,bus=xhci.0,drive=disk,bootindex=0" + large],
        }[self.disk]
        if self.disk == "ide" and self.machine == "q35":       # q35's own controller is AHCI already
            device = ["-device", "piix3-ide,id=ide", "-device", "ide-hd,bus=ide.0,drive=disk,bootindex=0"]
        return drive + device


_prctl = getattr(ctypes.CDLL(None), "prctl", None)     # found now: after a fork is no time to load libraries


def die_with_parent():
    """A killed build.py must not leave a machine running: Linux then ends the child too (1 is PR_SET_PDEATHSIG)."""
    if _prctl:
        _prctl(1, signal.SIGKILL)


def widen_pipe(descriptor):
    try:
        fcntl.fcntl(descriptor, getattr(fcntl, "F_SETPIPE_SZ", 1031), PIPE_BYTES)
    except OSError:
        pass                # a smaller pipe works too, the reader is quick


class Qemu:
    """A running machine. `lines` yields (seconds since start, bytes without the newline), then None at the end."""

    def __init__(self, image_bytes, machine, serial_log=None):
        self.lines = queue.Queue()
        self.heard_at = 0.0             # seconds since the start, of the last byte
        self.log = serial_log
        self.errors = tempfile.TemporaryFile()
        self.served = self._served_folder(image_bytes, machine) if machine.disk == "network" else None
        descriptors = [] if self.served else self._anonymous_file(image_bytes)
        self.command = machine.arguments(self._name_of_image(machine, descriptors))
        for descriptor in descriptors if machine.disk != "kernel" else ():
            self.command += ["-add-fd", f"fd={descriptor},set=1"]
        self.command += ["-chardev", "stdio,id=serial,signal=off"]
        self.command += machine.serial_arguments("serial")
        self.started = time.monotonic()
        try:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, pass_fds=descriptors,
                start_new_session=True, preexec_fn=die_with_parent)     # Ctrl-C is ours to handle, not QEMU's
        except FileNotFoundError:
            raise Stop(MISSING, f"{PROGRAM} is not on PATH (Debian: qemu-system-x86)")
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
        widen_pipe(self.process.stdout.fileno())
        os.set_blocking(self.process.stdin.fileno(), False)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _name_of_image(self, machine, descriptors):
        """A disk comes by its descriptor set; what QEMU reads like any file has the open file's name."""
        if self.served:
            return os.path.join(self.served.name, SERVED)
        return f"/dev/fd/{descriptors[1]}" if machine.disk == "kernel" else "/dev/fdset/1"

    @staticmethod
    def _served_folder(content, machine):
        """What the network's server gives: the image under one fixed name, and what is booted to fetch it."""
        folder = tempfile.TemporaryDirectory(prefix="raclette-tftp-")
        Path(folder.name, SERVED).write_bytes(content)
        if machine.bootfile:
            shutil.copy(BUILD / machine.bootfile, folder.name)
        return folder

    @staticmethod
    def _anonymous_file(content):
        """The image as an unlinked file, opened as QEMU wants it (once to read, once to write): no leftovers."""
        BUILD.mkdir(exist_ok=True)
        writable, path = tempfile.mkstemp(prefix="boot-", suffix=".img", dir=BUILD)
        readable = os.open(path, os.O_RDONLY)
        os.unlink(path)
        with os.fdopen(os.dup(writable), "wb") as file:
            file.write(content)
        return [writable, readable]

    def _read(self):
        console = self.process.stdout.fileno()
        pump(lambda: os.read(console, 1 << 16), self.log, self.started, self.lines, self._note_heard)

    def _note_heard(self, seconds):
        self.heard_at = seconds

    def send(self, data):
        """Returns how many bytes of it the line takes without a wait: a machine that hangs reads nothing."""
        try:
            return os.write(self.process.stdin.fileno(), data)
        except BlockingIOError:
            return 0
        except (OSError, ValueError):
            return len(data)    # it has ended already; its status will say how

    def kill(self):
        self.process.kill()
        self.process.wait()

    def wait(self, seconds=10):
        """QEMU's own exit status, once its output has ended."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            return self.process.returncode

    def verdict(self, code):
        """(build.py's status, a line about an end that our kernel did not ask for)."""
        if code in STATUS:
            return STATUS[code], ""
        return None, how_it_ended(code, self.complaints())

    def complaints(self):
        """What QEMU said on stderr, without its warnings about features TCG does not emulate."""
        self.errors.seek(0)
        lines = console_lines(self.errors.read().rstrip(b"\n"))
        return [line for line in lines if line and "TCG doesn't support requested feature" not in line]


def how_it_ended(code, complaints):
    """One line about an end that our kernel did not ask for."""
    said = f": {complaints[-1]}" if complaints else ""
    if code < 0:
        return f"QEMU was killed by {signal.Signals(-code).name}{said}"
    ended = re.search(r"terminating on signal (\d+)", complaints[-1]) if complaints else None
    if ended:                           # then QEMU's status is 0, or 128 and the signal's number
        return f"QEMU was ended by signal {ended[1]}{said}"
    if code == 0:
        return f"the machine reset or switched itself off (a triple fault, most likely){said}"
    return f"QEMU ended with status {code}{said}"
