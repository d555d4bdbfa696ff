"""A run at a terminal: what its screen shows, and that without one there are lines instead."""
import os
import pty
import re

from tests.qemu.expectations import PATIENCE, build_py, expect, start
from tools.rl.common import OK

WIDTH, HEIGHT = 100, 40
RUN = ("run", "--cpus", 2, "--seed", 1, "--cases", 40000)    # some seconds on an emulator: statistics come each second
RULE = "─" * (WIDTH - 1)
IN_THE_BLOCK = (r"^cases \S+ +\d+ cases/s +corpus \d+ +crashes ", r"^edges \d+  [▁▂▃▄▅▆▇█]{2,}$",
                r"^corpus \d+  [▁▂▃▄▅▆▇█]{2,}$", r"^each case: [\d.]+ exits, ",
                r"^  0 █* +\d+/s +1 █* +\d+/s$")


def said_to_a_terminal(*words):
    """(everything that this command wrote to a pseudo-terminal, its status)."""
    ours, theirs = pty.openpty()
    process = start(*words, stdout=theirs, env=dict(os.environ, COLUMNS=str(WIDTH), LINES=str(HEIGHT)))
    os.close(theirs)
    said = b""
    try:
        while chunk := os.read(ours, 1 << 16):
            said += chunk
    except OSError:
        pass                    # how a pseudo-terminal says that its other end is closed
    os.close(ours)
    return said.decode().replace("\r\n", "\n"), process.wait(PATIENCE)


def screens(said):
    """What the terminal shows each time before something is drawn over, and at the end.

    The view uses two of a terminal's words: so many lines up, and nothing from here on.
    """
    texts_and_ups = re.split(r"\x1b\[(\d+)F\x1b\[J", said)
    shown = ""
    for text, up in zip(texts_and_ups[::2], [*texts_and_ups[1::2], "0"]):
        shown += text
        yield shown
        shown = "\n".join([*shown.split("\n")[:-1 - int(up)], ""])


def a_terminal_shows_one_block_below_the_text(out):
    said, status = said_to_a_terminal(*RUN, "--out", out)
    *running, last = screens(said)
    expect(status == OK and "\x1b" not in last, f"status {status}, at the end the screen shows {last[-1500:]!r}")
    expect(len(running) > 1, f"only {len(running)} screens were drawn")
    for screen in running:
        expect(screen.count(RULE) == 2 and screen.endswith(RULE + "\n"), f"not one block, and at the end: {screen}")
        expect("6 kernel at" in screen or "booting ..." in screen, f"the block has drawn over the text: {screen}")
    for pattern in IN_THE_BLOCK:
        expect(re.search(pattern, running[-1], re.MULTILINE), f"no line like {pattern}: {running[-1]}")
    expect(RULE not in last and re.search(r"^case \d+  ", last, re.MULTILINE), f"the block stays, or no sum: {last}")


def without_a_terminal_there_are_lines(out):
    said = build_py(OK, *RUN, "--out", out)
    expect("\x1b" not in said and "─" not in said, f"it draws into a pipe: {said[-1500:]}")
    expect(re.search(r"^\[0:00:\d\d\] case \d+  \d+/s  edges \d+  ", said, re.MULTILINE), f"no statistics: {said}")


TESTS = (a_terminal_shows_one_block_below_the_text, without_a_terminal_there_are_lines)
