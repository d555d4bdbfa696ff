"""Every host tool we use, named once: the Debian package, what it is for, how to see that it is there."""
import glob
import os
import shutil
import subprocess
import sys
from typing import NamedTuple, Tuple

from tools.rl.building import font, targets
from tools.rl.building.description import Broken
from tools.rl.building.progress import Progress, hold
from tools.rl.common import MISSING, Stop


class Package(NamedTuple):
    name: str                   # Debian's name
    why: str
    commands: Tuple[str, ...]   # which of build.py's commands need it; "build" is needed by all of them
    probes: Tuple[str, ...]     # programs on PATH, or file patterns (with a slash); all must be there


INCLUDE = "/usr/include"
ALL = ("build",)
_may_install = False            # without asking: --yes
WAIT_FOR_OTHERS = ("-o", "DPkg::Lock::Timeout=600")      # seconds, for another apt-get that installs
LONG_TEST = "test --long"       # counts as a command of its own
TABLE = (
    Package("clang", "compiles the kernel, stage2, targets and host tests", ALL, ("clang", "clang++")),
    Package("lld", "links the kernel and stage2 at their addresses", ALL, ("ld.lld",)),
    Package("llvm", "llvm-objcopy makes flat binaries, llvm-symbolizer names the lines of a crash", ALL,
            ("llvm-objcopy", "llvm-objdump", "llvm-nm", "llvm-symbolizer")),
    Package("nasm", "assembles the boot sector, stage1, entry, traps and VMRUN", ALL, ("nasm",)),
    Package("ninja-build", "rebuilds what is stale", ALL, ("ninja",)),
    Package("libxxhash-dev", "xxHash's header, compiled into the kernel", ALL, (f"{INCLUDE}/xxhash.h",)),
    Package("psf-unifont", "the font of the console on a UEFI screen", ALL, (font.FONT,)),
    Package("musl-dev", "the static C library the C targets are linked against", ALL,
            (f"{INCLUDE}/*-linux-musl/stdio.h",)),
    Package("libc6-dev", "static glibc, for targets in C++", ALL, ("/usr/lib/*/libc.a",)),
    Package("qemu-system-x86", "the machine with AMD SVM that everything runs on",
            ("run", "replay", "merge", "triage", "minimize", "coverage", "test", "bench", "debug", "oss-fuzz"),
            ("qemu-system-x86_64",)),
    Package("ovmf", "the machine's UEFI firmware", ("test",), ("/usr/share/OVMF/OVMF_CODE_4M.fd",)),
    Package("grub-pc-bin", "another boot loader, that starts us by Multiboot2", ("test",),
            ("/usr/lib/grub/i386-pc/multiboot2.mod",)),
    Package("grub-common", "makes that boot loader's rescue image", ("test",), ("grub-mkrescue",)),
    Package("isolinux", "one more boot loader, that starts us as a Linux kernel", ("test",),
            ("/usr/lib/ISOLINUX/isolinux.bin",)),
    Package("syslinux-common", "that boot loader's modules", ("test",),
            ("/usr/lib/syslinux/modules/bios/linux.c32",)),
    Package("xorriso", "writes CD images", ("test", "image"), ("xorriso",)),
    Package("bochs-term", "another machine with AMD SVM, and its display on a terminal", ("test",),
            ("bochs", "/usr/lib/*/bochs/plugins/libbx_term_gui.so")),
    Package("bochsbios", "that machine's BIOS", ("test",), ("/usr/share/bochs/BIOS-bochs-latest",)),
    Package("vgabios", "that machine's BIOS for its screen", ("test",), ("/usr/share/bochs/VGABIOS-lgpl-latest",)),
    Package("libgtest-dev", "GoogleTest, for the host tests", ("test", "check"), (f"{INCLUDE}/gtest/gtest.h",)),
    Package("libzydis-dev", "a disassembler, against which the host tests check our decoders", ("test", "check"),
            (f"{INCLUDE}/Zydis/Zydis.h",)),
    Package("libclang-rt-dev", "AddressSanitizer and libFuzzer, for host tests, fuzz entries, what a build runs",
            ("test", "bench", "oss-fuzz"), ("/usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.fuzzer-*.a",)),
    Package("rng-tools-debian", "rngtest judges our random numbers", ("test",), ("rngtest",)),
    Package("ent", "judges our random numbers", ("test",), ("ent",)),
    Package("dieharder", "judges our random numbers", ("test",), ("dieharder",)),
    Package("clang-format", "checks the layout of the sources", ("check",), ("clang-format",)),
    Package("pyflakes3", "finds names that the Python sources do not define or use", ("check",), ("pyflakes3",)),
    Package("clang-tidy", "checks the sources for mistakes", ("check",), ("clang-tidy",)),
    Package("dnsmasq-base", "a real network's DHCP and TFTP server, for `test --long`", (LONG_TEST,), ("dnsmasq",)),
    Package("iproute2", "makes the tap device of that network", (LONG_TEST,), ("ip",)),
    Package("chromium", "opens a run's report, for `test --long`", (LONG_TEST,), ("chromium",)),
    Package("afl++", "another fuzzer, with which a run shares its corpus", ("test", "bench peers"),
            ("afl-fuzz", "afl-clang-fast")),
    Package("lcov", "genhtml shows the sources with what a corpus reaches, for `coverage --html`", ("test",),
            ("genhtml",)),
    Package("gdb", "debugs the kernel in QEMU", ("debug", "test"), ("gdb",)),
)


def _found(probe):
    if "/" not in probe:
        return shutil.which(probe) is not None
    return bool(glob.glob(probe) or glob.glob(probe.replace("/usr/lib/*/", "/usr/lib64/")))


def _installed(name):
    """Whether Debian has it; elsewhere the compiler will say what it misses."""
    if shutil.which("dpkg-query") is None:
        return True
    done = subprocess.run(["dpkg-query", "-W", "-f", "${db:Status-Status}", name], capture_output=True, text=True)
    return done.stdout == "installed"


def of_targets():
    """What the targets' own descriptions ask for, beyond the table."""
    known = {package.name for package in TABLE}
    asked = {}
    for name in targets.in_one_build():
        try:
            asked.update({package: name for package in targets.load(name).packages})
        except Broken:
            pass                # its build says what is wrong
    return [Package(package, f"targets/{name} is made of it", ALL, ()) for package, name in sorted(asked.items())
            if package not in known]


def missing(*commands):
    """The packages of these commands that are not there."""
    wanted = [p for p in TABLE if "build" in p.commands or any(command in p.commands for command in commands)]
    lacking = [p for p in wanted if not all(_found(probe) for probe in p.probes)]
    return lacking + [p for p in of_targets() if not _installed(p.name)]


def _what_to_type(names):
    sudo = "" if os.geteuid() == 0 else "sudo "
    return f"{sudo}apt-get install --no-install-recommends {' '.join(names)}"


def _install(names):
    prefix = [] if os.geteuid() == 0 else ["sudo"]
    if prefix and shutil.which("sudo") is None:
        raise Stop(MISSING, f"not root, and no sudo here; as root type: {_what_to_type(names)}")
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    with Progress(f"installing {len(names)} packages"):
        _apt_get(prefix, names, environment)


def _apt_get(prefix, names, environment):
    update = subprocess.run(prefix + ["apt-get", "update", "-q"], env=environment, stdout=subprocess.DEVNULL)
    install = prefix + ["apt-get", *WAIT_FOR_OTHERS, "install", "-y", "-q", "--no-install-recommends", *names]
    if update.returncode or subprocess.run(install, env=environment, stdout=subprocess.DEVNULL).returncode:
        raise Stop(MISSING, f"apt-get failed; to see why, type: {_what_to_type(names)}")


def ensure(yes, *commands):
    """Returns when everything these commands need is there; installs it, asks, or says what to type."""
    global _may_install
    _may_install = yes
    _provide(lambda: missing(*commands))


def ensure_these(names, why):
    """The same for packages that one target's build needs; `ensure` has been called."""
    wanted = [Package(name, why, (), ()) for name in (*names, "dpkg-dev")]
    _provide(lambda: [package for package in wanted if not _installed(package.name)])


def ensure_tool(program):
    """The same for a program of the table that only one of a command's options needs."""
    wanted = [package for package in TABLE if program in package.probes]
    _provide(lambda: [package for package in wanted if not all(_found(probe) for probe in package.probes)])


def _provide(lacking_now):
    lacking, yes = lacking_now(), _may_install
    if not lacking:
        return
    print("This needs what is not installed yet:")
    for package in lacking:
        print(f"  {package.name:18} {package.why}")
    sys.stdout.flush()
    names = [package.name for package in lacking]
    if shutil.which("apt-get") is None:
        probes = ", ".join(probe for package in lacking for probe in package.probes if not _found(probe))
        raise Stop(MISSING, f"not a Debian; please provide: {probes}")
    if not yes:
        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            raise Stop(MISSING, f"add --yes, or type: {_what_to_type(names)}")
        with hold():
            answer = input("Install these now with apt-get? [y/N] ").strip().lower()
        if answer not in ("y", "yes"):
            raise Stop(MISSING, f"nothing installed; to do it yourself, type: {_what_to_type(names)}")
    _install(names)
    still = [package.name for package in lacking_now()]
    if still:
        raise Stop(MISSING, f"installed, yet not found: {' '.join(still)}")
