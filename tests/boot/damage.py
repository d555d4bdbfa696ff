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
    """The part's second sector was never written."""
    def apply(image, layout):
        start = (_part(layout, name).lba + 1) * SECTOR
        return image[:start] + bytes(SECTOR) + image[start + SECTOR:]
    return apply


def cut(name):
    """The disk ends behind the part's first sector."""
    def apply(image, layout):
        return image[:(_part(layout, name).lba + 1) * SECTOR]
    return apply
