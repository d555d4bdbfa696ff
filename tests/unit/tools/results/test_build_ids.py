"""Text is held against the build that it names: the release, the development build, or one that is not here."""
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from tests.unit.tools.images.test_image import parts
from tools.rl.images import artefacts, disk_image
from tools.rl.results import build_ids


class BuildsTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.release, self.debug = Path(scratch.name), Path(scratch.name) / "debug"
        self.debug.mkdir()
        self.ids = [self.store(folder, size) for folder, size in ((self.release, 70000), (self.debug, 80000))]
        patched = mock.patch.object(build_ids, "IMAGE_FOLDERS", (self.release, self.debug))
        patched.start()
        self.addCleanup(patched.stop)

    @staticmethod
    def store(folder, kernel_size):
        data, layout = disk_image.compose(*parts(kernel_size))
        artefacts.path("img", folder).write_bytes(data)
        return f"{layout.build_id:016x}"

    def test_text_finds_the_folder_that_made_it(self):
        for build, folder in zip(self.ids, (self.release, self.debug)):
            said = build_ids.named_by(f"6 kernel at 0xffff800000100000, build {build}")
            self.assertEqual(build_ids.made(said, self.release), (build, folder))
            self.assertEqual(list(build_ids.warning(said, build)), [])

    def test_text_of_another_build_is_held_against_what_was_asked_for_and_warned_of(self):
        for build, folder in zip(self.ids, (self.release, self.debug)):
            self.assertEqual(build_ids.made("00000000000000ab", folder), (build, folder))
        warning, = build_ids.warning("00000000000000ab", self.ids[0])
        self.assertIn(f"of build 00000000000000ab, build/ holds {self.ids[0]}", warning)

    def test_without_an_image_nothing_is_claimed(self):
        artefacts.path("img", self.release).unlink()
        self.assertEqual(build_ids.made("00000000000000ab", self.release), ("", self.release))
        self.assertEqual(list(build_ids.warning("00000000000000ab", "")), [])
        self.assertEqual(build_ids.named_by("5 stage2: build 00000000000000ab"), "")


if __name__ == "__main__":
    unittest.main()
