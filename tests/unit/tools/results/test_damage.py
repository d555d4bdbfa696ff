"""Output folders that are damaged, full, in use or left by killed runs: what is whole is used, nothing is lost."""
import contextlib
import io
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from tools.rl.common import ROOT, Stop, USAGE
from tools.rl.results import origin, report
from tools.rl.results.damage import FOLDER
from tools.rl.results.outdir import OutDir

CRASHES = ("0123456789abcdef", "0123456789abcdee")
INPUT = {"hash": CRASHES[0], "data": "QUJD"}
STATS = {"type": "stats", "case": 7, "time_us": 2000000, "edges": 3, "corpus": 1}
FILES = ("serial.log", "stats.jsonl", "campaign.json", "edges.json", "refused.json", "report.html")
FOLDERS = ("corpus", "crashes", "timeouts", "oom", f"crashes/{CRASHES[0]}")
IN_A_CRASH = ("input", "crash.json", "trace.txt")
WHAT_IT_IS = {"empty": lambda data: b"", "cut": lambda data: data[:len(data) * 2 // 3],
              "junk": lambda data: b"\xff\0{[" * 9, "nested": lambda data: b"[" * 99999, "number": lambda data: b"7\n"}
ANY_BYTES = ("serial.log", "report.html", "input", "trace.txt")     # whatever they hold is right


def described(digest, kind="crash"):
    return {"type": kind, "hash": digest, "function": "f", "file": "", "line": 0, "frames": []}


def fill(out):
    """Everything that a run leaves."""
    out.add_corpus(INPUT)
    out.add_stats(STATS)
    out.add_stats({**STATS, "case": 9})
    out.add_edges({"type": "edges", "reached": "AA=="})
    out.put("refused.json", "[    ]\n")
    out.serial.write(b"a line\n")
    for digest in CRASHES:
        out.add_crash({"hash": digest, "input": "R0lG"}, described(digest), ["error a.b on core 0", "  one"])
    out.add_crash({"hash": CRASHES[0], "input": ""}, described(CRASHES[0], "timeout"), None)


def damages():
    """(name, what does it to a folder, whether it is named)."""
    for file in (*FILES, *(f"crashes/{CRASHES[0]}/{name}" for name in IN_A_CRASH)):
        for kind, change in WHAT_IT_IS.items():
            any_bytes = Path(file).name in ANY_BYTES or (file, kind) == ("stats.jsonl", "empty")

            def do(out, file=file, change=change):
                (out / file).write_bytes(change((out / file).read_bytes()))
            yield f"{file} {kind}", do, not any_bytes

        def folder(out, file=file):
            (out / file).unlink()
            (out / file).mkdir()
            (out / file / "inside").write_text("x")
        yield f"{file} a folder", folder, True
    for part in FOLDERS:
        def a_file(out, part=part):
            shutil.rmtree(out / part)
            (out / part).write_text("a file")
        yield f"{part} a file", a_file, True
        yield f"{part} empty", lambda out, part=part: [shutil.rmtree(out / part), (out / part).mkdir()], "/" in part
    for name in IN_A_CRASH:
        yield f"a crash without {name}", lambda out, name=name: (out / "crashes" / CRASHES[0] / name).unlink(), True
    yield "a folder among the inputs", lambda out: (out / "corpus/folder").mkdir(), True
    yield "a pipe among the inputs", lambda out: os.mkfifo(out / "corpus/pipe"), True
    yield "an input too long", lambda out: os.truncate(out / "corpus" / INPUT["hash"], 1 << 30), True
    yield "lines of others", lambda out: (out / "stats.jsonl").open("ab").write(b'{"type":"crash"}\n\n'), True
    yield "damaged/ is a file", lambda out: (out / FOLDER).write_text("x"), False


@contextlib.contextmanager
def full():
    """A disk on which no byte fits; needs no right that not everybody has."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


class FolderTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.path = Path(scratch.name).resolve() / "out"

    @contextlib.contextmanager
    def opened(self, target="stb_image"):
        out = OutDir(self.path, target)
        try:
            yield out
        finally:
            out.close()

    def saved(self):
        return sorted(str(path.relative_to(self.path)) for path in self.path.rglob("*") if path.is_file())


class DamageTest(FolderTest):
    def test_every_kind_of_damage_is_named_and_set_aside_and_the_rest_is_used(self):
        kinds = list(damages())
        self.assertGreater(len(kinds), 40)
        for name, damage, is_named in kinds:
            with self.subTest(name):
                shutil.rmtree(self.path, ignore_errors=True)
                with self.opened() as out:
                    fill(out)
                report.write(self.path, "t", Path("/nonexistent"), None)
                damage(self.path)
                self.look(is_named)

    def look(self, is_named):
        with self.opened() as out:
            self.assertEqual(bool(out.set_aside), is_named, out.set_aside)
            self.assertTrue(all(str(self.path / FOLDER) in line for line in out.set_aside))
            whole = (self.path / "crashes" / CRASHES[1]).is_dir()
            self.assertEqual(CRASHES[1] in out.known, whole)
            out.corpus()
            fill(out)
        complaints = []
        report.write(self.path, "t", Path("/nonexistent"), None, complaints.append)
        self.assertEqual(complaints, [])
        self.assertEqual(origin.target_of(self.path / "crashes" / CRASHES[0] / "input")[0], "stb_image")
        with self.opened() as out:
            self.assertEqual((out.set_aside, out.known), ([], set(CRASHES)))

    def test_what_is_set_aside_twice_is_there_twice(self):
        for _ in range(3):
            with self.opened():
                pass
            (self.path / "campaign.json").write_text("{")
        with self.opened():
            self.assertEqual(sorted(path.name for path in (self.path / FOLDER).iterdir()),
                             ["campaign.json", "campaign.json.1", "campaign.json.2"])

    def test_whole_lines_of_the_statistics_stay_as_they_were(self):
        with self.opened() as out:
            fill(out)
        before = (self.path / "stats.jsonl").read_bytes()
        (self.path / "stats.jsonl").write_bytes(b"junk\n" + before + b'{"type":"sta')
        with self.opened() as out:
            self.assertEqual(out.earlier.cases, 9)
        self.assertEqual((self.path / "stats.jsonl").read_bytes(), before)

    def test_statistics_that_are_being_mended_are_there_at_every_moment(self):
        with self.opened() as out:
            fill(out)
        damaged = (self.path / "stats.jsonl").read_bytes() + b'{"type":"sta'
        (self.path / "stats.jsonl").write_bytes(damaged)
        with mock.patch("tools.rl.results.damage.write_atomically", side_effect=SystemExit), \
                self.assertRaises(SystemExit), self.opened():
            pass
        self.assertEqual((self.path / "stats.jsonl").read_bytes(), damaged)

    def test_a_folder_that_cannot_be_written_is_refused(self):
        self.path.mkdir()
        if os.geteuid() == 0:
            self.skipTest("root may write everywhere")
        self.path.chmod(0o500)
        with self.assertRaises(Stop) as caught, self.opened():
            pass
        self.assertEqual(caught.exception.status, USAGE)


class LockTest(FolderTest):
    def test_a_folder_in_use_is_refused_and_its_user_is_named(self):
        with self.opened():
            with self.assertRaises(Stop) as caught:
                OutDir(self.path, "stb_image")
            self.assertEqual(caught.exception.status, USAGE)
            self.assertIn(f"process {os.getpid()} ", str(caught.exception))
        with self.opened():
            pass

    def test_what_a_holder_says_of_itself_is_not_believed(self):
        with self.opened():
            for text in (b"", b"[", b'{"pid": "x"}', b'{"pid": 1e400}',
                         b'{"pid": 1, "command": "\\u001b[2J", "doing": ""}'):
                (self.path / ".lock").write_bytes(text)
                with self.assertRaises(Stop) as caught:
                    OutDir(self.path, "stb_image")
                self.assertTrue(str(caught.exception).isprintable())


class FullDiskTest(FolderTest):
    def at(self, out, seconds):
        out.saving.now = lambda: seconds
        return out.news()

    def test_saving_pauses_says_so_each_minute_and_loses_nothing_that_fits_later(self):
        with self.opened() as out:
            self.assertEqual(self.at(out, 0), [])
            with full():
                fill(out)
                said = {seconds: self.at(out, seconds) for seconds in (1, 2, 30, 61, 62, 121)}
            self.assertEqual([len(lines) for lines in said.values()], [1, 0, 0, 1, 0, 1], said)
            self.assertEqual([path for path in self.saved() if path.startswith("c") and "/" in path], [])
            self.assertEqual(len(self.at(out, 130)), 1)
            self.assertEqual(self.at(out, 131), [])
        self.assertEqual(out.unsaved, "")
        for digest in CRASHES:
            self.assertIn("  one\n", (self.path / "crashes" / digest / "trace.txt").read_text())
        self.assertEqual((self.path / "corpus" / INPUT["hash"]).read_bytes(), b"ABC")
        self.assertEqual((self.path / "serial.log").read_bytes(), b"a line\n")
        with self.opened() as out:
            self.assertEqual((out.set_aside, out.earlier.cases), ([], 9))

    def test_a_disk_that_is_full_part_of_the_time_gives_whole_files_in_their_order(self):
        chance = random.Random(1)
        with self.opened() as out:
            for number in range(200):
                with full() if chance.random() < 0.5 else contextlib.nullcontext():
                    out.add_stats({**STATS, "case": number})
                    out.serial.write(b"%d\n" % number)
                    out.add_corpus({"hash": f"{number:016x}", "data": "QUJD"})
                    self.at(out, number)
        lines = (self.path / "stats.jsonl").read_text().splitlines()
        self.assertEqual([json.loads(line)["case"] for line in lines], list(range(200)))
        self.assertEqual((self.path / "serial.log").read_text().split(), [str(n) for n in range(200)])
        self.assertEqual(len(list((self.path / "corpus").iterdir())), 200)

    def test_a_chain_that_comes_while_its_crash_waits_is_in_its_trace(self):
        with self.opened() as out:
            with full():
                self.assertTrue(out.add_crash({"input": ""}, described(CRASHES[0]), None))
                self.assertFalse(out.add_crash({"input": ""}, described(CRASHES[0]), None))
                out.add_chain(described(CRASHES[0]), ["error a.b on core 0"])
        self.assertIn("error a.b", (self.path / "crashes" / CRASHES[0] / "trace.txt").read_text())

    def test_what_never_fits_is_counted_at_the_end(self):
        out = OutDir(self.path)
        with full():
            out.add_corpus(INPUT)
            out.serial.write(b"abc")
            out.close()
        self.assertEqual(out.unsaved, "1 results and 3 bytes of the logs")

    def test_memory_is_bounded(self):
        with self.opened() as out:
            out.saving.most = 5
            with full():
                for number in range(3):
                    out.add_corpus({"hash": f"{number:016x}", "data": "QUJD"})
                self.assertIn("3 results wait, and more is lost", self.at(out, 0)[0])
        self.assertEqual(len(list((self.path / "corpus").iterdir())), 1)


KILLS = 50 if os.environ.get("RL_LONG") else 12
WRITER = """\
import sys
from pathlib import Path
from tools.rl.results.outdir import OutDir
out, first = OutDir(Path(sys.argv[1]), "stb_image"), int(sys.argv[2])
for number in range(first, first + 1000):
    digest = f"{number:016x}"
    about = {"type": "crash", "hash": digest, "function": "f", "file": "", "line": 0, "frames": []}
    out.add_corpus({"hash": digest, "data": "QUJD"})
    out.add_crash({"input": "R0lG"}, about, ["error a.b on core 0"])
    out.add_stats({"type": "stats", "case": number, "time_us": number})
    print(number, flush=True)
"""


class KilledTest(FolderTest):
    def test_runs_killed_at_any_moment_lose_nothing_that_was_saved(self):
        chance, done = random.Random(1), 0
        for _ in range(KILLS):
            argv = [sys.executable, "-c", WRITER, str(self.path), str(done)]
            with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True) as writer:
                for _ in range(chance.randrange(1, 40)):
                    done = int(writer.stdout.readline()) + 1
                writer.send_signal(signal.SIGKILL)
                left = writer.stdout.read().split()     # until it was dead
            done = int(left[-1]) + 1 if left else done
            with self.opened() as out:
                self.assertFalse([line for line in out.set_aside if "stats.jsonl" not in line], "a line may be cut")
                names = {f"{number:016x}" for number in range(done)}
                self.assertEqual(names - out.known, set())
                self.assertEqual(names - {name for name, data in out.corpus() if data == b"ABC"}, set())
                cases = [record["case"] for start in out.earlier.starts for record in start.records]
                self.assertEqual(set(range(done)) - set(cases), set())
            self.assertEqual([path for path in self.saved() if path.endswith(".tmp")], [])


class ResumedTest(FolderTest):
    def test_the_figures_of_all_runs_are_summed(self):
        for cases in (100, 40):
            with self.opened() as out:
                for part in (1, 2):
                    out.add_stats({"case": cases * part // 2, "time_us": part * 1000000, "edges": part})
        with self.opened() as out:
            self.assertEqual((len(out.earlier.starts), out.earlier.cases, out.earlier.seconds), (2, 140, 4.0))
            self.assertEqual(out.earlier.values("edges"), [[1, 2], [1, 2]])
            self.assertIn("140 execs", out.earlier.about())
        with contextlib.redirect_stdout(io.StringIO()):
            text = report.write(self.path, "t", Path("/nonexistent"), None).read_text()
        self.assertIn("<strong>140</strong>executions", text)
        self.assertEqual(text.count('<line class="resumed"'), 2 * text.count('<div class="chart">'),
                         "a mark in each curve, on both scales")


if __name__ == "__main__":
    unittest.main()
