"""Coverage as other tools read it: lcov's tracefile (genhtml), and drcov (Lighthouse)."""
import struct

MOST_BLOCK = 0xFFFF             # bytes of one of drcov's blocks: longer ones become several


def lcov(files, path_of):
    """The tracefile. `path_of(name)`: the path that genhtml reads the source from, None to leave the file out."""
    lines = []
    for file in files:
        path = path_of(file.name)
        if path is None:
            continue
        lines += ["TN:", f"SF:{path}"]
        lines += [f"FN:{function.line},{function.name}" for function in file.functions]
        lines += [f"FNDA:{function.inputs},{function.name}" for function in file.functions]
        lines += [f"FNF:{len(file.functions)}", f"FNH:{sum(f.inputs > 0 for f in file.functions)}"]
        lines += [f"DA:{line},{hits}" for line, hits in file.lines.items()]
        lines += [f"LF:{len(file.lines)}", f"LH:{sum(hits > 0 for hits in file.lines.values())}", "end_of_record"]
    return "".join(f"{line}\n" for line in lines)


def drcov(path, base, end, entry, blocks):
    """The drcov file, version 2. `blocks`: (address, size) of what was reached, of the module from `base` to `end`."""
    rows = []
    for address, size in sorted(set(blocks)):
        for at in range(0, size, MOST_BLOCK):
            rows.append(struct.pack("<IHH", address + at - base, min(size - at, MOST_BLOCK), 0))
    head = (f"DRCOV VERSION: 2\nDRCOV FLAVOR: drcov\nModule Table: version 2, count 1\n"
            f"Columns: id, base, end, entry, path\n0, {base:#x}, {end:#x}, {entry:#x}, {path}\n"
            f"BB Table: {len(rows)} bbs\n")
    return head.encode(errors="surrogateescape") + b"".join(rows)
