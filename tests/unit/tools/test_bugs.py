"""The bug table: every plant has its row, every row its plant, and the documents hold what the table prints."""
import re
import unittest

from tests.qemu import injected_bugs, scenarios
from tools.rl.common import ROOT

LEAST_BUGS = 50


def planted():
    text = "".join(path.read_text() for path in sorted((ROOT / "tests/kernel/faults").glob("bugs_*.cpp")))
    return re.findall(r'^    \{"([a-z0-9-]+)",', text, re.MULTILINE)


def named(plants):
    return {plant.split("@")[0] for plant in plants}


class Bugs(unittest.TestCase):
    def test_every_plant_has_a_boot_and_every_boot_a_plant(self):
        booted = named(row.options["inject"] for row in scenarios.SCENARIOS if "inject" in (row.options or {}))
        self.assertEqual(sorted(booted), sorted(planted()))

    def test_plants_and_boots_have_names_of_their_own(self):
        self.assertEqual(len(planted()), len(set(planted())))
        plants = [bug.plant for bug in injected_bugs.BUGS]
        self.assertEqual(len(plants), len(set(plants)))

    def test_there_are_enough_bugs_and_what_is_missed_is_named(self):
        self.assertGreaterEqual(len(injected_bugs.BUGS), LEAST_BUGS)
        for bug in injected_bugs.BUGS:
            unnoticed = any("went unnoticed" in says for says in bug.says)
            self.assertEqual(bug.when == injected_bugs.MISSED, unnoticed, bug.plant)

    def test_the_document_holds_the_table(self):
        text = (ROOT / "docs/bugs.md").read_text()
        held = text.split("<!-- python3 -m tests.qemu.injected_bugs -->\n")[1].split("\n<!-- end -->")[0]
        self.assertEqual(held, injected_bugs.table())

    def test_the_readme_counts_them(self):
        counted = re.findall(r"^(\d+) bugs are planted in the kernel", (ROOT / "README.md").read_text(), re.MULTILINE)
        self.assertEqual(counted, [str(len(injected_bugs.BUGS))])

    def test_a_bug_on_a_core_wants_a_machine_that_has_it(self):
        for bug in injected_bugs.BUGS:
            core = int(bug.plant.split("@")[1]) if "@" in bug.plant else 0
            self.assertLess(max(core, bug.core), bug.cpus, bug.plant)


if __name__ == "__main__":
    unittest.main()
