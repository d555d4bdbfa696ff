"""Which sources `build.py check` tidies again, which of them together, and what decides when a group complains."""
import io
import unittest
from pathlib import Path

from tools.rl.building import tidy
from tools.rl.building.progress import Progress


def reader_of(files):
    reader = tidy.Reader(Path("/nonexistent"))
    reader.texts = dict(files)
    return reader


def source(name, flags=("-O1",), size=1):
    return tidy.Source(name, flags, f"key of {name}", size)


def entries(*names, flags="-O1"):
    return {name: {"command": f"clang++ {flags} -c {name} -o x.o"} for name in names}


class KeyTest(unittest.TestCase):
    FILES = {"a/a.cpp": '#include "a/a.h"\nint x;\n', "a/a.h": '#include "b.h"\n#include <new>\n', "a/b.h": "",
             "c.h": ""}

    def key(self, environment="tools", flags="-O1", **changed):
        reader = reader_of({**self.FILES, **changed.get("files", {})})
        return tidy.sources_of(entries("a/a.cpp", flags=flags), reader, environment)[0].key

    def test_headers_are_reached_at_any_depth_from_the_root_or_beside_the_file(self):
        self.assertEqual(reader_of(self.FILES).reached("a/a.cpp"), ["a/a.cpp", "a/a.h", "a/b.h"])

    def test_the_key_changes_with_everything_that_clang_tidy_sees(self):
        same = self.key()
        self.assertEqual(same, self.key(files={"c.h": "int other;"}))
        for different in (self.key("newer tools"), self.key(flags="-O2"), self.key(files={"a/b.h": "int y;"}),
                          self.key(files={"a/a.cpp": "int x;\n"})):
            self.assertNotEqual(same, different)

    def test_only_cxx_is_tidied(self):
        reader = reader_of({"a.cpp": "", "b.c": ""})
        self.assertEqual([s.name for s in tidy.sources_of(entries("a.cpp", "b.c"), reader, "")], ["a.cpp"])

    def test_a_source_that_is_compiled_in_a_second_way_is_only_compiled(self):
        reader = reader_of({"a.cpp": ""})
        first, = tidy.sources_of(entries("a.cpp"), reader, "")
        second, = tidy.sources_of(entries("a.cpp"), reader, "", compile_only=True)
        self.assertNotEqual(first.key, second.key)
        self.assertEqual(tidy.single_job(first).argv[0], "clang-tidy")
        self.assertEqual(tidy.single_job(second).argv[:2], ("clang++", "-O1"))


class GroupTest(unittest.TestCase):
    def groups(self, *sources, texts=None):
        reader = reader_of({s.name: (texts or {}).get(s.name, "") for s in sources})
        groups, others = tidy.grouped(sources, reader)
        return [[s.name for s in group] for group in groups], [s.name for s in others]

    def test_tests_of_a_folder_are_together_and_everything_else_is_alone(self):
        tests = [f"tests/unit/mm/{n}_test.cpp" for n in range(5)]
        found = self.groups(*map(source, [*tests, "mm/a.cpp", "tests/kernel/unit/b.cpp"]))
        self.assertEqual(found, ([tests], ["mm/a.cpp", "tests/kernel/unit/b.cpp"]))

    def test_few_changed_tests_are_tidied_one_by_one(self):
        tests = [f"tests/unit/mm/{n}_test.cpp" for n in range(tidy.SMALLEST_GROUP - 1)]
        self.assertEqual(self.groups(*map(source, tests)), ([], tests))

    def test_flags_are_not_mixed(self):
        tests = [source(f"tests/unit/mm/{n}_test.cpp", (f"-O{n % 2}",)) for n in range(2 * tidy.SMALLEST_GROUP)]
        self.assertEqual(len(self.groups(*tests)[0]), 2)

    def test_a_file_that_a_namespace_cannot_hold_is_alone(self):
        tests = [f"tests/unit/mm/{n}_test.cpp" for n in range(6)]
        texts = {tests[0]: "namespace sim {\n", tests[1]: "#define X\n", tests[2]: "namespace {\n"}
        self.assertEqual(self.groups(*map(source, tests), texts=texts), ([tests[2:]], tests[:2]))

    def test_the_group_has_each_include_once_and_each_text_in_its_namespace(self):
        files = {"a.cpp": "#include <new>\nint a;", "b.cpp": "#include <new>\n#include <bit>\nint b;"}
        text = tidy.group_text(list(files), reader_of(files))
        self.assertEqual(text.count("#include"), 2)
        self.assertLess(text.index("<bit>"), text.index("namespace file_0"))
        self.assertEqual(text.count("namespace file_"), 2)

    def test_no_file_of_a_pack_hides_an_unused_using_of_another(self):
        files = {"a.cpp": "using mm::Owner;", "b.cpp": "using mm::Owner;", "c.cpp": "using vm::Fault;",
                 "d.cpp": "int x;", "e.cpp": '#include "e.h"\nusing vm::Page;', "e.h": "Fault fault;"}
        found = tidy.packs([source(name) for name in files if name.endswith(".cpp")], reader_of(files))
        self.assertEqual([[s.name for s in pack] for pack in found], [["a.cpp", "c.cpp"], ["b.cpp", "e.cpp"]])


class VerdictTest(unittest.TestCase):
    def verdicts(self, jobs, bad):
        """What is clean and what complains, when a run of any file in `bad` does."""
        def run(job):
            names = {s.name for s in job.sources}
            return tidy.Outcome(job, not names & bad(job), "a.cpp:1:1: error: no [x]\n")
        clean, complaining = tidy.verdicts(jobs, run=run)
        return sorted(s.name for s in clean), sorted(o.job.sources[0].name for o in complaining)

    def setUp(self):
        self.sources = [source("a"), source("b")]
        self.group = tidy.Job(tuple(self.sources), (), False, 1)

    def test_a_clean_group_is_believed(self):
        self.assertEqual(self.verdicts([self.group], lambda job: set()), (["a", "b"], []))

    def test_each_file_of_a_complaining_group_is_asked_alone(self):
        self.assertEqual(self.verdicts([self.group], lambda job: {"b"}), (["a"], ["b"]))

    def test_names_that_clash_in_a_group_are_no_complaint(self):
        self.assertEqual(self.verdicts([self.group], lambda job: set() if job.final else {"a"}), (["a", "b"], []))

    def test_a_complaint_in_a_header_is_shown_once(self):
        text = "a.h:1:1: error: no [x]\n  int x;\nb.h:2:1: error: no [y]\n"
        outcomes = [tidy.Outcome(tidy.single_job(s), False, text) for s in self.sources]
        self.assertEqual(tidy.complaints_in(outcomes), ["a.h:1:1: error: no [x]\n  int x;", "b.h:2:1: error: no [y]"])

    def test_a_failure_without_a_word_is_a_complaint(self):
        self.assertEqual(len(tidy.complaints_in([tidy.Outcome(self.group, False, "")])), 1)


class ProgressTest(unittest.TestCase):
    def test_a_log_gets_a_line_now_and_then(self):
        stream, time = io.StringIO(), [0]
        with Progress("tidy", 3, "files", stream, lambda: time[0]) as progress:
            for done, at in ((1, 1), (2, 31), (3, 40)):
                time[0] = at
                progress.set(done)
        self.assertEqual(stream.getvalue(), "tidy: 2 of 3 files\n")

    def test_a_terminal_gets_one_line_that_is_removed_in_the_end(self):
        stream = io.StringIO()
        stream.isatty = lambda: True
        with Progress("tidy", 3, "files", stream) as progress:
            progress.set(1)
        self.assertTrue(stream.getvalue().startswith("\rtidy: 1 of 3 files\r"))
        self.assertTrue(stream.getvalue().endswith("\r"))


if __name__ == "__main__":
    unittest.main()
