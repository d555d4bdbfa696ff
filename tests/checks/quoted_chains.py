"""The error chains that README and docs quote stand in the source, on the lines they name.

`python3 -m tests.checks.quoted_chains --write` corrects the numbers of lines that have moved, and nothing else.
"""
import re
import sys

from tests.checks.pages import pages
from tools.rl.common import ROOT

FRAME = re.compile(r"^ {2}(?P<file>[\w/]+\.(?:cpp|h)):(?P<line>\d+)(?P<gap> +)(?P<function>\S+) {2,}"
                   r"(?P<text>\S.*?)(?: {3,}.*)?$", re.MULTILINE)
STATEMENT = 4                   # lines: the text may stand below the line that begins the statement
LEAST_FRAMES = 14


def lines_of(file):
    path = ROOT / file
    return path.read_text().splitlines() if path.is_file() else []


def quoted():
    """(page, match) of each frame."""
    for page in pages():
        for match in FRAME.finditer(page.read_text()):
            yield page, match


def is_at(frame, line):
    """Whether the source makes this frame in the statement that begins on a line."""
    lines = lines_of(frame["file"])
    return f'"{frame["text"]}"' in "\n".join(lines[line - 1:line - 1 + STATEMENT])


def has_function(frame):
    return f"{frame['function'].split('::')[-1]}(" in "\n".join(lines_of(frame["file"]))


def complaints_about(page, frame):
    if not has_function(frame) or not is_at(frame, int(frame["line"])):
        return [f"{page.name}: {frame['file']}:{frame['line']} {frame['function']} {frame['text']}: not there"]
    return []


def line_now(frame):
    """Where the frame is made now; what it was when it stands there still, or when its place is not known."""
    line, lines = int(frame["line"]), lines_of(frame["file"])
    text = f'"{frame["text"]}"'
    holds = [number for number, content in enumerate(lines, 1) if text in content]
    if is_at(frame, line) or not has_function(frame) or not holds:
        return line
    nearest = min(holds, key=lambda number: abs(number - line))
    return beginning(lines, nearest)


def beginning(lines, number):
    """The line on which the statement begins that goes on in this one: a frame names the one with FAIL, WRAP or TRY."""
    for earlier in range(number, max(0, number - STATEMENT), -1):
        if re.search(r"\b(?:FAIL|WRAP|TRY)\(", lines[earlier - 1]):
            return earlier
    return number


def corrected(frame):
    old, new = frame["line"], str(line_now(frame))
    gap = " " * max(1, len(frame["gap"]) + len(old) - len(new))
    start = frame.start()
    return (frame[0][:frame.start("line") - start] + new + gap + frame[0][frame.end("gap") - start:])


def write():
    for page in pages():
        text = page.read_text()
        new = FRAME.sub(corrected, text)
        if new != text:
            page.write_text(new)
            print(f"written: {page.relative_to(ROOT)}")


def check():
    found = list(quoted())
    few = [] if len({(page, frame["file"], frame["line"]) for page, frame in found}) >= LEAST_FRAMES else [
        f"README and docs quote only {len(found)} frames of error chains"]
    return few + [complaint for page, frame in found for complaint in complaints_about(page, frame)]


def main(words):
    if words == ["--write"]:
        write()
    complaints = check()
    print("\n".join(complaints) or "every quoted frame is where the source makes it")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
