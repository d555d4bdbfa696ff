"""Inputs from anywhere, and from anybody: what is one is found, what is none is named and never opened."""
import os
import struct
import tempfile
import unittest
import zipfile
from pathlib import Path

from tools.rl.common import Stop, USAGE
from tools.rl.corpus import inputs

MOST = 100


class InputsTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.path = Path(scratch.name, "place")
        self.path.mkdir()

    def write(self, name, data=b"x"):
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    def names(self, wanted, *places):
        return [one.name for one in inputs.find(places or [self.path], wanted).inputs]

    def archive(self, members, name="a.zip"):
        with zipfile.ZipFile(self.path / name, "w", zipfile.ZIP_DEFLATED) as archive:
            for member, data in members:
                archive.writestr(member, data)
        return self.path / name

    def test_of_afl_the_queues_are_merged_and_the_crashes_and_hangs_triaged(self):
        for fuzzer in ("default", "second"):
            for name in ("queue/id:000000,orig:a", "queue/.state/x", "crashes/id:000000,sig:06", "crashes/README.txt",
                         "hangs/id:000001", "fuzzer_stats", "fuzz_bitmap", ".cur_input"):
                self.write(f"{fuzzer}/{name}")
        self.assertEqual(self.names(inputs.CORPORA), [f"{fuzzer}/queue/id:000000,orig:a"
                                                      for fuzzer in ("default", "second")])
        found = inputs.find([self.path / "default"], inputs.FINDINGS).inputs
        self.assertEqual([(one.name, one.claimed) for one in found],
                         [("crashes/id:000000,sig:06", "crash"), ("hangs/id:000001", "timeout")])

    def test_a_folder_of_findings_that_is_named_itself_is_one(self):
        self.write("crashes/id:000000,sig:11")
        self.write("crashes/README.txt")
        self.assertEqual(self.names(inputs.FINDINGS, self.path / "crashes"), ["id:000000,sig:11"])

    def test_of_libfuzzer_the_name_says_how_a_file_ended(self):
        for name in ("crash-0a", "timeout-0b", "oom-0c", "leak-0d", "slow-unit-0e", "0123abcd"):
            self.write(name)
        found = {one.name: one.claimed for one in inputs.find([self.path], inputs.FINDINGS).inputs}
        self.assertEqual(found, {"crash-0a": "crash", "timeout-0b": "timeout", "oom-0c": "out_of_memory",
                                 "leak-0d": "leak", "slow-unit-0e": "slow", "0123abcd": ""})

    def test_of_a_run_of_ours_the_corpus_or_the_inputs_of_its_findings(self):
        for name in ("corpus/0123456789abcdef", "crashes/01/input", "crashes/01/crash.json", "crashes/01/trace.txt",
                     "oom/02/input", "oom/02/crash.json", "campaign.json", "stats.jsonl", "report.html"):
            self.write(name)
        self.assertEqual(self.names(inputs.CORPORA), ["corpus/0123456789abcdef"])
        found = inputs.find([self.path], inputs.FINDINGS).inputs
        self.assertEqual([(one.name, one.claimed) for one in found],
                         [("crashes/01/input", "crash"), ("oom/02/input", "out_of_memory")])

    def test_links_pipes_and_devices_are_none_and_are_named(self):
        self.write("good", b"good")
        (self.path / "link").symlink_to("/etc/passwd")
        (self.path / "folder").symlink_to("/etc")
        os.mkfifo(self.path / "pipe")
        found = inputs.find([self.path], inputs.CORPORA)
        self.assertEqual([one.name for one in found.inputs], ["good"])
        self.assertEqual(dict(found.left_out), {"a link": 2, "neither a file nor a folder": 1})
        self.assertEqual(len(found.notes()), 2)

    def test_a_file_that_became_a_pipe_or_a_link_is_not_waited_for(self):
        for replace in (os.mkfifo, lambda path: path.symlink_to("/etc/passwd")):
            path = self.write("file")
            one, = inputs.find([self.path], inputs.CORPORA).inputs
            path.unlink()
            replace(path)
            with self.assertRaises(OSError):
                one.read(MOST)
            path.unlink()

    def test_no_more_of_a_giant_is_read_than_shows_that_it_is_one(self):
        with open(self.path / "giant", "wb") as file:
            file.truncate(1 << 40)
        one, = inputs.find([self.path], inputs.CORPORA).inputs
        self.assertEqual(len(one.read(MOST)), MOST + 1)

    def test_an_empty_file_is_an_input(self):
        self.write("empty", b"")
        one, = inputs.find([self.path], inputs.CORPORA).inputs
        self.assertEqual(one.read(MOST), b"")

    def test_a_file_that_is_named_is_an_input_itself(self):
        self.assertEqual(self.names(inputs.FINDINGS, self.write("crash-0a")), ["crash-0a"])

    def test_an_archive_is_read_and_the_names_in_it_are_only_names(self):
        path = self.archive([("../../escaped", b"a"), ("/etc/passwd", b"b"), ("folder/", b""), ("crash-1", b"c" * 500)])
        found = inputs.find([path], inputs.CORPORA).inputs
        self.assertEqual([one.read(MOST)[:3] for one in found], [b"a", b"b", b"ccc"])
        self.assertEqual([one.claimed for one in found], ["", "", "crash"])
        self.assertEqual(len(found[2].read(MOST)), MOST + 1)
        self.assertEqual(os.listdir(self.path), ["a.zip"])

    def test_an_archive_among_inputs_is_an_input(self):
        self.archive([("x", b"a")])
        one, = inputs.find([self.path], inputs.CORPORA).inputs
        self.assertEqual(one.read(1 << 20)[:2], b"PK")

    def test_of_a_damaged_archive_the_whole_members_are_used(self):
        path = self.archive([("first", bytes(range(256))), ("second", bytes(range(255, 0, -1)))])
        data = bytearray(path.read_bytes())
        at = data.index(b"first") + 20
        data[at:at + 8] = b"damaged!"
        path.write_bytes(data)
        first, second = inputs.find([path], inputs.CORPORA).inputs
        with self.assertRaises(OSError):
            first.read(1000)
        self.assertEqual(second.read(1000), bytes(range(255, 0, -1)))

    def test_an_encrypted_member_cannot_be_read(self):
        path = self.archive([("secret", b"data")])
        data = bytearray(path.read_bytes())
        for magic, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
            at = data.index(magic) + flags
            struct.pack_into("<H", data, at, struct.unpack_from("<H", data, at)[0] | 1)
        path.write_bytes(data)
        one, = inputs.find([path], inputs.CORPORA).inputs
        with self.assertRaises(OSError):
            one.read(MOST)

    def test_what_only_ends_as_an_archive_is_refused_however_it_is_cut(self):
        whole = self.archive([("x", b"a"), ("y", b"b")]).read_bytes()
        for cut in range(0, len(whole), 7):
            path = self.write(f"cut{cut}.zip", whole[:cut])
            with self.assertRaises(Stop) as caught:
                inputs.find([path], inputs.CORPORA)
            self.assertEqual(caught.exception.status, USAGE)

    def test_no_damaged_byte_of_an_archive_is_a_traceback(self):
        whole = self.archive([("x", b"a" * 50), ("y", b"b" * 50)]).read_bytes()
        for at in range(len(whole)):
            path = self.write(f"bad{at}.zip", whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1:])
            try:
                for one in inputs.find([path], inputs.CORPORA).inputs:
                    one.read(MOST)
            except (Stop, OSError):
                pass

    def test_a_place_without_inputs_and_one_that_is_not_there_are_refused(self):
        for place in (self.path, self.path / "missing", Path("/dev/null"), "a\0b"):
            with self.assertRaises(Stop) as caught:
                inputs.find([place], inputs.CORPORA)
            self.assertEqual(caught.exception.status, USAGE)

    def test_names_that_a_terminal_obeys_are_shown_as_escapes(self):
        (self.path / "\x1b[2J").symlink_to("/etc/passwd")
        self.write("good")
        self.assertNotIn("\x1b", "".join(inputs.find([self.path], inputs.CORPORA).notes()))


if __name__ == "__main__":
    unittest.main()
