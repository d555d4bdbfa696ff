"""The hashes of the image against published values of xxHash."""
import unittest

from tools.rl.images import xxhash
from tools.rl.images.xxhash import xxh32, xxh64


class XxHashTest(unittest.TestCase):
    def test_empty_input_gives_the_published_values(self):
        self.assertEqual(xxh32(b""), 0x02CC5D05)
        self.assertEqual(xxh64(b""), 0xEF46DB3751D8E999)

    def test_short_text_gives_the_published_values(self):
        self.assertEqual(xxh32(b"abc"), 0x32D153FF)
        self.assertEqual(xxh64(b"abc"), 0x44BC2CF5AD770999)

    def test_long_text_uses_every_lane(self):
        self.assertEqual(xxh32(b"I want an unsigned 32-bit seed!"), 0xF7A35AF8)
        self.assertEqual(xxh64(b"I want an unsigned 64-bit seed!"), 0xD4CB0A70A2B8C7C1)

    @unittest.skipUnless(xxhash.fast_xxh64, "xxHash's own library is not installed")
    def test_the_library_gives_the_same(self):
        for size in (xxhash.LARGE, xxhash.LARGE + 37):
            data = bytearray(n * 131 & 255 for n in range(size))
            for seed in (0, 1 << 63):
                self.assertEqual(xxh64(data, seed), xxhash.plain_xxh64(data, seed))

    def test_any_single_bit_changes_the_hash(self):
        data = bytearray(range(67))
        whole32, whole64 = xxh32(bytes(data)), xxh64(bytes(data))
        for bit in range(len(data) * 8):
            data[bit // 8] ^= 1 << bit % 8
            self.assertNotEqual(xxh32(bytes(data)), whole32)
            self.assertNotEqual(xxh64(bytes(data)), whole64)
            data[bit // 8] ^= 1 << bit % 8


if __name__ == "__main__":
    unittest.main()
