"""Helpers that run build.py as a subprocess and check its exit status and output."""
import re
import subprocess
import sys
import time

from tools.rl.common import ROOT

PATIENCE = 180


class Failed(Exception):
    """An expectation that was not met; the text says which."""


def expect(met, text):
    if not met:
        raise Failed(text)


def start(*words, **options):
    options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, **options}
    return subprocess.Popen([sys.executable, str(ROOT / "build.py"), *map(str, words)], stderr=subprocess.STDOUT,
                            text=True, **options)


def finish(process, status, patience=PATIENCE):
    """The output of a process that ends with this status."""
    try:
        output, _ = process.communicate(timeout=patience)
    except subprocess.TimeoutExpired:
        process.kill()
        raise Failed(f"no end within {patience} s: {process.communicate()[0][-1000:]}")
    expect(process.returncode == status, f"status {process.returncode}, expected {status}: {output[-1500:]}")
    return output


def build_py(status, *words, **options):
    return finish(start(*words, **options), status)


def wait_for_line(log, pattern):
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if log.exists() and re.search(pattern, log.read_text(errors="replace"), re.MULTILINE):
            return
        time.sleep(0.1)
    raise Failed(f"no line like {pattern} came")
