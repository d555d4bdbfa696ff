"""Text of unknown origin (a serial line, a log, symbols) as one line that is safe on a terminal and in a page."""

LONGEST = 2000                  # characters of a line: the kernel's are shorter than 500


def _escaped(character):
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def printable(text, longest=LONGEST):
    """Control characters, line ends, surrogates and what changes the writing direction as escapes; the rest is cut."""
    left_out = len(text) - longest
    text = text[:longest]
    if not text.isprintable():
        text = "".join(c if c.isprintable() else _escaped(c) for c in text)
    return f"{text} ... ({left_out} characters more)" if left_out > 0 else text


def printable_lines(text, longest=LONGEST):
    """Text of several lines, each of them printable."""
    return "\n".join(printable(line, longest) for line in text.split("\n"))


def from_console(line):
    """A line of bytes: the kernel writes ASCII, so every other byte becomes an escape."""
    return printable(line[:8 * LONGEST].decode("ascii", "backslashreplace"))


def console_lines(data):
    """The lines of a saved console; only a line feed ends one."""
    return [from_console(line.rstrip(b"\r")) for line in data.split(b"\n")]
