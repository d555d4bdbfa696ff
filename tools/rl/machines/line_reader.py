"""Bytes as they arrive from a machine, put into its log at once and into a queue line by line."""
import time


def pump(read, log, started, lines):
    """Until `read` gives b"": (seconds since `started`, a line without its end) into the queue, then None."""
    rest = b""
    for chunk in iter(read, b""):
        if log:
            log.write(chunk)
            log.flush()
        now = time.monotonic() - started
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            lines.put((now, line.rstrip(b"\r")))
    if rest:
        lines.put((time.monotonic() - started, rest.rstrip(b"\r")))
    lines.put(None)
