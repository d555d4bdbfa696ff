"""A lock file that one process at a time holds until it closes it or ends; a second one can say who holds it."""
import fcntl
import json
import os
import shlex
import sys

from tools.rl.printable import printable

LARGEST = 4096                  # bytes of what a holder says of itself
LONGEST_COMMAND = 200


def this_command():
    return shlex.join([os.path.basename(sys.argv[0]) or "python3", *sys.argv[1:]])


class Lock:
    """`take` it, or be told by `holder` who has it. Programs that are started meanwhile do not inherit it."""

    def __init__(self, path):
        """Never through a link, and no pipe: another may have made the folder."""
        self.file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o666)

    def take(self, doing, wait=False):
        """Whether this process has it now; `doing`: with what, for those who wait."""
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            return False
        try:
            about = {"pid": os.getpid(), "command": this_command(), "doing": doing}
            os.ftruncate(self.file, 0)
            os.pwrite(self.file, json.dumps(about).encode(), 0)
        except OSError:
            pass                # a full disk: then no command can say who has it
        return True

    def holder(self):
        """Who has it, and what for, in words."""
        try:
            said = json.loads(os.pread(self.file, LARGEST, 0))
            return printable(f"process {int(said['pid'])} ({str(said['command'])[:LONGEST_COMMAND]}), {said['doing']}")
        except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
            return "another process"

    def close(self):
        if self.file is not None:
            os.close(self.file)
            self.file = None
