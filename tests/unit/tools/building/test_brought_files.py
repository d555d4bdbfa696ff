"""The files that a target brings: what target.json may say, what it comes to, what is refused and how."""
import json
import os
import struct
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from tools.rl.building import brought_files, description, target_files
from tools.rl.building.description import Broken


def unpacked(records):
    """{path: bytes} of the records, as the target's library reads them."""
    found, at = {}, 0
    while at < len(records):
        length, size = struct.unpack_from("<QQ", records, at)
        path = records[at + 16:at + 16 + length]
        at += 16 + -(-length // 16) * 16
        found[path.decode()] = records[at:at + size]
        at += -(-size // 16) * 16
    return found


class BroughtFilesTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = Path(scratch.name).resolve() / "some"
        for name, text in (("harness.c", ""), ("app.conf", "level=3\n"), ("data/a", "A" * 17), ("data/sub/b", "")):
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text(text)
        (self.folder / "data/empty").mkdir()

    def read(self, **values):
        (self.folder / "target.json").write_text(json.dumps({"sources": ["harness.c"], **values}))
        return description.read(self.folder)

    def entries(self, **values):
        found, _ = target_files.brought(self.read(**values))
        return unpacked(brought_files.packed(found))

    def test_files_and_folders_come_with_their_bytes(self):
        self.assertEqual(self.entries(files={"/etc/app.conf": "app.conf", "/data/": "data"}), {
            "/etc/app.conf": b"level=3\n", "/data/": b"", "/data/empty/": b"", "/data/sub/": b"",
            "/data/a": b"A" * 17, "/data/sub/b": b""})

    def test_a_file_may_lie_in_a_folder_that_comes_too(self):
        self.assertEqual(self.entries(files={"/data": "data", "/data/more": "app.conf"})["/data/more"], b"level=3\n")

    def test_what_is_wrong_is_said_with_target_key_and_path(self):
        os.mkfifo(self.folder / "pipe")
        (self.folder / "linked").mkdir()
        (self.folder / "linked/away").symlink_to(self.folder / "data")
        for path, word in (("relative", "app.conf"), ("/", "data"), ("", "data"), ("//x", "app.conf"),
                           ("/a/../b", "app.conf"), ("/a/./b", "app.conf"), ("/a//b", "app.conf"),
                           ("/dev/null", "app.conf"), ("/proc", "data"), ("/x\0y", "app.conf"),
                           ("/" + "n" * 256, "app.conf"), ("/x" * 2049, "app.conf"), ("/x", "none"), ("/x", "pipe"),
                           ("/x", "linked"), ("/\ud800", "app.conf")):
            with self.assertRaises(Broken, msg=path) as caught:
                self.read(files={path: word})
            self.assertIn("some/target.json: files: ", str(caught.exception))
            self.assertIn(repr(path), str(caught.exception))

    def test_clashes_are_refused(self):
        for files in ({"/data": "data", "/data/a": "app.conf"}, {"/x": "app.conf", "/x/y": "app.conf"},
                      {"/x/y": "app.conf", "/x": "app.conf"}, {"/tmp": "app.conf"}, {"/out": "app.conf"},
                      {"/x": "app.conf", "/x/": "app.conf"}):
            self.assertRaises(Broken, self.read, files=files)

    def test_values_of_another_type_are_refused(self):
        for files in ([], "x", {"/x": 1}, {"/x": ""}, {"/x": ["app.conf"]}, None):
            self.assertRaises(Broken, self.read, files=files)

    def test_limits_hold(self):
        with mock.patch.object(brought_files, "MOST_BYTES", 24):
            self.assertRaises(Broken, self.read, files={"/data": "data", "/x": "app.conf"})
        with mock.patch.object(brought_files, "MOST_FILES", 6):
            self.read(files={"/data": "data"})
            self.assertRaises(Broken, self.read, files={"/data": "data", "/x": "app.conf"})

    def test_data_beside_a_harness_comes_to_the_program_where_nothing_is_named(self):
        for name in ("target.json", "x.h", "words.dict", "some_seed_corpus.zip", "README.md", ".hidden"):
            (self.folder / name).write_text("x")
        self.assertEqual(self.entries(), {"/out/app.conf": b"level=3\n"})
        self.assertEqual(self.entries(files={}), {})

    def test_data_beside_comes_smaller_first_as_far_as_there_is_room(self):
        for size in (10, 20, 30):
            (self.folder / f"size{size}").write_bytes(bytes(size))
        with mock.patch.object(brought_files, "MOST_BYTES_BESIDE", 45):
            found, notes = target_files.brought(self.read())
        self.assertEqual([one.path for one in found], ["/out/app.conf", "/out/size10", "/out/size20"])
        self.assertEqual(len(notes), 2)

    def test_of_programs_only_what_oss_fuzz_left_has_its_data_beside_it(self):
        out = self.folder / "oss-fuzz/project/out"
        (out / "dictionaries").mkdir(parents=True)
        for name, data in (("fuzzer", b"\x7fELF"), ("other", b"\x7fELF"), ("model.bin", b"M"), ("fuzzer.options", b""),
                           ("dictionaries/en", b"E"), ("fuzzer_seed_corpus.zip", b"PK")):
            (out / name).write_bytes(data)
        target = self.read()._replace(folder=str(out), ready=str(out / "fuzzer"))
        self.assertEqual(target_files.brought(target), ((), []))
        with mock.patch.object(target_files, "BUILD", self.folder):
            found, notes = target_files.brought(target)
        self.assertEqual([one.path for one in found], ["/out/dictionaries/en", "/out/model.bin"])
        self.assertEqual(len(notes), 1)


if __name__ == "__main__":
    unittest.main()
