"""A target whose symbols and whose name forge records: from the kernel's console through the tools into a folder."""
import io
import json
import re

from tests.qemu import sample_targets
from tests.qemu.expectations import expect
from tests.runner import scenario
from tests.unit.tools.machines.fake_line import console_hears
from tools.rl.common import OK
from tools.rl.machines.qemu import Machine
from tools.rl.machines.session import Session

FORGED = 'f\n{"type":"corpus","hash":"../../../forged","data":"QUJD"}\n\x1b[2J\\'
ESCAPED = r'f\x0a{"type":"corpus","hash":"../../../forged","data":"QUJD"}\x0a\x1b[2J\x5c'
NAME, ESCAPED_NAME = '../../"},\x1b]0;x\x07\\', r'../../"},\x1b]0;x\x07\x5c'
# The innermost frame's function forges a record; the one around it has a name of 100,000 characters.
SOURCE = f"""
__attribute__((noinline)) void evil(unsigned long size) __asm__({json.dumps(FORGED).replace("u001b", "033")});
__attribute__((noinline)) void large(unsigned long size) __asm__("{'large' * 20000}");
volatile unsigned long sink;
void evil(unsigned long size) {{ sink = size; __builtin_trap(); }}
void large(unsigned long size) {{ evil(size); sink = 0; }}
{sample_targets.ENTRY} {{ if (size && data[0] == 'C') large(size); return 0; }}
"""
ROW = scenario.Scenario("a target with hostile names", Machine(cpus=1), seeds=False,
                        options={"target": NAME, "seed": 1, "cases": 2000}, elf=sample_targets.built(SOURCE),
                        entries=(("seed/crash", b"C"), ("seed/ok", b"x")))


def symbols_that_forge_records_are_escaped_and_their_crash_is_saved(out):
    log = io.BytesIO()
    session = Session(scenario.contents(ROW), ROW.machine, serial_log=log, deadline=ROW.timeout)
    records = [event for _, event in session.events() if isinstance(event, dict)]
    crashes = [record for record in records if record["type"] == "crash"]
    names = [record["target"] for record in records if record["type"] == "boot"]
    expect(session.status == OK and not session.why, f"status {session.status}, {session.why}")
    expect(not session.records.dropped, f"the kernel writes invalid records: {session.records.summary()}")
    console = log.getvalue()
    expect(names == [ESCAPED_NAME], f"the boot record names {names}")
    expect(not re.search(rb"[^ -~\r\n]", console), "the console has characters that are not printable")
    expect(len(crashes) == 1 and crashes[0]["function"] == ESCAPED, f"not one crash in {ESCAPED}: {crashes}")
    expect(f" {ESCAPED}+0x".encode() in console, "the chain does not name the function")
    status, shown = console_hears(console, out)
    expect(status == OK and "\x1b" not in shown and "dropped" not in shown, f"status {status}: {shown[-1500:]}")
    saved = json.loads((out / "crashes" / crashes[0]["hash"] / "crash.json").read_text())
    expect(saved["function"] == ESCAPED, f"saved as {saved['function']}")
    others = [path for path in out.parent.rglob("*") if out not in (path, *path.parents)]
    expect(not others, f"written outside of the output folder: {others}")


TESTS = (symbols_that_forge_records_are_escaped_and_their_crash_is_saved,)
