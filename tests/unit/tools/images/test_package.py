"""The package: parts where the loader finds them, the ELF file around it, and another bundle in its place."""
import random
import struct
import unittest

from tools.rl.images import artefacts, package
from tools.rl.images.disk_image import Problem, build_id_of, stamped
from tools.rl.images.xxhash import xxh64


def parts(bundle_size=3000):
    generator = random.Random(1)
    loader = bytearray(generator.randbytes(20000))
    loader[0x60:0x6C] = struct.pack("<III", 0x1000000, 0x221, 0x22A)
    stage2 = bytearray(generator.randbytes(30001))
    stage2[16:24] = b"RLS2" + struct.pack("<I", 100000)
    return bytes(loader), bytes(stage2), generator.randbytes(70000), generator.randbytes(bundle_size)


class PackageTest(unittest.TestCase):
    def setUp(self):
        self.parts = parts()
        self.package = package.compose(*self.parts)

    def test_the_loader_finds_everything(self):
        _, stage2, kernel, bundle = self.parts
        build_id, magic, memory, *fields = struct.unpack_from("<Q4sI9Q", self.package, 8)
        self.assertEqual((build_id, magic), (build_id_of(stage2, kernel), b"RLLD"))
        for at, size, digest in (fields[i:i + 3] for i in (0, 3, 6)):
            self.assertEqual(xxh64(self.package[at:at + size]), digest)
            self.assertEqual(at % 4096, 0)
        self.assertEqual(self.package[fields[0] + 24:fields[0] + fields[1]], stage2[24:])
        self.assertEqual(struct.unpack_from("<Q", self.package, fields[0] + 8)[0], build_id)
        self.assertEqual(self.package[fields[3]:][:fields[4]], stamped(kernel, build_id))
        self.assertEqual(self.package[fields[6]:][:fields[7]], bundle)
        # stage2's bss and stack lie between its file and the kernel
        self.assertGreaterEqual(memory, fields[0] + 100000)
        self.assertEqual(memory, fields[3])

    def test_the_elf_file_loads_the_package_whole_and_names_both_entries(self):
        data = artefacts.MAKERS["elf"](b"", self.package)
        entry, = struct.unpack_from("<Q", data, 24)
        kind, _, offset, virtual, physical, size, memory = struct.unpack_from("<IIQQQQQ", data, 64)
        self.assertEqual((kind, virtual, physical, size, memory), (1, 0x1000000, 0x1000000, *[len(self.package)] * 2))
        self.assertEqual(data[offset:], self.package)
        self.assertEqual(entry, 0x100022A)
        kind, _, offset, *_ = struct.unpack_from("<IIQQQQQ", data, 64 + 56)
        self.assertEqual((kind, struct.unpack_from("<III4sI", data, offset)), (4, (4, 4, 18, b"Xen\0", 0x1000221)))

    def test_another_bundle_gives_what_composing_with_it_gives(self):
        for kind, maker in artefacts.MAKERS.items():
            built = maker(HEADS.get(kind, b""), self.package)
            for size in (0, 1, 4096, 100000):
                bundle = bytes(range(256)) * (size // 256) + bytes(size % 256)
                whole = maker(HEADS.get(kind, b""), package.compose(*self.parts[:3], bundle))
                self.assertEqual(artefacts.with_bundle(kind, built, bundle), whole)

    def test_the_program_for_pxe_knows_its_build(self):
        self.assertEqual(package.pxe(b"jump" + bytes(12) + b"code", self.package),
                         b"jump" + bytes(4) + self.package[8:16] + b"code")

    def test_the_layout_reads_back(self):
        data = artefacts.MAKERS["elf"](b"", self.package)
        layout = artefacts.layout_of("elf", data)
        self.assertEqual([part.name for part in layout.parts], ["stage2", "kernel", "bundle"])
        kernel, bundle = self.parts[2:]
        for part, content in zip(layout.parts[1:], (stamped(kernel, layout.build_id), bundle)):
            self.assertEqual(data[part.lba * 512:part.lba * 512 + part.size], content)

    def test_what_is_no_stage2_or_no_package_is_refused(self):
        loader, _, kernel, bundle = self.parts
        with self.assertRaises(Problem):
            package.compose(loader, bytes(1000), kernel, bundle)
        with self.assertRaises(Problem):
            package.find(bytes(9000))


HEADS = {"efi": b"MZ" + bytes(5000), "lkrn": bytes(4096)}
