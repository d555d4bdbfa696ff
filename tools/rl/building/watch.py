"""`build.py build --watch`: builds again whenever a source changes, until Ctrl-C."""
import os
import signal
import sys
import time
from pathlib import Path

from tools.rl.common import ROOT, Stop
from tools.rl.printable import printable_lines

NOT_SOURCES = ("build", "out")
LOOKS_PER_SECOND = 2


def stamps(root):
    """When each source was changed; a file that comes or goes is a change as well."""
    found = {}
    for folder, folders, files in os.walk(root):
        below = [name for name in folders if not name.startswith(".") and name != "__pycache__"]
        folders[:] = [name for name in below if Path(folder) != Path(root) or name not in NOT_SOURCES]
        for name in files:
            try:
                found[os.path.join(folder, name)] = os.stat(os.path.join(folder, name)).st_mtime_ns
            except FileNotFoundError:
                pass            # an editor's temporary file
    return found


def builds(build_once, root=ROOT, wait=lambda: time.sleep(1 / LOOKS_PER_SECOND)):
    """Yields after each build: the first at once, then one for each change, also for those that come during a build."""
    while True:
        before = stamps(root)
        try:
            build_once()
        except Stop as stop:    # the next change may mend it
            print(printable_lines(f"build.py: {stop}"), file=sys.stderr)
        yield
        while stamps(root) == before:
            wait()


def main(build_once):
    # A shell without job control starts what it puts into the background with the signal ignored, and Python then
    # leaves it so: nothing but SIGKILL or SIGTERM would end the watch.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        for _ in builds(build_once):
            print(f"{time.strftime('%H:%M:%S')} built; waiting for a change, Ctrl-C ends", flush=True)
    except KeyboardInterrupt:
        print()
    return 0
