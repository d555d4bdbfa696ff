"""Tests of tools/rl/commands, each command by its name."""
