"""A stand-in for QEMU on PATH: plays a script on the serial line, for tests of what reads it."""
import os
import stat
import sys
import tempfile
import textwrap
from pathlib import Path

from tools.rl.machines.qemu import PROGRAM


class FakeQemu:
    """`script` is Python; it has say(text), asked_to_end() (waits for the host to ask) and leave(status)."""

    PRELUDE = """\
        #!{python}
        import json, os, signal, sys, time
        def say(text):
            data = text if isinstance(text, bytes) else (text + "\\r\\n").encode()
            while data:
                data = data[os.write(1, data):]
        def record(**fields): say(json.dumps(fields))
        def asked_to_end():
            heard = b""
            while not heard.endswith(b"\\nquit\\n"):
                heard += os.read(0, 1)
            return True
        def leave(status): os._exit(status)
        """

    def __init__(self, script):
        self.script = script

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        program = Path(self.folder.name) / PROGRAM
        program.write_text(textwrap.dedent(self.PRELUDE).format(python=sys.executable) + textwrap.dedent(self.script))
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        self.path = os.environ["PATH"]
        os.environ["PATH"] = f"{self.folder.name}:{self.path}"
        return self

    def __exit__(self, *_):
        os.environ["PATH"] = self.path
        self.folder.cleanup()
