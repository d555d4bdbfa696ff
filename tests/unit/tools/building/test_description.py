"""target.json: what it may say, how its paths are read, and that what is wrong with one stays with it."""
import json
import subprocess
import tempfile
import unittest
from pathlib import Path

from tools.rl.building import description, target_files, targets
from tools.rl.building.description import Broken
from tools.rl.common import ROOT, Stop

ENTRY = "int LLVMFuzzerTestOneInput(const unsigned char *d, unsigned long n) { return d && n; }\n"


class DescriptionTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = Path(scratch.name).resolve() / "some"
        for name in ("harness.c", "a/util.c", "b/util.c", "more.cc", "lib.a", "words.dict", "include/x.h"):
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_text("")

    def read(self, **values):
        (self.folder / "target.json").write_text(json.dumps({"sources": ["harness.c"], **values}))
        return description.read(self.folder)

    def inside(self, *names):
        return tuple(str(self.folder / name) for name in names)

    def test_what_is_made_elsewhere_takes_debians_c_library(self):
        self.assertEqual(self.read().libc, "musl")
        self.assertEqual(self.read(ldflags=["lib.a"]).libc, "glibc")
        self.assertEqual(self.read(sources=["harness.c", "lib.a"]).libc, "glibc")
        self.assertEqual(self.read(ldflags=["lib.a"], libc="musl").libc, "musl")

    def test_a_pattern_names_its_matches_once_and_in_order(self):
        target = self.read(sources=["harness.c", "**/util.c", "b/*.c"])
        self.assertEqual(target.sources, self.inside("harness.c", "a/util.c", "b/util.c"))

    def test_sources_of_one_name_have_objects_of_their_own(self):
        target = self.read(sources=["harness.c", "a/util.c", "b/util.c"])
        made = [edge["outputs"][0] for edge in targets.edges(target)]
        self.assertEqual(len(made), len(set(made)))

    def test_one_source_in_cxx_makes_the_target_cxx_and_each_is_compiled_by_its_language(self):
        target = self.read(sources=["harness.c", "more.cc"], cflags=["-std=c11", "-DX=1"], cxxflags=["-std=c++17"])
        self.assertEqual((target.language, target.libc), ("c++", "glibc"))
        commands = {edge["inputs"][0]: edge["command"] for edge in targets.edges(target)}
        c, cxx = (commands[path] for path in self.inside("harness.c", "more.cc"))
        self.assertTrue(c.startswith("clang ") and "-std=c11" in c and "-std=c++17" not in c)
        self.assertTrue(cxx.startswith("clang++ ") and "-std=c++17" in cxx and "-std=c11" not in cxx and "-DX=1" in cxx)

    def test_paths_in_options_and_objects_begin_at_the_folder(self):
        target = self.read(cflags=["-Iinclude", "-I", "include", "-isystem/abs", "-include", "include/x.h"],
                           ldflags=["lib.a", "-L.", "-lz"])
        include, header, library = self.inside("include", "include/x.h", "lib.a")
        self.assertEqual(target.cflags, (f"-I{include}", "-I", include, "-isystem/abs", "-include", header))
        self.assertEqual(target.objects, (library,))
        self.assertEqual(target.ldflags, (f"-L{self.folder}", "-lz"))

    def test_a_path_from_the_root_of_the_tree_follows_a_target_that_was_moved(self):
        self.assertEqual(self.read(ldflags=["targets/some/lib.a"]).objects, self.inside("lib.a"))

    def test_words_with_blanks_and_quotes_reach_the_compiler_as_they_are(self):
        command = next(edge["command"] for edge in targets.edges(self.read(cflags=['-DNAME="a $b"']))
                       if edge["inputs"] == list(self.inside("harness.c")))
        said = subprocess.run(["sh", "-c", f"printf '%s\\n' {command}"], capture_output=True, text=True).stdout
        self.assertIn('-DNAME="a $b"', said.splitlines())

    def test_what_is_wrong_is_said_with_the_file(self):
        for values in ({"sources": []}, {"sources": ["none.c"]}, {"sources": "harness.c"}, {"sources": ["*.none"]},
                       {"sources": ["words.dict"]}, {"max_len": 0}, {"max_len": "9"}, {"max_len": True},
                       {"dict": "none.dict"}, {"new": 1}, {"libc": "musl", "sources": ["more.cc"]}, {"cflags": [1]},
                       {"ldflags": ["none.a"]}, {"language": "rust"}, {"cflags": ["-DA\n=1"]}):
            with self.assertRaises(Broken, msg=values) as caught:
                self.read(**values)
            self.assertIn("some/target.json: ", str(caught.exception))
        for text in ("{", "[]", '"x"', "[" * 100000, "\ufffe"):
            (self.folder / "target.json").write_text(text)
            self.assertRaises(Broken, description.read, self.folder)

    def test_no_word_but_a_packages_name_reaches_apt_get(self):
        self.assertEqual(self.read(packages=["g++", "libstdc++-12-dev", "a.b"]).packages[0], "g++")
        for word in ("-oDPkg::Pre-Invoke::=id", "./x.deb", "/x.deb", "libc6-", "a b", "a;id", "\x1b[2J", "A", "a*"):
            with self.assertRaises(Broken):
                self.read(packages=[word])

    def test_a_folder_anywhere_is_a_target_and_two_of_one_name_do_not_meet(self):
        self.read()
        other = self.folder.parent / "other/some"
        other.mkdir(parents=True)
        (other / "harness.c").write_text("")
        (other / "target.json").write_text('{"sources": ["harness.c"]}')
        found = [target_files.find(str(folder)) for folder in (self.folder, other)]
        self.assertEqual([target.name for target in found], ["some", "some"])
        self.assertNotEqual(found[0].elf, found[1].elf)
        self.assertEqual([target_files.spelled(target) for target in found], [str(self.folder), str(other)])

    def test_a_source_package_of_a_folder_anywhere_is_built_in_a_place_of_its_own(self):
        found = []
        for folder in (self.folder, self.folder.parent / "other/some"):
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "build.sh").write_text("")
            (folder / "target.json").write_text('{"source": "expat"}')
            found.append(target_files.find(str(folder)))
        self.assertEqual(len({target.build_dir for target in found}), 2)
        for target in found:
            self.assertEqual((target.name, target.source), ("some", "expat"))
            self.assertEqual(target.ready, f"{target.build_dir}/out/some")
            self.assertTrue(target.stripped.startswith(f"{target.build_dir}/"))
        self.assertEqual(target_files.find("expat").ready, "build/projects/expat/out/expat")

    def test_a_target_of_the_tree_is_the_same_by_name_and_by_folder(self):
        by_name = target_files.find("stb_image")
        self.assertEqual(target_files.find(str(ROOT / "targets/stb_image")), by_name)
        self.assertEqual(target_files.spelled(by_name), "stb_image")

    def test_what_is_no_target_is_refused(self):
        for word in ("nothing", str(self.folder), str(self.folder / "harness.c"), "/dev/null", "/bin/true", ""):
            self.assertRaises(Stop, target_files.find, word)

    def test_names_fit_records_and_file_names(self):
        for name in ("a b", "x" * 99, "../..", 'q"uote', "ü", ".hidden", "-dash"):
            self.assertRegex(description.name_of(name), r"^[A-Za-z0-9_+][A-Za-z0-9._+-]{0,30}$")


if __name__ == "__main__":
    unittest.main()
