"""The count of tests: which ones a filter chooses, and that none vanishes without a word."""
import io
import types
import unittest
from contextlib import redirect_stdout
from unittest import mock

from tests.qemu import commands, lan
from tests.runner import scenario
from tests.runner.tally import Tally
from tests.runner.testing import chosen_of


def cannot_be_tried_here(_out):
    raise AssertionError("it was tried")


class TallyTest(unittest.TestCase):
    def test_a_filter_is_part_of_a_name_in_any_case(self):
        for chosen in ("", "UEFI", "uefi", "way IN: u"):
            self.assertTrue(Tally(chosen).wants("boot way in: UEFI, q35"))
        self.assertFalse(Tally("bios").wants("boot way in: UEFI, q35"))

    def test_a_filter_chooses_host_tests_in_any_case(self):
        listed = "Window.\n  APinHolds\nAddress/0.  # TypeParam = Virt\n  IsTyped\n  Adds  # GetParam() = 7\n"
        for chosen, names in (("", "*"), ("window", "Window.APinHolds"), ("host ADDRESS/0.a", "Address/0.Adds"),
                              ("s", "Window.APinHolds:Address/0.IsTyped:Address/0.Adds"), ("nothing like it", "")):
            self.assertEqual(chosen_of(listed, Tally(chosen)), names)

    def said(self, chosen, long):
        """What a run of all boots says when there is nothing but a test that cannot be tried."""
        modules = {"tests.qemu.scenarios": types.SimpleNamespace(SCENARIOS=[]),
                   "tests.qemu.commands": types.SimpleNamespace(
                       SHORT=(), LONG=(), UNTRIED=((cannot_be_tried_here, "no tap device"),))}
        printed = io.StringIO()
        with mock.patch.object(scenario.importlib, "import_module", modules.get), redirect_stdout(printed):
            scenario.run_all(Tally(chosen), long)
        return printed.getvalue()

    def test_what_cannot_be_tried_is_said(self):
        self.assertEqual(self.said("tried", long=True),
                         "untried: boot command: cannot be tried here: no tap device\n")
        self.assertEqual(self.said("another", long=True) + self.said("", long=False), "")

    def test_the_tests_on_a_network_of_their_own_are_run_or_named(self):
        named = {function for function, _ in commands.UNTRIED}
        for function in lan.TESTS:
            self.assertNotEqual(function in commands.LONG, function in named)


if __name__ == "__main__":
    unittest.main()
