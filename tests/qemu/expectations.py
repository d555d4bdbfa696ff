"""build.py started as anybody would start it, and what it promises held against what it did."""
import re
import subprocess
import sys
import time

from tools.rl.common import ROOT

PATIENCE = 180


class Failed(Exception):
    """A expect that was not kept; the text says which."""


def expect(kept, text):
    if not kept:
        raise Failed(text)


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
        raise Failed(f"no end within {patience} s: {process.communicate()[0][-1000:]}")
    expect(process.returncode == status, f"status {process.returncode}, expected {status}: {output[-1500:]}")
    return output


def build_py(status, *words, **options):
    return finish(start(*words, **options), status)


def until_said(log, pattern):
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if log.exists() and re.search(pattern, log.read_text(errors="replace"), re.MULTILINE):
            return
        time.sleep(0.1)
    raise Failed(f"the console never said {pattern}")
