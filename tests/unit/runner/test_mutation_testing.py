"""Where mutation testing sees an invalidation, and where it does not."""
import unittest
from unittest import mock

from tests.runner import mutation_testing


class MutationTesting(unittest.TestCase):
    def test_a_second_site_of_the_same_text_is_another_one(self):
        with mock.patch.object(mutation_testing, "MUTATIONS", [("once", "mm/x.h", "a; run(batch);", "a;")]), \
             mock.patch.object(mutation_testing, "ROOT") as root:
            root.__truediv__.return_value.read_text.return_value = "a; run(batch); b; run(batch);"
            self.assertEqual(mutation_testing.left_out("mm/x.h"), {"run(batch);": 1})
        self.assertEqual(mutation_testing.sites("mm/x.h", "a; run(batch); b; run(batch);"), {"run(batch);": 2})

    def test_declarations_are_no_sites(self):
        for text in ("void run(ShootdownBatch &batch);", "void Window::invalidate(Phys frame) {",
                     "void touched(u64 bit) { x; }"):
            self.assertFalse(mutation_testing.sites("mm/x.h", text) + mutation_testing.sites("svm/x.h", text), text)


if __name__ == "__main__":
    unittest.main()
