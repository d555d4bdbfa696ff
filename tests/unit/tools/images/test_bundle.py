"""The bundle: what goes in comes out, aligned, and corruption is noticed."""
import struct
import unittest

from tools.rl.images import bundle

ENTRIES = [("options", b"target=x\n"), ("target.elf", bytes(1000)), ("seed/a b", b""), ("replay", b"\x01")]


class BundleTest(unittest.TestCase):
    def test_entries_come_back_in_order(self):
        self.assertEqual(bundle.parse(bundle.make(ENTRIES)), ENTRIES)

    def test_an_empty_bundle_is_valid(self):
        self.assertEqual(bundle.parse(bundle.make([])), [])

    def test_data_is_aligned_and_inside(self):
        data = bundle.make(ENTRIES)
        total, = struct.unpack_from("<Q", data, 16)
        self.assertEqual(total, len(data))
        for i in range(len(ENTRIES)):
            _, offset, length, _ = struct.unpack_from("<48sQQQ", data, 40 + 72 * i)
            self.assertEqual(offset % 16, 0)
            self.assertLessEqual(offset + length, total)

    def test_every_flipped_bit_of_directory_or_data_is_noticed(self):
        data = bytearray(bundle.make([("a", b"hello"), ("b", b"world, longer than one word")]))
        offset, length = struct.unpack_from("<QQ", data, 40 + 48)
        for at in [*range(0, 16), *range(24, 32), *range(40, 40 + 2 * 72), *range(offset, offset + length)]:
            data[at] ^= 4
            with self.assertRaises((ValueError, struct.error)):
                bundle.parse(bytes(data))
            data[at] ^= 4

    def test_a_name_that_does_not_fit_is_refused(self):
        for name in ("", "x" * 48):
            with self.assertRaises(ValueError):
                bundle.make([(name, b"")])

    def test_options_leave_out_what_is_not_set(self):
        self.assertEqual(bundle.options_text({"target": "t", "cases": None, "cpus": 2}), b"target=t\ncpus=2\n")
