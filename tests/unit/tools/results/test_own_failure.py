"""Whose failure it was: ours, or the target's before its first case."""
import unittest

from tools.rl.results.own_failure import about_the_target
from tools.rl.results.symbols import Frame

CHAIN = ["booting", "error guest.crashed_early on core 0, the kernel cannot go on",
         "  guest/session.cpp:350  the target crashed before its snapshot point  data null-dereference, pc 0x42f92f ?"]


class Names:
    def frames(self, addresses, _exact):
        return [Frame(address, "LLVMFuzzerInitialize", "ret.c", 3, False) for address in addresses]


class OwnFailureTest(unittest.TestCase):
    def test_what_a_target_does_before_its_first_case_is_its_own_with_the_place(self):
        self.assertIn("LLVMFuzzerInitialize at ret.c:3", about_the_target(CHAIN, Names()))

    def test_any_other_chain_is_ours(self):
        self.assertIsNone(about_the_target(["error svm.not_supported on core 0, the kernel cannot go on"], Names()))
        self.assertIsNone(about_the_target(["no chain at all"], Names()))


if __name__ == "__main__":
    unittest.main()
