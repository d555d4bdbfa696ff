"""Which target a command is about, what of it goes into a bundle, and which of its limits hold."""
from pathlib import Path

from tools.rl.building import brought_files, companions, description, targets
from tools.rl.building.description import Broken, Target
from tools.rl.common import BUILD, ELF_MAGIC, ROOT, Stop, USAGE, names_in
from tools.rl.suggest import meant


def _elsewhere(path):
    """Where what is made of a target outside of targets/ goes; two of one name do not meet there."""
    return f"build/elsewhere/{description.name_of(path.name)}-{description.short_hash(path)}"


def _in_folder(path):
    path = path.resolve()
    if path.parent == ROOT / description.FOLDER:
        return description.read(path)
    if not (path / "target.json").is_file():
        raise Stop(USAGE, f"{path} holds no target.json; to have one written: build.py new-target {path}")
    return description.read(path, _elsewhere(path))


def _of_elf(path):
    path = path.resolve()
    data = path.read_bytes()
    if data[:4] != ELF_MAGIC:
        raise Stop(USAGE, f"{path} is no ELF file; a target is a name, a folder or an ELF file that raclette-cc linked")
    wrong = targets.complaints(data, path.name)
    if wrong or not targets.has_runtime(data):
        raise Stop(USAGE, wrong[0] if wrong else
                   f"{path} is linked without the target runtime; link it with raclette-cc -fsanitize=fuzzer")
    return Target(description.name_of(path.name), str(path.parent), "c++", "glibc", (), build_dir=_elsewhere(path),
                  ready=str(path))


def find(word):
    """The target that --target names: one of the tree, a folder anywhere, or an ELF file of raclette-cc."""
    if isinstance(word, Target):
        return word
    if word in targets.names():
        return targets.load(word)
    path = Path(word)
    try:
        if path.is_dir():
            return _in_folder(path)
        if path.is_file():
            return _of_elf(path)
    except OSError as error:
        raise Stop(USAGE, f"{word} cannot be read: {error.strerror or error}")
    if "/" in word:
        raise Stop(USAGE, f"there is no file or folder {word}{meant(path.name, names_in(path.parent))}; "
                          "a target is a name in targets/, a folder or an ELF file")
    return targets.load(word)           # which says what there is


def refuse_unknown(word):
    """A word that names no target. Its description may say more once the packages it is made of are installed."""
    try:
        find(word)
    except Broken:
        pass


def spelled(target):
    """The word that names this target from anywhere on this machine."""
    if target.ready and not target.source:
        return target.ready
    return target.name if target.folder == f"{description.FOLDER}/{target.name}" else str(ROOT / target.folder)


def max_len(target, asked=None):
    """The longest input: what was asked for, else what the target's description says, else its options' file; None:
    as the seeds say."""
    target = find(target)
    return asked or target.max_len or companions.of(target).max_len


def timeout_options(target, asked=None):
    """When a case is a timeout: as was asked for, else as the target's description says; else as the seeds say."""
    return dict([asked]) if asked else {"edge_budget": find(target).timeout_edges}


def dictionary(target):
    return target.dictionary or companions.of(target).dictionary


def bundle_files(word):
    """(name in the bundle, path) of a target's parts that are files of their own."""
    target = find(word)
    files = [("target.elf", target.stripped)] + [(f"seed/{Path(seed).name}", seed) for seed in target.seeds]
    return files + [("dict", path) for path in (dictionary(target),) if path]


def brought(word):
    """(what a target brings into its file system, notes about it): what it names, else the data beside it.

    Of an ELF file only one that a build.sh has left in $OUT has such data: others lie among their objects.
    """
    target = find(word)
    if target.files is not None:
        return target.files, []
    if not target.ready:
        return brought_files.beside(ROOT / target.folder, whole_tree=False)
    out = (ROOT / target.ready).parent
    built_here = any(BUILD / name in out.parents for name in ("oss-fuzz", "projects"))
    return brought_files.beside(out, whole_tree=True) if built_here and out.is_dir() else ((), [])


def entries(word, longest, with_seeds=True):
    """((name, data) of a target's parts in the bundle, notes about what was left out)."""
    target = find(word)
    found = [(name, (ROOT / path).read_bytes()) for name, path in bundle_files(target)
             if with_seeds or not name.startswith("seed/")]
    files = brought_files.packed(brought(target)[0])
    found += [("files", files)] if files else []
    zipped, notes = companions.zipped_seeds(companions.of(target).zips if with_seeds else (), longest)
    return found + [(f"seed/{name}", data) for name, data in zipped], notes


def notes(target):
    """What the files beside the harness ask for that has no meaning here, and which of them the target gets."""
    return [*companions.of(target).notes, *brought(target)[1]]
