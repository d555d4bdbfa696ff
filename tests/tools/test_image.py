"""The image: parts at their sectors, patched fields as the stages read them, and the same bytes every time."""
import random
import struct
import unittest

from tools.rl import image
from tools.rl.xxhash import xxh32, xxh64

SECTOR = 512


def parts(kernel_size=70000, bundle_size=3000):
    generator = random.Random(1)
    stage1 = bytearray(generator.randbytes(2048))
    stage1[4:8] = b"RLS1"
    stage2 = bytearray(generator.randbytes(20001))
    stage2[16:20] = b"RLS2"
    return (generator.randbytes(512), bytes(stage1), bytes(stage2), generator.randbytes(kernel_size),
            generator.randbytes(bundle_size))


class ImageTest(unittest.TestCase):
    def setUp(self):
        self.parts = parts()
        self.image, self.layout = image.compose(*self.parts)
        self.stage1 = self.image[64 * SECTOR:68 * SECTOR]

    def test_the_boot_sector_finds_stage1_and_its_sum(self):
        lba, total = struct.unpack_from("<QI", self.image, 0x1A0)
        self.assertEqual(lba, 64)
        self.assertEqual(total, sum(struct.unpack("<512I", self.stage1)) % 2**32)
        self.assertEqual(self.image[510:512], b"\x55\xaa")

    def test_one_active_partition_covers_the_rest(self):
        status, kind, first, count = struct.unpack_from("<BxxxBxxxII", self.image, 0x1BE)
        self.assertEqual((status, kind, first, count), (0x80, 0xDA, 1, len(self.image) // SECTOR - 1))
        self.assertEqual(self.image[0x1CE:0x1FE], bytes(48))

    def test_stage1_finds_everything_else(self):
        build_id, lba2, sectors2, bytes2, hash2, zero = struct.unpack_from("<QQIIII", self.stage1, 8)
        (kernel_lba, kernel_bytes, bundle_lba, bundle_bytes,
         kernel_hash, bundle_hash) = struct.unpack_from("<6Q", self.stage1, 0x28)
        _, _, stage2, kernel, bundle = self.parts
        self.assertEqual((lba2, sectors2, bytes2, zero), (68, 40, 40 * SECTOR, 0))
        self.assertEqual(build_id, xxh64(stage2 + kernel))
        on_disk = self.image[lba2 * SECTOR:lba2 * SECTOR + bytes2]
        self.assertEqual(hash2, xxh32(on_disk))
        self.assertEqual(struct.unpack_from("<Q", on_disk, 8)[0], build_id)
        self.assertEqual(self.image[kernel_lba * SECTOR:][:kernel_bytes], kernel)
        self.assertEqual(self.image[bundle_lba * SECTOR:][:bundle_bytes], bundle)
        self.assertEqual((kernel_hash, bundle_hash), (xxh64(kernel), xxh64(bundle)))
        self.assertEqual((kernel_lba, bundle_lba % 8), (image.KERNEL_LBA, 0))

    def test_the_size_is_whole_mebibytes_and_at_least_ten(self):
        self.assertEqual(len(self.image), 10 << 20)
        large, _ = image.compose(*parts(bundle_size=(11 << 20) + 1))
        self.assertEqual(len(large), 12 << 20)

    def test_the_same_parts_give_the_same_bytes(self):
        self.assertEqual(image.compose(*parts())[0], self.image)

    def test_the_layout_reads_back(self):
        self.assertEqual(image.layout_of(self.image), self.layout)

    def test_another_bundle_gives_what_composing_with_it_gives(self):
        for size in (0, 1, 511, 5000, 12 << 20):
            bundle = bytes(range(256)) * (size // 256) + bytes(size % 256)
            whole, _ = image.compose(*self.parts[:4], bundle)
            self.assertEqual(image.with_bundle(self.image, bundle), whole)

    def test_parts_that_do_not_fit_are_refused(self):
        stage0, stage1, stage2, kernel, bundle = self.parts
        for broken in ((stage0 + b"x", stage1, stage2), (stage0, stage1 + b"x", stage2),
                       (stage0, stage1, bytes(image.STAGE2_BYTES + 1)),
                       (stage0, bytes(2048), stage2), (stage0, stage1, bytes(1000))):
            with self.assertRaises(image.Problem):
                image.compose(*broken, kernel, bundle)

    def test_code_size_leaves_out_the_longest_filling(self):
        self.assertEqual(image.code_size(b"ab" + b"\xcc" * 10 + b"tail" + b"\xcc" * 3, 19), 9)
