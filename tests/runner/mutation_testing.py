#!/usr/bin/env python3
"""Leaves out each invalidation, one at a time, and demands that some host test fails: those of memory management, and
those of a guest's nested tables and of its VMCB.

    python3 tests/runner/mutation_testing.py [NAME]

`build.py test --long` runs them all.
A forgotten invalidation is the bug that works on every test machine and corrupts memory on a real one. The simulated
TLBs and the windows over real addresses keep what they were not asked to drop; this proves that the tests look.
"""
import collections
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Those that look at translations; the frames' and the stress tests would only take longer.
LOOKING = {
    "mm": ("address_space", "page_heap", "tlb_shootdown", "window", "windowed_world"),
    "vm": ("guest_memory", "reset"),
    "svm": ("machine", "snapshot", "vmcb_audit", "scripted_cpu"),
}
TESTS = {layer: [f"tests/unit/{layer}/{part}_test.cpp" for part in parts] for layer, parts in LOOKING.items()}
# A change in one layer's header is looked at by these layers' tests.
LOOKED_AT_BY = {"mm": ("mm",), "vm": ("vm", "svm"), "svm": ("svm",)}
FLAGS = ["-std=c++20", "-fno-exceptions", "-fno-rtti", "-O1", "-DRL_DEBUG", "-I."]
HANGS = 300     # seconds, of tests that take one or two: more than any busy machine needs

# name, file, what stands there, what stands there without the invalidation
MUTATIONS = [
    ("a reused window slot is not flushed", "mm/window.cpp",
     "if (stale) cpu::invlpg(virt_of(address_of(slot))), ++flushes_;",
     "static_cast<void>(stale);"),
    ("a forgotten window slot is not flushed", "mm/window.cpp",
     "    cpu::invlpg(virt_of(address_of(slot)));\n    *slot = 0;",
     "    *slot = 0;"),
    ("a forgotten window slot keeps its entry", "mm/window.cpp",
     "table_[index_of(slot)].store(absent_entry(AbsentKind::window).raw, Order::release);\n    cpu::invlpg",
     "cpu::invlpg"),
    ("displaced slots are not forgotten", "mm/window.cpp", "if (displaced_ == 0) return nullptr;", "return nullptr;"),
    ("a batch's pages are not invalidated", "mm/tlb_shootdown.cpp", "cpu::invlpg(Virt(pages_[i]));", ";"),
    ("many pages flush nothing", "mm/tlb_shootdown.cpp",
     "        cpu::write_cr3(cpu::read_cr3()); // no entry", "        ; // no entry"),
    ("a batch's frames stay in windows", "mm/tlb_shootdown.cpp", "window->invalidate(Phys(frames_[i]));", ";"),
    ("a core that joins does not flush", "mm/tlb_shootdown.cpp",
     "    // that core dropped.\n    cpu::write_cr3(cpu::read_cr3());",
     ""),
    ("other cores are not asked", "mm/tlb_shootdown.cpp", "if (others == 0) return;", "return;"),
    ("a core does not wait for the answers", "mm/tlb_shootdown.cpp",
     "while (batch.waiting_.load(Order::acquire) != 0) {",
     "while (false) {"),
    ("unmapped pages are not invalidated", "mm/address_space_free.h", "batch.add_page(range.page(page + i));", ""),
    ("unmapped frames stay in windows", "mm/address_space_free.h",
     "if (owned) batch.add_frame(entry.frame());", ""),
    ("frames serve before the cores answered", "mm/address_space_free.h",
     "if (!batch.empty()) tlb_shootdown_.run(batch);", ""),
    ("detached tables stay in windows", "mm/detached_tables.h", "        batch_.add_frame(table);\n", ""),
    ("detached tables are walked on", "mm/detached_tables.h", "batch_.add_page(address);",
     "static_cast<void>(address);"),
    ("protect invalidates nothing", "mm/address_space_map.h", "    batch.add_page(range.page(page));\n", ""),
    ("a copied page is not invalidated", "mm/address_space_fault.h", "    batch.add_page(page);\n", ""),
    ("a freed frame stays in windows", "mm/frames.h",
     "if (invalidate_.invalidate != nullptr) invalidate_.invalidate(invalidate_.context, frames);",
     ""),
    ("many freed frames stay in windows", "mm/tlb_shootdown.cpp",
     "            batch.add_frame(frame);", "            static_cast<void>(frame);"),
    ("no core is asked to drop many freed frames", "mm/tlb_shootdown.cpp",
     "static_cast<TlbShootdown *>(self)->run(batch);",
     "static_cast<void>(self);"),
    ("no core is asked to drop detached tables", "mm/detached_tables.h", "        tlb_shootdown_.run(batch_);\n", ""),
    ("no core is asked to drop a protected page", "mm/address_space_map.h",
     "        TRY(table().protect(range.page(page), allowed), \"protecting a page\", range.first, page);\n"
     "    }\n    tlb_shootdown_.run(batch);\n",
     "        TRY(table().protect(range.page(page), allowed), \"protecting a page\", range.first, page);\n    }\n"),
    ("no core is asked to drop a copied page", "mm/address_space_fault.h",
     "    batch.add_page(page);\n    tlb_shootdown_.run(batch);\n", "    batch.add_page(page);\n"),
    ("a page that becomes private requests no flush", "vm/nested_page_fault.h",
     "epoch_ += entry.present(); // cached translations", "// cached translations"),
    ("a reset requests no flush", "vm/dirty_page_restore.h", "epoch_ += pages != 0;", ""),
    ("an evicted page requests no flush", "vm/page_eviction.h", "++epoch_;", ""),
    ("pages that a snapshot froze request no flush", "vm/snapshot_taker.h", "++machine_.epoch_;", ""),
    ("an entry never flushes", "svm/machine_run.h",
     "c.tlb_control = static_cast<u32>(flush_.requested(memory_.epoch()) ? flush : TlbControl::keep);",
     "static_cast<void>(flush);"),
    ("a flush by ASID is ordered from a processor that has none", "svm/machine_run.h",
     "core_->features().flush_by_asid ? TlbControl::flush_this_asid : TlbControl::flush_all;",
     "TlbControl::flush_this_asid;"),
    ("every flush takes the host's translations too", "svm/machine_run.h",
     "core_->features().flush_by_asid ? TlbControl::flush_this_asid : TlbControl::flush_all;",
     "TlbControl::flush_all;"),
    ("a flush is never done", "svm/machine_run.h", "flush_.done(c, memory_.epoch());", ""),
    ("an entry without a flush counts as one", "svm/vmcb_audit.h",
     "if (control.tlb_control != static_cast<u32>(TlbControl::keep)) flushed_ = epoch;",
     "static_cast<void>(control), flushed_ = epoch;"),
    ("a new CR3 requests no flush", "svm/machine_state.h", "if (system.cr3 != root()) flush_.request();", ""),
    ("a machine begins without a requested flush", "svm/vmcb_audit.h", "u64 flushed_ = never;", "u64 flushed_ = 1;"),
    ("clean bits are claimed of a processor that has none", "svm/machine_run.h",
     "c.clean_bits = core_->features().vmcb_clean_bits ? next_clean_ : 0;", "c.clean_bits = next_clean_;"),
    ("segments of another privilege are called clean", "svm/machine_run.h", "touched(Clean::Segments::mask);", ""),
    ("new control registers are called clean", "svm/machine_state.h", "touched(Clean::ControlRegisters::mask);", ""),
    ("segments that a reset loads are called clean", "svm/machine_state.h",
     "next_clean_ &= ~Clean::Segments::mask;", ""),
    ("a reset calls the branch records clean that it switched on", "svm/machine_state.h",
     "next_clean_ &= ~Clean::BranchRecords::mask;", ""),
    ("changed page tables of the guest are not flushed", "svm/machine.h", "flush_.request();", ""),
    ("what is touched is called clean", "svm/machine.h", "next_clean_ &= ~clean_bit, checked_ = false;",
     "static_cast<void>(clean_bit), checked_ = false;"),
    ("a machine's first entry calls all clean", "svm/machine.h", "u64 next_clean_ = 0;",
     "u64 next_clean_ = Clean::All::mask;"),
]

# What an invalidation looks like; a declaration is none.
SITES = {
    "mm": re.compile(r"(?<!void )\b(?:add_page|add_frame|invalidate|invlpg|write_cr3|run)\([^;{]*;"),
    "vm": re.compile(r"(?:\+\+[\w.]*epoch_|epoch_ \+=[^;]*);"),
    "svm": re.compile(r"\b(?:\w+\.(?:tlb_control|clean_bits) =(?!=)|next_clean_ &=|flush_\.(?:request|done)\(|"
                      r"(?<!void )touched\()[^;{]*;"),
}


def layer_of(file):
    return file.split("/")[0]


def sites(file, text):
    return collections.Counter(SITES[layer_of(file)].findall(text))


def left_out(file):
    """The invalidations of a file that the list leaves out, each as often as it does."""
    text = (ROOT / file).read_text()
    gone = collections.Counter()
    for _, where, before, after in MUTATIONS:
        if where == file:
            gone += sites(file, text) - sites(file, text.replace(before, after))
    return gone


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


def run(tree, *folders):
    """Links the objects, those of a later folder in the place of an earlier one's, and runs the tests."""
    objects = {path.name: str(path) for folder in folders for path in folder.glob("*.o")}
    binary = folders[-1] / "tests"
    linked = ["clang++", *objects.values(), "-lgtest", "-lgtest_main", "-lpthread", "-o", str(binary)]
    subprocess.run(linked, check=True)
    try:
        done = subprocess.run([str(binary), "--gtest_brief=1"], cwd=tree, capture_output=True, timeout=HANGS)
        return done.returncode == 0
    except subprocess.TimeoutExpired:
        print(f"the tests hang: no end in {HANGS} s", flush=True)
        return False


def listed(tree, *patterns):
    return sorted(str(path.relative_to(tree)) for pattern in patterns for path in tree.glob(pattern))


def tests_of(file):
    return [test for layer in LOOKED_AT_BY[layer_of(file)] for test in TESTS[layer]]


def caught(tree, objects, mutation):
    """Whether the tests fail with one mutation; the tree is as before afterwards."""
    _, file, before, after = mutation
    text = (ROOT / file).read_text()
    (tree / file).write_text(text.replace(before, after))
    with tempfile.TemporaryDirectory() as mutated:
        build(tree, pathlib.Path(mutated), [file] if file.endswith(".cpp") else tests_of(file))
        noticed = not run(tree, objects, pathlib.Path(mutated))
    (tree / file).write_text(text)
    return noticed


def main():
    chosen = sys.argv[1] if len(sys.argv) > 1 else ""
    if stale():
        sys.exit(f"the sources no longer have: {stale()}")
    with tempfile.TemporaryDirectory() as name:
        tree = pathlib.Path(name)
        tested = [f"tests/unit/{layer}" for layer in TESTS]
        for folder in ("base", "rstate", "cpu", "mm", "vm", "svm", "tests/sim", *tested):
            shutil.copytree(ROOT / folder, tree / folder)
        objects = tree / "objects"
        objects.mkdir()
        sim = [f"tests/sim/{part}.cpp" for part in ("cpu", "heap", "memory", "program", "window_region")]
        under_test = listed(tree, "base/*.cpp", "base/*.c", *(f"{layer}/*.cpp" for layer in ("rstate", "cpu", *TESTS)))
        build(tree, objects, under_test + sim + sum(TESTS.values(), []))
        if not run(tree, objects):
            sys.exit("the tests fail without any mutation")
        missed = 0
        for mutation in MUTATIONS:
            if chosen not in mutation[0]:
                continue
            noticed = caught(tree, objects, mutation)
            missed += not noticed
            print(f"{'caught' if noticed else 'MISSED'}: {mutation[0]}", flush=True)
        print(f"{missed} missed")
        return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
