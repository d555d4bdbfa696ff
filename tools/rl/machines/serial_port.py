"""A serial line of a real machine, or a stand-in for one: opened raw at 115200 8N1, read as lines, written to."""
import os
import queue
import socket
import stat
import termios
import threading
import time
import tty

from tools.rl.common import Stop, USAGE
from tools.rl.machines.line_reader import pump

MOST_WAITING = 256              # lines that are read and not yet dealt with: a fast sender waits


def _set_raw(descriptor):
    """As the kernel sets its end (dev/uart.cpp): 115,200 baud, eight bits, no parity, one stop bit, no flow control."""
    tty.setraw(descriptor, termios.TCSANOW)
    attributes = termios.tcgetattr(descriptor)
    control = attributes[2] & ~(termios.CSIZE | termios.PARENB | termios.CSTOPB | getattr(termios, "CRTSCTS", 0))
    attributes[2] = control | termios.CS8 | termios.CREAD | termios.CLOCAL
    attributes[4] = attributes[5] = termios.B115200
    termios.tcsetattr(descriptor, termios.TCSANOW, attributes)


def _open(device):
    """A file descriptor for a terminal device, a socket's path, or HOST:PORT (QEMU's -serial tcp:...)."""
    try:
        if os.path.exists(device) and stat.S_ISSOCK(os.stat(device).st_mode):
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            connection.connect(device)
            return connection.detach()
        host, colon, port = device.rpartition(":")
        if colon and port.isdigit() and not os.path.exists(device):
            return socket.create_connection((host or "127.0.0.1", int(port)), timeout=10).detach()
        descriptor = os.open(device, os.O_RDWR | os.O_NOCTTY)
    except OSError as error:
        raise Stop(USAGE, f"{device} cannot be opened: {error.strerror or error}")
    if not os.isatty(descriptor):
        os.close(descriptor)
        raise Stop(USAGE, f"{device} is no serial device, pseudo-terminal or socket")
    _set_raw(descriptor)
    return descriptor


class Line:
    """`lines` yields (seconds since it was opened, bytes without the newline), then None when the other end is gone."""

    def __init__(self, device, log=None):
        self.descriptor = _open(device)
        os.set_blocking(self.descriptor, True)
        self.log = log
        self.lines = queue.Queue(MOST_WAITING)
        self.started = time.monotonic()
        threading.Thread(target=self._read, daemon=True).start()

    def _chunk(self):
        try:
            return os.read(self.descriptor, 1 << 16)
        except OSError:
            return b""          # a pseudo-terminal whose other end has closed says so with an error

    def _read(self):
        pump(self._chunk, self.log, self.started, self.lines)

    def send(self, data):
        try:
            os.write(self.descriptor, data)
        except OSError:
            pass                # the reader will say that the other end is gone
