"""Sample targets for boot scenarios: a few lines of C each, built as every target is, in a temporary folder."""
import struct
import subprocess
import tempfile
from pathlib import Path

from tools.rl.building import targets
from tools.rl.common import BUILD, ROOT

LOADED = struct.pack("<I", 1)            # PT_LOAD


def built(source):
    """A function that gives the ELF of this harness."""
    def build():
        with tempfile.TemporaryDirectory(dir=str(BUILD)) as folder:
            relative = str(Path(folder).relative_to(ROOT))
            (Path(folder) / "harness.c").write_text(source)
            target = targets.Target("sample", "targets/sample", "c", "musl", [f"{relative}/harness.c"], [], [], [], 64,
                                    None, [])
            for edge in targets.edges(target, relative):
                (ROOT / edge["outputs"][0]).parent.mkdir(parents=True, exist_ok=True)
                subprocess.run(edge["command"], cwd=ROOT, shell=True, check=True, capture_output=True)
            return (ROOT / targets.stripped("sample", relative)).read_bytes()
    return build


ENTRY = "int LLVMFuzzerTestOneInput(const unsigned char *data, unsigned long size)"

UNKNOWN_CALL = f"""
#include <sys/syscall.h>
#include <unistd.h>
{ENTRY} {{ return syscall(SYS_ptrace, 1, 2, 3) == 0 && data && size; }}
"""

UNKNOWN_CALL_AT_START = f"""
#include <sys/syscall.h>
#include <unistd.h>
int LLVMFuzzerInitialize(int *count, char ***words) {{ return (int)syscall(SYS_ptrace, 1, 2, 3) + !count + !words; }}
{ENTRY} {{ return data && size; }}
"""


SMALLEST = f"{ENTRY} {{ return size && data[0] == 0; }}"


def touching(mebibytes):
    """A target with so much memory, all of it written before the snapshot point."""
    return f"""
static volatile char large[{mebibytes} << 20];
int LLVMFuzzerInitialize(int *count, char ***words) {{
    for (unsigned long at = 0; at < sizeof large; at += 4096) large[at] = (char)(at >> 12 | 1);
    return count && words ? 0 : 1;
}}
{ENTRY} {{ return data && size; }}
"""


GREEDY = f"""
#include <stdlib.h>
{ENTRY} {{
    if (size == 0 || data[0] != 'm') return 0;
    for (volatile char *block; (block = malloc(1 << 16)) != NULL;)
        for (unsigned at = 0; at < 1 << 16; at += 1 << 12) block[at] = 1;
    return 0;
}}
"""


def enlarged(elf, mebibytes):
    """() -> that ELF with so much zeroed memory behind its data: what build.py would refuse to build."""
    def make():
        data = bytearray(elf())
        at, = struct.unpack_from("<Q", data, 32)
        size, count = struct.unpack_from("<HH", data, 54)
        segments = [header for header in range(at, at + size * count, size) if data[header:header + 4] == LOADED]
        last = max(segments, key=lambda header: struct.unpack_from("<Q", data, header + 16))
        struct.pack_into("<Q", data, last + 40, mebibytes << 20)
        return bytes(data)
    return make
