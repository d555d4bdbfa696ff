"""The image: parts at their sectors, patched fields as the stages read them, and the same bytes every time."""
import random
import shutil
import struct
import subprocess
import tempfile
import unittest
import zlib

from tools.rl.images import disk_image, gpt
from tools.rl.images.xxhash import xxh32, xxh64

SECTOR = 512


def parts(kernel_size=70000, bundle_size=3000):
    generator = random.Random(1)
    stage1 = bytearray(generator.randbytes(2048))
    stage1[4:8] = b"RLS1"
    stage2 = bytearray(generator.randbytes(20001))
    stage2[16:20] = b"RLS2"
    return (generator.randbytes(512), bytes(stage1), bytes(stage2), generator.randbytes(kernel_size),
            generator.randbytes(bundle_size), b"MZ" + generator.randbytes(30000))


class ImageTest(unittest.TestCase):
    def setUp(self):
        self.parts = parts()
        self.image, self.layout = disk_image.compose(*self.parts)
        self.stage1 = self.image[80 * SECTOR:84 * SECTOR]

    def test_the_boot_sector_finds_stage1_and_its_sum(self):
        lba, total = struct.unpack_from("<QI", self.image, 0x1A0)
        self.assertEqual(lba, 80)
        self.assertEqual(total, sum(struct.unpack("<512I", self.stage1)) % 2**32)
        self.assertEqual(self.image[510:512], b"\x55\xaa")

    def test_a_protective_entry_covers_the_rest_and_is_not_active(self):
        status, kind, first, count = struct.unpack_from("<BxxxBxxxII", self.image, 0x1BE)
        self.assertEqual((status, kind, first, count), (0, 0xEE, 1, len(self.image) // SECTOR - 1))
        self.assertEqual(self.image[0x1CE:0x1FE], bytes(48))

    def test_primary_and_backup_say_the_same_for_each_sector_size_and_their_sums_are_right(self):
        for sector in (512, 4096):
            total, seen = len(self.image) // sector, []
            for lba, other in ((1, total - 1), (total - 1, 1)):
                header = bytearray(self.image[lba * sector:lba * sector + 92])
                crc, = struct.unpack_from("<I", header, 16)
                header[16:20] = bytes(4)
                self.assertEqual(crc, zlib.crc32(header))
                self.assertEqual(struct.unpack_from("<8s8xI4xQQ", header), (b"EFI PART", 0, lba, other))
                first, last, at, count, size, entries_crc = struct.unpack_from("<QQ16xQIII", header, 40)
                entries = self.image[at * sector:at * sector + count * size]
                self.assertEqual(zlib.crc32(entries), entries_crc)
                self.assertFalse(first <= at <= last, "the entries lie in no partition's place")
                seen.append(entries)
            self.assertEqual(*seen)

    def test_both_sector_sizes_see_the_same_partitions(self):
        for number in range(2):
            small = struct.unpack_from("<32s2Q", self.image, gpt.SMALL_ENTRIES + 128 * number)
            large = struct.unpack_from("<32s2Q", self.image, gpt.LARGE_ENTRIES + 128 * number)
            self.assertEqual((small[0], small[1], small[2] + 1), (large[0], large[1] * 8, (large[2] + 1) * 8))

    def test_the_partitions_hold_the_stages_and_the_efi_program(self):
        bios, system = (struct.unpack_from("<16s16xQQ", self.image, gpt.SMALL_ENTRIES + 128 * n) for n in range(2))
        self.assertEqual((bios[0], system[0]), (gpt.BIOS_BOOT.bytes_le, gpt.EFI_SYSTEM.bytes_le))
        last = self.layout.parts[-1]
        self.assertLessEqual(bios[1], disk_image.STAGE1_LBA)
        self.assertGreaterEqual(bios[2], last.lba + disk_image.sectors(last.size) - 1)
        self.assertEqual((bios[2] + 1, system[1] % 2048), (system[1], 0))
        self.assertEqual(disk_image.efi_of(self.image), self.parts[5])

    @unittest.skipUnless(shutil.which("sgdisk"), "sgdisk is not installed")
    def test_sgdisk_finds_nothing_wrong(self):
        with tempfile.NamedTemporaryFile() as file:
            file.write(self.image)
            file.flush()
            done = subprocess.run(["sgdisk", "-v", file.name], capture_output=True, text=True)
        self.assertIn("No problems found", done.stdout)

    def test_stage1_finds_everything_else(self):
        build_id, lba2, sectors2, bytes2, hash2, zero = struct.unpack_from("<QQIIII", self.stage1, 8)
        (kernel_lba, kernel_bytes, bundle_lba, bundle_bytes,
         kernel_hash, bundle_hash) = struct.unpack_from("<6Q", self.stage1, 0x28)
        _, _, stage2, kernel, bundle, _ = self.parts
        self.assertEqual((lba2, sectors2, bytes2, zero), (88, 40, 40 * SECTOR, 0))
        self.assertEqual(build_id, xxh64(stage2 + kernel))
        on_disk = self.image[lba2 * SECTOR:lba2 * SECTOR + bytes2]
        self.assertEqual(hash2, xxh32(on_disk))
        self.assertEqual(struct.unpack_from("<Q", on_disk, 8)[0], build_id)
        self.assertEqual(self.image[kernel_lba * SECTOR:][:kernel_bytes], disk_image.stamped(kernel, build_id))
        self.assertEqual(self.image[bundle_lba * SECTOR:][:bundle_bytes], bundle)
        self.assertEqual((kernel_hash, bundle_hash), (xxh64(disk_image.stamped(kernel, build_id)), xxh64(bundle)))
        self.assertEqual((kernel_lba, bundle_lba % 8), (disk_image.KERNEL_LBA, 0))

    def test_the_size_is_whole_mebibytes_and_at_least_ten(self):
        self.assertEqual(len(self.image), 10 << 20)
        large, _ = disk_image.compose(*parts(bundle_size=(11 << 20) + 1))
        self.assertEqual(len(large) % (1 << 20), 0)

    def test_the_same_parts_give_the_same_bytes(self):
        self.assertEqual(disk_image.compose(*parts())[0], self.image)

    def test_the_layout_reads_back(self):
        self.assertEqual(disk_image.layout_of(self.image), self.layout)

    def test_the_part_for_bios_is_found_wherever_stage0_can_count_to(self):
        part = disk_image.part_for_bios(self.image)
        last = disk_image.LAST_PLACE - disk_image.STAGE1_LBA
        for on in (0, 4, last):
            medium = bytearray(on * SECTOR) + disk_image.moved(part, on)
            medium[:disk_image.STAGE0_BYTES] = medium[on * SECTOR:][:disk_image.STAGE0_BYTES]
            layout = disk_image.layout_of(bytes(medium))
            self.assertEqual([part.lba - on for part in layout.parts[1:]], [part.lba for part in self.layout.parts[1:]])
            self.assertEqual([part.digest for part in layout.parts[2:]],
                             [part.digest for part in self.layout.parts[2:]])
        with self.assertRaisesRegex(disk_image.Problem, "stage0 cannot find it"):
            disk_image.moved(part, last + 1)

    def test_another_bundle_gives_what_composing_with_it_gives(self):
        for size in (0, 1, 511, 5000, 12 << 20):
            bundle = bytes(range(256)) * (size // 256) + bytes(size % 256)
            efi = b"MZ" + bundle
            whole, _ = disk_image.compose(*self.parts[:4], bundle, efi)
            self.assertEqual(disk_image.with_bundle(self.image, bundle, efi), whole)

    def test_parts_that_do_not_fit_are_refused(self):
        stage0, stage1, stage2, kernel, bundle, efi = self.parts
        for broken in ((stage0 + b"x", stage1, stage2), (stage0, stage1 + b"x", stage2),
                       (stage0, stage1, bytes(disk_image.STAGE2_BYTES + 1)),
                       (stage0, bytes(2048), stage2), (stage0, stage1, bytes(1000))):
            with self.assertRaises(disk_image.Problem):
                disk_image.compose(*broken, kernel, bundle, efi)

    def test_code_size_leaves_out_the_longest_filling(self):
        self.assertEqual(disk_image.code_size(b"ab" + b"\xcc" * 10 + b"tail" + b"\xcc" * 3, 19), 9)
