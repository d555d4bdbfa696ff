"""`replay --gdb` and `--core`: the target's state at the end of its case, as a core file, and gdb on it."""
import mmap
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from tools.rl.common import MISSING, ROOT, Stop, USAGE
from tools.rl.machines.qemu import Machine
from tools.rl.results import core_file


class Debugger:
    """`machine` is what to boot. Without --gdb and --core it is the usual one, and nothing else happens."""

    def __init__(self, arguments, elf):
        self.elf = elf
        self.folder = None
        self.core = None
        self.machine = Machine(cpus=1, memory=arguments.memory)
        if not (arguments.gdb or arguments.core):
            return
        if arguments.gdb and shutil.which("gdb") is None:
            raise Stop(MISSING, "gdb is not on PATH (Debian: gdb)")
        self.folder = tempfile.TemporaryDirectory(prefix="raclette-core-")
        self.memory = Path(self.folder.name, "memory")
        self.core = Path(arguments.core or Path(self.folder.name, "core"))
        self.made = False
        size = arguments.memory + "M" * arguments.memory.isdigit()      # as -m reads it
        self.machine = Machine(cpus=1, memory=arguments.memory, machine="pc,memory-backend=held",
                               extra=["-object", f"memory-backend-file,id=held,size={size},share=on,"
                                                 f"mem-path={self.memory}"])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.folder and self.memory.exists():
            self.memory.unlink()

    def feed(self, event, session):
        """Writes the core file when the machine says that it waits for that, and lets it go on."""
        if not (self.core and isinstance(event, dict) and event["type"] == "held"):
            return
        try:
            with open(self.memory, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as memory:
                pages = core_file.write(self.core, event, memory)
        except core_file.BadTables as bad:
            session.kill(f"its page tables cannot be followed: {bad}")
            return
        except OSError as error:
            session.kill("no core file")
            raise Stop(USAGE, f"{self.core} cannot be written: {error.strerror or error}")
        self.made = True
        session.type("")
        print(f"core file of {pages} pages: gdb {self.elf} {self.core}", flush=True)

    def run_gdb(self):
        """At the terminal, until the user leaves it."""
        if not self.made:
            return
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)       # Ctrl-C is gdb's
        try:
            subprocess.run(["gdb", "-q", str(self.elf), str(self.core)], cwd=ROOT)
        finally:
            signal.signal(signal.SIGINT, before)
