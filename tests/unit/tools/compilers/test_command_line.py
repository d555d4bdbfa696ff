"""A compiler's command line, read as far as the wrapper must: what is compiled, linked, wanted, and taken out."""
import tempfile
import unittest
from pathlib import Path

from tools.rl.compilers import command_line
from tools.rl.compilers.command_line import CommandLine


def read(text):
    return CommandLine(text.split())


class CommandLineTest(unittest.TestCase):
    def test_values_of_options_are_neither_sources_nor_objects(self):
        line = read("-I x.c -include y.c -o z.c -MF d.c -Xlinker l.o -D n.c -c a.c b.cc c.S d.i")
        self.assertEqual((line.sources, line.objects), (["a.c", "b.cc", "c.S", "d.i"], []))
        self.assertEqual(line.outputs(), ["z.c"])

    def test_each_source_has_its_object_where_none_is_named(self):
        self.assertEqual(read("-c sub/a.c b.cc").outputs(), ["a.o", "b.o"])

    def test_sanitizers_that_are_ours_and_what_would_undo_the_work_are_taken_out(self):
        line = read("-fsanitize=address,fuzzer-no-link -flto=thin -march=native -fsanitize-coverage=x "
                    "-fsanitize=fuzzer a.c")
        self.assertEqual(line.words, ["-fsanitize=address", "a.c"])
        self.assertTrue(line.is_fuzzer)
        self.assertFalse(read("-fsanitize=fuzzer-no-link a.o").is_fuzzer)
        self.assertTrue(read("a.o -lFuzzingEngine").is_fuzzer)

    def test_a_language_makes_a_source_of_any_file(self):
        self.assertEqual(read("-x c++ -c thing.inc").sources, ["thing.inc"])
        self.assertEqual(read("-x c -c -").sources, ["-"])

    def test_libcxx_is_left_out_where_it_is_not_installed(self):
        self.addCleanup(setattr, command_line, "LIBCXX", command_line.LIBCXX)
        command_line.LIBCXX = "/nonexistent/*"
        self.assertEqual(read("-stdlib=libc++ a.cc").words, ["a.cc"])
        command_line.LIBCXX = __file__
        self.assertEqual(read("-stdlib=libc++ a.cc").words, ["-stdlib=libc++", "a.cc"])

    def test_questions_to_the_compiler_are_other_work(self):
        for text in ("--version", "-E a.c", "-M a.c", "-S a.c", "-dumpmachine", "-print-prog-name=ld", ""):
            self.assertTrue(read(text).other_work, text)
        self.assertFalse(read("-c a.c -MD").other_work)

    def test_words_of_a_response_file_stand_where_its_name_stood(self):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "words"
            file.write_text('-DX="a b"\n-c a.c')
            self.assertEqual(CommandLine([f"@{file}", "-O1"]).words, ["-DX=a b", "-c", "a.c", "-O1"])
        self.assertEqual(CommandLine(["@nothing"]).words, ["@nothing"])

    def test_dropping_an_option_drops_its_value(self):
        self.assertEqual(read("a.o -o x -lm").without("-o"), ["a.o", "-lm"])


if __name__ == "__main__":
    unittest.main()
