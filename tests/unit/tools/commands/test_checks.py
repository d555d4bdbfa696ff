"""What `build.py check` finds: wrong includes, files without a purpose, ELF files a loader of ours could not take."""
import contextlib
import importlib.machinery
import io
import subprocess
import sys
import tempfile
import types
import unittest
import unittest.mock
from pathlib import Path

from tools.rl.building import layers
from tools.rl.commands import check
from tools.rl.results import elf


def link(source, *flags):
    """An ELF of a few lines of C, linked as the kernel is unless flags say otherwise."""
    with tempfile.TemporaryDirectory() as folder:
        file, output = Path(folder) / "a.c", Path(folder) / "a.elf"
        file.write_text(source)
        subprocess.run(["clang", "-c", "-O1", "-fpie", "-ffreestanding", "-o", f"{folder}/a.o", str(file)], check=True)
        argv = ["ld.lld", f"{folder}/a.o", "-e", "start", "-o", str(output), *flags]
        subprocess.run(argv, check=True, capture_output=True)
        return output.read_bytes()


PIE = ("-pie", "--no-dynamic-linker", "-z", "text")
GOOD = "static int x; int *volatile p = &x; void start(void) { p = 0; }"


class ElfLintTest(unittest.TestCase):
    def test_a_clean_position_independent_file_passes(self):
        self.assertEqual(elf.lint(link(GOOD, *PIE), "k", relocatable=True), [])

    def test_relocations_are_refused_where_no_loader_applies_them(self):
        self.assertIn("relocations", elf.lint(link(GOOD, *PIE), "k", relocatable=False)[0])

    def test_a_writable_executable_segment_is_refused(self):
        self.assertIn("writable and executable", elf.lint(link(GOOD, *PIE, "-N"), "k", relocatable=True)[0])

    def test_a_constructor_is_refused(self):
        source = GOOD + " __attribute__((constructor)) static void early(void) { p = 0; }"
        self.assertIn("constructor", elf.lint(link(source, *PIE), "k", relocatable=True)[0])

    def test_an_undefined_symbol_is_named(self):
        source = "extern void gone(void) __attribute__((weak)); void start(void) { if (gone) gone(); }"
        self.assertIn("gone", elf.lint(link(source, "-static"), "k", relocatable=True)[0])

    def test_what_is_no_elf_is_told(self):
        with self.assertRaises(ValueError):
            elf.Elf(b"hello" * 100)


class LayersTest(unittest.TestCase):
    def test_an_include_from_above_is_named_with_its_line(self):
        text = '#pragma once\n#include "base/types.h"\n#include "svm/vcpu.h"\n'
        found = layers.complaints_about("mm", "mm/a.h", text)
        self.assertEqual(found, ["mm/a.h:3: mm may not use svm (svm/vcpu.h)"])

    def test_own_and_allowed_layers_pass(self):
        text = '#include "svm/a.h"\n#include "vm/b.h"\n#include <new>\n'
        self.assertEqual(layers.complaints_about("svm", "x", text), [])

    def test_the_targets_interface_is_for_those_who_speak_it(self):
        text = '#include "targets/runtime/abi.h"\n'
        self.assertEqual(layers.complaints_about("guest", "x", text), [])
        self.assertTrue(layers.complaints_about("mm", "x", text))

    def test_the_most_specific_prefix_is_the_layer(self):
        for path, layer in (("kernel/panic/dump.cpp", "kernel/panic"), ("kernel/world.h", "kernel"),
                            ("fuzz/mutators/a.h", "fuzz"), ("boot/formats/elf.h", "boot/formats"), ("README.md", None)):
            self.assertEqual(layers.layer_of(path), layer)

    def test_the_panic_path_reaches_nothing_of_the_world(self):
        used = ("kernel/console.h", "kernel/entry/apic.h", "kernel/world.h", "mm/frames.h")
        text = "".join(f'#include "{name}"\n' for name in used)
        self.assertEqual(len(layers.complaints_about("kernel/panic", "x", text)), 2)

    def test_tools_import_no_tests(self):
        files = {"tools/a.py": "def f():\n    from tests.runner import tally\n", "tests/runner/tally.py": ""}
        found = layers.python_complaints(files)
        self.assertIn("tools/a.py:2: tools may not use tests (tests.runner)", found)

    def test_a_circle_of_imports_is_named(self):
        files = {"tools/a.py": "from tools import b\n", "tools/b.py": "import tools.c\n",
                 "tools/c.py": "from tools.a import x\n"}
        circle = "imports in a circle: tools.a -> tools.b -> tools.c -> tools.a"
        self.assertEqual(layers.python_complaints(files), [circle])
        self.assertEqual(layers.python_complaints({**files, "tools/c.py": ""}), [])

    def test_a_relative_include_is_refused(self):
        self.assertTrue(layers.complaints_about("mm", "x", '#include "types.h"\n'))

    def test_no_layer_reaches_itself_through_those_it_uses(self):
        def reach(layer, seen=()):
            self.assertNotIn(layer, seen)
            for used in layers.MAY_USE.get(layer, ()):
                reach(used, (*seen, layer))
        for layer in layers.MAY_USE:
            reach(layer)


class FilesTest(unittest.TestCase):
    def test_a_file_says_first_what_it_is_for(self):
        self.assertEqual(check.file_complaints("a.h", "// a.h — why\n", ".h"), [])
        self.assertTrue(check.file_complaints("a.h", "#pragma once\n", ".h"))
        self.assertTrue(check.file_complaints("a.h", "", ".h"))

    def test_a_file_over_the_line_limit_is_refused(self):
        self.assertTrue(check.file_complaints("a.h", "// a.h\n" * 601, ".h"))


class TextsTest(unittest.TestCase):
    def test_each_module_of_the_package_is_asked(self):
        package = types.ModuleType("text_checks_of_a_test")
        package.__spec__ = importlib.machinery.ModuleSpec(package.__name__, None)
        package.MODULES = [types.SimpleNamespace(check=lambda: ["a.md: no"]), types.SimpleNamespace(check=lambda: [])]
        with unittest.mock.patch.dict(sys.modules, {package.__name__: package}):
            self.assertEqual(check.check_texts(package.__name__), ["a.md: no"])

    def test_without_the_package_there_is_nothing_to_compare(self):
        self.assertEqual(check.check_texts("no_such_package"), [])
        self.assertEqual(check.check_texts(None), [])


class ReportTest(unittest.TestCase):
    def test_what_complains_has_failed(self):
        report = check.Report()
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            report.run("good", lambda: [])
            report.run("bad", lambda name: [f"{name}: no"], "a.h")
        self.assertEqual(report.failed, ["bad"])
        self.assertIn("  a.h: no\n", printed.getvalue())
