"""The list of invalidations that are left out one by one follows the sources."""
import unittest
from unittest import mock

from tests.runner import mutation_testing


class Mutations(unittest.TestCase):
    def test_each_site_is_where_the_list_says(self):
        self.assertEqual(mutation_testing.stale(), [])

    def test_each_invalidation_is_left_out_exactly_once(self):
        for layer in mutation_testing.SITES:
            found = 0
            for path in sorted((mutation_testing.ROOT / layer).glob("*.[hc]*")):
                file = f"{layer}/{path.name}"
                there = mutation_testing.sites(file, path.read_text())
                found += sum(there.values())
                self.assertEqual(mutation_testing.left_out(file), there, file)
            self.assertGreaterEqual(found, 4, layer)

    def test_a_second_site_of_the_same_text_is_another_one(self):
        with mock.patch.object(mutation_testing, "MUTATIONS", [("once", "mm/x.h", "a; run(batch);", "a;")]), \
             mock.patch.object(mutation_testing, "ROOT") as root:
            root.__truediv__.return_value.read_text.return_value = "a; run(batch); b; run(batch);"
            self.assertEqual(mutation_testing.left_out("mm/x.h"), {"run(batch);": 1})
        self.assertEqual(mutation_testing.sites("mm/x.h", "a; run(batch); b; run(batch);"), {"run(batch);": 2})

    def test_declarations_are_no_sites(self):
        for text in ("void run(ShootdownBatch &batch);", "void Window::invalidate(Phys frame) {", "void touched(u64 bit) { x; }"):
            self.assertFalse(mutation_testing.sites("mm/x.h", text) + mutation_testing.sites("svm/x.h", text), text)


if __name__ == "__main__":
    unittest.main()
