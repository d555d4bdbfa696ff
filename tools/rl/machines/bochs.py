"""The second machine: one Bochs with AMD-V, its serial line on a pseudo-terminal. It has no port by which the kernel
could end it.

Debian's package has neither a display without a terminal nor a console without the debugger, so it gets both: a
pseudo-terminal that is drained and not shown, and a file that makes the debugger continue.
"""
import math
import os
import pty
import queue
import re
import signal
import subprocess
import tempfile
import threading
import time
import tty
from dataclasses import dataclass
from pathlib import Path

from tools.rl.common import MISSING, OK, SYSTEM_FAILED, Stop
from tools.rl.machines.line_reader import pump
from tools.rl.machines.qemu import die_with_parent
from tools.rl.printable import printable

PROGRAM = "bochs"
SHARED = Path("/usr/share/bochs")
HEADS, SECTORS = 16, 32                 # of a cylinder, of a track: whole numbers of them make a mebibyte
CYLINDER = HEADS * SECTORS * 512
ENDINGS = {b"\nkernel: done\r\n": OK, b"\npanic: stopped\r\n": SYSTEM_FAILED}      # the kernel's last line
LONGEST_ENDING = max(map(len, ENDINGS))
CONFIGURATION = """
config_interface: textconfig
display_library: term
plugin_ctrl: speaker=0, gameport=0, parallel=0
sound: waveoutdrv=dummy, waveindrv=dummy, midioutdrv=dummy
romimage: file={shared}/BIOS-bochs-latest
vgaromimage: file={shared}/VGABIOS-lgpl-latest
cpu: model={model}, count={cpus}, ips=100000000
megs: {memory}
ata0-master: {medium}
boot: {boot}
com1: enabled=1, mode=term, dev={serial}
panic: action=fatal
log: {folder}/bochs.log
"""


MEDIA = {"disk": "type=disk, path={path}, mode=flat, cylinders={cylinders}, heads={heads}, spt={sectors}",
         "cdrom": "type=cdrom, path={path}, status=inserted"}


@dataclass
class Bochs:
    """What is plugged together; `memory` in mebibytes, `medium` one of MEDIA."""
    cpus: int = 1
    memory: int = 512
    model: str = "ryzen"
    medium: str = "disk"

    def start(self, image_bytes, log):
        return Running(self, image_bytes, log)

    def configuration(self, folder, size, serial):
        medium = MEDIA[self.medium].format(path=folder / "disk.img", cylinders=math.ceil(size / CYLINDER), heads=HEADS,
                                           sectors=SECTORS)
        return CONFIGURATION.format(shared=SHARED, model=self.model, cpus=self.cpus, memory=self.memory, folder=folder,
                                    medium=medium, boot=self.medium, serial=serial)


class Running:
    """A running machine, as Qemu is one: `lines` yields (seconds since start, bytes without the newline), then None."""

    def __init__(self, machine, image_bytes, log):
        self.lines = queue.Queue()
        self.heard_at = 0.0         # seconds since the start, of the last byte
        self.said = b""
        self.status = None          # once the kernel has said its last line
        self.folder = tempfile.TemporaryDirectory(prefix="raclette-bochs-")
        folder = Path(self.folder.name)
        self.serial, theirs = pty.openpty()
        tty.setraw(theirs)          # Bochs does so itself, but not before its first byte
        self.screen, terminal = pty.openpty()
        (folder / "disk.img").write_bytes(image_bytes.ljust(math.ceil(len(image_bytes) / CYLINDER) * CYLINDER, b"\0"))
        (folder / "rc").write_text(machine.configuration(folder, len(image_bytes), os.ttyname(theirs)))
        (folder / "go").write_text("c\n")
        self.started = time.monotonic()
        try:
            self.process = subprocess.Popen(
                [PROGRAM, "-q", "-f", folder / "rc", "-rc", folder / "go"], stdin=terminal, stdout=terminal,
                stderr=terminal, env=dict(os.environ, TERM="xterm"), start_new_session=True,
                preexec_fn=die_with_parent)
        except FileNotFoundError:
            os.close(theirs)
            raise Stop(MISSING, f"{PROGRAM} is not on PATH (Debian: bochs-term)")
        finally:
            os.close(terminal)
        threading.Thread(target=self._hold, args=[theirs], daemon=True).start()
        threading.Thread(target=self._look_away, daemon=True).start()
        self.reader = threading.Thread(target=pump, daemon=True,
                                       args=(self._read, log, self.started, self.lines, self._note_heard))
        self.reader.start()

    def send(self, data):
        """To the serial line; how many bytes of it were taken."""
        try:
            return os.write(self.serial, data)
        except OSError:
            return len(data)    # it has ended

    def _note_heard(self, seconds):
        self.heard_at = seconds

    def _hold(self, theirs):
        """Keeps the line's other end open: without it, Bochs would read an end of file at once."""
        self.process.wait()
        os.close(theirs)

    def _look_away(self):
        """Drains the screen's terminal, or Bochs would block."""
        try:
            while os.read(self.screen, 1 << 16):
                pass
        except OSError:
            pass                # the other end has closed

    def _read(self):
        """The kernel halts when it is done, and Bochs would not end: the kernel's last line ends it."""
        try:
            chunk = os.read(self.serial, 1 << 16)
        except OSError:         # the other end has closed
            return b""
        said = self.said + chunk
        for line, status in ENDINGS.items():
            if line in said:
                self.status = status
                self.process.kill()
        self.said = said[-LONGEST_ENDING:]
        return chunk

    def wait(self):
        """Bochs' own exit status, once its output has ended."""
        try:
            return self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()
        finally:
            self.reader.join()
            os.close(self.serial)
            os.close(self.screen)

    def verdict(self, code):
        """(build.py's status, a line about an end that our kernel did not ask for)."""
        if self.status is not None:
            return self.status, ""
        panics = re.findall(r">>PANIC<< (.*)", self.log_text())
        how = f"ended with status {code}" if code >= 0 else f"was killed by {signal.Signals(-code).name}"
        return None, f"Bochs {how}{f': {printable(panics[-1])}' if panics else ''}"

    def log_text(self):
        log = Path(self.folder.name) / "bochs.log"
        return log.read_text(errors="replace") if log.exists() else ""
