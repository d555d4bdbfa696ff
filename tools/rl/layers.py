"""Who may include whom: the twin of the table in the design; `build.py check` enforces it."""
import re

from .common import ROOT

MAY_USE = {
    "base": (),
    "rstate": ("base",),
    "cpu": ("base", "rstate"),
    "hw": ("base", "cpu"),
    "mm": ("base", "rstate", "cpu"),
    "boot": ("base", "rstate"),
    "dev": ("base", "rstate", "cpu", "mm"),
    "vm": ("base", "rstate", "cpu", "mm"),
    "svm": ("base", "rstate", "cpu", "mm", "vm"),
    "guest": ("base", "rstate", "boot", "vm"),
    "fuzz": ("base", "rstate", "vm"),
    "stage2": ("base", "rstate", "cpu", "hw", "mm", "boot", "dev"),
    "efi": ("base", "cpu", "boot"),
    "loader": ("base", "rstate", "cpu", "hw", "boot", "dev", "stage2"),
}
EVERYTHING = ("kernel", "tests", "tools")
# The one header that the target's C and the hypervisor share: the interface between them.
SHARED = {"targets/runtime/abi.h": ("guest", "fuzz", "kernel")}
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)
CODE = (".h", ".cpp", ".c", ".inc")


def complaints_about(layer, name, text):
    """One line for each include of `text` that the table does not allow."""
    found = []
    for match in INCLUDE.finditer(text):
        used = match.group(1)
        folder = used.split("/")[0] if "/" in used else None
        line = text.count("\n", 0, match.start()) + 1
        if folder is None:
            found.append(f'{name}:{line}: #include "{used}" does not begin at the root')
        elif used in SHARED:
            if layer not in SHARED[used]:
                found.append(f"{name}:{line}: {layer} may not use {used}")
        elif folder != layer and folder not in MAY_USE[layer]:
            found.append(f"{name}:{line}: {layer} may not use {folder} ({used})")
    return found


def check():
    found = []
    for layer in MAY_USE:
        for path in sorted((ROOT / layer).rglob("*")):
            if path.suffix in CODE and path.is_file():
                found += complaints_about(layer, str(path.relative_to(ROOT)), path.read_text())
    return found
