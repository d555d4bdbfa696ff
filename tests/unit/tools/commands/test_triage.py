"""`triage` groups by crash hash, and says why an input may not crash here; `merge` and `minimize` keep what counts."""
import argparse
import io
import json
import tempfile
import unittest
from array import array
from contextlib import redirect_stdout
from pathlib import Path

from tests.unit.tools.corpus.fake_machine import FakeSession
from tests.unit.tools.hostile_lines import EXAMPLES, ESCAPES, HASH, line
from tools.rl.commands import merge, minimize, triage
from tools.rl.common import Stop, USAGE
from tools.rl.corpus import reasons
from tools.rl.corpus.examiner import Result, digest
from tools.rl.corpus.inputs import Input

OTHER = "f" * 16


def result(name="id:000000,sig:06", ending="ok", hash="", claimed="crash", path=Path("/in"), data=b"abc", **fields):
    about = {"value": 0, "edges": 10, "other_fill": "", "leak": "", "features": array("I", [1, 2]), **fields}
    return Result(Input(name, path, None, claimed), len(data), digest(data), ending, hash=hash, **about)


class ReasonsTest(unittest.TestCase):
    def why(self, one):
        return reasons.why(one, "the limit", 100)

    def test_what_was_seen_comes_before_what_may_be(self):
        self.assertEqual(len(self.why(result(other_fill=OTHER))), 1)
        self.assertIn(OTHER, self.why(result(other_fill=OTHER))[0])
        self.assertIn("--leaks", self.why(result(leak=OTHER, claimed="leak"))[0])

    def test_each_claim_has_reasons_of_its_own(self):
        said = {claimed: tuple(self.why(result("x", claimed=claimed)))
                for claimed in ("crash", "timeout", "out_of_memory", "leak")}
        self.assertEqual(len(set(said.values())), 4)
        self.assertTrue(all(said.values()))

    def test_a_process_that_was_killed_there_met_a_limit(self):
        self.assertEqual(self.why(result("id:000001,sig:09")), self.why(result("x", claimed="out_of_memory")))

    def test_of_a_file_that_no_fuzzer_called_a_crash_nothing_is_explained(self):
        self.assertEqual(self.why(result("x", claimed="")), [])

    def test_a_crash_there_that_ends_by_a_limit_here_says_which_option_raises_it(self):
        self.assertIn("--timeout", self.why(result(ending="timeout", hash=HASH))[0])
        self.assertIn("--memory", self.why(result(ending="out_of_memory", hash=HASH))[0])
        self.assertEqual(self.why(result(ending="timeout", hash=HASH, claimed="timeout")), [])

    def test_one_that_a_run_would_cut_is_told(self):
        self.assertIn("101", self.why(result("x", claimed="", data=b"x" * 101))[0])


class TriageTest(unittest.TestCase):
    def groups(self, *results, findings=()):
        return triage.groups(list(results), dict(findings), None)

    def test_one_group_for_each_hash_crashes_and_large_ones_first(self):
        crash = {"type": "crash", **EXAMPLES["crash"]}
        found = self.groups(result("a", "timeout", OTHER), result("b", "crash", HASH), result("c"),
                            result("d", "crash", OTHER), result("e", "crash", OTHER), findings=[(OTHER, (crash, []))])
        self.assertEqual([(g.ending, g.hash, [r.input.name for r in g.results]) for g in found],
                         [("crash", OTHER, ["d", "e"]), ("crash", HASH, ["b"]), ("timeout", OTHER, ["a"])])
        self.assertEqual(found[0].kind(), "heap-buffer-overflow")
        self.assertIn("parse", found[0].where())
        self.assertEqual((found[1].kind(), found[1].where()), ("crash", "?"))

    def test_the_table_names_few_inputs_and_counts_the_others(self):
        lines = triage.table(self.groups(*(result(f"n{n}", "crash", HASH) for n in range(10))))
        self.assertEqual(len(lines), 2 + triage.SHOWN_INPUTS + 1)
        self.assertIn("and 7 more", lines[-1])

    def test_the_json_goes_into_the_folder_or_where_it_is_told(self):
        with tempfile.TemporaryDirectory() as scratch:
            where = {out: triage.destination(argparse.Namespace(places=[scratch], out=out))
                     for out in (None, f"{scratch}/x.json")}
            self.assertEqual(list(where.values()), [Path(scratch, "triage.json"), Path(scratch, "x.json")])

    def test_names_of_any_bytes_are_json(self):
        one = result(f"{ESCAPES}\udcff", "crash", HASH)
        json.loads(json.dumps([triage._about(one)]))


class MergeTest(unittest.TestCase):
    def test_what_ends_otherwise_or_asks_not_to_be_kept_is_in_no_corpus(self):
        good, asks = result(), result(value=-1)
        results = [good, asks, result(ending="crash", hash=HASH), result(ending="timeout", hash=HASH)]
        self.assertEqual(merge.usable(results), [good])
        self.assertEqual(len(merge.about_left_out(results)), 3)

    def test_inputs_are_saved_under_their_hash_and_one_that_changed_is_not(self):
        with tempfile.TemporaryDirectory() as scratch:
            path, out = Path(scratch, "in"), Path(scratch, "out")
            out.mkdir()
            path.write_bytes(b"abc")
            merge.save(out, [result(path=path)], 100)
            saved, = out.iterdir()
            self.assertEqual((saved.name, saved.read_bytes()), ("44bc2cf5ad770999", b"abc"))
            path.write_bytes(b"changed")
            with self.assertRaises(Stop):
                merge.save(out, [result(path=path)], 100)

    def test_a_folder_with_something_in_it_is_refused(self):
        with tempfile.TemporaryDirectory() as scratch:
            self.assertEqual(merge.out_folder(f"{scratch}/new/one"), Path(scratch, "new/one"))
            for bad in (scratch, "/dev/null/x"):
                with self.assertRaises(Stop) as caught:
                    merge.out_folder(bad)
                self.assertEqual(caught.exception.status, USAGE)


class MinimizeTest(unittest.TestCase):
    def smallest(self, session):
        with redirect_stdout(io.StringIO()) as shown:
            return minimize.smallest_of(session, []), shown.getvalue()

    def lines(self, *sizes):
        return [line({"type": "minimized", "runs": 10 * n, "ending": "ok", "hash": HASH, "done": n == len(sizes) - 1,
                      "data": "QUJD" * size}) for n, size in enumerate(sizes)]

    def test_the_last_record_counts_and_each_smaller_one_is_shown(self):
        record, shown = self.smallest(FakeSession(self.lines(9, 9, 5, 2)))
        self.assertEqual((record["data"], record["done"], shown.count("bytes after")), ("QUJDQUJD", True, 2))

    def test_an_interrupted_one_keeps_what_came(self):
        session = FakeSession(self.lines(9, 5, 2)[:2], interrupt=True)
        record, _ = self.smallest(session)
        self.assertEqual((len(record["data"]), record["done"], session.killed_because), (20, False, "interrupted"))

    def test_a_machine_that_says_nothing_gives_nothing(self):
        self.assertIsNone(self.smallest(FakeSession([b"a text"]))[0])

    def test_the_smaller_input_lies_beside_the_input_or_where_it_is_told(self):
        with tempfile.TemporaryDirectory() as scratch:
            named = argparse.Namespace(input=f"{scratch}/in", out=None)
            self.assertEqual(minimize.destination(named), Path(scratch, "in.min"))
            named.out = f"{scratch}/small"
            self.assertEqual(minimize.destination(named), Path(scratch, "small"))


if __name__ == "__main__":
    unittest.main()
