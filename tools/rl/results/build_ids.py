"""Which build a text is of: the kernel names its own in its first line, and each folder's image has one."""
import re

from tools.rl.common import BUILD, IMAGE_FOLDERS
from tools.rl.images import artefacts, disk_image

KERNEL = re.compile(r"^6 kernel at (0x[0-9a-f]{1,16}), build ([0-9a-f]{16})")


def named_by(line):
    """The build that this line of the kernel's names, else ""."""
    match = KERNEL.match(line)
    return match[2] if match else ""


def here():
    """(build, folder) of each folder that holds one."""
    for folder in IMAGE_FOLDERS:
        path = artefacts.path("img", folder)
        if path.exists():
            yield f"{disk_image.layout_of(path.read_bytes()).build_id:016x}", folder


def made(said, otherwise=BUILD):
    """(build, folder) that made what says it is of this build; else of the folder `otherwise`."""
    found = list(here())
    return next(((build, folder) for build, folder in found if build == said),
                next(((build, folder) for build, folder in found if folder == otherwise), ("", otherwise)))


def warning(said, built):
    """A warning when text is of a build that is not here: a line, or nothing."""
    if said and built and said != built:
        yield f"  (the log is of build {said}, build/ holds {built}: source lines may be others)"
