"""Runs many inputs, once each, in as many boots as their bytes take, and keeps what each of them did."""
import hashlib
import sys
from array import array
from typing import NamedTuple

from tools.rl.building import builder, target_files
from tools.rl.building.description import LARGEST_MAX_LEN
from tools.rl.building.progress import Progress
from tools.rl.common import OK, ROOT, SYSTEM_FAILED, Stop, USAGE, folder_of
from tools.rl.corpus.inputs import Input
from tools.rl.images.boot_image import boot_image, target_entries
from tools.rl.machines.qemu import Machine
from tools.rl.machines.record_types import unpacked
from tools.rl.machines.session import BOOT_SILENCE, Chains, Session
from tools.rl.printable import printable
from tools.rl.results.outdir import FINDINGS
from tools.rl.results.own_failure import about_our_failure, about_the_target, places_in_kernel
from tools.rl.results.refused import Refused

MOST_BYTES = 24 << 20           # of the inputs of one boot: the BIOS loads them, and they take the machine's memory
MOST_AT_ONCE = 20000            # inputs of one boot
NO_HASH = "0" * 16


class Result(NamedTuple):
    """What one input did. `features`: ascending, an edge * 8 + the class of its hit count."""
    input: Input
    size: int
    digest: bytes               # of its bytes, so that a file that has changed meanwhile is seen
    ending: str
    value: int
    edges: int
    hash: str                   # of its finding; "" when it has none
    other_fill: str             # of the crash that it ends with when fresh memory holds other bytes
    leak: str
    features: array


class Batch:
    """The inputs of one boot, and the bytes of each."""

    def __init__(self):
        self.inputs, self.bytes = [], 0

    def holds(self, size):
        return not self.inputs or len(self.inputs) < MOST_AT_ONCE and self.bytes + size <= MOST_BYTES

    def add(self, one, data):
        self.inputs.append((one, data))
        self.bytes += len(data)


def digest(data):
    return hashlib.sha256(data).digest()


def batches(found, longest):
    """Batches of all inputs, each different one once; what is too long or cannot be read is left out."""
    batch, seen = Batch(), set()
    for one in found.inputs:
        try:
            data = one.read(longest)
        except OSError as error:
            found.leave_out(one.name, f"cannot be read ({error.strerror or error})")
            continue
        if len(data) > longest:
            found.leave_out(one.name, f"longer than {longest} bytes")
            continue
        key = digest(data)
        if key in seen:
            found.leave_out(one.name, "the same bytes as another one")
            continue
        seen.add(key)
        if not batch.holds(len(data)):
            yield batch
            batch = Batch()
        batch.add(one, data)
    if batch.inputs:
        yield batch


class Examiner:
    """Boots machines with a target and inputs. `findings`: {hash: (record, its chain)} of what was found."""

    def __init__(self, arguments, target, symbolizer, variants=False):
        self.arguments, self.target, self.symbolizer = arguments, target, symbolizer
        self.variants = variants
        self.findings = {}
        self.refused = Refused()
        self.dropped = []
        self.folder = folder_of(arguments)
        builder.build_for(target, self.folder)

    def longest(self):
        """The longest input that is run."""
        return self.arguments.max_len or LARGEST_MAX_LEN

    def options(self):
        return {"target": self.target.name, "cpus": 1, "seed": 0, "max_len": self.longest(), "examine": 1, "exit": 1,
                "variants": int(self.variants), "threads": self.arguments.threads,
                **target_files.timeout_options(self.target, self.arguments.timeout)}

    def run(self, found):
        """A Result of each input that could be run, in their order."""
        results = []
        with Progress("running", len(found.inputs), "inputs") as progress:
            for batch in batches(found, self.longest()):
                results += self._boot(batch, progress)
        if not results:
            raise Stop(USAGE, "\n".join(["no input could be run", *found.notes()]))
        return results

    def _boot(self, batch, progress):
        inputs = [(f"input/{number:06}", data) for number, (_, data) in enumerate(batch.inputs)]
        entries = target_entries(self.target, self.options(), inputs)
        session = Session(boot_image(entries, folder=self.folder), Machine(cpus=1, memory=self.arguments.memory),
                          silence=silence(self.arguments))
        results, chains, text = [], Chains(), []
        for _, event in session.events():
            if isinstance(event, str):
                text.append(event)
                chains.feed(event)
            elif event and event["type"] == "examined" and event["index"] == len(results) < len(batch.inputs):
                results.append(_result(*batch.inputs[event["index"]], event))
                progress.set(progress.done + 1)
            elif event and event["type"] == "refused":
                self.refused.add(event, self.symbolizer)
            elif event and event["type"] in FINDINGS:
                self._keep(event, chains)
        self.dropped += session.records.summary()
        if session.status != OK or len(results) != len(batch.inputs):
            at = batch.inputs[min(len(results), len(batch.inputs) - 1)][0].name
            explain_failure(session, text, self.symbolizer, self.folder, f"; it ran the input {at}")
        return results

    def _keep(self, record, chains):
        chains.finish()
        about = [chain for chain in chains.done if f"hash {record['hash']}" in chain[0]]
        self.findings.setdefault(record["hash"], (record, (about or [[]])[-1]))


def silence(arguments):
    """Seconds without a byte after which a machine that runs inputs counts as hung."""
    name, value = arguments.timeout or ("", 0)
    return BOOT_SILENCE + (2 * value if name == "timeout_s" else 0)


def explain_failure(session, text, symbolizer, folder, about=""):
    """Raises what ended the machine: the target, or we."""
    target_did = about_the_target(text, symbolizer)
    if target_did:
        raise Stop(USAGE, target_did)
    chain = about_our_failure(text)
    print("\n".join(chain + places_in_kernel(chain, folder)), file=sys.stderr)
    raise Stop(SYSTEM_FAILED, f"{session.why or 'Raclette itself failed, see above'}{about}")


def _result(one, data, event):
    hashes = ["" if event[key] == NO_HASH else event[key] for key in ("hash", "other_fill", "leak")]
    return Result(one, len(data), digest(data), event["ending"], event["value"], event["edges"], *hashes,
                  unpacked(event["features"]))


def which_target(word):
    """The target that was asked for; says which."""
    target = target_files.find(word)
    print(printable(f"target {target_files.spelled(target)}"), flush=True)
    return target


def elf_of(target):
    return ROOT / target.elf
