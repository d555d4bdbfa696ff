"""Started by a running Linux: Debian's kernel for clouds, from a CD, whose only program is kexec.

Its packages are fetched and unpacked, not installed: a kernel and kexec-tools would change how this machine boots.
"""
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.qemu.ways import rescue_cd
from tools.rl.common import BUILD

UNPACKED = BUILD / "kexec"
INIT = """#!/bin/busybox sh
/bin/busybox mount -t devtmpfs none /dev
/bin/busybox mount -t proc none /proc
/bin/busybox mount -t sysfs none /sys
/sbin/kexec -l /raclette && /sbin/kexec -e
"""


def can_be_had():
    return all(shutil.which(tool) for tool in ("apt-get", "apt-cache", "dpkg-deb", "ldd"))


def _output(*words, **more):
    return subprocess.run(words, check=True, capture_output=True, text=True, **more).stdout


def unpacked(package):
    """The folder with this package's files, fetched once."""
    folder = UNPACKED / package
    if not folder.exists():
        with tempfile.TemporaryDirectory(dir=BUILD) as fresh:
            _output("apt-get", "download", package, cwd=fresh)
            archive, = Path(fresh).glob("*.deb")
            _output("dpkg-deb", "-x", archive, Path(fresh) / "root")
            folder.parent.mkdir(exist_ok=True)
            (Path(fresh) / "root").rename(folder)
    return folder


def needs(package, pattern, *more):
    """The packages that it depends on, of these names."""
    return re.findall(rf"Depends: ({pattern})$", _output("apt-cache", "depends", *more, package), re.M)


def linux():
    """The kernel that Debian's package for clouds stands for."""
    name, = needs("linux-image-cloud-amd64", r"linux-image-\S+")
    return next((unpacked(name) / "boot").glob("vmlinuz-*")).read_bytes()


def libraries_of_kexec(program):
    """(path in the machine, where the file is) of all that it is linked with: Xen's from packages too, the others are
    this machine's own."""
    names = set(needs("kexec-tools", r"libxen\S+|libyajl\S+", "--recurse"))
    folders = ":".join(str(unpacked(name) / "usr/lib/x86_64-linux-gnu") for name in sorted(names))
    found = re.findall(r"(/\S+) \(0x", _output("ldd", program, env=dict(os.environ, LD_LIBRARY_PATH=folders)))
    return [(path if path.startswith("/lib64") else f"/lib/x86_64-linux-gnu/{Path(path).name}", path) for path in found]


def archive(files):
    """An initial file system of these (path, mode, content): cpio's "newc", of Linux' initramfs buffer format."""
    data = b""
    for number, (path, mode, content) in enumerate((*files, ("TRAILER!!!", 0, b"")), 1):
        name = path.strip("/").encode() + b"\0"
        fields = (number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name), 0)
        data += b"070701" + b"".join(b"%08X" % field for field in fields) + name
        data += bytes(-len(data) % 4) + content
        data += bytes(-len(data) % 4)
    return data


FOLDER, PROGRAM, FILE = 0o040755, 0o100755, 0o100644


def initial_files(artefact):
    kexec = unpacked("kexec-tools") / "sbin/kexec"
    files = [("init", PROGRAM, INIT.encode()), ("raclette", FILE, artefact),
             ("sbin/kexec", PROGRAM, kexec.read_bytes()),
             ("bin/busybox", PROGRAM, (unpacked("busybox-static") / "bin/busybox").read_bytes())]
    files += [(path, PROGRAM, Path(library).read_bytes()) for path, library in libraries_of_kexec(kexec)]
    folders = {str(parent) for path, _, _ in files for parent in Path(path.strip("/")).parents} - {"."}
    return [(path, FOLDER, b"") for path in sorted(folders | {"dev", "proc", "sys"})] + files


def cd(artefact):
    """A CD from which Linux starts and, as soon as it runs, starts the artefact."""
    return rescue_cd({"linux": linux(), "initial": archive(initial_files(artefact))},
                     "linux /linux quiet console=ttyS0 panic=-1", "initrd /initial")
