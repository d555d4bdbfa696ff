"""Every way in, to a machine that fuzzes: which artefact, which firmware or loader, which machine."""
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.qemu import bios_hooks, console_lines as lines, corrupt_images as corrupt, other_loaders, verdicts
from tests.qemu.chains_expected import ANY, Error, Frame, Origin
from tests.runner.scenario import Scenario
from tools.rl.common import SYSTEM_FAILED
from tools.rl.machines.qemu import Machine

FUZZED = (r"^\{'type': 'end', 'status': 'ok'",)
CASES = 200


BY_PVH = r"^3 loader: started by PVH, "
BY_MULTIBOOT2 = r"^3 loader: started by Multiboot2, "
BY_UEFI = r"^3 loader: started by UEFI, "
BY_BIOS = r"^3 stage1: all loaded"
BY_LINUX = r"^3 loader: started as a Linux kernel, "
BY_SETUP = r"^2 lkrn\n3 loader: started as a Linux kernel, "       # and in real mode before
BY_PXE = r"^1 pxe\n2 lkrn\n3 loader: started as a Linux kernel, "
LINES = {BY_BIOS: "1234567", BY_PXE: "1234567", BY_SETUP: "234567", BY_UEFI: "134567"}


def _each_step(first):
    """The numbered lines, one after the other, and at their end every core fuzzes."""
    expected = LINES.get(first, "34567")

    def verdict(outcomes):
        shown = "".join(re.findall(r"^([1-7]) [a-z]", outcomes[0].text, re.M))
        return verdicts.every_core_fuzzed(outcomes) if shown == expected else f"lines {shown}, expected {expected}"
    return verdict


def fuzzes(name, way, machine, first, **more):
    return Scenario(f"way in: {name}", machine, options={"seed": 1, "cases": CASES}, way=way, must=(first, *FUZZED),
                    verdict=_each_step(first), **more)


def rescue_cd(files, *commands):
    """GRUB's rescue CD with these files, by name, which does this."""
    with tempfile.TemporaryDirectory(prefix="raclette-grub-") as folder:
        root, iso = Path(folder) / "root", Path(folder) / "grub.iso"
        (root / "boot/grub").mkdir(parents=True)
        for name, content in files.items():
            (root / name).write_bytes(content)
        (root / "boot/grub/grub.cfg").write_text("\n".join((*commands, "boot", "")))
        # Only GRUB for BIOS, and of its modules only what this start needs.
        subprocess.run(["grub-mkrescue", "-d", "/usr/lib/grub/i386-pc", "-o", str(iso), str(root)], check=True,
                       capture_output=True)
        return iso.read_bytes()


def grub_rescue(command):
    """(artefact) -> GRUB's rescue CD, which starts it by this command."""
    return lambda artefact: rescue_cd({"raclette": artefact}, f"{command} /raclette")


ISOLINUX = "/usr/lib/ISOLINUX/isolinux.bin"
SYSLINUX_MODULES = Path("/usr/lib/syslinux/modules/bios")


def isolinux(*lines):
    """(artefact) -> a CD of SYSLINUX's, whose only entry, of these lines, starts /raclette."""
    def make(artefact):
        with tempfile.TemporaryDirectory(prefix="raclette-isolinux-") as folder:
            root, iso = Path(folder) / "root", Path(folder) / "isolinux.iso"
            root.mkdir()
            (root / "raclette").write_bytes(artefact)
            (root / "isolinux.cfg").write_text("\n".join(("DEFAULT us", "LABEL us", *lines, "")))
            for file in (ISOLINUX, *(SYSLINUX_MODULES / f"{name}.c32" for name in ("ldlinux", "libcom32", "linux"))):
                shutil.copy(file, root)
            subprocess.run(["xorriso", "-as", "mkisofs", "-quiet", "-o", str(iso), "-b", "isolinux.bin", "-c",
                            "boot.cat", "-no-emul-boot", "-boot-load-size", "4", "-boot-info-table", str(root)],
                           check=True, capture_output=True)
            return iso.read_bytes()
    return make


ELF = [
    fuzzes("PVH, pc", "elf", Machine(disk="kernel"), BY_PVH),
    fuzzes("PVH, q35, 6 GiB", "elf", Machine(disk="kernel", machine="q35", memory="6G"), BY_PVH),
    fuzzes("PVH, microvm with ACPI", "elf", Machine(disk="kernel", machine="microvm", vga="none"), BY_PVH),
    fuzzes("PVH, microvm without ACPI", "elf", Machine(disk="kernel", machine="microvm,acpi=off", vga="none"), BY_PVH),
    fuzzes("Multiboot2, GRUB's rescue CD", "elf", Machine(disk="cd"), BY_MULTIBOOT2,
            wrapped=grub_rescue("multiboot2")),
]


def _uefi(machine, disk, **more):
    return fuzzes(f"UEFI, {machine}, {disk}", "img", Machine(machine=machine, disk=disk, firmware="uefi"), BY_UEFI,
                   **more)


IMG = [
    _uefi("q35", "usb"),
    _uefi("q35", "ahci", long=True),            # OVMF alone takes five seconds
    _uefi("q35", "nvme", long=True),
    _uefi("pc", "virtio", long=True),
    fuzzes("UEFI, nvme with sectors of 4096 bytes", "img",
            Machine(machine="q35", disk="nvme", sector=4096, firmware="uefi"), BY_UEFI),
    fuzzes("BIOS, nvme", "img", Machine(machine="q35", disk="nvme"), BY_BIOS),
    fuzzes("BIOS, nvme with sectors of 4096 bytes", "img", Machine(machine="q35", disk="nvme", sector=4096), BY_BIOS),
    fuzzes("BIOS that wrote a BPB over the boot sector", "img", Machine(disk="usb"), BY_BIOS,
            corrupt=corrupt.bpb_over_it),
    *[fuzzes(f"BIOS that gives the drive number {number:#x}", "img", Machine(), BY_BIOS,
             corrupt=corrupt.wrong_drive(number)) for number in (0, 0x7F, 0x81, 0xFF)],
    fuzzes("BIOS that reads a part and returns success", "img", Machine(), BY_BIOS, monitor=bios_hooks.PARTIAL_READS),
]


ISO = [
    fuzzes("BIOS, CD", "iso", Machine(disk="cd"), BY_BIOS),
    fuzzes("BIOS, CD on AHCI", "iso", Machine(machine="q35", disk="cd"), BY_BIOS),
    fuzzes("BIOS, CD image as a disk", "iso", Machine(disk="usb"), BY_BIOS),
    fuzzes("UEFI, CD", "iso", Machine(machine="q35", disk="cd", firmware="uefi"), BY_UEFI),
    fuzzes("UEFI, CD image as a disk", "iso", Machine(machine="q35", disk="usb", firmware="uefi"), BY_UEFI,
            long=True),
]


LKRN = [
    fuzzes("QEMU's Linux loader", "lkrn", Machine(disk="kernel"), BY_SETUP),
    fuzzes("Linux, GRUB in protected mode", "lkrn", Machine(disk="cd"), BY_LINUX, wrapped=grub_rescue("linux")),
    fuzzes("Linux, GRUB in real mode", "lkrn", Machine(disk="cd"), BY_SETUP, wrapped=grub_rescue("linux16")),
    fuzzes("Linux, ISOLINUX in real mode", "lkrn", Machine(disk="cd"), BY_SETUP,
            wrapped=isolinux("LINUX /raclette")),
    fuzzes("Linux, ISOLINUX's linux.c32", "lkrn", Machine(disk="cd"), BY_SETUP,
            wrapped=isolinux("COM32 /linux.c32", "APPEND /raclette")),
]


def _entered(name, way, entry, levels):
    return fuzzes(f"{name}, {levels} levels of paging", way, Machine(cpu="max"), BY_LINUX,
                   wrapped=other_loaders.enters(entry, levels))


IN_LONG_MODE = [_entered(*where, levels) for levels in (4, 5)
                for where in (("Linux's 64-bit entry", "lkrn", other_loaders.linux_entry),
                              ("the ELF file's entry in 64-bit mode", "elf", other_loaders.elf_entry))]


NETWORK = [
    fuzzes("iPXE", "lkrn", Machine(disk="network"), BY_SETUP),
    fuzzes("PXE", "lkrn", Machine(disk="network", bootfile="raclette.pxe"), BY_PXE),
    fuzzes("UEFI, network", "efi", Machine(machine="q35", disk="network", firmware="uefi"), BY_UEFI, long=True),
]


NOT_AMD = Error("svm.not_supported", Origin("svm/enable.cpp", fields={"amd": 0}))
FIRST_PORT = ["-chardev", "null,id=first", "-device", "isa-serial,chardev=first,iobase=0x3f8,irq=4"]
# What firmware and machines lack, or do wrong, as far as QEMU can emulate it.
HOSTILE = [
    fuzzes("BIOS, no screen", "img", Machine(vga="none"), BY_BIOS),
    *[fuzzes(f"BIOS that gives {size} as the size of a sector", "img", Machine(), BY_BIOS,
              monitor=bios_hooks.sector_size(size)) for size in (1536, 3072, 65535)],
    fuzzes("BIOS that does not give the size of a sector", "img", Machine(), BY_BIOS,
           monitor=bios_hooks.NO_SECTOR_SIZE),
    fuzzes("BIOS, no timer", "img", Machine(machine="pc,pit=off"), BY_BIOS),
    fuzzes("BIOS, no interrupt controller", "img", Machine(machine="q35,pic=off", disk="virtio"), BY_BIOS),
    fuzzes("PVH, microvm with neither", "elf", Machine(disk="kernel", machine="microvm,pit=off,pic=off", vga="none"),
            BY_PVH),
    fuzzes("BIOS, no keyboard controller", "img", Machine(machine="pc,i8042=off"), BY_BIOS),
    *[Scenario(f"way in: {firmware}, the only serial port at {port:#x}", Machine(serial_port=port, firmware=firmware),
               options={"seed": 1, "cases": CASES}, verdict=verdicts.every_core_fuzzed,
               must=(r"^4 stage2: build ", rf"^stage2: serial line at port {port:#x}$", *FUZZED))
      for firmware, port in (("bios", 0x2F8), ("bios", 0x3E8), ("uefi", 0x2F8))],
    Scenario("the serial line goes on at the port that the options name", Machine(serial_port=0x2F8, extra=FIRST_PORT),
             options={"seed": 1, "cases": CASES, "serial": 0x2F8}, must=(r"^\{'type': 'boot'", *FUZZED),
             must_not=(r"^6 kernel at ",), verdict=verdicts.every_core_fuzzed),
    Scenario("the serial line stays where the options name a port that is not there", Machine(cpus=1),
             options={"seed": 1, "cases": CASES, "serial": 0x2F8}, must=FUZZED, verdict=verdicts.every_core_fuzzed),
    Scenario("way in: BIOS, no serial port", Machine(serial=False), options={"seed": 1, "cases": CASES}),
    Scenario("an Intel processor runs the kernel's own tests", Machine(cpu="Skylake-Server"), options={"test": "*"},
             timeout=180, verdict=verdicts.tests_ran),
    Scenario("refuses to fuzz on an Intel processor", Machine(cpus=2, cpu="Skylake-Server"), options={"seed": 1},
             status=SYSTEM_FAILED, must=(lines.KERNEL_AT.pattern(), NOT_AMD),
             must_not=(r"^\{'type': 'stats'",)),
    fuzzes("BIOS, a processor of Hygon's", "img", Machine(cpu="Dhyana"), BY_BIOS),
    Scenario("the kernel's own tests, started by PVH", Machine(disk="kernel"), options={"test": "*"}, way="elf",
             timeout=180, verdict=verdicts.tests_ran),
    fuzzes("BIOS, a disk whose reads fail at first", "img",
            Machine(disk="none", extra=[
                "-drive", "if=none,id=disk,file.driver=blkdebug,file.image.driver=file,"
                "file.image.filename=/dev/fdset/1,file.image.locking=off,format=raw,"
                "file.inject-error.0.event=read_aio,file.inject-error.0.sector=80,file.inject-error.0.once=on,"
                "file.inject-error.1.event=read_aio,file.inject-error.1.sector=160,file.inject-error.1.once=on",
                "-device", "ide-hd,drive=disk,bootindex=0,rerror=report"]), BY_BIOS),
]


class Raised:
    """An exception in stage2 or in the loader, and that stage's last line right behind its chain."""

    def __init__(self, stage, vector, cr2):
        self.error = Error("boot.unexpected_exception", Frame("stage2/exceptions.cpp", fields={"offset": ANY}),
                           Origin("stage2/exceptions.cpp", fields={"vector": vector, "error_code": 0, "cr2": cr2}))
        self.stop = lines.STAGE_STOPS.pattern(stage)

    def __str__(self):
        return f"{self.error}, then {self.stop}"

    def found_in(self, text):
        chain = self.error.chain_in(text)
        behind = text.splitlines()[chain.at + len(chain.lines):] if chain else []
        return bool(behind) and bool(re.match(self.stop, behind[0]))


def _refused(name, reason, breakage):
    return Scenario(f"refuses {name}", Machine(cpus=1, disk="kernel"), options={}, way="elf", corrupt=breakage,
                    status=SYSTEM_FAILED, must=(reason,), must_not=(r"^\{'type': 'stats'",))


def damaged(part):
    """Stage2 has checked this part, a field of the hand-off, and its hash is another."""
    return Error("boot.damaged", Frame("stage2/main.cpp", source=f"check_hash(handoff.{part}"),
                 Origin("stage2/main.cpp", fields={"found": ANY, "expected": ANY, "bytes": ANY}))


DAMAGED_STAGE2 = Error("boot.damaged", Origin("loader/main.cpp", fields={"found": ANY}))
STAGE2_OF_ANOTHER_BUILD = Error("boot.bad_handoff", Origin("loader/main.cpp", source="package.build_id"))


REFUSALS = [
    Scenario("refuses another file of this name from the network",
             Machine(cpus=1, disk="network", bootfile="raclette.pxe"), options={}, way="lkrn", status=SYSTEM_FAILED,
             corrupt=lambda data, layout: data[::-1], must=(lines.stops("pxe", "not_ours"),),
             must_not=(r"^3 loader",)),
    Scenario("refuses a raclette.lkrn of another build from the network",
             Machine(cpus=1, disk="network", bootfile="raclette.pxe"), options={}, way="lkrn", status=SYSTEM_FAILED,
             corrupt=corrupt.lkrn_of_another_build, must=(lines.stops("pxe", "other_build"),),
             must_not=(r"^3 loader",)),
    Scenario("refuses a floppy disk", Machine(cpus=1, disk="floppy"), options={}, status=SYSTEM_FAILED,
             corrupt=lambda image, layout: image[:1440 * 1024], must=(lines.stops("stage0", "no_extensions"),),
             must_not=(r"^2 stage1",)),
    _refused("a package with a flipped bit in stage2", DAMAGED_STAGE2, corrupt.flip("stage2")),
    _refused("a package with a flipped bit in the kernel", damaged("kernel"),
             corrupt.flip("kernel")),
    _refused("a package with a stage2 of another build", STAGE2_OF_ANOTHER_BUILD,
             corrupt.stage2_of_another_build),
    _refused("a package whose loader raises an exception",
             Raised("loader", corrupt.INVALID_OPCODE, 0), corrupt.undefined_instruction_in_the_loader),
]

WAYS = ELF + IMG + ISO + LKRN + IN_LONG_MODE + NETWORK + HOSTILE + REFUSALS
