"""The lines that boot tests expect (tests/qemu/console_lines.py) stand in the sources that print them."""
from tests.qemu import console_lines
from tools.rl.common import ROOT


def joined(text):
    """A source whose literals are not broken over lines."""
    first, *others = text.replace('"\n', "\n").split("\n")
    return first + "".join(part.lstrip().removeprefix('"') for part in others)


def complaint_about(name, line):
    path = ROOT / line.file
    files = sorted(path.glob("*.*")) if path.is_dir() else [path] if path.is_file() else []
    if not files:
        return f"tests/qemu/console_lines.py: {name}: there is no {line.file}"
    wanted = line.literal + ('"' if line.whole else "")
    if line.literal and any(wanted in joined(file.read_text()) for file in files):
        return ""
    return f"tests/qemu/console_lines.py: {name}: {line.file} has no \"{line.text}\""


def check():
    return [complaint for name, line in console_lines.ALL.items() if (complaint := complaint_about(name, line))]
