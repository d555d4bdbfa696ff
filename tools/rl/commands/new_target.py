"""`build.py new-target DIR`: a target to begin with: a harness, its target.json, what that may say, and seeds."""
import shlex
from pathlib import Path

from tools.rl.building import description
from tools.rl.common import OK, ROOT, Stop, USAGE

HARNESS = """\
// The harness, as for libFuzzer: it runs once for each input, each time from the same state.
#include <stddef.h>
#include <stdint.h>
#include <string.h>

{linkage}int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {{
    // Call what is to be tested here. This stands in for a bug that a few seconds of fuzzing find:
    if (size >= 4 && memcmp(data, "RLFZ", 4) == 0) return data[size]; // one byte behind the input
    return 0;
}}
"""
DESCRIPTION = """\
{{
    "sources": ["{harness}"],
    "cflags": [],
    "ldflags": []
}}
"""
README = """\
# {name}

    python3 {program} run --target {folder}

`target.json` may hold these keys; every path begins at this folder.

| key | means |
|---|---|
| `sources` | C, C++, assembly, objects and archives: `["harness.c", "../lib/src/*.c"]` |
| `cflags`, `cxxflags` | words for the compiler: `["-I../lib/include", "-DNAME=1"]`; `cxxflags` for C++ alone |
| `ldflags` | words for the linker: `["../lib/libx.a", "-lz"]` |
| `language`, `libc` | `"c"` with `"musl"` or `"glibc"`; `"c++"` with `"glibc"`; an archive needs glibc |
| `packages` | Debian packages whose headers the sources include |
| `files` | what the target finds in its file system: `{{"/etc/app.conf": "app.conf"}}` |
| `source` | a Debian source package that `build.sh` beside this file builds, in place of `sources` |
| `max_len` | the longest input in bytes; without it as long as the longest seed, at least 4096 |
| `timeout_edges` | a case that spends more edges is a timeout; without it the seeds say |
| `dict` | a dictionary for AFL or libFuzzer |

Valid small inputs belong into `seeds/`, or into `harness_seed_corpus.zip`. A library with a build system of its own is
built with `build/bin/raclette-cc` and `build/bin/raclette-c++` of Raclette's tree; name its archive in `ldflags`.
"""
SEEDS = {"empty-record": b"RL\0\0", "text": b"hello\n"}


def files(folder, language):
    """{name: content} of a new target in that folder."""
    harness = "harness.cpp" if language == "c++" else "harness.c"
    linkage = 'extern "C" ' if language == "c++" else ""
    facts = {"name": folder.name, "folder": shlex.quote(str(folder)),
             "program": shlex.quote(str(ROOT / "build.py")), "harness": harness, "linkage": linkage}
    made = {harness: HARNESS.format(**facts), "target.json": DESCRIPTION.format(**facts),
            "README.md": README.format(**facts)}
    return {**{name: text.encode() for name, text in made.items()},
            **{f"seeds/{name}": data for name, data in SEEDS.items()}}


def main(arguments):
    folder = Path(arguments.folder).resolve()
    made = files(folder, arguments.language)
    there = next((name for name in made if (folder / name).exists()), None)
    if there:
        raise Stop(USAGE, f"{folder / there} is there already; nothing was written")
    try:
        for name, data in made.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
    except OSError as error:
        raise Stop(USAGE, f"{folder} cannot be written: {error.strerror or error}")
    target = description.read(folder)
    word = target.name if folder.parent == ROOT / description.FOLDER else folder
    print("\n".join(f"wrote {folder / name}" for name in made))
    print(f"next: python3 build.py run --target {shlex.quote(str(word))}")
    return OK
