"""Ways to break an image: each makes a function from (image bytes, Layout) to image bytes."""
SECTOR = 512


def _part(layout, name):
    return next(part for part in layout.parts if part.name == name)


def flip(name):
    """One bit, in the middle of a part."""
    def apply(image, layout):
        part = _part(layout, name)
        broken = bytearray(image)
        broken[part.lba * SECTOR + part.size // 2] ^= 0x10
        return bytes(broken)
    return apply


def blank(name):
    """A sector in the middle of the part was never written (one that should not be zeros anyway)."""
    def apply(image, layout):
        part = _part(layout, name)
        sectors = range(part.lba, part.lba + -(-part.size // SECTOR))
        full = [n for n in sectors if any(image[n * SECTOR:(n + 1) * SECTOR])]
        start = full[len(full) // 2] * SECTOR
        return image[:start] + bytes(SECTOR) + image[start + SECTOR:]
    return apply


def cut(name):
    """The disk ends where the part should begin. (One that ends inside it SeaBIOS and QEMU read without an error.)"""
    def apply(image, layout):
        return image[:_part(layout, name).lba * SECTOR]
    return apply
