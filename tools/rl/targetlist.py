"""What build.py asks about targets: where the ELF, seeds and dictionary of each lie."""
from pathlib import Path

from .common import Stop, USAGE

try:
    from . import targets
except ImportError:
    targets = None


def _ask(question, *arguments, default=None):
    function = getattr(targets, question, None)
    return default if function is None else function(*arguments)


def names():
    return _ask("names", default=[])


def write_edges(ninja):
    _ask("write_edges", ninja)
    for name in names():
        ninja.build(stripped(name), "objcopy", elf(name), flags="--strip-debug")


def require(name):
    if name not in names():
        raise Stop(USAGE, f"there is no target {name!r}; there is: {', '.join(names()) or 'none'}")


def elf(name):
    """The linked target with its debug information."""
    return _ask("elf", name)


def seeds(name):
    return _ask("seeds", name, default=[])


def native_checks():
    return _ask("native_checks", default=[])


def libfuzzer(name):
    """A native build of the same harness with libFuzzer, to compare with; None when there is none."""
    return _ask("libfuzzer", name)


def bundle_files(name):
    """(name in the bundle, path) of a target's parts; nothing when the tree has no such target."""
    if name not in names():
        return []
    files = [("target.elf", stripped(name))]
    files += [(f"seed/{Path(seed).name}", seed) for seed in seeds(name)]
    dictionary = _ask("dictionary", name)
    return files + ([("dict", dictionary)] if dictionary else [])


def stripped(name):
    """The same ELF without debug information: its symbol table stays, the kernel names functions by it."""
    return f"build/targets/{name}.stripped.elf"

