"""What the build makes beside each program of the machine, whichever image it is part of."""
import re
import subprocess
import unittest

from tools.rl.building.graph import Graph
from tools.rl.common import BUILD, ROOT

PROGRAM = re.compile(r"^build/(?:debug/)?(?!raclette)\w+(?=\.elf$)")


def programs(outputs):
    """The kernel in both its builds and each stage, without their endings."""
    return sorted(match[0] for match in map(PROGRAM.match, outputs) if match)


def linked(lines, elf):
    """The objects of a link, in their order."""
    edge = next(line for line in lines if line.startswith(f"build {elf} "))
    return [word for word in edge.split(" | ")[1].split() if word.endswith(".o")]


class GraphTest(unittest.TestCase):
    def test_every_program_has_a_listing_its_symbols_and_a_map(self):
        outputs = Graph().ninja.outputs
        found = programs(outputs)
        self.assertEqual(found, ["build/debug/kernel", "build/debug/test_kernel", *(f"build/{name}" for name in (
            "efi", "kernel", "lkrn", "loader", "pxe", "stage0", "stage1", "stage2", "test_kernel"))])
        for program in found:
            for ending in ("asm", "sym", "map"):
                self.assertIn(f"{program}.{ending}", outputs)

    def test_the_test_kernel_is_the_products_objects_and_the_tests(self):
        """Read from what ninja links, so that the two kernels cannot drift apart."""
        lines = Graph().ninja.lines
        for folder in ("build", "build/debug"):
            product, tests = (linked(lines, f"{folder}/{name}.elf") for name in ("kernel", "test_kernel"))
            self.assertGreater(len(product), 50)
            self.assertEqual(tests[:len(product)], product)
            self.assertTrue(tests[len(product):])
            self.assertTrue(all("/tests/kernel/" in path for path in tests[len(product):]))
            self.assertFalse(any("/tests/" in path for path in product))

    def test_the_images_need_nothing_of_the_development_build_and_no_other_target(self):
        graph = Graph()
        wanted = graph.made[BUILD] + graph.listings
        made = subprocess.run(["ninja", "-f", "build/build.ninja", "-t", "inputs", *wanted], cwd=ROOT, check=True,
                              stdout=subprocess.PIPE, text=True).stdout.split()
        self.assertIn("build/obj/kernel/mm/window.cpp.o", made)
        self.assertEqual([path for path in made if path.startswith((
            "build/debug", "build/test", "build/obj/kernel-debug", "build/obj/host", "build/targets/cxx"))], [])

    def test_the_default_build_has_nothing_of_the_host_tests(self):
        graph = Graph()
        self.assertFalse([path for path in graph.ninja.defaults if path.startswith("build/obj/host/")])
        self.assertIn("build/obj/host/mm/window.cpp.o", graph.ninja.outputs)
        self.assertIn("mm/window.cpp", graph.host_variants)


if __name__ == "__main__":
    unittest.main()
