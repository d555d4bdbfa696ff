"""What libFuzzer's users keep beside a harness, as OSS-Fuzz names it: NAME_seed_corpus.zip, NAME.dict, NAME.options."""
import configparser
import zipfile
import zlib
from pathlib import Path
from typing import NamedTuple, Optional, Tuple

from tools.rl.building.description import LARGEST_MAX_LEN, from_root
from tools.rl.common import ROOT
from tools.rl.images.xxhash import xxh64

MOST_MEMBERS = 100000           # of one archive of seeds
KEPT_OF_NAME = 20               # a bundle's names are short; a hash keeps them different
# What libFuzzer's options mean here, where they do not mean the same.
WITHOUT_MEANING = {"timeout": "edges are counted; --timeout SECONDS limits a case by the clock",
                   "rss_limit_mb": "the target's heap has its own limit",
                   "malloc_limit_mb": "the target's heap has its own limit",
                   "close_fd_mask": "what a target prints is not shown", "detect_leaks": "no case looks for leaks"}


class Companions(NamedTuple):
    zips: Tuple[Path, ...]
    dictionary: Optional[str]
    max_len: Optional[int]
    notes: Tuple[str, ...]      # what has no meaning here, a line each


def _stems(target):
    """The names that belong to the harness: its ELF's, or its sources' and the target's own."""
    if target.ready:
        return [Path(target.ready).name]
    return list(dict.fromkeys([Path(source).stem for source in target.sources] + [target.name]))


def _first(folders, stems, ending):
    return next((path for folder in folders for stem in stems if (path := folder / f"{stem}{ending}").is_file()), None)


def _read_options(path):
    """([libfuzzer]'s keys and values, notes about the rest of the file)."""
    parser = configparser.ConfigParser(strict=False, interpolation=None, allow_no_value=True)
    try:
        parser.read_string(path.read_text(errors="replace"))
    except configparser.Error as error:
        return {}, [f"{path.name}: {str(error).splitlines()[0]}"]
    notes = [f"{path.name}: [{name}] has no meaning here" for name in parser.sections() if name != "libfuzzer"]
    return dict(parser["libfuzzer"]) if parser.has_section("libfuzzer") else {}, notes


def _max_len(name, text, notes):
    try:
        value = int(text or "")
    except ValueError:
        value = 0
    if 0 < value <= LARGEST_MAX_LEN:
        return value
    notes.append(f"{name}: max_len={text} is not from 1 to {LARGEST_MAX_LEN}")
    return LARGEST_MAX_LEN if value > 0 else None


def of(target):
    """The files beside the target's harness, as far as there are any."""
    folders = [ROOT / target.folder] + ([(ROOT / target.ready).parent] if target.source else [])
    stems = _stems(target)
    zips = tuple(path for folder in folders for stem in stems
                 if (path := folder / f"{stem}_seed_corpus.zip").is_file())
    dictionary, max_len, notes = _first(folders, stems, ".dict"), None, []
    options = _first(folders, stems, ".options")
    if options:
        values, notes = _read_options(options)
        for key, value in values.items():
            if key == "max_len":
                max_len = _max_len(options.name, value, notes)
            elif key == "dict":
                named = options.parent / (value or "")
                dictionary = named if named.is_file() else dictionary
                if not named.is_file():
                    notes.append(f"{options.name}: there is no dictionary {value}")
            else:
                why = WITHOUT_MEANING.get(key)
                notes.append(f"{options.name}: {key}={value} has no meaning here" + (f": {why}" if why else ""))
    return Companions(zips, from_root(dictionary) if dictionary else None, max_len, tuple(notes))


def _members(path, longest, notes):
    with zipfile.ZipFile(path) as archive:
        inputs = [entry for entry in archive.infolist() if not entry.is_dir()]
        if len(inputs) > MOST_MEMBERS:
            notes.append(f"{path.name}: only the first {MOST_MEMBERS} of {len(inputs)} seeds are used")
        for entry in inputs[:MOST_MEMBERS]:
            try:
                with archive.open(entry) as file:
                    yield entry.filename, file.read(longest + 1)
            except (RuntimeError, NotImplementedError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
                notes.append(f"{path.name}: {entry.filename!r} cannot be read: {error}")


def zipped_seeds(zips, longest):
    """([(name, data)] of the inputs in archives of seeds, each once; notes about what was left out or cut)."""
    found, notes, cut = {}, [], 0
    for path in zips:
        try:
            for name, data in _members(path, longest, notes):
                cut += len(data) > longest
                data = data[:longest]
                plain = "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in Path(name).name)
                found.setdefault(xxh64(data), (f"{plain[:KEPT_OF_NAME]}-{xxh64(data):016x}", data))
        except (OSError, zipfile.BadZipFile) as error:
            notes.append(f"{path.name} cannot be read: {error}")
    if cut:
        notes.append(f"{cut} seeds were cut to {longest} bytes; --max-len N takes more of them")
    return list(found.values()), notes
