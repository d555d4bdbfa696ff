"""What a target printed before it crashed: bytes of the target's choice, as text that no terminal obeys."""
import base64
import binascii

MOST_LINES = 40                 # in a trace


def safe(data):
    """The bytes as text of printable characters and line ends; every other one is escaped."""
    text = data.decode(errors="backslashreplace")
    return "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in text)


def of(record):
    """(the text, how many bytes it is the end of) of a crash record."""
    try:
        data = base64.b64decode(record.get("output") or "", validate=True)
        return safe(data), max(int(record.get("printed") or 0), len(data))
    except (TypeError, ValueError, OverflowError, binascii.Error):
        return "", 0


def lines(text, total):
    """For a trace: a heading, and the last lines."""
    if not text:
        return []
    shown = text.rstrip("\n").split("\n")
    kept = shown[-MOST_LINES:]
    whole = len(kept) == len(shown) and total <= len(text.encode())
    return [f"  the target printed{'' if whole else f', at the end of {total} bytes'}:",
            *(f"    | {line}" for line in kept)]
