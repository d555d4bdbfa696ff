"""What one run boots: an artefact as it was built, with a bundle of its own."""
from tools.rl.building import target_files
from tools.rl.common import BUILD, ROOT
from tools.rl.images import artefacts, bundle


def target_entries(target, options, extra=(), with_seeds=True):
    """The bundle of a run: options first, then what the target brings, then corpus or replay input."""
    files = [(name, (ROOT / path).read_bytes()) for name, path in target_files.bundle_files(target)
             if with_seeds or not name.startswith("seed/")]
    return [("options", bundle.options_text(options)), *files, *extra]


def boot_image(entries, way="img", folder=BUILD):
    """The artefact as it was built, with another bundle."""
    built = artefacts.path("img" if way == "iso" else way, folder)
    return artefacts.with_bundle(way, built.read_bytes(), bundle.make(entries))
