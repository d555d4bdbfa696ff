"""The EFI system partition: a file system that others read as we do, whatever the file's size."""
import random
import shutil
import subprocess
import tempfile
import unittest

from tools.rl.images import fat

PATH = "EFI/BOOT/BOOTX64.EFI"
SIZES = (1, 512, 513, 100000, 5 << 20, 40 << 20)


class FatTest(unittest.TestCase):
    def test_the_file_reads_back_and_begins_on_a_page(self):
        for size in SIZES:
            data = random.Random(size).randbytes(size)
            made = fat.make(PATH, data, 2048)
            self.assertEqual(fat.content(PATH, made), data)
            self.assertEqual(made.index(data[:4096]) % 4096, 0)

    def test_the_same_file_gives_the_same_bytes(self):
        self.assertEqual(fat.make(PATH, b"x" * 999, 2048), fat.make(PATH, b"x" * 999, 2048))

    @unittest.skipUnless(shutil.which("fsck.fat"), "fsck.fat is not installed")
    def test_fsck_finds_nothing_wrong(self):
        for size in SIZES:
            with tempfile.NamedTemporaryFile() as file:
                file.write(fat.make(PATH, b"x" * size, 2048))
                file.flush()
                done = subprocess.run(["fsck.fat", "-n", "-V", file.name], capture_output=True, text=True)
                self.assertEqual(done.returncode, 0, f"{size}: {done.stdout}")
                self.assertIn("4 files", done.stdout)

    @unittest.skipUnless(shutil.which("mtype"), "mtools are not installed")
    def test_mtools_read_the_file(self):
        data = random.Random(1).randbytes(100000)
        with tempfile.NamedTemporaryFile() as file:
            file.write(fat.make(PATH, data, 2048))
            file.flush()
            done = subprocess.run(["mtype", "-i", file.name, f"::{PATH}"], capture_output=True)
        self.assertEqual(done.stdout, data)
