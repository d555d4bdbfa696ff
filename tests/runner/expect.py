"""What the checks of targets share: how a check fails, and the launcher that plays the hypervisor."""
import json
import subprocess
import tempfile

from tools.rl.building import targets
from tools.rl.common import ROOT

BUDGET = 3000000


class Failure(Exception):
    """What a check found wrong, in one line."""


def expect(good, text):
    if not good:
        raise Failure(text)


def launch_elf(elf, data, *options):
    """What the launcher says of each case of that input, as dictionaries."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        argv = [targets.host_run(), "--budget", str(BUDGET), *options, elf, file.name]
        done = subprocess.run(argv, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=100)
    expect(done.returncode == 0, done.stderr.decode(errors="replace").strip())
    return [json.loads(line) for line in done.stdout.decode(errors="replace").splitlines()]
