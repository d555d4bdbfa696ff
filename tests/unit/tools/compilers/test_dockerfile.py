"""A Dockerfile of OSS-Fuzz is followed inside the project's own folder, and nowhere else."""
import tempfile
import unittest
from pathlib import Path

from tools.rl.compilers import dockerfile
from tools.rl.compilers.dockerfile import Project


class DockerfileTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.base = Path(scratch.name).resolve()
        self.folder = self.base / "project"
        self.folder.mkdir()
        (self.folder / "build.sh").write_text("true")
        (self.folder / "x.dict").write_text("")

    def source(self, name):
        folder = self.base / name
        folder.mkdir()
        (folder / "file").write_text(name)
        return folder

    def make(self, text, *sources):
        (self.folder / "Dockerfile").write_text(text)
        project = Project(self.folder, self.base / "src", sources)
        project.make()
        return project

    def test_clones_are_read_with_and_without_a_folder(self):
        for command, wanted in (("git clone --depth 1 https://x/libexpat expat", ("https://x/libexpat", "expat")),
                                ("git clone -b develop https://x/zlib.git", ("https://x/zlib.git", "zlib")),
                                ("git clone --depth=1 https://x/a.git $SRC/a/", ("https://x/a.git", "$SRC/a/")),
                                ("git checkout x", None), ("git clone", None)):
            self.assertEqual(dockerfile.clone(command), wanted)

    def test_sources_lie_where_they_would_be_cloned_whatever_their_version(self):
        project = self.make("FROM x\nRUN apt-get update && apt-get install -y make \\\n  cmake\n"
                            "RUN git clone https://x/zlib.git && git clone https://y/libpng.git /src/png\nWORKDIR png\n"
                            "COPY x.dict $SRC/deep/\n",
                            self.source("zlib-1.2.13.dfsg"), self.source("libpng1.6-1.6.39"))
        src = self.base / "src"
        self.assertEqual((src / "zlib/file").read_text(), "zlib-1.2.13.dfsg")
        self.assertEqual((src / "png/file").read_text(), "libpng1.6-1.6.39")
        self.assertTrue((src / "deep/x.dict").is_file() and (src / "build.sh").is_file())
        self.assertEqual((project.place, project.packages, project.notes), (src / "png", ["make", "cmake"], []))

    def test_the_only_source_is_the_only_clone_and_what_is_not_given_is_named(self):
        project = self.make("RUN git clone https://x/upstream.git up\n", self.source("other"))
        self.assertEqual((self.base / "src/up/file").read_text(), "other")
        self.assertEqual(project.notes, [])
        project = Project(self.folder, self.base / "again", [])
        project.make()
        self.assertEqual(len(project.notes), 1)

    def test_small_commands_are_done_and_others_named(self):
        project = self.make("RUN git clone https://x/some.git\nRUN cp some/file $SRC/copied\nRUN curl x | sh\n"
                            "RUN ./some/configure\n", self.source("some"))
        self.assertTrue((self.base / "src/copied").is_file())
        self.assertEqual(len(project.notes), 2)

    def test_nothing_outside_of_the_folder_is_touched(self):
        outside = self.base / "outside"
        outside.write_text("kept")
        for command in (f"cp build.sh {outside}", "cp build.sh ../outside", f"mv {outside} x", "rm -rf build.sh",
                        "cp build.sh $SRC/../outside", "cp build.sh $(pwd)/../outside", "cp $HOME/x y",
                        "touch `pwd`/../outside", f"cp build.sh > {outside}", f"tar xf build.sh -C {self.base}",
                        f"cp --target-directory={self.base} build.sh"):
            project = Project(self.folder, self.base / "tried", [])
            project.source.mkdir(exist_ok=True)
            project._copy_own_files()
            project._run(command)
            self.assertEqual(len(project.notes), 1, command)
            self.assertEqual(outside.read_text(), "kept", command)
        self.make("WORKDIR /\nCOPY x.dict /etc/nothing\nCOPY x.dict ../../gone\n")
        self.assertFalse((self.base / "gone").exists() or Path("/etc/nothing").exists())


if __name__ == "__main__":
    unittest.main()
