"""What one run boots: an artefact as it was built, with a bundle of its own."""
from tools.rl.building import target_files
from tools.rl.common import BUILD, ROOT, Stop, USAGE
from tools.rl.images import artefacts, bundle
from tools.rl.images.xxhash import xxh64


def target_entries(target, options, extra=(), with_seeds=True):
    """The bundle of a run: options first, then what the target brings, then corpus or replay input."""
    files, notes = target_files.entries(target, target_files.max_len(target, options.get("max_len")), with_seeds)
    for note in notes:
        print(note)
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


def corpus_entries(folder, corpus, target, max_len):
    """Earlier inputs, (name, data) of what `folder` holds, that are not seeds; all must fit."""
    for seed in target_files.find(target).seeds:
        refuse_too_long(seed, (ROOT / seed).stat().st_size, max_len)
    entries = []
    for name, data in corpus:
        refuse_too_long(folder / name, len(data), max_len)
        entries.append((f"corpus/{xxh64(data):016x}", data))
    return entries
