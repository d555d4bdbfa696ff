"""Tests of tests/checks: each check finds what it is there for."""
