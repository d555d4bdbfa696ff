"""How many edges the inputs of a folder reach, counted by one program: libFuzzer's build of the harness."""
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from tools.rl.common import Stop, SYSTEM_FAILED

OPTIONS = ("-runs=0", "-rss_limit_mb=0", "-malloc_limit_mb=0", "-timeout=60")
ENVIRONMENT = {"ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1:symbolize=0"}


def count(program, folder):
    """An input that crashes there ends libFuzzer, and is left out."""
    with tempfile.TemporaryDirectory(prefix="raclette-edges-") as scratch:
        inputs = Path(scratch, "inputs")
        inputs.mkdir()
        for path in sorted(folder.iterdir()):
            if path.is_file() and not path.name.startswith("."):
                shutil.copy(path, inputs / hashlib.sha1(path.read_bytes()).hexdigest())
        while True:
            done = subprocess.run([str(program), *OPTIONS, f"-artifact_prefix={scratch}/", str(inputs)],
                                  capture_output=True, text=True, errors="replace", env={**os.environ, **ENVIRONMENT})
            said = done.stderr
            ended = re.search(r"Test unit written to \S+-([0-9a-f]{40})", said)
            counts = re.findall(r"cov: (\d+)", said)
            if not ended and counts:
                return int(counts[-1])
            if not ended or not (inputs / ended[1]).exists():
                raise Stop(SYSTEM_FAILED, "libFuzzer's build of the harness counted no edges (it may crash on each "
                                          f"input, the empty one too): {said[-500:]}")
            (inputs / ended[1]).unlink()
