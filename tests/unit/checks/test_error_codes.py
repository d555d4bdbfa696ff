"""The check of docs/errors.md finds codes without a row, rows without a code, and neighbours that are none."""
import unittest

from tests.checks.error_codes import complaints

ROWS = "| `mm.a` | first | `mm.b`: differs |\n| `mm.b` | second | `mm.a`: differs |\n"


class ErrorCodes(unittest.TestCase):
    def complaints(self, codes=("mm.a", "mm.b"), text=ROWS):
        return list(complaints(set(codes), text))

    def test_a_table_that_has_all_is_fine(self):
        self.assertEqual(self.complaints(), [])

    def test_each_mistake_is_found(self):
        self.assertEqual(self.complaints(("mm.a", "mm.b", "mm.c")), ["mm.c is not explained"])
        self.assertEqual(self.complaints(("mm.a",)), ["mm.b is explained, and no source defines it"])
        for broken in (ROWS.replace("second", ""), ROWS.replace("`mm.a`: differs", "`mm.b`: differs"),
                       ROWS.replace("`mm.b`: differs", "`mm.z`: differs")):
            self.assertEqual(len(self.complaints(text=broken)), 1, broken)


if __name__ == "__main__":
    unittest.main()
