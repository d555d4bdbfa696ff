"""Both generators under rngtest, ent and three tests of dieharder. The seeds are fixed, so the verdicts repeat."""
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

from tools.rl.common import ROOT

GENERATORS = ("KeyedRandom", "Random")
MEBIBYTE = 1 << 20
DIEHARDER = {0: "diehard_birthdays", 8: "diehard_count_1s_str", 15: "diehard_runs"}


class Randomness(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="raclette-random-")
        cls.program = Path(cls.folder.name) / "stream"
        hash_object = Path(cls.folder.name) / "xxhash.o"
        options = ["-O2", "-I", str(ROOT)]
        subprocess.run(["clang", *options, "-c", "base/xxhash_impl.c", "-o", str(hash_object)], cwd=ROOT, check=True)
        sources = ["tests/unit/tools/random_stream.cpp", "base/random.cpp", "base/hash.cpp", str(hash_object)]
        subprocess.run(["clang++", "-std=c++20", *options, *sources, "-o", str(cls.program)], cwd=ROOT, check=True)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def verdict(self, generator, size, *tool):
        """What a tool says of so many bytes, 0: of as many as it wants."""
        with subprocess.Popen([str(self.program), generator], stdout=subprocess.PIPE) as stream:
            if size:
                done = subprocess.run(tool, input=stream.stdout.read(size), capture_output=True)
            else:
                done = subprocess.run(tool, stdin=stream.stdout, capture_output=True)
            stream.kill()
        return (done.stdout + done.stderr).decode()

    def test_rngtest_finds_no_more_failures_than_chance_gives(self):
        # 8 in 10,000 blocks of a perfect source fail FIPS 140-2. Of the 6,710 here 5 are to be expected; 30 are
        # eleven standard deviations.
        for generator in GENERATORS:
            said = self.verdict(generator, 16 * MEBIBYTE, "rngtest")
            passed, failed = (int(re.search(rf"FIPS 140-2 {what}: (\d+)", said)[1])
                              for what in ("successes", "failures"))
            self.assertGreater(passed, 6600)
            self.assertLess(failed, 30, said)

    def test_ent_sees_bytes_that_cannot_be_compressed_or_predicted(self):
        for generator in GENERATORS:
            line = self.verdict(generator, 16 * MEBIBYTE, "ent", "-t").splitlines()[1]
            _, _, entropy, chi_square, mean, _, correlation = map(float, line.split(","))
            self.assertGreater(entropy, 7.9999)
            # 255 degrees of freedom: mean 255, standard deviation 22.6; seven of them either way.
            self.assertTrue(97 < chi_square < 413, line)
            self.assertAlmostEqual(mean, 127.5, delta=0.15)
            self.assertAlmostEqual(correlation, 0, delta=0.002)

    def test_three_tests_of_dieharder_see_chance(self):
        for generator in GENERATORS:
            for number, name in DIEHARDER.items():
                said = self.verdict(generator, 0, "dieharder", "-g", "200", "-d", str(number))
                values = [float(p) for p in re.findall(rf"{name}\|.*\|([0-9.]+)\|", said)]
                self.assertTrue(values, said)
                for p in values:
                    self.assertTrue(1e-6 < p < 1 - 1e-6, said)


if __name__ == "__main__":
    unittest.main()
