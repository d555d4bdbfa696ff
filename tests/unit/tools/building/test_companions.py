"""Archives of seeds, dictionaries and options beside a harness: used where they have a meaning, else named."""
import tempfile
import unittest
import zipfile
from pathlib import Path

from tools.rl.building import companions, description, target_files


class CompanionsTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = Path(scratch.name).resolve()
        self.write("harness.c", "")
        self.write("target.json", '{"sources": ["harness.c"]}')

    def write(self, name, text):
        (self.folder / name).write_text(text)

    def zip(self, name, members):
        with zipfile.ZipFile(self.folder / name, "w", zipfile.ZIP_DEFLATED) as archive:
            for member, data in members.items():
                archive.writestr(member, data)

    def target(self):
        return description.read(self.folder)

    def test_options_that_have_a_meaning_are_used_and_the_others_named(self):
        self.write("x.dict", "")
        self.write("harness.options",
                   "[libfuzzer]\nmax_len = 64\ndict=x.dict\ntimeout=5\nclose_fd_mask=3\n[asan]\na=b\n")
        found = companions.of(self.target())
        self.assertEqual((found.max_len, found.dictionary), (64, str(self.folder / "x.dict")))
        self.assertEqual(len(found.notes), 3)
        for word in ("timeout=5", "close_fd_mask=3", "[asan]"):
            self.assertTrue(any(word in note for note in found.notes), word)

    def test_what_the_description_says_and_what_was_asked_for_comes_first(self):
        self.write("harness.options", "[libfuzzer]\nmax_len=64\n")
        self.assertEqual(target_files.max_len(self.target()), 64)
        self.assertEqual(target_files.max_len(self.target(), 7), 7)
        self.write("target.json", '{"sources": ["harness.c"], "max_len": 100}')
        self.assertEqual(target_files.max_len(self.target()), 100)

    def test_a_dictionary_of_the_harness_name_is_taken_when_none_is_named(self):
        self.write("harness.dict", '"x"\n')
        self.assertEqual(target_files.dictionary(self.target()), str(self.folder / "harness.dict"))

    def test_options_that_are_none_are_noted_and_nothing_else(self):
        for text in ("no section", "[libfuzzer]\nmax_len=many", "[libfuzzer]\ndict=none.dict", "\0\xff",
                     "[libfuzzer]\nmax_len"):
            self.write("harness.options", text)
            found = companions.of(self.target())
            self.assertEqual((found.max_len, found.dictionary), (None, None), text)
            self.assertEqual(len(found.notes), 1, text)

    def test_zipped_inputs_become_seeds_each_once_and_cut_to_the_longest_input(self):
        self.zip("harness_seed_corpus.zip",
                 {"a": b"AAAA", "deep/er/b": b"B" * 100, "again": b"AAAA", "../../x y": b"X"})
        found, notes = companions.zipped_seeds(companions.of(self.target()).zips, 10)
        self.assertEqual(sorted(data for _, data in found), [b"AAAA", b"B" * 10, b"X"])
        self.assertTrue(all(len(name) < 43 and not set(name) & set("/ ") for name, _ in found))
        self.assertEqual(len(notes), 1)

    def test_an_archive_that_is_none_or_damaged_is_noted(self):
        self.write("harness_seed_corpus.zip", "no archive")
        found, notes = companions.zipped_seeds(companions.of(self.target()).zips, 10)
        self.assertEqual((found, len(notes)), ([], 1))
        self.zip("harness_seed_corpus.zip", {"a": b"A" * 1000})
        data = bytearray((self.folder / "harness_seed_corpus.zip").read_bytes())
        data[35] ^= 0xff
        (self.folder / "harness_seed_corpus.zip").write_bytes(data)
        found, notes = companions.zipped_seeds(companions.of(self.target()).zips, 10)
        self.assertEqual((found, len(notes)), ([], 1))

    def test_only_as_much_as_an_input_can_be_is_unpacked(self):
        self.zip("harness_seed_corpus.zip", {"bomb": bytes(1 << 24)})
        found, _ = companions.zipped_seeds(companions.of(self.target()).zips, 100)
        self.assertEqual([len(data) for _, data in found], [100])


if __name__ == "__main__":
    unittest.main()
