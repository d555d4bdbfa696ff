"""Writes the programs that build systems call as their compilers.

    python3 -m tools.rl.compilers.install FOLDER NAME...
"""
import sys
from pathlib import Path

from tools.rl.common import ROOT, write_atomically

# -I: nothing of the caller's environment changes what is imported.
PROGRAM = """#!{python} -I
import sys
sys.path.insert(0, {root!r})
from tools.rl.compilers import wrapper
sys.exit(wrapper.main({name!r}, sys.argv[1:]))
"""


def main(arguments):
    folder, *names = arguments
    for name in names:
        path = Path(folder) / name
        write_atomically(path, PROGRAM.format(python=sys.executable, root=str(ROOT), name=name))
        path.chmod(0o755)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
