"""`build.py bench peers`: the same harness under libFuzzer and AFL++, natively, and here."""
