"""build.py started as anybody would start it, and what it promises held against what it did."""
import re
import subprocess
import sys
import time

from tools.rl.common import ROOT

PATIENCE = 180


class Broken(Exception):
    """A promise that was not kept; the text says which."""


def promise(kept, text):
    if not kept:
        raise Broken(text)


def start(*words, **options):
    options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, **options}
    return subprocess.Popen([sys.executable, str(ROOT / "build.py"), *map(str, words)], stderr=subprocess.STDOUT,
                            text=True, **options)


def finish(process, status, patience=PATIENCE):
    """Its output, when it ended as it should."""
    try:
        output, _ = process.communicate(timeout=patience)
    except subprocess.TimeoutExpired:
        process.kill()
        raise Broken(f"no end within {patience} s: {process.communicate()[0][-1000:]}")
    promise(process.returncode == status, f"status {process.returncode}, expected {status}: {output[-1500:]}")
    return output


def build_py(status, *words, **options):
    return finish(start(*words, **options), status)


def until_said(log, pattern):
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if log.exists() and re.search(pattern, log.read_text(errors="replace"), re.MULTILINE):
            return
        time.sleep(0.1)
    raise Broken(f"the console never said {pattern}")
