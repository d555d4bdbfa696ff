"""The list of invalidations that are left out one by one follows the sources."""
import unittest
from unittest import mock

from tests.mm import mutations


class Mutations(unittest.TestCase):
    def test_each_site_is_where_the_list_says(self):
        self.assertEqual(mutations.stale(), [])

    def test_each_invalidation_is_left_out_exactly_once(self):
        for layer in mutations.SITES:
            found = 0
            for path in sorted((mutations.ROOT / layer).glob("*.[hc]*")):
                file = f"{layer}/{path.name}"
                there = mutations.sites(file, path.read_text())
                found += sum(there.values())
                self.assertEqual(mutations.left_out(file), there, file)
            self.assertGreaterEqual(found, 4, layer)

    def test_a_second_site_of_the_same_text_is_another_one(self):
        with mock.patch.object(mutations, "MUTATIONS", [("once", "mm/x.h", "a; run(batch);", "a;")]), \
             mock.patch.object(mutations, "ROOT") as root:
            root.__truediv__.return_value.read_text.return_value = "a; run(batch); b; run(batch);"
            self.assertEqual(mutations.left_out("mm/x.h"), {"run(batch);": 1})
        self.assertEqual(mutations.sites("mm/x.h", "a; run(batch); b; run(batch);"), {"run(batch);": 2})

    def test_declarations_are_no_sites(self):
        for text in ("void run(Batch &batch);", "void Window::forget(Phys frame) {", "void touched(u64 bit) { x; }"):
            self.assertFalse(mutations.sites("mm/x.h", text) + mutations.sites("svm/x.h", text), text)


if __name__ == "__main__":
    unittest.main()
