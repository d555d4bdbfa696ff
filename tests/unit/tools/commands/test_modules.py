"""Every command has a module that can be loaded: a name that moved is found here, not by a user."""
import importlib
import unittest

from tools.rl import cli

ELSEWHERE = ("test",)           # its module is the tests' own


class ModulesTest(unittest.TestCase):
    def test_each_commands_module_loads_and_has_a_main(self):
        for command in cli.COMMANDS:
            if command not in ELSEWHERE:
                module = importlib.import_module(f"tools.rl.commands.{command.replace('-', '_')}")
                self.assertTrue(callable(module.main), command)


if __name__ == "__main__":
    unittest.main()
