"""Lines that no kernel writes, made by kind: each hostile value in each field of each record, and broken lines of text.

Also the same at random: valid lines with bytes, numbers and words changed, for the tools' fuzz entries.
"""
import base64
import json
import random

from tools.rl.machines.record_types import REGISTERS

DIGITS = "9" * 5000             # more than Python's int() takes
ESCAPES = "\x1b]0;title\x07\x1b[2J\x9b31m\u202e\r\x7f"
FOUND = {"case": 7, "core": 1, "size": 3}
HASH = "0123456789abcdef"
INPUT = base64.b64encode(b"GIF").decode()
FINDING = {"hash": HASH, "kind": "heap-buffer-overflow", **FOUND, "function": "parse", "frames": ["0x1000", "0x2000"],
           "address": "0x10", "access": "read", "access_size": 4, "region": "heap block", "region_base": "0x10",
           "region_size": 16, "offset": -4, "alloc": ["0x3000"], "free": ["0x4000"], "text": "said",
           "uninitialised": True, "edges": 1000000, "threads": [{"id": 3, "frames": ["0x1000"]}], "printed": 3,
           "recursion": [{"first": 0, "length": 1, "repeats": 9}], "frames_cut": True,
           "output": INPUT, "input": INPUT}
# A valid record of each type, with every field that the tools know.
EXAMPLES = {
    "boot": {"version": "0.2.0", "build": HASH, "cores": 2, "memory_mib": 512, "frames_used": 1, "frames_free": 2,
             "target": "stb_image", "slide": "0xffff800000000000", "boot_us": 5},
    "stats": {"case": 100, "time_us": 1000000, "cases_per_s": 100, "edges": 3, "corpus": 1, "crashes": 1, "timeouts": 0,
              "counters": 9, "out_of_memory": 1, "exits_per_case": 1.25, "nested_faults_per_case": 0.5,
              "dirty_pages_per_case": 2.0, "reset_bytes_per_case": 8192.0, "frames_free": 5, "seeds_left": 0,
              "heap_live": 6, "threads": 9, "hardware_errors": 1, "stray_interrupts": 2, "files": 4, "started": 1.5,
              "exits_by_reason": {"done": 99, "crash": 1}, "cores": [{"core": 0, "case": 60}, {"core": 1, "case": 40}],
              "time_share": {"target": 0.5, "exits": 0.25, "reset": 0.125, "mutation": 0.1}},
    "corpus": {"hash": HASH, "data": INPUT, "edges": 2, **FOUND},
    "crash": {**FINDING, "original": base64.b64encode(b"GIF8").decode()},
    "timeout": {**FINDING, "kind": "timeout"}, "out_of_memory": {**FINDING, "kind": "out-of-memory"},
    "refused": {"call": "ptrace", "number": 101, "error": 38, "count": 2, "core": 0, "arguments": ["0x1", "0x2"],
                "path": "/etc/x", "frames": ["0x1000"], "function": "parse"},
    "given": {"hash": HASH, "status": "taken"},
    "held": dict.fromkeys((*REGISTERS, "root", "nested_root"), "0x1000"),
    "examined": {"index": 4, "ending": "crash", "value": -1, "edges": 9, "hash": HASH, "other_fill": "0" * 16,
                 "leak": "0" * 16, "features": "AAgHgAE="},
    "minimized": {"runs": 30, "ending": "ok", "hash": "0" * 16, "done": True, "size": 3, "data": INPUT},
    "edges": {"edges": 3, "reached": "Bw==", "hits": "AQIDBA=="},
    "counts": {"crashes": {HASH: 7}},
    "end": {"status": "ok", "cases": 100},
    "range": {"first": "0x1000", "pages": 1, "kind": "heap block", "what": "Core", "allowed": "rw", "core": 0,
              "owner": "heap", "file": "mm/a.h", "line": 5},
    "layout": {"live_pages": 5, "through_windows": 1, "ranges": 2, "one_in": 1000},
    "test": {"name": "a_test", "ok": True, "message": ""},
    "bench": {"name": "vm.round_trip", "value": 7, "unit": "instructions", "compared_with": ""},
}
# Values as they stand in a line: not all of them are JSON.
VALUES = {
    "a number of 5,000 digits": DIGITS, "a negative one": "-" + DIGITS, "a fraction of 5,000 digits": "0." + DIGITS,
    "a float without end": "1e999", "NaN": "NaN", "Infinity": "Infinity", "-Infinity": "-Infinity", "-1": "-1",
    "2^63": str(1 << 63), "2^64": str(1 << 64), "1e18": "1e18", "0": "0", "0.5": "0.5", "true": "true", "null": "null",
    "an empty list": "[]", "an empty object": "{}", "a list of lists": "[[1],[2]]",
    "5,000 lists": "[" * 5000 + "]" * 5000, "30 objects": '{"a":' * 30 + "1" + "}" * 30,
    "a thousand lists": json.dumps([[]] * 1000), "a list of numbers": json.dumps(list(range(5000))),
    "5,000 addresses": json.dumps([hex(n) for n in range(5000)]), "an address too long": '["0x' + "f" * 5000 + '"]',
    "a core without a number": '[{"case":1}]', "a core twice": '[{"core":1},{"core":1}]',
    "a share too large": '{"target":1e18,"exits":1e18}', "a core too far": '[{"core":0,"case":' + str(1 << 63) + "}]",
    "an empty text": '""', "a long text": json.dumps("x" * 100000), "a zero byte": json.dumps("a\0b"),
    "a lone surrogate": '"\\ud800"', "escape sequences": json.dumps(ESCAPES), "a raw escape sequence": '"\x1b[2J"',
    "line ends": json.dumps("a\nb\r\n\u2028\x85c"), "markup": json.dumps("</pre><script>alert(1)</script>"),
    "a relative path": json.dumps("../../../escaped"), "an absolute path": json.dumps("/tmp/escaped"),
    "a hash of 15 digits": json.dumps(HASH[:15]), "a hash of 17 digits": json.dumps(HASH + "0"),
    "a hash in capitals": json.dumps(HASH.upper()), "a hash and a line end": json.dumps(HASH + "\n"),
    "a hash of other digits": json.dumps("\uff10" * 16), "a hash that begins with a dot": json.dumps("." + HASH[1:]),
    "a feature without end": json.dumps("gICAgICAgICAgICAgA=="), "a feature too large": json.dumps("/////38="),
    "a feature twice": json.dumps("CAA="), "an ending of another kind": '"stopped"',
    "bad base64": json.dumps("%%%="), "short base64": json.dumps("QUI"), "base64 with a line end": json.dumps("QUJD\n"),
    "an object with a bad name": json.dumps({ESCAPES: 1}), "an object with a long name": json.dumps({"n" * 5000: 1}),
}
# Names that are no type: methods and attributes of what reads records, and nearly types.
NO_TYPES = ("", "text", "chain", "other", "run", "stop", "interrupted", "__init__", "__class__", "Crash", "crash ",
            "crash\n", "../crash", ESCAPES)


def line(record, raw=()):
    """A record as a line; `raw` are (key, text) members that stand in it as they are."""
    members = [f"{json.dumps(key)}:{json.dumps(value)}" for key, value in record.items()]
    return ("{" + ",".join([*members, *(f"{json.dumps(key)}:{text}" for key, text in raw)]) + "}").encode(
        "utf-8", "surrogatepass")


def valid(kind):
    return line({"type": kind, **EXAMPLES[kind]})


def without(record, key):
    return {name: value for name, value in record.items() if name != key}


def of_records():
    """(what it is, line) of broken records."""
    for kind, fields in EXAMPLES.items():
        record = {"type": kind, **fields}
        for key in (*record, "unknown"):
            for what, text in VALUES.items():
                yield f"{kind}.{key}: {what}", line(without(record, key), [(key, text)])
            yield f"{kind}.{key} is missing", line(without(record, key))
            yield f"{kind}.{key} stands twice", line(record, [(key, json.dumps(record.get(key)))] * 2)
        whole = line(record)
        for cut in range(1, len(whole), max(1, len(whole) // 9)):
            yield f"{kind} ends early", whole[:cut]
        for byte in (b"\0", b"\xff", b"\x1b", b"\r", b"\x85", b"\x0b", b"\xe2\x80\xa8"):
            yield f"{kind} with the byte {byte!r}", whole[:20] + byte + whole[20:]
        yield f"{kind} and more", whole + b"}"
        yield f"{kind} in a list", b'{"type":[' + whole + b"]}"
        yield f"{kind} behind blanks", b"{ " + whole[1:]
    for name in NO_TYPES:
        yield "no type", line({"type": name, **EXAMPLES["crash"]})
    yield "5,000 objects", b'{"type":' * 5000 + b"1" + b"}" * 5000
    yield "a line of 5 MiB", line({"type": "corpus", "hash": HASH, "data": "A" * (5 << 20)})
    yield "a list of millions", b'{"type":"stats","cores":[' + b"[]," * (1 << 20) + b"[]]}"


def of_text():
    """(what it is, line) of lines that are no records."""
    many = " ".join(f"kernel+{hex(n)}" for n in range(5000))
    for what, text in {
            "no core": f"error a.b on core {DIGITS}", "no hash": "error a.b on core 0, hash ",
            "a path for a hash": "error target.x on core 0, case 1, hash ../../../escaped",
            "a hash and more": f"error target.x on core 0, case 1, hash {HASH}{HASH}",
            "escapes for a code": f"error {ESCAPES} on core 0",
            "a frame": f"  mm/a.h:{DIGITS}  f  text  a 1   <- origin",
            "a file outside": "  ../../../../etc/passwd.h:1  f  text", "a device": "  made file /dev/zero, line 1",
            "a long name": f"  {'x' * 5000}.h:1  f  text", "a site": f"  made here  file mm/window.cpp, line {DIGITS}",
            "a built file": "  made here  file build/raclette.img, line 1",
            "a zero byte": "  made  file a\0b.h, line 1",
            "a large address": f"  at 0x{'f' * 5000}  kernel+0x{'f' * 5000}", "5,000 addresses": f"  {many}",
            "a kernel": f"6 kernel at 0x{'f' * 5000}, build {HASH}", "a core": f"core {DIGITS} was at kernel+0x1",
            "escapes": ESCAPES, "an end with an escape": "kernel: done\x1b[2J", "long": "x" * 100000, "empty": "",
            "blanks": " " * 100000, "columns": "  a" * 30000, "unicode": "\u202e\u2066\U000e0001 \ud800",
            "trace head": f"trace: core {DIGITS} has {DIGITS} of {DIGITS} records, {DIGITS} ticks a second",
            "trace": f"trace {DIGITS} {DIGITS} B name", "trace time": f"trace 0 {'9' * 20} E guest rip 0x{'f' * 5000}",
            "trace name": f"trace 0 1 B {ESCAPES}", "map": f"map host {'0' * 16} {'0' * 16} {DIGITS} up rwx wb heap x",
            "map name": f"map host {'0' * 16} {'0' * 16} 1 up rwx wb heap {ESCAPES}",
            "symbol": f"target 0x{'f' * 5000}",
    }.items():
        yield f"text: {what}", text.encode("utf-8", "surrogatepass")
    for byte in range(256):
        yield f"text: the byte {byte:#x}", b"error a.b on core 0" + bytes([byte]) + b"  frame"


def every():
    yield from of_records()
    yield from of_text()


LOG = (b"6 kernel at 0xffff800000100000, build 00000000000000ab",
       b"error mm.use_after_free on core 1, exception in the kernel",
       b"  kernel/entry/traps.cpp:1  describe_access  touched it  address 0x5, rip 0xffff800000100010",
       b"  mm/explain.cpp:21  range_chain  made here  file mm/window.cpp, line 1, made_by 0   <- origin",
       b"  and after it test.closing on core 0", b"  at 0xffff800000100010  kernel+0x10",
       b"  backtrace, innermost first:", b"  from 0xffff800000100030  kernel+0x30", b"panic: stopped",
       b"error target.heap-use-after-free on core 1, case 3517, hash 4c134d8d0b98dece",
       b"  target 0x463c78  f+0x2408 read of 4 bytes   <- origin",
       b"trace: core 0 has 6 of 91822 records, 2000000 ticks a second", b"trace 0 260 E reset dirty_pages_so_far 0x7",
       b"trace 0 300 B guest vmcb 0x1000 rip 0x2000", b"trace 0 350 i tick rip 0x3000", b"trace: end", b"kernel: done")
WORDS = (b"\x1b[2J", b"\0", b"\xff", b"\\u001b", b"\\ud800", b"../", b"[" * 50, b"{", b"}", b'"', b",", b":", b"NaN",
         b"1e999", b"-", b"9" * 25, b"0x", b"  ", b"<- origin", b"hash ", b"kernel+0x", b"\r", b"\\", b"null", b"=")


class Mutator:
    """Valid and hostile lines changed at random; the same seed gives the same lines."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.lines = [*LOG, *map(valid, EXAMPLES), *(text for _, text in of_text() if len(text) < 300)]

    def line(self):
        mutated = bytearray(self.random.choice(self.lines))
        for _ in range(self.random.choice((0, 1, 1, 2, 4))):
            at = self.random.randrange(len(mutated) + 1)
            kind = self.random.randrange(4)
            if kind == 0:
                mutated[at:at] = self.random.choice(WORDS)
            elif kind == 1:
                del mutated[at:at + self.random.randrange(1, 20)]
            elif kind == 2 and at < len(mutated):
                mutated[at] = self.random.randrange(256)
            else:
                other = self.random.choice(self.lines)
                begin = self.random.randrange(len(other) + 1)
                mutated[at:at + 4] = other[begin:begin + self.random.randrange(1, 40)]
        return bytes(mutated).replace(b"\n", b"")
