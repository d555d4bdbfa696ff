"""`build.py image`: the raw disk image, where its parts lie, and how to put it on a USB stick."""
from . import build, image


def main(_arguments):
    path = build.require_image(build.build())
    build.print_ledger()
    layout = image.layout_of(path.read_bytes())
    print(f"\n{path}: {layout.size} bytes, build {layout.build_id:016x}")
    print(f"  {'part':8} {'sector':>8} {'bytes':>10}  XXH64")
    for part in layout.parts:
        print(f"  {part.name:8} {part.lba:8} {part.size:10}  {part.digest}")
    print(f"\nOn a USB stick (everything on it is lost; find its name with lsblk):\n"
          f"  sudo dd if={path} of=/dev/sdX bs=1M conv=fsync\n"
          f"In QEMU, without build.py:\n"
          f"  qemu-system-x86_64 -cpu EPYC -m 512 -smp 2 -drive file={path},format=raw -serial stdio")
    return 0
