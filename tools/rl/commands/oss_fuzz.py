"""`build.py oss-fuzz FOLDER`: builds an OSS-Fuzz project by its own build.sh, with our compilers, and fuzzes it."""
from pathlib import Path

from tools.rl.building import builder, description, project
from tools.rl.commands import run
from tools.rl.common import BUILD, Stop, USAGE
from tools.rl.printable import printable


def work_folder(folder):
    return BUILD / "oss-fuzz" / description.name_of(folder.name)


def chosen(out, wanted):
    """The fuzzer that is run; says which others there are."""
    found = project.fuzzers(out)
    if not found:
        raise Stop(USAGE, f"build.sh left no fuzzer in {out}: does it link with $LIB_FUZZING_ENGINE?")
    if wanted is not None and wanted not in found:
        raise Stop(USAGE, f"there is no fuzzer {wanted!r}; there is: {', '.join(found)}")
    if wanted is None and len(found) > 1:
        print(printable(f"fuzzers: {', '.join(found)}; --fuzzer NAME chooses one, this is the first"))
    return out / (wanted or found[0])


def refuse(arguments):
    for place in (arguments.folder, *arguments.source):
        if not Path(place).is_dir():
            raise Stop(USAGE, f"{place} is not a folder")


def main(arguments):
    folder, sources = Path(arguments.folder).resolve(), [Path(source).resolve() for source in arguments.source]
    builder.build()
    arguments.target = str(chosen(project.build(folder, sources, work_folder(folder)), arguments.fuzzer))
    return run.main(arguments)
