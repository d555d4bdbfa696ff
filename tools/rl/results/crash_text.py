"""A crash as people read it, in the form of a sanitizer's report: from a record to crash.json and trace.txt."""
from tools.rl.results import printed
from tools.rl.results.symbols import Frame, numbers, origin, place

OWN = "  Raclette's own operations, outermost first:"      # in a chain, before our frames (fuzz/crash_chain.cpp)
PRINTED = "  printed: "         # which the trace shows in full
BESIDE = "red zone of a "       # a block; the offset says that it is beside it
SITES = (("alloc", "allocated by"), ("free", "freed by"))
HARNESS = "LLVMFuzzerTestOneInput"      # what calls it is no part of the target


def _entries(frames):
    return [{"address": hex(f.address), "function": f.function, "file": f.file, "line": f.line, "column": f.column,
             "inlined": f.inlined} for f in frames]


def _behind_inlined(frames):
    """Of each address its last frame's number: inlined ones come before it."""
    return [number for number, frame in enumerate(frames) if not frame.inlined]


def _recursion(record, frames):
    """The record's recursion with its frames as they are numbered with inlined ones."""
    ends = _behind_inlined(frames)
    for one in record.get("recursion", []):
        first, last = one["first"], one["first"] + one["length"] - 1
        if one["length"] and last < len(ends):
            yield {"first": ends[first - 1] + 1 if first else 0, "last": ends[last], "repeats": one["repeats"]}


def _up_to_harness(frames):
    end = next((number + 1 for number, frame in enumerate(frames) if frame.function == HARNESS), len(frames))
    return frames[:end]


def describe(record, symbolizer):
    """The crash record with function, file, line and symbolised stacks: what crash.json holds."""
    described = {key: value for key, value in record.items() if key not in ("input", "original", "recursion")}
    stacks = {"frames": True, "alloc": False, "free": False}
    for key, exact in stacks.items():
        found = symbolizer.frames(numbers(record.get(key)), exact) if symbolizer else []
        described[key] = _entries(found if key == "frames" else _up_to_harness(found))
        if key == "frames":     # a thread waits inside the C library, but for the sake of who called that
            where = origin(record.get("kind") == "deadlock" and [frame for frame in found if frame.line] or found)
            described["recursion"] = list(_recursion(record, found))
    if record.get("threads"):
        described["threads"] = [{"id": thread["id"], "frames": _entries(
            symbolizer.frames(numbers(thread["frames"])) if symbolizer else [])} for thread in record["threads"]]
    if where.function == "?":
        where = where._replace(function=record.get("function") or "?")
    described.update(function=where.function, file=where.file, line=where.line, column=where.column)
    described["output"], described["printed"] = printed.of(record)
    return described


def frame_text(number, frame):
    """A frame as every sanitizer prints it, so that tools which read their reports read this one."""
    where = frame.place()
    return f"    #{number} {frame.address:#x} in {frame.function}{' ' if where else ''}{where}"


def _stack(entries):
    return [frame_text(number, Frame(int(entry["address"], 16), entry["function"], entry["file"], entry["line"],
                                     entry["inlined"], entry.get("column", 0)))
            for number, entry in enumerate(entries)]


def _round(one):
    return f"#{one['first']}" if one["first"] == one["last"] else f"#{one['first']} to #{one['last']}"


def stack_lines(entries, recursion=(), is_cut=False):
    """The stack's lines, and behind each round of a recursion how often it comes again."""
    lines = []
    for number, line in enumerate(_stack(entries)):
        lines.append(line)
        lines += [f"    ... {_round(one)} again, {one['repeats']:,} times"
                  for one in recursion if one["last"] == number]
    return lines + (["    ... and further frames"] if is_cut else [])


def article(size):
    """"a" or "an", before a number that is read aloud."""
    leading = f"{size:,}".partition(",")[0]
    return "an" if leading[0] == "8" or leading in ("11", "18") else "a"


def where_in_memory(described):
    """"0 bytes after a 480-byte heap block at 0x...": the distance to the nearest end of the block."""
    size, offset = described.get("region_size"), described.get("offset", 0)
    region = described.get("region", "").removeprefix(BESIDE)
    if not size:
        return region
    how = f"{-offset} bytes before" if offset < 0 else f"{offset - size} bytes after" if offset >= size else \
        f"{offset} bytes inside"
    return f"{how} {article(size)} {size}-byte {region} at {described.get('region_base', '?')}"


def access_text(described):
    """What was done to which address, in one line; nothing for a crash that is about no address."""
    where = where_in_memory(described)
    if not described.get("access"):
        return f"at {described.get('address', '?')}, {where}" if where else ""
    size = f"of {described['access_size']} bytes " if described.get("access_size") else ""
    done = f"{described['access']} {size}at {described.get('address', '?')}"
    return f"{done}, {where}" if where else done


def title(described):
    where = place(described.get("file", ""), described.get("line", 0), described.get("column", 0))
    return f"{described.get('kind', 'crash')} in {described['function']}{' at ' if where else ''}{where}"


def _own_operations(chain):
    """The frames of ours in a chain; of one without a target's stacks, all of it."""
    frames = chain[chain.index(OWN) + 1:] if OWN in chain else \
        [line for line in chain[1:] if not line.startswith(PRINTED)]
    return [OWN.strip(), *frames] if frames else []


def trace_text(described, chain):
    """What a person reads: what happened, the target's stacks, innermost first, then what Raclette was doing."""
    lines = [*(chain or [])[:1], title(described)]
    about = (access_text(described), described.get("text") and f"said: {described['text']}",
             described.get("uninitialised") and "it depends on uninitialised memory: with other contents it may not "
             "happen")
    lines += [f"  {line}" for line in about if line]
    lines += stack_lines(described["frames"], described.get("recursion", []), described.get("frames_cut"))
    for key, heading in SITES:
        if described.get(key):
            lines += [f"  {heading}:", *stack_lines(described[key])]
    for thread in described.get("threads", []):
        lines += [f"  thread {thread['id']} waits at:", *stack_lines(thread["frames"])]
    lines += printed.lines(described.get("output"), described.get("printed", 0))
    lines += _own_operations(chain or [])
    return "\n".join(lines) + "\n"
