"""What the build makes beside each program of the machine, whichever image it is part of."""
import re
import unittest

from tools.rl.building.graph import Graph

PROGRAM = re.compile(r"^build/(?:debug/)?(?!raclette)\w+(?=\.elf$)")


def programs(outputs):
    """The kernel in both its builds and each stage, without their endings."""
    return sorted(match[0] for match in map(PROGRAM.match, outputs) if match)


class GraphTest(unittest.TestCase):
    def test_every_program_has_a_listing_its_symbols_and_a_map(self):
        outputs = Graph().ninja.outputs
        found = programs(outputs)
        self.assertEqual(found, ["build/debug/kernel", *(f"build/{name}" for name in (
            "efi", "kernel", "lkrn", "loader", "pxe", "stage0", "stage1", "stage2"))])
        for program in found:
            for ending in ("asm", "sym", "map"):
                self.assertIn(f"{program}.{ending}", outputs)


if __name__ == "__main__":
    unittest.main()
