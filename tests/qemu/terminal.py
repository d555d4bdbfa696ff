"""A run at a terminal shows the live view; without one there are plain lines."""
import os
import pty
import re
import select

from tests.qemu.expectations import Failed, PATIENCE, build_py, expect, start
from tools.rl.common import OK, ROOT

WIDTH, HEIGHT = 100, 40
SILENCE = 5                     # seconds: what docs/inside.md promises
RUN = ("run", "--cpus", 2, "--seed", 1, "--cases", 40000, "--exit-zero")    # some seconds: statistics come each second
RULE = "─" * (WIDTH - 1)
IN_THE_BLOCK = (r"^exec/s +[\d,]+ \(.*execs +[\d,]+$", r"^edges +[\d,]+ of [\d,]+ \(.* new edge +\d:\d\d:\d\d ago$",
                r"^crashes +\d+ bugs?, .* last crash +", r"^corpus +[\d,]+.* timeouts +\d", r"^cores +2 ",
                r"^edges, most [\d,]+ .*[▁▂▃▄▅▆▇█]$", r"^exec/s, most [\d,]+ .*[▁▂▃▄▅▆▇█]",
                r"^each exec +[\d.]+ VM exits, ",
                r"^core 0 +█* +[\d,]+/s +core 1 +█* +[\d,]+/s$")


def output_at_a_terminal(*words):
    """(everything that this command wrote to a pseudo-terminal, its status)."""
    ours, theirs = pty.openpty()
    process = start(*words, stdout=theirs, env=dict(os.environ, COLUMNS=str(WIDTH), LINES=str(HEIGHT)))
    os.close(theirs)
    output = b""
    try:
        while select.select([ours], [], [], SILENCE)[0]:
            output += (chunk := os.read(ours, 1 << 16))
            if not chunk:
                break
        else:
            process.kill()
            raise Failed(f"{words} says nothing for {SILENCE} seconds behind {output[-300:]}")
    except OSError:
        pass                    # the other end of the pseudo-terminal is closed
    finally:
        os.close(ours)
    return output.decode().replace("\r\n", "\n"), process.wait(PATIENCE)


def no_command_is_silent_for_long(out):
    """What each of them prints or draws at a terminal comes without a gap."""
    seed = sorted((ROOT / "targets/stb_image/seeds").iterdir())[0]
    for words, expected in ((("build",), OK), (("image",), OK), (("image", "--target", "cxx_example"), OK),
                            (("run", "--plain", "--cases", 2000, "--cpus", 1, "--exit-zero", "--out", out), OK),
                            (("run", "--cases", 2000, "--cpus", 1, "--exit-zero", "--out", out), OK),
                            (("replay", seed), OK), (("maps",), OK), (("bench", "vm.round_trip"), OK),
                            (("check", "--quick"), OK), (("test", "--host", "Window"), OK),
                            (("explain", out / "serial.log"), OK), (("symbolize", "kernel+0x3166"), OK)):
        output, status = output_at_a_terminal(*words)
        expect(status == expected, f"{words}: status {status}: {output[-1500:]}")


def screens(output):
    """What the terminal shows each time before something is drawn over, and at the end.

    The live view uses two control sequences: so many lines up, and clear to the end.
    """
    texts_and_ups = re.split(r"\x1b\[(\d+)F\x1b\[J", output)
    shown = ""
    for text, up in zip(texts_and_ups[::2], [*texts_and_ups[1::2], "0"]):
        shown += text
        yield shown
        shown = "\n".join([*shown.split("\n")[:-1 - int(up)], ""])


def a_terminal_shows_one_block_below_the_text(out):
    output, status = output_at_a_terminal(*RUN, "--out", out)
    *running, last = screens(output)
    expect(status == OK and "\x1b" not in last, f"status {status}, at the end the screen shows {last[-1500:]!r}")
    expect(len(running) > 1, f"only {len(running)} screens were drawn")
    for screen in running:
        expect(screen.count(RULE) == 2 and screen.endswith(RULE + "\n"), f"not one block, and at the end: {screen}")
        expect("6 kernel at" in screen or "booting ..." in screen, f"the block has drawn over the text: {screen}")
    for pattern in IN_THE_BLOCK:
        expect(re.search(pattern, running[-1], re.MULTILINE), f"no line like {pattern}: {running[-1]}")
    expect(RULE not in last and re.search(r"^execs [\d,]+  ", last, re.MULTILINE),
           f"the block stays, or no sum: {last}")


def without_a_terminal_there_are_lines(out):
    output = build_py(OK, *RUN, "--out", out)
    expect("\x1b" not in output and "─" not in output, f"it draws into a pipe: {output[-1500:]}")
    expect(re.search(r"^\[0:00:\d\d\] execs [\d,]+  exec/s [\d,]+  edges [\d,]+ of ", output, re.MULTILINE),
           f"no statistics: {output}")


TESTS = (no_command_is_silent_for_long, a_terminal_shows_one_block_below_the_text, without_a_terminal_there_are_lines)
