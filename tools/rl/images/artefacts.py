"""What can be booted: each kind is made of the same parts, can be read back, and can carry another bundle.

    python3 -m tools.rl.images.artefacts package OUT loader.bin stage2.bin kernel.elf bundle.bin
    python3 -m tools.rl.images.artefacts KIND OUT [HEAD] package.bin
"""
import sys
from pathlib import Path

from tools.rl.common import BUILD, write_atomically
from tools.rl.images import disk_image, iso, package
from tools.rl.images.disk_image import Problem

# Files that are a head and a package: kind -> (head, package) -> bytes. A head is taken as it was assembled or as it
# stands in a finished file.
MAKERS = {"elf": package.elf, "efi": package.efi, "lkrn": package.lkrn}


def path(kind, folder=BUILD):
    return folder / ("BOOTX64.EFI" if kind == "efi" else f"raclette.{kind}")


def layout_of(kind, data):
    return disk_image.layout_of(data) if kind in ("img", "iso") else package.layout_of(data)


def with_bundle(kind, data, bundle):
    """The same artefact with another bundle."""
    if kind == "iso":
        return iso.make(with_bundle("img", path("img").read_bytes(), bundle))
    if kind == "img":
        return disk_image.with_bundle(data, bundle, with_bundle("efi", disk_image.efi_of(data), bundle))
    at = package.find(data)
    return MAKERS[kind](data[:at], package.with_bundle(data[at:], bundle))


def main(arguments):
    makers = {**MAKERS, "pxe": package.pxe}     # which carries no package, and so no bundle
    if len(arguments) < 3 or arguments[0] not in ("package", *makers):
        return __doc__
    kind, output, *paths = arguments
    inputs = [Path(path).read_bytes() for path in paths]
    try:
        data = package.compose(*inputs) if kind == "package" else makers[kind](*([b""] + inputs)[-2:])
    except Problem as problem:
        return f"{output}: {problem}"
    write_atomically(output, data)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
