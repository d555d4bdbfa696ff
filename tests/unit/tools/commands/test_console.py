"""`build.py console` over a pseudo-terminal that plays a recorded machine: what comes is shown, saved and answered."""
import base64
import json
import os
import pty
import socket
import subprocess
import sys
import tempfile
import termios
import threading
import unittest
from pathlib import Path
from unittest import mock

from tools.rl.building import targets
from tools.rl.building.description import Broken
from tools.rl.commands.console import LineSession, Watcher
from tools.rl.common import OK, ROOT, SYSTEM_FAILED, Stop, USAGE
from tools.rl.images import artefacts
from tools.rl.machines.serial_port import Line

CORPUS = {"type": "corpus", "hash": "00000000000000cc", "size": 3, "data": base64.b64encode(b"abc").decode()}
CRASH = {"type": "crash", "hash": "00000000000000aa", "kind": "heap-buffer-overflow", "case": 7, "core": 0, "size": 3,
         "input": base64.b64encode(b"GIF").decode(), "function": "parse", "frames": ["0x1000"], "alloc": [], "free": []}
STATS = {"type": "stats", "case": 100, "cases_per_s": 50, "edges": 12, "corpus": 1, "crashes": 1, "cores": []}
LOG = ['"tail of a record that began before the console was opened"}', "6 kernel at 0x1000, build 12",
       json.dumps({"type": "boot", "target": "no_such_target"}), json.dumps(CORPUS), json.dumps(STATS),
       "error target.x on core 0, case 7, hash 00000000000000aa", "  parse   <- origin", json.dumps(CRASH),
       json.dumps({"type": "end", "status": "ok", "cases": 100}), "kernel: done"]


class Terminal:
    """A pseudo-terminal; the machine is at our end."""

    def __enter__(self):
        self.machine, self.slave = pty.openpty()
        self.device = os.ttyname(self.slave)
        return self

    def __exit__(self, *_):
        for descriptor in {self.machine, self.slave}:
            os.close(descriptor)

    def say(self, lines):
        data = "".join(line + "\r\n" for line in lines).encode()
        while data:
            data = data[os.write(self.machine, data[:512]):]


def console(device, out, **options):
    return subprocess.Popen([sys.executable, str(ROOT / "build.py"), "console", device, "--plain", "--out", str(out)],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            **options)


class ConsoleTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.out = Path(scratch.name) / "out"

    def listen(self, lines, status):
        """The output of a console that hears these lines."""
        with Terminal() as terminal:
            process = console(terminal.device, self.out)
            self.assertIn("listening on", process.stdout.readline())
            terminal.say(lines)
            output, _ = process.communicate(timeout=60)
        self.assertEqual(process.returncode, status, output)
        return output

    def test_a_recorded_run_is_shown_and_saved_as_run_does(self):
        output = self.listen(LOG, OK)
        for said in ("6 kernel at 0x1000", "execs 100  exec/s 50  edges 12", "heap-buffer-overflow in parse",
                     "the machine has ended its run"):
            self.assertIn(said, output)
        self.assertEqual((self.out / "corpus" / CORPUS["hash"]).read_bytes(), b"abc")
        crash = self.out / "crashes" / CRASH["hash"]
        self.assertEqual((crash / "input").read_bytes(), b"GIF")
        self.assertIn("parse   <- origin", (crash / "trace.txt").read_text())
        self.assertEqual(json.loads((self.out / "stats.jsonl").read_text())["edges"], 12)
        self.assertEqual((self.out / "serial.log").read_bytes().count(b"\r\n"), len(LOG))

    def test_a_panic_is_a_failure_of_ours(self):
        self.assertIn("Raclette itself failed", self.listen(["error a.b on core 0", "panic: stopped"], SYSTEM_FAILED))

    def test_a_panic_of_another_build_is_said_to_be(self):
        lines = ["6 kernel at 0x123456000, build 00000000000000ab", "error a.b on core 0", "panic: stopped"]
        output = self.listen(lines, SYSTEM_FAILED)
        if artefacts.path("img").exists():              # nothing is built yet
            self.assertIn("the log is of build 00000000000000ab, build/ holds ", output)

    def test_what_is_typed_goes_to_the_machine_in_lines(self):
        with Terminal() as terminal:
            process = console(terminal.device, self.out)
            process.stdout.readline()
            process.stdin.write("help\n")
            process.stdin.flush()
            self.assertEqual(os.read(terminal.machine, 5), b"help\n")
            terminal.say(["kernel: done"])
            process.communicate(timeout=60)

    def test_leaving_does_not_stop_the_machine(self):
        with Terminal() as terminal:
            process = console(terminal.device, self.out)
            process.stdout.readline()
            process.terminate()
            output, _ = process.communicate(timeout=60)
            os.set_blocking(terminal.machine, False)
            self.assertRaises(BlockingIOError, os.read, terminal.machine, 1)
        self.assertEqual(process.returncode, OK)
        self.assertIn("the machine runs on", output)

    def test_what_is_no_line_is_refused(self):
        for device in ("/nonexistent/tty", __file__):
            process = console(device, self.out)
            self.assertIn(device, process.communicate(timeout=60)[0])
            self.assertEqual(process.returncode, USAGE)


class WatcherTest(unittest.TestCase):
    def test_a_boot_record_that_names_a_target_with_a_broken_description_ends_nothing(self):
        watcher = Watcher(None, None, mock.Mock(path=Path("/nonexistent")), None, None)
        with mock.patch.object(targets, "names", return_value=["broken"]), \
                mock.patch.object(targets, "load", side_effect=Broken("targets/broken", "it names no sources")):
            watcher._boot(0, {"type": "boot", "target": "broken"})
        self.assertIsNone(watcher.symbolizer)


class LineTest(unittest.TestCase):
    def test_a_terminal_is_raw_at_115200_8n1(self):
        with Terminal() as terminal:
            Line(terminal.device)
            _, output, control, local, speed_in, speed_out, _ = termios.tcgetattr(terminal.slave)
        self.assertEqual((speed_in, speed_out), (termios.B115200, termios.B115200))
        self.assertEqual(control & (termios.CSIZE | termios.PARENB | termios.CSTOPB), termios.CS8)
        self.assertFalse(local & (termios.ECHO | termios.ICANON | termios.ISIG) or output & termios.OPOST)

    def test_a_socket_is_a_line_too_and_its_end_ends_the_session(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            def play():
                connection, _ = server.accept()
                connection.sendall(b"half\r\n" + json.dumps(STATS).encode())
                connection.close()
            machine = threading.Thread(target=play)
            machine.start()
            session = LineSession(Line(f"127.0.0.1:{server.getsockname()[1]}"))
            events = [event for _, event in session.events() if event is not None]
            machine.join()
        self.assertEqual(events, ["half", STATS])
        self.assertIsNone(session.status)

    def test_a_closed_port_is_told(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        self.assertRaises(Stop, Line, f"127.0.0.1:{port}")
