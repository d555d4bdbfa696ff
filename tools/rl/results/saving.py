"""Writing that waits while a disk is full: nothing is lost that fits later, and a line each minute says so."""
import errno
import os
import stat
import threading
import time
from collections import deque

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
MOST_WAITING = 1 << 28          # bytes that wait in memory; what comes behind them is lost, and counted
SECONDS_TO_RETRY = 1
SECONDS_TO_SAY = 60


class GrowingFile:
    """A file that is appended to. What does not fit now waits; two threads may write to it."""

    def __init__(self, path, most=MOST_WAITING):
        self.file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
        self.waiting, self.most, self.lost = bytearray(), most, 0
        self.error = None
        self.lock = threading.Lock()
        size = os.fstat(self.file).st_size
        if size and os.pread(self.file, 1, size - 1) != b"\n":      # a line that a killed run has begun
            self.write(b"\n")

    def write(self, data):
        with self.lock:
            if len(self.waiting) + len(data) > self.most:
                self.lost += len(data)
            else:
                self.waiting += data
        self.flush()

    def flush(self):
        """Writes what fits. An error other than a full disk is the last: it is raised now, and when it is closed."""
        with self.lock:
            try:
                while self.waiting and not self.error and self.file is not None:
                    del self.waiting[:os.write(self.file, self.waiting)]
            except OSError as error:
                if error.errno not in FULL:
                    self.error = error
                    raise

    def close(self):
        with self.lock:
            if self.file is not None:
                os.close(self.file)
                self.file = None
        if self.error:
            raise self.error


class Saving:
    """Does each write now, or in its turn once there is room."""

    def __init__(self, folder, files=(), now=time.monotonic, most=MOST_WAITING):
        self.folder, self.files, self.now, self.most = folder, files, now, most
        self.waiting = deque()          # (write, its bytes)
        self.bytes, self.lost = 0, 0
        self.paused_at = None
        self.retry_at = self.say_at = 0.0

    def do(self, write, size):
        """`write` may be called several times, until it raises nothing. An error other than a full disk goes on."""
        if not self.waiting:
            try:
                return write()
            except OSError as error:
                if error.errno not in FULL:
                    raise
        if self.bytes + size > self.most:
            self.lost += 1
        else:
            self.waiting.append((write, size))
            self.bytes += size
        return None

    def retry(self, every_one=False):
        """Writes in their order until one does not fit; or each that fits."""
        still = deque()
        while self.waiting:
            write, size = self.waiting.popleft()
            try:
                write()
                self.bytes -= size
            except OSError as error:
                still.append((write, size))
                if error.errno not in FULL or not every_one:
                    self.waiting.extendleft(reversed(still))
                    if error.errno not in FULL:
                        raise
                    break
        else:
            self.waiting = still
        for file in self.files:
            file.flush()

    def left(self):
        """What waits or is lost, in words; "" when everything is written."""
        console = sum(len(file.waiting) + file.lost for file in self.files)
        results = len(self.waiting) + self.lost
        parts = [f"{results} results"] * bool(results) + [f"{console} bytes of the logs"] * bool(console)
        return " and ".join(parts)

    def news(self):
        """Lines to show; to be called often: it tries again each second."""
        now = self.now()
        if not self.left():
            return self._goes_on()
        if now >= self.retry_at:
            self.retry_at = now + SECONDS_TO_RETRY
            self.retry()
        if not self.left():
            return self._goes_on()
        if self.paused_at is None:
            self.paused_at = self.say_at = now
        if now < self.say_at:
            return []
        self.say_at = now + SECONDS_TO_SAY
        minutes = int((now - self.paused_at) / 60)
        since = f" for {minutes} minutes" if minutes else ""
        lost = self.lost or any(file.lost for file in self.files)
        return [f"no space left for {self.folder}: saving pauses{since}, {self.left()} "
                + ("wait, and more is lost" if lost else "wait")]

    def _goes_on(self):
        if self.paused_at is None:
            return []
        self.paused_at = None
        return [f"there is space again for {self.folder}: all that waited is saved"]


def is_kind(path, kind):
    """Whether the path itself, not what it links to, is there and of this kind."""
    try:
        return kind(path.lstat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def is_folder(path):
    return is_kind(path, stat.S_ISDIR)


def is_file(path):
    return is_kind(path, stat.S_ISREG)
