"""An input as a hexdump; of a shrunk one also the bytes that were left out, struck out where they stood."""
from tools.rl.results.page.markup import text

IN_LINE = 16
MOST_LINES = 64                 # of one input
MOST_ALIGNED = 1 << 16          # bytes of an input that is compared with the one it was made from


def kept(shrunk, whole):
    """Which bytes of the whole input are left in the shrunk one: one way to leave out bytes that leads from one to the
    other, or None when there is none."""
    flags, at = [False] * len(whole), len(whole)
    if len(whole) > MOST_ALIGNED:
        return None
    for byte in reversed(shrunk):               # from the end: the minimizer leaves out the first blocks first
        at = whole.rfind(bytes((byte,)), 0, at)
        if at < 0:
            return None
        flags[at] = True
    return flags


def _cells(data, flags, show):
    """The bytes' texts, with each run of left out ones in one element."""
    parts, gone = [], False
    for byte, is_kept in zip(data, flags):
        if is_kept == gone:
            parts.append("</del>" if gone else "<del>")
            gone = not gone
        parts.append(show(byte))
    return "".join(parts) + ("</del>" if gone else "")


def lines(data, flags):
    for start in range(0, min(len(data), MOST_LINES * IN_LINE), IN_LINE):
        part, marks = data[start:start + IN_LINE], flags[start:start + IN_LINE]
        fill = "   " * (IN_LINE - len(part))
        yield (f'<span class="soft">{start:08x}</span>  {_cells(part, marks, lambda byte: f"{byte:02x} ")}{fill} '
               f'|{_cells(part, marks, lambda byte: text(chr(byte)) if 32 <= byte < 127 else ".")}|')


def section(data, whole=b""):
    """`whole`: the input before it was shrunk, if it was."""
    flags = kept(data, whole) if len(whole) > len(data) else None
    shown, marks = (whole, flags) if flags else (data, [True] * len(data))
    if not shown:
        return '<h3>Input</h3><p class="soft">The empty input.</p>'
    about = f"{len(data):,} byte{'s' * (len(data) != 1)}"
    if flags:
        about += f", shrunk from {len(whole):,}: what was left out is struck out"
    left = len(shown) - MOST_LINES * IN_LINE
    more = f'<p class="soft">... and {left:,} bytes more</p>' if left > 0 else ""
    body = "\n".join(lines(shown, marks))
    return f'<h3>Input <span class="soft">{about}</span></h3><pre class="hexdump">{body}</pre>{more}'
