"""The types of record, and what the value of each field must be (docs/fuzz.md lists what the fields mean).

A check takes a value as JSON gave it and returns it as it may be used: numbers in their range, text without control
characters. `Bad` says what is wrong in words that hold nothing of the record.
"""
import binascii
import math
import re
from array import array
from typing import NamedTuple

from tools.rl.printable import printable

HASH = re.compile(r"[0-9a-f]{16}")
ADDRESS = re.compile(r"0x[0-9a-f]{1,16}")
BASE64 = re.compile(r"[A-Za-z0-9+/]*={0,2}")
NAME = re.compile(r"[ -~]{1,64}")
LARGEST, SMALLEST = (1 << 64) - 1, -(1 << 63)
LONGEST_TEXT = 4096
MOST_ADDRESSES = 10000
MOST_CORES = 1024
MOST_THREADS = 64
LARGEST_FEATURE = (1 << 32) - 1
MOST_FEATURES = 1 << 22         # of one input: no target has as many edges
ENDINGS = ("ok", "crash", "timeout", "out_of_memory")   # of an input that is run once
MOST_HASHES = 1024
DEEPEST = 4                     # `cores` of the statistics: a list of objects in an object


class Bad(ValueError):
    """Not a valid record; the text says why."""


def number(least=0, most=LARGEST):
    def check(value):
        if type(value) is not int or not least <= value <= most:
            raise Bad("is no number in its range")
        return value
    return check


def figure(value):
    """A number with or without decimals, not negative."""
    if type(value) not in (int, float) or not math.isfinite(value) or not 0 <= value <= LARGEST:
        raise Bad("is no number in its range")
    return value


def truth(value):
    if type(value) is not bool:
        raise Bad("is neither true nor false")
    return value


def text(value):
    if type(value) is not str or len(value) > LONGEST_TEXT:
        raise Bad("is no text of its length")
    return printable(value, LONGEST_TEXT)


def one_of(*words):
    def check(value):
        if value not in words:
            raise Bad("is none of its words")
        return value
    return check


def hash16(value):
    if type(value) is not str or not HASH.fullmatch(value):
        raise Bad("is not 16 hexadecimal digits")
    return value


def address(value):
    if type(value) is not str or not ADDRESS.fullmatch(value):
        raise Bad("is no address")
    return value


def addresses(value):
    if type(value) is not list or len(value) > MOST_ADDRESSES:
        raise Bad("is no list of addresses")
    return [address(one) for one in value]


def decoded(value):
    """The bytes of a base64 text."""
    if type(value) is not str or len(value) % 4 or not BASE64.fullmatch(value):
        raise Bad("is not base64")
    return binascii.a2b_base64(value)


def base64(value):
    decoded(value)
    return value


def unpacked(value):
    """The features of an input, ascending: the kernel writes the differences of one to the next as LEB128."""
    found, feature, shift, part = array("I"), 0, 0, 0
    for byte in decoded(value):
        part |= (byte & 0x7F) << shift
        shift += 7
        if byte & 0x80:
            if shift > 28:
                raise Bad("holds a feature that is none")
            continue
        feature += part
        if feature > LARGEST_FEATURE or part == 0 and found:
            raise Bad("holds a feature that is none")
        found.append(feature)
        shift = part = 0
        if len(found) > MOST_FEATURES:
            raise Bad("holds too many features")
    if shift:
        raise Bad("ends inside a feature")
    return found


def features(value):
    unpacked(value)
    return value


def anything(value, depth=2):
    """The value of a field that no tool here knows: a newer kernel may write more than these tools read."""
    if type(value) is str:
        return text(value)
    if value is None or type(value) in (bool, int):
        return value
    if type(value) is float:
        return figure(value)
    if depth > DEEPEST:
        raise Bad("is nested too deeply")
    if type(value) is list:
        return [anything(one, depth + 1) for one in value]
    return {name(key): anything(one, depth + 1) for key, one in value.items()}


def name(key):
    if not NAME.fullmatch(key):
        raise Bad("has a name that is none")
    return key


def shares(value):
    """Parts of the cores' time."""
    if type(value) is not dict:
        raise Bad("is no object")
    return {name(key): min(figure(one), 1) for key, one in value.items()}


def reasons(value):
    """How often the machines stopped, by reason."""
    if type(value) is not dict:
        raise Bad("is no object")
    return {name(key): COUNT(one) for key, one in value.items()}


def list_of(fields, most=MOST_THREADS):
    """A check of a list of at most so many objects."""
    def check(value):
        if type(value) is not list or len(value) > most:
            raise Bad("is no list of its length")
        return [checked(one, fields) for one in value]
    return check


def counts(value):
    """How often each crash came, by its hash."""
    if type(value) is not dict or len(value) > MOST_HASHES:
        raise Bad("is no object of its size")
    return {hash16(key): COUNT(one) for key, one in value.items()}


class Fields(NamedTuple):
    """What an object must hold, and may hold."""
    must: dict
    may: dict = {}


COUNT, SIGNED, CORE_NUMBER = number(), number(SMALLEST, -SMALLEST), number(0, MOST_CORES - 1)
FOUND = {"case": COUNT, "core": CORE_NUMBER, "size": COUNT}         # by which case, on which core
# The stack of a thread that waits in a deadlock; frames of a stack that came again, and how often.
THREAD = Fields({"id": COUNT, "frames": addresses})
RECURSION = Fields(dict.fromkeys(("first", "length", "repeats"), number(0, (1 << 32) - 1)))
CORE = Fields({"core": CORE_NUMBER}, {"case": COUNT})
CRASH = {"kind": text, **FOUND, "function": text, "frames": addresses, "address": address, "access": text,
         "access_size": COUNT, "region": text, "region_base": address, "region_size": COUNT, "offset": SIGNED,
         "alloc": addresses, "free": addresses, "text": text, "uninitialised": truth, "edges": COUNT,
         "recursion": list_of(RECURSION), "frames_cut": truth, "threads": list_of(THREAD), "printed": COUNT,
         "output": base64}
REGISTERS = ("rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp", "r8", "r9", "r10", "r11", "r12", "r13", "r14",
             "r15", "rip", "rflags", "fs_base", "gs_base")
COUNTS = ("case", "time_us", "cases_per_s", "edges", "counters", "corpus", "crashes", "timeouts", "out_of_memory",
          "frames_free", "seeds_left", "heap_live", "threads", "hardware_errors", "stray_interrupts", "files")
RATES = ("exits_per_case", "nested_faults_per_case", "dirty_pages_per_case", "reset_bytes_per_case", "started")
TYPES = {
    "boot": Fields({}, {"version": text, "build": hash16, "target": text, "slide": address, **dict.fromkeys(
        ("cores", "memory_mib", "frames_used", "frames_free", "boot_us"), COUNT)}),
    "stats": Fields({}, {**dict.fromkeys(COUNTS, COUNT), **dict.fromkeys(RATES, figure), "time_share": shares,
                         "exits_by_reason": reasons, "cores": list_of(CORE, MOST_CORES)}),
    "corpus": Fields({"hash": hash16, "data": base64}, {**FOUND, "edges": COUNT}),
    "crash": Fields({"hash": hash16, "input": base64}, {**CRASH, "original": base64}),
    "counts": Fields({"crashes": counts}),
    "timeout": Fields({"hash": hash16, "input": base64}, CRASH),
    "out_of_memory": Fields({"hash": hash16, "input": base64}, CRASH),
    "refused": Fields({"call": text, "number": COUNT, "error": SIGNED, "count": COUNT, "core": CORE_NUMBER,
                       "arguments": addresses, "path": text, "frames": addresses}, {"function": text}),
    "given": Fields({"hash": hash16, "status": one_of("taken", "damaged", "too_long")}, {}),
    "held": Fields(dict.fromkeys((*REGISTERS, "root", "nested_root"), address), {}),
    "examined": Fields({"index": COUNT, "ending": one_of(*ENDINGS), "value": SIGNED, "edges": COUNT, "hash": hash16,
                        "other_fill": hash16, "leak": hash16, "features": features}),
    "minimized": Fields({"runs": COUNT, "ending": one_of(*ENDINGS), "hash": hash16, "done": truth, "data": base64},
                        {"size": COUNT}),
    "edges": Fields({"reached": base64}, {"edges": COUNT, "hits": base64}),
    "end": Fields({"status": text}, {"cases": COUNT}),
    "range": Fields({"first": address, "pages": COUNT, "kind": text, "what": text, "allowed": text, "core": COUNT},
                    {"owner": text, "file": text, "line": COUNT}),
    "layout": Fields({"live_pages": COUNT, "through_windows": COUNT}, {"ranges": COUNT, "one_in": COUNT}),
    "test": Fields({"name": text, "ok": truth}, {"message": text}),
    "bench": Fields({"name": text, "value": figure, "unit": text}, {"compared_with": text}),
}
CONTENT = ("data", "input")     # whose bytes `size` counts


def checked(value, fields):
    """The object with every field checked."""
    if type(value) is not dict:
        raise Bad("is no object")
    missing = [key for key in fields.must if key not in value]
    if missing:
        raise Bad(f"has no {missing[0]}")
    known, found = {**fields.must, **fields.may}, {}
    for key, one in value.items():
        try:
            found[name(key)] = known.get(key, anything)(one)
        except Bad as bad:
            raise Bad(f"{key if key in known else 'a field'} {bad}")
    return found


def checked_record(value):
    """A record of a known type with every field checked; Bad says what is wrong with it."""
    kind = value.get("type") if type(value) is dict else None
    if type(kind) is not str or kind not in TYPES:
        raise Bad("a record of no known type")
    try:
        record = checked(value, TYPES[kind])
        for key in CONTENT:
            if key in record and "size" in record and record["size"] != len(decoded(record[key])):
                raise Bad(f"{key} is not of its size")
    except Bad as bad:
        raise Bad(f"{kind}: {bad}")
    return record
