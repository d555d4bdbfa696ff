"""Builds the tree, or what one run needs, with ninja; prints the size of each stage against its budget."""
import re
import subprocess

from tools.rl.building import debian_source, packages, project, target_files, targets
from tools.rl.building.graph import Graph
from tools.rl.building.ninja import Ninja, is_made, run_ninja
from tools.rl.common import BUILD, ROOT, Stop, TESTS_FAILED, kernel_elf
from tools.rl.images import disk_image
from tools.rl.printable import printable


def ledger():
    """(name, bytes, budget) of each stage that is built."""
    rows = []
    for name, limit in (("stage0", disk_image.STAGE0_CODE), ("stage1", disk_image.STAGE1_BYTES),
                        ("stage2", disk_image.STAGE2_BYTES)):
        path = BUILD / f"{name}.bin"
        if path.exists():
            data = path.read_bytes()
            # stage2 counts whole (its constants may end in zeros); the others are filled up by their assembler
            rows.append((name, len(data) if name == "stage2" else disk_image.code_size(data, limit), limit))
    return rows


def kernel_sizes(folder):
    done = subprocess.run(["llvm-size", str(kernel_elf(folder))], capture_output=True, text=True)
    numbers = re.findall(r"^\s*(\d+)\s+(\d+)\s+(\d+)", done.stdout, re.M)
    return [int(n) for n in numbers[0]] if numbers else None


def print_ledger(folder=BUILD):
    over = []
    for name, size, limit in ledger():
        print(f"{name:8} {size:6} of {limit} bytes")
        if size > limit:
            over.append(f"{name} is {size - limit} bytes over its budget")
    sizes, last = kernel_sizes(folder) if kernel_elf(folder).exists() else None, folder / "kernel.sizes"
    if sizes:
        before = [int(n) for n in last.read_text().split()] if last.exists() else sizes
        words = [f"{name} {now} ({now - then:+})" for name, now, then in zip(("text", "data", "bss"), sizes, before)]
        print(f"{'kernel':8} {', '.join(words)}")
        last.write_text(" ".join(map(str, sizes)) + "\n")
    if over:
        raise Stop(TESTS_FAILED, "; ".join(over))


def build(quiet=True, folder=BUILD):
    """Everything but the host tests, or what another folder's images need; returns the Graph."""
    graph = Graph()
    run_ninja(() if folder == BUILD else graph.made[folder], quiet=quiet)
    if folder == BUILD:
        for name, complaint in build_targets(graph).items():
            print(printable(f"target {name} cannot be built: {complaint}"))
    return graph


def build_images():
    """What boots the release build, and the listings beside it; nothing of the development build or other targets."""
    graph = Graph()
    run_ninja(graph.made[BUILD] + graph.listings)


def build_targets(graph):
    """All targets of the tree, each on its own; {name: complaint} of those that cannot be built."""
    broken = dict(graph.broken_targets)
    good = [targets.load(name) for name in targets.in_one_build() if name not in broken]
    try:
        run_ninja([target.stripped for target in good], keep_going=True)
    except Stop:
        broken.update({target.name: "see above" for target in good if not is_made(target.stripped)})
    return broken


def _build_elsewhere(target):
    """A target outside of the tree has a ninja file of its own: nothing in it can break another's build."""
    ninja = Ninja(target.build_dir)
    targets.write_rules(ninja)
    targets.write(ninja, [targets.strip_edge(target.ready, target.stripped)] if target.ready else targets.edges(target))
    ninja.write()
    run_ninja([target.stripped], folder=ROOT / target.build_dir)


def build_source(target):
    """Fetches the source package and runs the target's build.sh on it, unless that is done."""
    packages.ensure_these(target.packages, f"target {target.name} is built with it")
    run_ninja([f"build/bin/{name}" for name in targets.COMPILERS])
    place = ROOT / target.build_dir
    project.build(ROOT / target.folder, [debian_source.fetch(target.source)], place)
    if not (ROOT / target.ready).is_file():
        raise Stop(TESTS_FAILED, f"{target.folder}/build.sh left no $OUT/{target.name}; it left: "
                                 f"{', '.join(project.fuzzers(place / 'out')) or 'no fuzzer'}")


def build_for(word, folder=BUILD):
    """What a run of one target needs, so that another, broken one does not stand in its way."""
    target = target_files.find(word)
    graph = Graph()
    run_ninja([graph.images[folder]])
    if target.source:
        build_source(target)
    try:
        if target.build_dir != "build":
            _build_elsewhere(target)
        else:
            run_ninja([target.stripped])
    except Stop as stop:
        raise Stop(stop.status, f"target {target.name} cannot be built, see above")
