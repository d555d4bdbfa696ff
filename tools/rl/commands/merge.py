"""`build.py merge`: of many inputs the few and small ones that reach everything that all of them reach."""
from collections import Counter
from pathlib import Path

from tools.rl.building import target_files
from tools.rl.common import OK, Stop, USAGE, refuse_no_folder, write_atomically
from tools.rl.corpus import inputs
from tools.rl.corpus.cover import cover
from tools.rl.corpus.examiner import Examiner, digest, elf_of, which_target
from tools.rl.images.xxhash import xxh64
from tools.rl.printable import printable
from tools.rl.results.symbols import Symbolizer

CLASSES = 8                     # of hit counts, for each edge


def out_folder(path):
    """Where the inputs go: a folder that is new or empty, so that it holds the smallest set and nothing else."""
    path = Path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
        if any(path.iterdir()):
            raise Stop(USAGE, f"--out {path} is not empty; the merged inputs go into a folder of their own")
    except FileExistsError:
        raise Stop(USAGE, f"--out {path} cannot be written: it is no folder")
    except OSError as error:
        raise Stop(USAGE, f"--out {path} cannot be written: {error.strerror or error}")
    return path


def usable(results):
    """What may be in a corpus: what ends, and what the harness does not ask to leave out (-1)."""
    return [result for result in results if result.ending == "ok" and result.value >= 0]


def save(folder, chosen, longest):
    """Each input under the name that a run gives it in its corpus."""
    for result in chosen:
        data = result.input.read(longest)
        if digest(data) != result.digest:
            raise Stop(USAGE, f"{result.input.name} has changed while it ran; merge again")
        write_atomically(folder / f"{xxh64(data):016x}", data)


def edges(results):
    return len({feature // CLASSES for result in results for feature in result.features})


def features(results):
    return len({feature for result in results for feature in result.features})


def about_left_out(results):
    """A line for each kind of input that no corpus may hold."""
    said = Counter("the harness asks not to keep it" if result.ending == "ok" else f"it ends with {result.ending}"
                   for result in results if result.ending != "ok" or result.value < 0)
    return [f"left out {count}: {why}" + ("; `build.py triage` shows them" if "ends" in why else "")
            for why, count in said.most_common()]


def about_length(chosen, target):
    """A remark where a run would cut inputs."""
    usual = target_files.max_len(target)
    longer = sum(result.size > usual for result in chosen) if usual else 0
    return [f"{longer} of them are longer than {usual} bytes: `run` cuts them without --max-len"] if longer else []


def refuse(arguments):
    for place in arguments.places:
        inputs.is_folder(place)
    refuse_no_folder(arguments.out, "--out")


def main(arguments):
    target = which_target(arguments.target)
    found = inputs.find(arguments.places, inputs.CORPORA)
    folder = out_folder(arguments.out)
    print(f"{len(found.inputs):,} inputs", flush=True)
    examiner = Examiner(arguments, target, Symbolizer(elf_of(target)))
    results = examiner.run(found)
    good = usable(results)
    chosen = [good[n] for n in cover([result.features for result in good], [result.size for result in good])]
    save(folder, chosen, examiner.longest())
    for line in [*found.notes(), *about_left_out(results), *examiner.dropped, *about_length(chosen, target)]:
        print(line)
    print(printable(f"{len(chosen):,} of {len(found.inputs):,} inputs, {sum(r.size for r in chosen):,} of "
                    f"{sum(r.size for r in good):,} bytes, reach all {edges(good):,} edges and {features(good):,} "
                    f"features: {folder}"))
    return OK
