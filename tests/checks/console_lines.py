"""The lines that boot tests expect (tests/qemu/console_lines.py) stand in the sources that print them."""
from tests.qemu import console_lines
from tools.rl.common import ROOT


def complaint_about(name, line):
    path = ROOT / line.file
    if not path.is_file():
        return f"tests/qemu/console_lines.py: {name}: there is no {line.file}"
    # A literal may be broken over lines, or have more before or behind.
    text = path.read_text().replace('"\n', "\n")
    first, *others = text.split("\n")
    joined = first + "".join(part.lstrip().removeprefix('"') for part in others)
    return "" if line.text in joined else f"tests/qemu/console_lines.py: {name}: {line.file} has no \"{line.text}\""


def check():
    return [complaint for name, line in console_lines.ALL.items() if (complaint := complaint_about(name, line))]
