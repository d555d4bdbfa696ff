"""What the boot rows expect of error chains exists: codes, files, functions, conditions, statements, values."""
import re

from tests.checks.error_codes import defined
from tests.qemu import scenarios
from tests.qemu.chains_expected import Error
from tools.rl.building.graph import LAYERS
from tools.rl.common import ROOT


def errors(one):
    """The chains that an expectation of a row is made of."""
    return [one] if isinstance(one, Error) else [one.error] if hasattr(one, "error") else []


def expected():
    """(name of the row, Error) of all."""
    for row in scenarios.SCENARIOS:
        for one in (*row.must, *row.must_not):
            yield from ((row.name, error) for error in errors(one))


def squeezed(text):
    return re.sub(r"\s+", " ", text)


def frame_complaints(frame):
    if not frame.file:
        return
    path = ROOT / frame.file
    if not path.is_file():
        yield f"there is no {frame.file}"
        return
    text = squeezed(path.read_text())
    for what, wanted in (("condition", f"CHECK({frame.condition}," if frame.condition else ""),
                         ("statement", squeezed(frame.source)),
                         ("function", f"{frame.function.split('::')[-1]}(" if frame.function else "")):
        if wanted and wanted not in text:
            yield f"{frame.file} has no {what} {wanted}"
    yield from (f"{frame.file} has no value {name}" for name in frame.fields if not re.search(rf"\b{name}_?\b", text))


def all_sources():
    folders = (*LAYERS, "stage2", "loader", "tests/kernel")
    return "\n".join(path.read_text() for folder in folders for path in sorted((ROOT / folder).rglob("*.[hc]*"))
                     if path.suffix in (".h", ".cpp", ".c"))


def check():
    codes, text, found = defined(), all_sources(), []
    for name, error in expected():
        complaints = [] if error.code in codes else [f"there is no code {error.code}"]
        complaints += [complaint for frame in error.frames for complaint in frame_complaints(frame)]
        complaints += [f"no source has a value {field}" for field in (*error.fields, *error.without)
                       if not re.search(rf"\b{field}_?\b", text)]
        found += [f"boot row \"{name}\": {complaint}" for complaint in complaints]
    return found
