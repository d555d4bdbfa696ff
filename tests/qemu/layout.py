"""Verdicts over where the kernel's ranges lie: every mapped page belongs to a range, and boots are independent."""
import bisect
import math

from tools.rl.common import BUILD
from tools.rl.results.elf import Elf, PF_W, PF_X, PT_LOAD

PAGE = 4096
IMAGE, WINDOW = "kernel image", "core's window"


def image_pages():
    """Of each page of the kernel's image, from its base: (executable, writable)."""
    pages = {}
    for segment in Elf((BUILD / "kernel.elf").read_bytes()).segments:
        if segment.kind == PT_LOAD:
            for page in range(segment.address // PAGE, -(-(segment.address + segment.memory_size) // PAGE)):
                pages[page] = (bool(segment.flags & PF_X), bool(segment.flags & PF_W))
    return pages


class Range:
    """One "range" record."""

    def __init__(self, record):
        self.first = int(record["first"], 16)
        self.pages = record["pages"]
        self.end = self.first + self.pages * PAGE
        self.what, self.kind, self.core = record["what"], record["kind"], record["core"]
        self.allowed = ("x" in record["allowed"], "w" in record["allowed"])

    def __str__(self):
        return f"the {self.kind} {self.what!r} of {self.pages} pages at {self.first:#x}"

    def permissions(self, page, image):
        return image.get((page - self.first) // PAGE) if self.what == IMAGE else self.allowed

    def must_have(self, image):
        """Its pages that must be mapped: all, except a window's slots and holes between segments."""
        if self.what == WINDOW:
            return []
        return [page for page in range(self.first, self.end, PAGE) if self.permissions(page, image) is not None]


def unaccounted(ranges, mapped):
    """Complaints about mapped pages that no range explains, and about ranges that the tables do not show."""
    image = image_pages()
    ranges = sorted(ranges, key=lambda r: r.first)
    firsts = [r.first for r in ranges]
    found, seen = [], {}
    for page, (physical, executable, writable) in mapped.items():
        at = bisect.bisect_right(firsts, page) - 1
        if at < 0 or page >= ranges[at].end:
            found.append(f"{page:#x} is mapped and belongs to no range")
            continue
        owner = ranges[at]
        if owner.permissions(page, image) != (executable, writable):
            found.append(f"{page:#x} of {owner} is mapped with executable {executable}, writable {writable}")
        if owner.what != WINDOW and seen.setdefault(physical, page) != page:
            found.append(f"{page:#x} and {seen[physical]:#x} are the same frame {physical:#x}")
    for before, after in zip(ranges, ranges[1:]):
        if after.first < before.end + PAGE:
            found.append(f"{before} and {after} have no page between them")
    for one in ranges:
        found += [f"{one} has a mapped page beside it" for page in (one.first - PAGE, one.end) if page in mapped]
        found += [f"{page:#x} of {one} is not mapped" for page in one.must_have(image) if page not in mapped]
    return found


def miscounted(count, ranges, mapped):
    """A complaint when the kernel counts other pages than there are; its windows' come and go meanwhile."""
    windows = [one for one in ranges if one.what == WINDOW]
    there = sum(not any(one.first <= page < one.end for one in windows) for page in mapped)
    counted = count["live_pages"] - count["through_windows"]
    return "" if counted == there else f"{counted} pages were counted outside the windows, {there} are mapped"


def every_page_is_owned(outcomes):
    """The page tables as QEMU shows them match the ranges that the kernel reports; two boots share no page."""
    for outcome in outcomes:
        ranges = [Range(record) for record in outcome.of_type("range")]
        count = outcome.of_type("layout")
        if not count or count[0]["ranges"] != len(ranges):
            return f"{len(ranges)} ranges were reported of {count}"
        found = unaccounted(ranges, outcome.monitor.pages)
        wrong = miscounted(count[0], ranges, outcome.monitor.pages)
        found += [wrong] if wrong else []
        if found:
            return f"{len(found)} complaints: " + "; ".join(found[:5])
    first, second = (set(outcome.monitor.pages) for outcome in outcomes)
    return f"{len(first & second)} pages lie at the same address in both boots" if first & second else ""


# --- many boots

IMPROBABLE = 1e-12              # with a few ten thousand comparisons, still a false alarm in a hundred million runs
PLACE_BITS = range(12, 48)
WINDOW_BITS = range(21, 48)     # a window is a whole page table


def places(outcome):
    """Where one boot put each thing: the n-th range of its kind, made by the same core."""
    found, count = {}, {}
    for one in (Range(record) for record in outcome.of_type("range")):
        key = (one.what, one.core)
        count[key] = count.get(key, 0) + 1
        found[(*key, count[key])] = one.first & (1 << 48) - 1
    return found


def p_of_coin(ones, tosses):
    """How likely a fair coin is so far from one half, or farther (chi-square, one degree of freedom)."""
    return math.erfc(abs(2 * ones - tosses) / math.sqrt(2 * tosses))


def bits_of(thing):
    return WINDOW_BITS if thing[0] == WINDOW else PLACE_BITS


def least_p(samples, bits):
    """(p, bit) of the bit that is least like a fair coin."""
    return min((p_of_coin(sum(s >> bit & 1 for s in samples), len(samples)), bit) for bit in bits)


def one_by_one(table):
    """Each thing's places over the boots: none twice, each bit uniform. Two windows in a hundred boots may meet."""
    for thing, seen in table.items():
        repeats = len(seen) - len(set(seen))
        if repeats > (thing[0] == WINDOW):
            yield f"{thing} lay {repeats} times where it had lain before", 0.0
        p, bit = least_p(seen, bits_of(thing))
        yield f"bit {bit} of {thing} is not uniform", p


def two_by_two(table):
    """Each two things: neither their distance nor what their addresses' bits share stays the same."""
    things = list(table)
    for number, one in enumerate(things):
        for other in things[number + 1:]:
            pairs = list(zip(table[one], table[other]))
            for relation in ([b - a for a, b in pairs], [a ^ b for a, b in pairs]):
                if len(relation) - len(set(relation)) > 2:
                    yield f"{one} and {other} lie at the same distance again and again", 0.0
            bits = [bit for bit in bits_of(one) if bit in bits_of(other)]
            p, bit = least_p([a ^ b for a, b in pairs], bits)
            yield f"bit {bit} of {one} depends on {other}", p


def kind_of(thing):
    return "stacks" if thing[0].endswith("stack") else thing[0] if thing[0] in (IMAGE, WINDOW) else "other ranges"


def by_kind(table):
    """Over the things of a kind, cores and boots: each bit uniform. Ten samples of one thing prove nothing, but ten
    boots give some hundred samples of the stacks together. (The image's base and the windows need a hundred boots.)"""
    kinds = {}
    for thing, seen in table.items():
        kinds.setdefault(kind_of(thing), []).extend(seen)
    for kind, seen in kinds.items():
        p, bit = least_p(seen, WINDOW_BITS if kind == WINDOW else PLACE_BITS)
        yield f"bit {bit} of the {kind} is not uniform", p


def all_together(table):
    """Over all things and boots: each bit uniform, so both canonical halves are used."""
    everything = [place for thing, seen in table.items() if thing[0] != WINDOW for place in seen]
    p, bit = least_p(everything, PLACE_BITS)
    yield f"bit {bit} of all places is not uniform", p


def boots_are_independent(outcomes):
    """Where things lie in one boot says nothing about another boot, nor about anything else in the same boot."""
    boots = [places(outcome) for outcome in outcomes]
    common = [thing for thing in boots[0] if all(thing in boot for boot in boots)]
    if len(common) < 20:
        return f"only {len(common)} ranges are the same in all boots"
    table = {thing: [boot[thing] for boot in boots] for thing in common}
    verdicts = [*one_by_one(table), *two_by_two(table), *by_kind(table), *all_together(table)]
    what, least = min(verdicts, key=lambda verdict: verdict[1])
    print(f"     {len(boots)} boots, {len(common)} ranges in each, {len(verdicts)} comparisons of up to "
          f"{len(PLACE_BITS)} bits, least p {least:.2g}: {what}")
    found = [f"{what} (p {p:.2g})" for what, p in verdicts if p < IMPROBABLE]
    return "; ".join(found[:5])
