"""What of a target goes into a bundle, and which of its limits hold."""
from pathlib import Path

from tools.rl.building import targets
from tools.rl.common import Stop, USAGE


def require(name):
    if name not in targets.names():
        raise Stop(USAGE, f"there is no target {name!r}; there is: {', '.join(targets.names()) or 'none'}")


def max_len(name, asked):
    """The longest input: what was asked for, else what the target's description says."""
    return targets.load(name).max_len if asked is None else asked


def bundle_files(name):
    """(name in the bundle, path) of a target's parts; nothing when the tree has no such target."""
    if name not in targets.names():
        return []
    files = [("target.elf", targets.stripped(name))]
    files += [(f"seed/{Path(seed).name}", seed) for seed in targets.seeds(name)]
    dictionary = targets.dictionary(name)
    return files + ([("dict", dictionary)] if dictionary else [])
