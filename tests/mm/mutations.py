#!/usr/bin/env python3
"""Leaves out each invalidation of memory management, one at a time, and demands that some host test fails.

    python3 tests/mm/mutations.py [NAME]

`build.py test --long` runs them all.
A forgotten invalidation is the bug that works on every test machine and corrupts memory on a real one. The simulated
TLB and the windows over real addresses keep what they were not told to drop; this proves that the tests look.
"""
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Those that look at translations; the frames' and the stress tests would only take longer.
LOOKING = ("address_space", "page_heap", "shoot_down", "window", "windowed_world")
TESTS = [f"tests/mm/{part}_test.cpp" for part in LOOKING]
FLAGS = ["-std=c++20", "-fno-exceptions", "-fno-rtti", "-O1", "-DRL_DEBUG", "-I."]

# name, file, what stands there, what stands there without the invalidation
MUTATIONS = [
    ("a reused window slot is not flushed", "mm/window.cpp",
     "if (stale) cpu::invlpg(virt_of(address_of(slot))), ++flushes_;",
     "static_cast<void>(stale);"),
    ("a forgotten window slot is not flushed", "mm/window.cpp",
     "    cpu::invlpg(virt_of(address_of(slot)));\n    *slot = 0;",
     "    *slot = 0;"),
    ("a forgotten window slot keeps its entry", "mm/window.cpp",
     "__atomic_store_n(&table_[index_of(slot)], make_mark(Mark::window).raw, __ATOMIC_RELEASE);\n    cpu::invlpg",
     "cpu::invlpg"),
    ("displaced slots are not forgotten", "mm/window.cpp", "if (displaced_ == 0) return nullptr;", "return nullptr;"),
    ("a batch's pages are not invalidated", "mm/shoot_down.cpp", "cpu::invlpg(Virt(pages_[i]));", ";"),
    ("many pages flush nothing", "mm/shoot_down.cpp",
     "        cpu::write_cr3(cpu::read_cr3()); // no entry", "        ; // no entry"),
    ("a batch's frames stay in windows", "mm/shoot_down.cpp", "window->forget(Phys(frames_[i]));", ";"),
    ("a core that joins does not flush", "mm/shoot_down.cpp", "// dropped.\n    cpu::write_cr3(cpu::read_cr3());",
     ""),
    ("other cores are not asked", "mm/shoot_down.cpp", "if (others == 0) return;", "return;"),
    ("nobody waits for the answers", "mm/shoot_down.cpp",
     "while (__atomic_load_n(&batch.waiting_, __ATOMIC_ACQUIRE) != 0) {",
     "while (false) {"),
    ("unmapped pages are not invalidated", "mm/address_space_end.h", "batch.add_page(range.page(page + i));", ""),
    ("unmapped frames stay in windows", "mm/address_space_end.h",
     "if (owned) batch.add_frame(entry.frame());", ""),
    ("frames serve before the cores answered", "mm/address_space_end.h",
     "if (!batch.empty()) shoot_down_.run(batch);", ""),
    ("detached tables stay in windows", "mm/address_space_end.h", "retired.batch.add_frame(table);", ""),
    ("detached tables are walked on", "mm/address_space_end.h",
     "if (retired.count != before) retired.batch.add_page(address);", "static_cast<void>(before);"),
    ("protect invalidates nothing", "mm/address_space_impl.h", "    batch.add_page(range.page(page));\n", ""),
    ("a copied page is not invalidated", "mm/address_space_fault.h", "    batch.add_page(page);\n", ""),
    ("a freed frame stays in windows", "mm/frames.h",
     "if (forget_.forget != nullptr) forget_.forget(forget_.context, frames);",
     ""),
    ("many freed frames stay in windows", "mm/shoot_down.cpp",
     "            batch.add_frame(frame);", "            static_cast<void>(frame);"),
    ("nobody hears of detached tables", "mm/address_space_end.h", "    shoot_down_.run(retired.batch);\n", ""),
    ("nobody hears of a protected page", "mm/address_space_impl.h",
     "        TRY(table_.protect(range.page(page), allowed), \"protecting a page\", range.first, page);\n"
     "    }\n    shoot_down_.run(batch);\n",
     "        TRY(table_.protect(range.page(page), allowed), \"protecting a page\", range.first, page);\n    }\n"),
    ("nobody hears of a copied page", "mm/address_space_fault.h",
     "    batch.add_page(page);\n    shoot_down_.run(batch);\n", "    batch.add_page(page);\n"),
]


def stale():
    """Mutations whose site is no longer where it was; there are none, or the list has to follow the sources."""
    return [what for what, file, before, _ in MUTATIONS if (ROOT / file).read_text().count(before) != 1]


def build(tree, objects, sources):
    commands = []
    for source in sources:
        output = objects / (source.replace("/", "_") + ".o")
        compiler = ["clang", "-O1"] if source.endswith(".c") else ["clang++", *FLAGS]
        commands.append([*compiler, "-c", source, "-o", str(output)])
    for at in range(0, len(commands), 2):  # two at a time
        running = [subprocess.Popen(command, cwd=tree) for command in commands[at:at + 2]]
        if any([process.wait() for process in running]):
            sys.exit("a mutation does not compile")


def run(tree, objects):
    binary = objects / "tests"
    linked = ["clang++", *map(str, objects.glob("*.o")), "-lgtest", "-lgtest_main", "-lpthread", "-o", str(binary)]
    subprocess.run(linked, check=True)
    try:
        done = subprocess.run([str(binary), "--gtest_brief=1"], cwd=tree, capture_output=True, timeout=60)
        return done.returncode == 0
    except subprocess.TimeoutExpired:
        return False


def main():
    chosen = sys.argv[1] if len(sys.argv) > 1 else ""
    if stale():
        sys.exit(f"the sources no longer have: {stale()}")
    with tempfile.TemporaryDirectory() as name:
        tree = pathlib.Path(name)
        for folder in ("base", "rstate", "cpu", "mm", "tests/sim", "tests/mm"):
            shutil.copytree(ROOT / folder, tree / folder)
        objects = tree / "objects"
        objects.mkdir()
        listed = lambda *patterns: sorted(str(p.relative_to(tree)) for pattern in patterns for p in tree.glob(pattern))
        sim = [f"tests/sim/{part}.cpp" for part in ("cpu", "heap", "memory", "program", "window_region")]
        under_test = listed("base/*.cpp", "base/*.c", "rstate/*.cpp", "cpu/*.cpp", "mm/*.cpp", *TESTS)
        build(tree, objects, under_test + sim)
        if not run(tree, objects):
            sys.exit("the tests fail without any mutation")
        missed = 0
        for what, file, before, after in MUTATIONS:
            if chosen not in what:
                continue
            text = (ROOT / file).read_text()
            (tree / file).write_text(text.replace(before, after))
            build(tree, objects, [file] if file.endswith(".cpp") else listed(*TESTS))
            caught = not run(tree, objects)
            missed += not caught
            print(f"{'caught' if caught else 'MISSED'}: {what}", flush=True)
            (tree / file).write_text(text)
            if not file.endswith(".cpp"):
                continue
            build(tree, objects, [file])
        print(f"{missed} missed")
        return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
