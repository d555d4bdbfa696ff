"""What one run boots: an artefact as it was built, with a bundle of its own."""
from tools.rl.building import target_files
from tools.rl.building.description import LARGEST_MAX_LEN
from tools.rl.common import BUILD, Stop, USAGE
from tools.rl.images import artefacts, bundle
from tools.rl.images.xxhash import xxh64
from tools.rl.printable import printable


def target_entries(target, options, extra=(), with_seeds=True):
    """The bundle of a run: options first, then what the target brings, then corpus or replay input."""
    files, notes = target_files.entries(target, target_files.max_len(target, options.get("max_len")) or LARGEST_MAX_LEN,
                                        with_seeds)
    for note in notes:
        print(printable(note))
    path = target_files.dictionary(target_files.find(target))
    files = [(name, bundle.content(name, data, path)) for name, data in files]
    return [("options", bundle.options_text(options)), *files, *extra]


def boot_image(entries, way="img", folder=BUILD):
    """The artefact as it was built, with another bundle."""
    built = artefacts.path("img" if way == "iso" else way, folder)
    return artefacts.with_bundle(way, built.read_bytes(), bundle.make(entries))


def refuse_too_long(name, size, max_len):
    if size > max_len:
        raise Stop(USAGE, f"{name} has {size} bytes, --max-len is {max_len}; pass --max-len {size} or more")


def corpus_entries(corpus):
    """Earlier inputs, (name, data), that are not seeds. The machine cuts what is longer than its longest input."""
    return [(f"corpus/{xxh64(data):016x}", data) for _, data in corpus]
