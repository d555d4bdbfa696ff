"""Sources of Debian packages, fetched on request: apt-get downloads and checks them, dpkg-source unpacks them."""
import contextlib
import shutil
import subprocess

from tools.rl.building.progress import Progress
from tools.rl.common import BUILD, MISSING, Stop

FOLDER = BUILD / "sources"
REPOSITORY = "$(REPO_URI)|$(RELEASE)|$(COMPONENT)|$(ORIGIN)"
SHOWN_LINES = 10                                    # of a failed command's end
# What apt-get says, and what it means for the user; else the network is in doubt.
MEANINGS = (("Unable to find a source package", "Debian has no source package of that name in main"),
            ("404  Not Found", "Debian's server does not have its files"))


class Missing(Stop):
    """A server's list names files that it does not have."""


def _own_lists(place):
    """apt-get's options for lists of our own: the machine's repositories of Debian, with their source packages, which
    most machines do not list."""
    (place / "parts").mkdir(parents=True, exist_ok=True)
    (place / "lists/partial").mkdir(parents=True, exist_ok=True)
    listed = _run("asking for the machine's repositories", ["apt-get", "indextargets", "--format", REPOSITORY], place)
    found = {tuple(line.split("|")[:3]) for line in listed.splitlines() if line.split("|")[3:] == ["Debian"]}
    if not found:
        raise Stop(MISSING, "no repository of Debian is listed on this machine; apt-get update reads their lists")
    for old in (place / "parts").iterdir():
        old.unlink()
    for number, (address, suite, part) in enumerate(sorted(found)):
        (place / f"parts/{number}.list").write_text(f"deb-src {address} {suite} {part}\n")
    return ["-q", "-o", "Dir::Etc::sourcelist=/dev/null", "-o", f"Dir::Etc::sourceparts={place / 'parts'}",
            "-o", f"Dir::State::lists={place / 'lists'}", "-o", "APT::Sandbox::User=root"]


def _download(package, options, place):
    """The newest version. Where a server lists files that it does not have, as after an update that another one has
    seen, what one of the repositories has alone: the same version from elsewhere, or an older one."""
    argv = ["apt-get", *options, "source", "--download-only", package]
    try:
        return _run(f"fetching {package}", argv, place)
    except Missing as missing:
        for repository in sorted((FOLDER / "apt/parts").glob("*.list")):
            print(f"the files of its newest version are not there; trying {repository.read_text().strip()}", flush=True)
            for left in place.iterdir():
                left.unlink()
            alone = ["-o", "Dir::Etc::sourceparts=/dev/null", "-o", f"Dir::Etc::sourcelist={repository}"]
            with contextlib.suppress(Stop):
                return _run(f"fetching {package} from one repository", [argv[0], *options, *alone, *argv[-3:]], place)
        raise missing


def _run(what, argv, folder):
    try:
        with Progress(what):
            done = subprocess.run(argv, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                  stdin=subprocess.DEVNULL, errors="replace")
    except FileNotFoundError:
        raise Stop(MISSING, f"{what}: there is no {argv[0]} here; sources of Debian's packages need apt and dpkg-dev")
    if done.returncode:
        print("\n".join(done.stdout.splitlines()[-SHOWN_LINES:]))
        meaning = next((meaning for said, meaning in MEANINGS if said in done.stdout), "is the network there?")
        raise (Missing if meaning == MEANINGS[-1][1] else Stop)(
            MISSING, f"{what}: {argv[0]} ended with status {done.returncode}; {meaning}")
    return done.stdout


def fetch(package):
    """The folder with the unpacked source of this package; fetched once, with Debian's patches applied."""
    place = FOLDER / package
    unpacked = place / package
    if unpacked.is_dir():
        return unpacked
    print(f"fetching the source package {package}", flush=True)
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    options = _own_lists(FOLDER / "apt")
    _run("fetching Debian's lists of source packages", ["apt-get", *options, "update"], place)
    _download(package, options, place)
    described = sorted(place.glob("*.dsc"))
    if len(described) != 1:
        raise Stop(MISSING, f"fetching {package}: {len(described)} descriptions (*.dsc) came")
    fresh = place / ".unpacked"
    _run(f"unpacking {package}", ["dpkg-source", "--no-check", "-x", described[0].name, fresh.name], place)
    fresh.rename(unpacked)
    return unpacked
