"""What a person sees during a run: a live block at the terminal's bottom, or plain lines."""
import shutil
import sys
from collections import Counter

from tools.rl.printable import printable

BARS = "▁▂▃▄▅▆▇█"
MARK = "┊"                      # in a curve: a run goes on with an earlier one's results
HISTORY = 200                   # values kept for a curve: more than a terminal is wide
BAR = 12                        # of a core, the longest
MOST_CRASHES, MOST_KINDS = 1000, 50     # that are listed: more come from no target, but from a line that lies
SHARES = (("target", "█"), ("exits", "▓"), ("reset", "▒"), ("mutation", "░"))  # of `time_share`, and how each is drawn


def curve(values, width, marks=()):
    """The values as a line of small bars, the newest at the right; `marks`: before which of them a run begins."""
    if not values:
        return ""
    step = max(1, -(-len(values) // width))
    picked = values[::-1][::step][::-1]
    low, high = min(picked), max(picked)
    span = (high - low) or 1
    marked = {max(0, -(-(place - (len(values) - 1) % step) // step)) for place in marks}
    return "".join(MARK if place in marked else BARS[(value - low) * (len(BARS) - 1) // span]
                   for place, value in enumerate(picked))


class History:
    """A figure over the whole run, evenly spaced: when it is full every other value goes, and fewer are taken."""

    def __init__(self):
        self.kept, self.newest = [], []
        self.every, self.count = 1, 0
        self.resumed = []               # at how many values

    def mark(self):
        if self.count:
            self.resumed.append(self.count)

    def marks(self):
        """Where in `values` the marks are."""
        return [count // self.every for count in self.resumed]

    def add(self, value):
        self.newest = [value]
        if self.count % self.every == 0:
            self.kept.append(value)
            self.newest = []
        self.count += 1
        if len(self.kept) > HISTORY:
            self.kept, self.every = self.kept[::2], 2 * self.every

    def values(self):
        return self.kept + self.newest


def short(number):
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if number >= limit:
            return f"{number / limit * (10 if unit == 'k' else 1):.1f}{unit}"
    return f"{number:.0f}"


def clock(seconds):
    return f"{int(seconds) // 3600}:{int(seconds) // 60 % 60:02}:{int(seconds) % 60:02}"


def crash_line(described):
    place = f" at {described['file'].rsplit('/', 1)[-1]}:{described['line']}" if described["file"] else ""
    return f"{described['hash']}  {described.get('kind', '?')} in {described['function']}{place}"


def split(shares, width):
    """What the cores' time goes to, as a bar and in words; what is in none of the record's shares is `other`."""
    if not shares:
        return []
    bar, words, drawn = "", [], 0.0
    for name, cell in (*SHARES, ("other", " ")):
        share = shares.get(name, 0) if name != "other" else max(0.0, 1 - drawn)
        drawn += share
        bar += cell * (min(round(drawn * width), width) - len(bar))
        words.append(f"{cell} {name} {share:.0%}")
    return [f"time {bar:{width}}  {'  '.join(words)}"]


def starved(record):
    """Few targets ever want more memory than there is."""
    count = record.get("out_of_memory", 0)
    return f"  out of memory {count}" if count else ""


def seeds_left(record):
    """Progress through the seeds and the inputs of earlier runs, before anything is mutated."""
    left = record.get("seeds_left", 0)
    total = max(record.get("seeds", 0), left)
    return f"  seeds {total - left} of {total}" if left else ""


def in_files(record):
    """An input that covers nothing alone is no longer held in memory; its file stays."""
    return f" ({record['files']} files)" if "files" in record else ""


def over_all_runs(record):
    if "all_cases" not in record:
        return ""
    return f"  all runs: {short(record['all_cases'])} cases in {clock(record['all_seconds'])}"


def asked_for_features(record):
    """CPUID that the target's runtime does not answer (assembled elsewhere) costs an exit each time."""
    count = record.get("exits_by_reason", {}).get("cpuid", 0)
    cases = max(1, record.get("case", 0))
    return f" ({count / cases:.2f} CPUID)" if count > 1000 and count / cases >= 0.01 else ""


def stats_line(record):
    return (f"case {record.get('case', 0)}  {record.get('cases_per_s', 0):.0f}/s  edges {record.get('edges', 0)}  "
            f"corpus {record.get('corpus', 0)}{in_files(record)}  crashes {record.get('crashes', 0)}  "
            f"timeouts {record.get('timeouts', 0)}{starved(record)}{seeds_left(record)}  "
            f"exits/case {record.get('exits_per_case', 0):.3f}{asked_for_features(record)}  "
            f"dirty/case {record.get('dirty_pages_per_case', 0):.1f}{over_all_runs(record)}")


class PlainView:
    """Lines only, for logs and pipes."""

    def text(self, text):
        print(text, flush=True)

    def stats(self, seconds, record):
        print(f"[{clock(seconds)}] {stats_line(record)}", flush=True)

    def crash(self, seconds, described, is_new):
        if is_new:
            print(f"[{clock(seconds)}] crash {crash_line(described)}", flush=True)

    def overrun(self, seconds, described, is_new):
        if is_new:
            print(f"[{clock(seconds)}] {crash_line(described)}", flush=True)

    def tick(self, seconds):
        pass

    def resumed(self):
        pass

    def close(self):
        pass


class LiveView:
    """Text scrolls above, the block below is drawn over itself."""

    def __init__(self, target, out, earlier=None):
        """`earlier`: the runs into the same folder, with whose curves this one's go on."""
        self.title = printable(f"raclette: {target} -> {out}")
        self.record = {}
        self.edges = History()
        self.corpus = History()
        self.kinds = Counter()
        self.per_core = {}
        self.crashes = {}
        self.drawn = 0
        for edges, corpus in zip(*(earlier.values(key) if earlier else () for key in ("edges", "corpus"))):
            self.resumed()
            for history, values in ((self.edges, edges), (self.corpus, corpus)):
                for value in values:
                    history.add(value)
        self.resumed()

    def resumed(self):
        """What follows is of a new start: its counts begin again."""
        self.per_core = {}
        for history in (self.edges, self.corpus):
            history.mark()

    def text(self, text):
        self._erase()
        print(text)

    def stats(self, seconds, record):
        for core in record.get("cores", []):
            before = self.per_core.get(core["core"], (0, 0.0, 0.0))
            time = record.get("time_us", seconds * 1e6) / 1e6
            rate = (core.get("case", 0) - before[0]) / (time - before[1]) if time > before[1] else before[2]
            self.per_core[core["core"]] = (core.get("case", 0), time, max(rate, 0))
        self.record = record
        self.edges.add(record.get("edges", 0))
        self.corpus.add(record.get("corpus", 0))
        self.tick(seconds)

    def crash(self, seconds, described, is_new):
        count = self.crashes.get(described["hash"], (0, ""))[0]
        if count or len(self.crashes) < MOST_CRASHES:
            known = "" if is_new or count else "  (known)"
            line = self.crashes.get(described["hash"], (0, crash_line(described) + known))[1]
            self.crashes[described["hash"]] = (count + 1, line)
        kind = described.get("kind", "?")
        self.kinds[kind if kind in self.kinds or len(self.kinds) < MOST_KINDS else "other"] += count == 0
        self.tick(seconds)

    def overrun(self, seconds, described, is_new):
        if is_new:
            self.text(crash_line(described))

    def tick(self, seconds):
        self._erase()
        width, height = shutil.get_terminal_size()
        lines = [line[:width - 1] for line in self._lines(seconds, width)][:max(1, height - 1)]
        print("\n".join(lines), end="\n", flush=True)
        self.drawn = len(lines)

    def _lines(self, seconds, width):
        r = self.record
        rule = "─" * (width - 1)
        lines = [rule, f"{self.title}   {clock(seconds)}"]
        if not r:
            return lines + ["booting ...", rule]
        lines.append(f"cases {short(r.get('case', 0))}   {r.get('cases_per_s', 0):.0f} cases/s   "
                     f"corpus {r.get('corpus', 0)}   crashes {len(self.crashes)} ({r.get('crashes', 0)})   "
                     f"timeouts {r.get('timeouts', 0)}{starved(r)}{seeds_left(r)}")
        if "all_cases" in r:
            lines.append(over_all_runs(r).strip())
        edges = curve(self.edges.values(), max(10, width - 20), self.edges.marks())
        lines.append(f"edges {r.get('edges', 0)}  {edges}")
        lines.append(f"each case: {r.get('exits_per_case', 0):.3f} exits{asked_for_features(r)}, "
                     f"{r.get('dirty_pages_per_case', 0):.1f} dirty pages, "
                     f"{r.get('reset_bytes_per_case', 0):.0f} bytes reset; {r.get('frames_free', 0)} frames free")
        corpus = curve(self.corpus.values(), max(10, width - 30), self.corpus.marks())
        lines.append(f"corpus {r.get('corpus', 0)}{in_files(r)}  {corpus}")
        lines += split(r.get("time_share"), max(10, min(40, width - 70)))
        lines += self._cores(width)
        lines += [f"  {count:4}x {kind}" for kind, count in sorted(self.kinds.items())]
        lines += [f"  {count:4}x {text}" for count, text in list(self.crashes.values())[-6:]]
        return lines + [rule]

    def _cores(self, width):
        """A bar for each core, as long as its share of the fastest one's cases; as many to a line as there is room."""
        fastest = max((rate for _, _, rate in self.per_core.values()), default=0) or 1
        cells = [f"{number:3} {'█' * round(BAR * rate / fastest):{BAR}} {rate:6.0f}/s"
                 for number, (_, _, rate) in sorted(self.per_core.items())]
        in_line = max(1, (width - 1) // (BAR + 15))
        return ["  ".join(cells[at:at + in_line]) for at in range(0, len(cells), in_line)]

    def _erase(self):
        if self.drawn:
            print(f"\x1b[{self.drawn}F\x1b[J", end="")
            self.drawn = 0

    def close(self):
        self._erase()
        if self.record:
            print(stats_line(self.record))
        for count, text in self.crashes.values():
            print(f"  {count:4}x {text}")


def make_view(plain, target, out, earlier=None):
    return PlainView() if plain or not sys.stdout.isatty() else LiveView(target, out, earlier)
