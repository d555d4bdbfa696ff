"""A hostile serial line does nothing to the host: no traceback, no file outside of --out, no control character shown.

The fuzz entries of the record reader, `explain` and `trace` are here as well: a million lines each in the long run.
"""
import argparse
import io
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from unittest import mock

from tests.unit.tools import hostile_lines
from tests.unit.tools.machines.fake_line import console_hears
from tests.unit.tools.machines.fake_qemu import FakeQemu
from tests.unit.tools.results.test_report import parse
from tools.rl.commands import explain, maps, trace
from tools.rl.commands.replay import Replay
from tools.rl.common import OK, ROOT, Stop
from tools.rl.machines import line_reader
from tools.rl.machines.qemu import Machine
from tools.rl.machines.record_types import TYPES, Bad
from tools.rl.machines.records import RecordReader, parse_record
from tools.rl.machines.session import Session
from tools.rl.printable import console_lines, printable
from tools.rl.results import origin, report
from tools.rl.results.collector import Collector
from tools.rl.results.elf import Elf
from tools.rl.results.live_view import LiveView, PlainView
from tools.rl.results.outdir import OutDir
from tools.rl.results.symbols import Frame, Symbolizer

LONG = bool(os.environ.get("RL_LONG"))
FUZZ_LINES = 1000000 if LONG else 5000
LINES_OF_A_LOG = 40
OWN_SEQUENCES = re.compile(r"\x1b\[\d+F\x1b\[J")       # those by which the live view draws over itself
SAVED = re.compile(r"corpus/[0-9a-f]{16}|(crashes|timeouts|oom)/[0-9a-f]{16}/"
                   r"(input|original|crash\.json|trace\.txt)|(runs\.jsonl|counts\.json|serial\.log|"
                   r"stats\.jsonl|edges\.json|refused\.json|campaign\.json|report\.html|\.lock)")


class Lines:
    """A session of a machine that says these lines."""

    def __init__(self, lines):
        self.lines, self.records, self.stopped = lines, RecordReader(), False

    def stop(self):
        self.stopped = True

    def events(self):
        for line in self.lines:
            event = self.records.read(line)
            if event is not None:
                yield 1.0, event
        yield 1.1, None


class Names:
    """A symbolizer that knows every address."""

    def frames(self, addresses, innermost_exact=True):
        return [Frame(address, "f", "mm/window.cpp", 1, False) for address in addresses]


def controls(text):
    """The control characters in what was shown, but line ends and the live view's own sequences."""
    return sorted({c for c in OWN_SEQUENCES.sub("", text) if c != "\n" and not c.isprintable()})


class HostileTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.scratch = Path(scratch.name)
        self.path = self.scratch / "a" / "b" / "out"

    def collect(self, lines, out, view):
        """Nothing escapes but what a view may show; returns the session."""
        session, shown = Lines(lines), io.StringIO()
        with redirect_stdout(shown), redirect_stderr(shown):
            limits = argparse.Namespace(until_crash="no_such_function", seconds=None)
            Collector(limits, session, out, view, Names()).run()
            view.close()
            print("\n".join(session.records.summary()))
        self.assertEqual(controls(shown.getvalue()), [])
        return session

    def only_results(self):
        """Every file that is there is a result of a run in its place."""
        files = [path.relative_to(self.scratch) for path in self.scratch.rglob("*") if not path.is_dir()]
        inside = self.path.relative_to(self.scratch)
        self.assertEqual([str(file) for file in files if inside not in file.parents
                          or not SAVED.fullmatch(str(file.relative_to(inside)))], [])


class RecordsTest(HostileTest):
    def test_every_type_of_record_has_an_example_that_is_valid(self):
        self.assertEqual(set(hostile_lines.EXAMPLES), set(TYPES))
        for kind, fields in hostile_lines.EXAMPLES.items():
            self.assertEqual(parse_record(hostile_lines.valid(kind)), {"type": kind, **fields})
            known = {*TYPES[kind].must, *TYPES[kind].may}
            self.assertEqual(known - set(fields), set(), f"the fields of the example of {kind}")

    def test_no_line_of_any_kind_reaches_the_host(self):
        out, count = OutDir(self.path), 0
        for what, line in hostile_lines.every():
            with self.subTest(what):
                self.collect([line], out, LiveView("t", "o") if count % 2 else PlainView())
            count += 1
        out.close()
        self.assertGreater(count, 5000)
        self.only_results()

    def test_all_of_them_in_one_run_and_its_report(self):
        out = OutDir(self.path)
        lines = [line for _, line in hostile_lines.every()]
        session = self.collect(lines, out, PlainView())
        self.assertGreater(sum(session.records.dropped.values()), 1000)
        self.assertLess(len(session.records.dropped), 400, "the reasons hold nothing of the lines")
        self.assertEqual(len(session.records.summary()), 1)
        out.close()
        text = report.write(self.path, "a\x1b<target>", Path("/nonexistent"), None).read_text()
        parse(text)
        self.assertEqual(controls(text), [])
        self.assertNotIn("<script>alert", text)
        self.only_results()

    def test_what_is_right_is_kept(self):
        out = OutDir(self.path)
        session = self.collect([hostile_lines.valid(kind) for kind in hostile_lines.EXAMPLES], out, PlainView())
        out.close()
        self.assertEqual(session.records.summary(), [])
        for file in ("corpus", "crashes", "timeouts", "oom"):
            self.assertEqual([path.name for path in (self.path / file).iterdir()], [hostile_lines.HASH])

    def test_a_reason_names_the_field_and_nothing_of_the_line(self):
        for line, reason in (
                (b'{"type":"corpus","hash":"../x","data":""}', "corpus: hash is not 16 hexadecimal digits"),
                (b'{"type":"corpus","data":""}', "corpus: has no hash"),
                (b'{"type":"../x"}', "a record of no known type")):
            with self.assertRaises(Bad) as caught:
                parse_record(line)
            self.assertEqual(str(caught.exception), reason)

    def test_a_replay_takes_them_too(self):
        replay = Replay(Names())
        for _, line in hostile_lines.every():
            try:
                replay.feed(parse_record(line))
            except Bad:
                pass
        replay.chain()

    def test_any_number_of_crashes_is_shown_in_a_bounded_view(self):
        view = LiveView("t", "o")
        for number in range(3000):
            with redirect_stdout(io.StringIO()):
                view.crash(1, {"hash": f"{number:016x}", "kind": f"kind {number}", "function": "f", "file": ""}, True)
        self.assertLess(len(view.campaign.bugs), 1100)

    def test_a_session_of_a_machine_takes_them_too(self):
        lines = b"".join(line + b"\n" for _, line in hostile_lines.every() if len(line) < 1000)
        file = self.scratch / "lines"
        file.write_bytes(lines)
        with FakeQemu(f"say(open({str(file)!r}, 'rb').read()); leave(33)"):
            session = Session(b"image", Machine())
            count = sum(event is not None for _, event in session.events())
        self.assertEqual(session.status, OK)
        self.assertEqual(count + sum(session.records.dropped.values()), session.records.lines)


class ConsoleTest(HostileTest):
    def test_the_console_ends_well_and_says_in_one_line_what_it_dropped(self):
        lines = [line for _, line in hostile_lines.every()][::7]
        status, shown = console_hears(b"".join(line + b"\r\n" for line in [*lines, b"kernel: done"]), self.path)
        self.assertEqual(status, OK)
        self.assertGreater(len(lines), 500)
        self.assertEqual((shown.count("dropped "), shown.count("Traceback"), controls(shown)), (1, 0, []))
        self.only_results()


class FilesTest(HostileTest):
    def command(self, *words):
        done = subprocess.run([sys.executable, str(ROOT / "build.py"), *map(str, words)], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300)
        shown = done.stdout.decode("utf-8")
        self.assertNotIn("Traceback", shown)
        self.assertEqual(controls(shown), [])
        return done.returncode

    def test_a_saved_console_is_explained_traced_and_mapped(self):
        log = self.scratch / "serial.log"
        log.write_bytes(b"\n".join(line for _, line in hostile_lines.every() if len(line) < 200000))
        for command in (("explain", log), ("trace", log), ("maps", "--log", log)):
            self.assertIn(self.command(*command), (0, 2, 3))        # 3: nothing is built yet

    def test_what_cannot_be_read_is_one_line(self):
        for name in ("/nonexistent", self.scratch, "x" * 5000, "/proc/self/mem"):
            for command in (("explain", name), ("trace", name), ("maps", "--log", name)):
                self.assertIn(self.command(*command), (2, 3))


class DamagedFolderTest(HostileTest):
    FILES = {"crashes/0000000000000001/crash.json": b'{"function": "good"}',
             "crashes/0000000000000001/trace.txt": b"a \x1b[2J trace\n"}

    def write(self, files):
        for name, content in files.items():
            path = self.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def damaged(self):
        """The lines that the report complains with; the page is always there."""
        said = []
        text = report.write(self.path, "t", Path("/nonexistent"), None, said.append).read_text()
        parse(text)
        self.assertEqual(controls(text), [])
        return said, text

    def test_a_good_crash_among_damaged_ones_is_shown_and_the_others_are_counted(self):
        broken = (b"", b"[]", b"{", b'"text"', b"{}", b'{"function": 1}', b'{"function": "f", "line": NaN}',
                  b'{"function": "f", "line": ' + hostile_lines.DIGITS.encode() + b"}", b"[" * 100000,
                  b'{"function": "f", "file": ["x"]}', b"\xff\xfe")
        for number, content in enumerate(broken, 16):
            self.write({f"crashes/{number:016x}/crash.json": content, f"crashes/{number:016x}/trace.txt": b""})
        self.write({**self.FILES, "crashes/a file": b"", "crashes/0000000000000002/crash.json": b'{"function": "f"}',
                    "stats.jsonl": b"", "crashes/../x/crash.json": b""})
        said, text = self.damaged()
        self.assertEqual(len(said), 1)
        self.assertIn(f"{len(broken) + 2} damaged results", said[0])
        self.assertIn(">good</span>", text)
        self.assertIn("a \\x1b[2J trace", text)

    def test_damaged_statistics_and_edges_are_left_out(self):
        good = json.dumps({"type": "stats", **hostile_lines.EXAMPLES["stats"]}).encode()
        bad = [line for what, line in hostile_lines.of_records() if what.startswith("stats.") and len(line) < 200000]
        for content in (b"", b"{", b'{"reached": 1}', b'{"reached": "%"}', b"[1]"):
            self.write({"stats.jsonl": b"\n".join([good, *bad, b"\xff\0", good]) + b"\n", "edges.json": content})
            said, text = self.damaged()
            self.assertEqual(len(said), 1)
            self.assertRegex(text, r"<strong>[1-9][0-9,]*</strong>executions</div>")

    def test_a_missing_folder_or_file_is_told(self):
        self.path.mkdir(parents=True)
        said, _ = self.damaged()
        self.assertEqual(len(said), 1)

    def test_a_source_that_is_none_is_not_shown(self):
        key, pipe = self.scratch / "key", self.scratch / "pipe.c"
        key.write_text("secret")
        os.mkfifo(pipe)
        (self.scratch / "key.c").symlink_to(key)
        for number, file in enumerate(("x" * 5000, "a\\u0000b", "/dev/zero", "/proc/kmsg", "\\ud800", "/", "..",
                                       str(key), str(pipe), str(self.scratch / "key.c"), "/etc/passwd")):
            crash = b'{"function": "f", "line": 1, "file": "%s"}' % file.encode()
            self.write({f"crashes/{number:016x}/crash.json": crash, f"crashes/{number:016x}/trace.txt": b"",
                        "stats.jsonl": b""})
        self.assertNotIn("<mark>", self.damaged()[1])
        source = self.scratch / "own.c"
        source.write_text("int own;")
        crash = json.dumps({"function": "f", "line": 1, "file": str(source)}).encode()
        self.write({f"crashes/{99:016x}/crash.json": crash, f"crashes/{99:016x}/trace.txt": b""})
        self.assertIn("int own;", self.damaged()[1])


class SymbolsTest(HostileTest):
    EVIL = '"f\\n{\\"type\\":\\"corpus\\"}\\x1b[2J\\xff"'
    PROGRAM = f"""int sink;
        __attribute__((noinline)) void evil(void) __asm__({EVIL});
        void evil(void) {{ sink = 1; }}
        __attribute__((noinline)) void large(void) __asm__("{'l' * 100000}");
        void large(void) {{ sink = 2; }}
        void start(void) {{ evil(); large(); }}
        """

    def setUp(self):
        super().setUp()
        self.elf = self.scratch / "program"
        subprocess.run(["clang", "-O1", "-ffreestanding", "-nostdlib", "-static", "-Wl,-e,start", "-fuse-ld=lld", "-x",
                        "c", "-o", str(self.elf), "-"], input=self.PROGRAM.encode(), check=True, capture_output=True)
        symbols = Elf(self.elf.read_bytes()).symbols()
        self.addresses = {name[:1]: value for name, value, index in symbols if index and value}

    def test_a_symbols_name_is_printable_and_of_bounded_length(self):
        frames = Symbolizer(self.elf).frames([self.addresses["f"], self.addresses["l"]])
        self.assertTrue(all(frame.function.isprintable() for frame in frames))
        self.assertTrue(frames[0].function.startswith('f\\x0a{"type":'), frames[0])
        self.assertLess(len(frames[1].function), 1100)

    def test_any_number_of_addresses_takes_one_process(self):
        with mock.patch("subprocess.Popen", side_effect=subprocess.Popen) as started:
            symbolizer = Symbolizer(self.elf)
            frames = symbolizer.frames(range(5000))
            frames += symbolizer.frames([self.addresses["f"]])
        self.assertEqual((len(frames), started.call_count), (5001, 1))
        self.assertEqual({frame.function for frame in frames[:5000]}, {"?"})
        self.assertTrue(frames[-1].function.startswith("f"))

    def test_a_symbolizer_that_ends_is_started_again(self):
        symbolizer = Symbolizer(self.elf)
        symbolizer.frames([1])
        symbolizer.process.kill()
        symbolizer.process.wait()
        self.assertEqual(symbolizer.frames([2])[0].function, "?")
        self.assertTrue(symbolizer.frames([self.addresses["f"]])[0].function.startswith("f"))

    def test_a_symbolizer_that_never_answers_is_given_up(self):
        never = self.scratch / "llvm-symbolizer"
        never.write_text("#!/bin/sh\nexec sleep 1000\n")
        never.chmod(0o755)
        symbolizer = Symbolizer(self.elf)
        with mock.patch.dict(os.environ, PATH=f"{self.scratch}:{os.environ['PATH']}"), \
                mock.patch("tools.rl.results.symbols.PATIENCE", 0.1), \
                mock.patch("subprocess.Popen", side_effect=subprocess.Popen) as started:
            frames = symbolizer.frames([1, 2]) + symbolizer.frames([3])
        self.assertEqual([frame.function for frame in frames], ["?"] * 3)
        self.assertEqual(started.call_count, 1)

    def test_a_symbols_name_is_cut(self):
        names = [name for name, _, _ in Elf(self.elf.read_bytes()).symbols()]
        self.assertEqual({len(name) for name in names if name[:1] == "l"}, {1 << 14})

    def test_a_damaged_elf_is_no_more_than_a_value_error(self):
        data = self.elf.read_bytes()
        for at in range(0, len(data), max(1, len(data) // 300)):
            for broken in (data[:at], data[:at] + b"\xff" * 8 + data[at + 8:], data[:at] + bytes(8) + data[at + 8:]):
                try:
                    file = Elf(broken)
                    list(file.symbols())
                    file.relocation_types()
                    file.has_text_relocations()
                    list(map(file.content, file.sections))
                except ValueError:
                    pass


class ReaderTest(unittest.TestCase):
    def cut(self, chunks):
        cutter = line_reader.LineCutter()
        return [line for chunk in chunks for line in cutter.feed(chunk)] + [cutter.take()]

    def test_lines_are_the_same_however_they_arrive(self):
        data = b"one\r\ntwo\n\n\r\nthree\x0b\x85 \r\n" + b"x" * 1000
        whole = self.cut([data])
        self.assertEqual(whole, [b"one", b"two", b"", b"", b"three\x0b\x85 ", b"x" * 1000])
        for size in (1, 2, 3, 7):
            self.assertEqual(self.cut(data[at:at + size] for at in range(0, len(data), size)), whole)

    def test_a_long_line_takes_linear_time_and_is_cut(self):
        started = time.monotonic()
        lines = self.cut([b"x" * 64] * (2 * line_reader.LONGEST_LINE // 64) + [b"\nnext\n"])
        self.assertEqual([len(line) for line in lines], [line_reader.LONGEST_LINE, 4, 0])
        self.assertLess(time.monotonic() - started, 30)         # a quadratic reader takes minutes

    def test_text_is_one_printable_line_and_is_cut(self):
        for code in [*range(0x3000), 0x3000, 0xd800, 0xdfff, 0xe0001, 0x10ffff]:
            self.assertTrue(printable(chr(code)).isprintable(), hex(code))
        self.assertEqual(printable("a b\u00e9\t\x1b\u202e\ud800"), "a b\u00e9\\x09\\x1b\\u202e\\ud800")
        self.assertEqual(printable("x" * 30, 10), "x" * 10 + " ... (20 characters more)")
        self.assertEqual(console_lines(b"a\x0bb\x85\xff\r\nc"), ["a\\x0bb\\x85\\xff", "c"])


class Damage:
    """Changes one path of an output folder at random; the same seed gives the same changes."""

    def __init__(self, seed, folder, outside):
        self.random, self.folder, self.outside = random.Random(seed), folder, outside

    def change(self):
        path = self.random.choice(sorted(self.folder.rglob("*")))
        data = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        kind = self.random.choice(("cut", "garbage", "link", "folder", "pipe", "nothing", "text"))
        at = self.random.randrange(len(data) + 1)
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
        if kind == "link":
            path.symlink_to(self.outside / self.random.choice(("", "file")))
        elif kind == "folder":
            path.mkdir()
        elif kind == "pipe":
            os.mkfifo(path)
        elif kind != "nothing":
            changed = {"cut": data[:at], "garbage": data[:at] + self.random.randbytes(20) + data[at + 20:],
                       "text": hostile_lines.Mutator(self.random.random()).line()}
            path.write_bytes(changed[kind])


class FuzzTest(HostileTest):
    def test_fuzz_damaged_folders(self):
        outside, records = self.scratch / "outside", [hostile_lines.valid(kind) for kind in hostile_lines.EXAMPLES]
        outside.mkdir()
        (outside / "file").write_bytes(b"untouched")
        for seed in range(max(50, FUZZ_LINES // 500)):
            out = OutDir(self.path, "stb_image")
            self.collect(records, out, PlainView())
            out.close()
            damage = Damage(seed, self.path, outside)
            for _ in range(damage.random.choice((1, 1, 2, 5))):
                damage.change()
            self.use_damaged(records)
            self.assertEqual([path.name for path in outside.iterdir()], ["file"])
            self.assertEqual((outside / "file").read_bytes(), b"untouched")
            shutil.rmtree(self.path)

    def use_damaged(self, records):
        """Everything that reads or writes a folder: a Stop is one clear line, anything else is a bug."""
        crash = self.path / "crashes" / hostile_lines.HASH / "input"
        try:
            self.assertEqual(origin.target_of(crash)[0], "stb_image")
        except Stop:
            pass
        try:
            report.write(self.path, "t", Path("/nonexistent"), None, lambda text: self.assertTrue(text.isprintable()))
            out = OutDir(self.path, "stb_image")
            try:
                self.assertNotIn(b"untouched", [data for _, data in out.corpus()])
                self.collect(records, out, PlainView())
            finally:
                out.close()
        except (Stop, IsADirectoryError):       # the latter is one line as well (cli.py)
            pass

    def test_fuzz_the_record_reader(self):
        mutator, out = hostile_lines.Mutator(1), OutDir(self.path)
        for begin in range(0, FUZZ_LINES, LINES_OF_A_LOG):
            view = LiveView("t", "o") if begin // LINES_OF_A_LOG % 2 else PlainView()
            self.collect([mutator.line() for _ in range(LINES_OF_A_LOG)], out, view)
        out.close()
        self.only_results()

    def logs(self, seed):
        mutator = hostile_lines.Mutator(seed)
        for _ in range(0, FUZZ_LINES, LINES_OF_A_LOG):
            yield console_lines(b"\n".join(mutator.line() for _ in range(LINES_OF_A_LOG)))

    def test_fuzz_explain(self):
        places = explain.Places(Path("/nonexistent"))
        places.symbolizer = Names()
        for lines in self.logs(2):
            for line in explain.report("\n".join(lines), places, "00000000000000ab"):
                self.assertTrue(line.isprintable(), line)

    def test_fuzz_trace(self):
        for lines in self.logs(3):
            events = trace.chrome(trace.events_in(lines))
            self.assertTrue(json.dumps(events, allow_nan=False).isprintable())
            maps.answer_in(lines)


if __name__ == "__main__":
    unittest.main()
