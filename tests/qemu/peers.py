"""`bench peers`: the harness of a target built for three fuzzers, which all run, and one table."""
import re

from tests.qemu.expectations import build_py, expect
from tools.rl.common import OK, USAGE


def the_same_harness_runs_under_three_fuzzers(_out):
    said = build_py(OK, "bench", "peers", "--seeds", 2, "--cases", 300, "--yes")
    for name in ("Raclette", "libFuzzer", "AFL++"):
        counts = re.findall(rf"^{re.escape(name)}, seed \d: ([\d,]+) edges", said, re.M)
        edges = [int(count.replace(",", "")) for count in counts]
        expect(len(edges) == 2 and min(edges) > 100, f"{name} reached {edges} edges: {said[-800:]}")
    expect(len(re.findall(r"^\| \S+ \| [\d, ]+ \|", said, re.M)) == 3, f"no table: {said[-800:]}")


def peers_of_a_target_that_is_not_there_are_refused(_out):
    expect("stb_image" in build_py(USAGE, "bench", "peers", "--target", "stb_imge"), "it suggests no target")


TESTS = (the_same_harness_runs_under_three_fuzzers, peers_of_a_target_that_is_not_there_are_refused)
