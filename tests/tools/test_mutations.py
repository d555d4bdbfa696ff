"""The list of invalidations that are left out one by one follows the sources."""
import re
import unittest

from tests.mm import mutations


class Mutations(unittest.TestCase):
    def test_each_site_is_where_the_list_says(self):
        self.assertEqual(mutations.stale(), [])

    def test_each_shoot_down_and_each_batch_is_on_the_list(self):
        sites = re.compile(r"(?:add_page|add_frame|cpu::invlpg|shoot_down_\.run)\([^;{]*;")
        left_out = "".join(before for _, _, before, _ in mutations.MUTATIONS)
        for file in sorted((mutations.ROOT / "mm").glob("*.[hc]*")):
            for site in sites.findall(file.read_text()):
                self.assertIn(site, left_out, file.name)


if __name__ == "__main__":
    unittest.main()
