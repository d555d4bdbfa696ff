"""Writes the well-formed inputs that the parsers' fuzz entries start from: tests/fuzz_entries/seeds/ENTRY/NAME.

    python3 -m tests.fuzz_entries.make_seeds
"""
import struct

from tools.rl.common import ROOT
from tools.rl.images import bundle, dictionary

SEEDS = ROOT / "tests/fuzz_entries/seeds"
MIB, GIB = 1 << 20, 1 << 30


def _signed(table, at):
    """The bytes with the one at `at` chosen so that all of them add up to zero."""
    table = bytearray(table)
    table[at] = (table[at] - sum(table)) & 0xFF
    return bytes(table)


def _acpi_table(signature, body):
    """ACPI 6.5 §5.2.6 "System Description Table Header", then the body."""
    header = struct.pack("<4sIBB6s8sIII", signature, 36 + len(body), 1, 0, b"RLSEED", b"RACLETTE", 1, 1, 1)
    return _signed(header + body, 9)


def _madt():
    apics = b"".join(struct.pack("<BBBBI", 0, 8, number, number, 1) for number in range(3))
    return _acpi_table(b"APIC", struct.pack("<II", 0xFEE00000, 1) + apics + struct.pack("<BBHIII", 9, 16, 0, 300, 1, 3))


def _srat():
    cores = b"".join(struct.pack("<BBBBIB3sI", 0, 16, number % 2, number, 1, 0, bytes(3), 0) for number in range(3))
    memory = b"".join(struct.pack("<BBIHQQIIQ", 1, 40, node, 0, node * GIB, GIB, 0, 1, 0) for node in range(2))
    x2apic = struct.pack("<BBHIIIII", 2, 24, 0, 1, 300, 1, 0, 0)
    return _acpi_table(b"SRAT", struct.pack("<IQ", 1, 0) + cores + memory + x2apic)


def _acpi_memory(signature, entry):
    """Physical memory from address 0 on: root pointer, root table, MADT and SRAT."""
    places = (128, 512)
    root = _acpi_table(signature, b"".join(struct.pack(entry, place) for place in places))
    first = _signed(struct.pack("<8sB6sBI", b"RSD PTR ", 0, b"RLSEED", 2, 64), 8)
    rsdp = _signed(first + struct.pack("<IQB3s", 36, 64 if signature == b"XSDT" else 0, 0, bytes(3)), 32)
    memory = bytearray(1024)
    for place, data in ((0, rsdp), (64, root), (places[0], _madt()), (places[1], _srat())):
        memory[place:place + len(data)] = data
    return bytes(memory)


def _acpi():
    return {"xsdt": _acpi_memory(b"XSDT", "<Q"), "rsdt": _acpi_memory(b"RSDT", "<I"), "madt": _madt(), "srat": _srat()}


def _bundle():
    parts = [("options", b"target=seed\ncases=10\n"), ("target.elf", _elf_file()[:64]), ("seed/a", b"GIF89a"),
             ("seed/b", b"")]
    return {"empty": bundle.make([]), "parts": bundle.make(parts)}


def _dictionary():
    return {"tokens": dictionary.pack([b"GIF89a", b"\0\xff;", b'"\\\n\r\t', b"IHDR", b"long" * 80])}


def _elf_file():
    """A static x86-64 program: a code segment with the harness, a data segment, a symbol table."""
    base, names = 0x400000, b"\0LLVMFuzzerTestOneInput\0main\0data\0"
    symbols = [(0, 0, 0, 0, 0, 0), (1, 0x12, 0, 1, base + 0x200, 16), (24, 0x12, 0, 1, base + 0x210, 16),
               (29, 0x11, 0, 2, base + 0x1220, 8)]
    table = b"".join(struct.pack("<IBBHQQ", *symbol) for symbol in symbols)
    table_at, names_at = 0x240, 0x240 + len(table)
    sections_at = (names_at + len(names) + 7) & ~7
    header = struct.pack("<4sBBBBQHHIQQQIHHHHHH", b"\x7fELF", 2, 1, 1, 0, 0, 2, 62, 1, base + 0x200, 64, sections_at, 0,
                         64, 56, 2, 64, 3, 2)
    segments = struct.pack("<IIQQQQQQ", 1, 5, 0, base, base, 0x220, 0x220, 0x1000) + \
        struct.pack("<IIQQQQQQ", 1, 6, 0x220, base + 0x1220, base + 0x1220, 8, 0x2000, 0x1000)
    code = b"\xf3\x0f\x1e\xfa\x0f\xc7\xf0\x48\x8b\x07\xc3".ljust(32, b"\x90")       # endbr64; rdrand; mov; ret
    sections = bytes(64) + struct.pack("<IIQQQQIIQQ", 0, 2, 0, 0, table_at, len(table), 2, 1, 8, 24) + \
        struct.pack("<IIQQQQIIQQ", 0, 3, 0, 0, names_at, len(names), 0, 0, 1, 0)
    file = ((header + segments).ljust(0x200, b"\0") + code + bytes(8)).ljust(table_at, b"\0") + table + names
    return file.ljust(sections_at, b"\0") + sections


def _elf():
    return {"static": _elf_file(), "stripped": _elf_file()[:0x240]}


def _instruction():
    code = {"load": "488b4304", "store": "c744cb1001000000", "push": "50", "sse": "0f1044240f", "string": "f3a4",
            "divide": "48f7f9", "rip_relative": "8b0500100000", "segment": "64488b042528000000",
            "compare": "80bc2480000000ff", "exchange": "f0480fb10f", "vex": "c5fa6f06", "zero_extend": "0fb64701"}
    return {name: bytes.fromhex(digits) for name, digits in code.items()}


def _memory_map():
    def memory_map(removed, *entries):
        return struct.pack("<QQ", *removed) + b"".join(struct.pack("<QQII", *entry, 1) for entry in entries)
    pc = [(0, 0x9FC00, 1), (0x9FC00, 0x400, 2), (0xF0000, 0x10000, 2), (MIB, 511 * MIB, 1), (0xFFFC0000, 0x40000, 2),
          (4 * GIB, GIB, 1)]
    return {"pc": memory_map((16 * MIB, 3 * MIB), *pc), "unsorted": memory_map((0, MIB), *reversed(pc)),
            "overlap": memory_map((0, 0), (0, GIB, 1), (MIB, MIB, 2), (5 * MIB + 1, 100, 3), (GIB - 1, GIB, 1))}


def _mutate():
    def case(seed, a, b, size, data):
        return struct.pack("<QQQII", seed, a, b, size, 0) + data
    return {"text": case(1, 0x41424344, 0x44434241, 4, b"ABCD key=value; key=other"), "empty": case(2, 0, 1, 1, b""),
            "binary": case(3, 0x100, 0x200, 2, bytes(range(128)))}


def _options():
    every = b"target=stb_image\ncpus=2\nseed=0x10\ncases=1000\nmax_len=4096\nedge_budget=100000\nreplay=0\nexit=1\n"
    return {"every": every, "replay": b"target=a\nreplay=1\n"}


def _svm_page(exit_code, info1=0, info2=0, instruction=b""):
    """A VMCB of a guest in 64-bit ring 3 that has stopped: APM vol 2, appendix B "VMCB Layout"."""
    page = bytearray(0x400 + 0x2A0)

    def put(at, layout, *values):
        struct.pack_into(layout, page, at, *values)
    put(0x00C, "<II", 1 << 31 | 1 << 27 | 1 << 28 | 0x1F, 0xFF)
    put(0x040, "<QQ", 0x10000, 0x20000)
    put(0x058, "<I", 1)
    put(0x070, "<QQQ", exit_code, info1, info2)
    put(0x090, "<Q", 1)
    put(0x0B0, "<Q", 0x3000)
    put(0x0D0, "<B15s", len(instruction), instruction)
    put(0x410, "<HHIQ", 0x33, 0xAFB, 0xFFFFFFFF, 0)                 # CS
    put(0x4CB, "<BIQ", 3, 0, 0x1D01)                                # CPL; EFER
    put(0x548, "<QQQQQQQ", 0x620, 0x1000, 0x80010033, 0x400, 0xFFFF0FF0, 0x202, 0x401000)   # CR4 to RIP
    return bytes(page)


def _svm():
    exits = {"vmmcall": (0x81,), "nested_fault": (0x400, 6, 0x5000), "page_fault": (0x4E, 6, 0x1234),
             "interrupt": (0x60,), "port": (0x7B, 0x3F80011), "msr": (0x7C, 1), "cpuid": (0x72,), "shutdown": (0x7F,),
             "invalid": (0xFFFFFFFFFFFFFFFF,)}
    seeds = {name: _svm_page(*exit_of) for name, exit_of in exits.items()}
    # An exit code, and the instruction that makes the processor exit with it.
    for name, code in {"vmmcall": "810f01d9", "rdtsc": "6e0f31", "cpuid": "720fa2", "rdmsr": "7c660f32"}.items():
        seeds[f"length_{name}"] = bytes.fromhex(code)
    # Root and address, then guest memory: a table whose first entry names itself, so a walk of four levels succeeds.
    seeds["walk"] = struct.pack("<QQQ", 0, 0x123, 7)
    seeds["walk_large"] = struct.pack("<QQQQ", 0, 0x40000123, 7, 0x87)
    return seeds


def main():
    makers = {"acpi": _acpi, "bundle": _bundle, "dictionary": _dictionary, "elf": _elf, "instruction": _instruction,
              "memory_map": _memory_map, "mutate": _mutate, "options": _options, "svm": _svm}
    for entry, make in makers.items():
        folder = SEEDS / f"{entry}_fuzz"
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in make().items():
            (folder / name).write_bytes(data)


if __name__ == "__main__":
    main()
