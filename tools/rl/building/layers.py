"""Who may include whom, by path prefix; `build.py check` enforces it, and docs/architecture.md prints it.

The most specific prefix that a file's path begins with is its layer.
"""
import ast
import re

from tools.rl.common import ROOT

# layer: the layers it may include besides itself
MAY_USE = {
    "base": (),
    "rstate": ("base",),
    "cpu": ("base", "rstate"),
    "hw": ("base", "cpu"),
    "mm": ("base", "rstate", "cpu"),
    "boot/formats": ("base", "rstate", "boot/contract"),
    "boot/contract": ("base", "mm"),
    "dev": ("base", "rstate", "cpu", "mm"),
    "vm": ("base", "rstate", "cpu", "mm"),
    "svm": ("base", "rstate", "cpu", "mm", "vm"),
    "guest": ("base", "rstate", "boot/formats", "vm"),
    "fuzz": ("base", "rstate", "vm"),
    "stage2": ("base", "rstate", "cpu", "hw", "mm", "boot/formats", "boot/contract", "dev"),
    "loader": ("base", "rstate", "cpu", "hw", "boot/formats", "boot/contract", "dev", "stage2"),
    "loader/efi": ("base", "cpu", "boot/formats", "boot/contract"),
    # Works with everything broken: nothing of the world (memory management, machines, campaign).
    "kernel/panic": ("base", "rstate", "cpu", "hw", "dev", "boot/contract", "kernel/entry", "kernel/smp"),
}
# The composition root and what tests it; nothing else includes them.
EVERYTHING = ("kernel/entry", "kernel/smp", "kernel", "tests")
# Single headers that a layer may use besides.
ALSO = {
    # The interface between the target's C and the hypervisor.
    "targets/runtime/abi.h": ("guest", "fuzz", "kernel"),
    "kernel/console.h": ("kernel/panic",),
    "kernel/codes.h": ("kernel/panic",),
}
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)
CODE = (".h", ".cpp", ".c", ".inc")
LAYERS = sorted([*MAY_USE, *EVERYTHING, "targets"], key=len, reverse=True)


def layer_of(path):
    """The layer of a file, or None when it is in none."""
    return next((layer for layer in LAYERS if path.startswith(layer + "/")), None)


def complaints_about(layer, name, text):
    """One line for each include of `text` that the table does not allow."""
    found = []
    for match in INCLUDE.finditer(text):
        used = match.group(1)
        line = text.count("\n", 0, match.start()) + 1
        if "/" not in used:
            found.append(f'{name}:{line}: #include "{used}" does not begin at the root')
        elif used in ALSO:
            if layer not in ALSO[used]:
                found.append(f"{name}:{line}: {layer} may not use {used}")
        elif layer_of(used) not in (layer, *MAY_USE[layer]):
            found.append(f"{name}:{line}: {layer} may not use {layer_of(used) or 'what is no layer'} ({used})")
    return found


def imported_by(text):
    """(line, module) of each import in a Python file."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, name.name) for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.lineno, node.module
            yield from ((node.lineno, f"{node.module}.{name.name}") for name in node.names)


def circle(modules):
    """A circle of imports among {module: modules it imports}, as a list that begins and ends with the same; or []."""
    done, path = set(), []

    def visit(module):
        if module in path:
            return path[path.index(module):] + [module]
        if module in done:
            return []
        path.append(module)
        found = next((found for used in sorted(modules.get(module, ())) if (found := visit(used))), [])
        path.pop()
        done.add(module)
        return found
    return next((found for module in sorted(modules) if (found := visit(module))), [])


def python_complaints(files):
    """`files`: {path: text}. The tools import no tests, and no two modules import each other."""
    found, modules = [], {}
    names = {path[:-3].replace("/", "."): path for path in files}
    for module, path in names.items():
        imported = set(imported_by(files[path]))
        modules[module] = {used for _, used in imported if used in names}
        if path.startswith("tools/"):
            found += [f"{path}:{line}: tools may not use tests ({used})" for line, used in sorted(imported)
                      if used.split(".")[0] == "tests"]
    round_trip = circle(modules)
    return found + ([f"imports in a circle: {' -> '.join(round_trip)}"] if round_trip else [])


def check():
    found = []
    for layer in MAY_USE:
        for path in sorted((ROOT / layer).rglob("*")):
            name = str(path.relative_to(ROOT))
            if path.suffix in CODE and path.is_file() and layer_of(name) == layer:
                found += complaints_about(layer, name, path.read_text())
    python = {str(path.relative_to(ROOT)): path.read_text()
              for folder in ("tools", "tests") for path in (ROOT / folder).rglob("*.py")}
    return found + python_complaints(python)


def table():
    """The table as docs/architecture.md holds it."""
    rows = ["| layer | may include |", "|---|---|"]
    rows += [f"| `{layer}` | {', '.join(f'`{used}`' for used in used_ones) or 'nothing'} |"
             for layer, used_ones in MAY_USE.items()]
    rows.append("| `kernel` | everything but `tests` |")
    return "\n".join(rows)


if __name__ == "__main__":
    print(table())
