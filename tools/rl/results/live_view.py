"""What a person sees during a run: a live block at the terminal's bottom, or plain lines."""
import contextlib
import os
import shutil
import signal
import sys
import threading

from tools.rl.printable import printable
from tools.rl.results import crash_text, live_block
from tools.rl.results.live_block import asked_for_features
from tools.rl.results.meters import History, clock, grouped

MOST_CRASHES = 1000             # that are listed: more come from no target, but from a line that lies
CLEAR = "\x1b[H\x1b[2J"         # a terminal that has another size has broken the block's lines


def crash_line(described):
    place = f" at {crash_text.place(described['file'].rsplit('/', 1)[-1], described['line'])}" \
        if described["file"] else ""
    return f"{described['hash']}  {described.get('kind', '?')} in {described['function']}{place}"


def bug_text(described):
    """The same without the hash, which says nothing to a person."""
    return crash_line(described).partition("  ")[2]


def starved(record):
    """Few targets ever want more memory than there is."""
    count = record.get("out_of_memory", 0)
    return f"  out of memory {grouped(count)}" if count else ""


def seeds_left(record):
    said = live_block.seeds_text(record)
    return f"  seeds {said}" if said else ""


def in_files(record):
    """An input that covers nothing alone is no longer held in memory; its file stays."""
    return f" ({grouped(record['files'])} files)" if "files" in record else ""


def over_all_runs(record):
    return f"  all runs: {grouped(record['all_cases'])} execs in {clock(record['all_seconds'])}" \
        if "all_cases" in record else ""


def of_hardware(record):
    text = live_block.hardware_text(record)
    return f"  hardware: {text}" if text else ""


def stats_line(record):
    return (f"execs {grouped(record.get('case', 0))}  exec/s {grouped(record.get('cases_per_s', 0))}  "
            f"edges {live_block.edges_text(record)}  corpus {grouped(record.get('corpus', 0))}{in_files(record)}  "
            f"bugs {grouped(record.get('crashes', 0))}  "
            f"timeouts {grouped(record.get('timeouts', 0))}{starved(record)}{seeds_left(record)}  "
            f"VM exits/exec {record.get('exits_per_case', 0):.3f}{asked_for_features(record)}  "
            f"dirty pages/exec {record.get('dirty_pages_per_case', 0):.1f}{over_all_runs(record)}{of_hardware(record)}")


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

    def counts(self, seconds, found):
        pass

    def refused(self, calls):
        pass

    def tick(self, seconds):
        pass

    def resumed(self):
        pass

    def close(self):
        pass


def terminal_size():
    """(columns, lines) of the terminal now; a size of nothing, as of a pipe, is that of the environment."""
    with contextlib.suppress(OSError, ValueError):
        size = os.get_terminal_size(sys.stdout.fileno())
        if size.columns > 0 and size.lines > 0:
            return tuple(size)
    return tuple(shutil.get_terminal_size())


class LiveView:
    """Text scrolls above, the block below is drawn over itself."""

    def __init__(self, target, out, earlier=None):
        """`earlier`: the runs into the same folder, with whose curve this one's goes on."""
        self.title = printable(f"raclette: {target}"), printable(str(out))
        self.campaign = live_block.Campaign(edges=History(), speed=History())
        self.before = {}                # of each core: (cases, seconds) at the last record
        self.drawn, self.size = 0, None
        for values in earlier.values("edges") if earlier else ():
            self.resumed()
            for value in values:
                self.campaign.edges.add(value)
        self.resumed()

    def resumed(self):
        """What follows is of a new start: its counts begin again."""
        self.before = {}
        self.campaign.edges.mark()
        self.campaign.speed.mark()

    def text(self, text):
        self._erase()
        print(text)

    def stats(self, seconds, record):
        for core in record.get("cores", []):
            self._core(core["core"], core.get("case", 0), record.get("time_us", seconds * 1e6) / 1e6)
        if record.get("edges", 0) > self.campaign.record.get("edges", 0):
            self.campaign.last_edge = seconds
        self.campaign.record = record
        self.campaign.edges.add(record.get("edges", 0))
        self.campaign.speed.add(record.get("cases_per_s", 0))
        self.tick(seconds)

    def _core(self, number, cases, time):
        was, then = self.before.get(number, (0, 0.0))
        if time > then:
            self.campaign.rates[number] = max(cases - was, 0) / (time - then)
        self.before[number] = (cases, time)

    def crash(self, seconds, described, is_new):
        key, bugs = described["hash"], self.campaign.bugs
        if key in bugs or len(bugs) < MOST_CRASHES:
            count, text = bugs.get(key, (0, bug_text(described) + ("" if is_new else "  (known)")))
            bugs[key] = (max(count, 1), text)
        self.campaign.last_crash = seconds
        self.tick(seconds)

    def counts(self, seconds, found):
        """How often each crash came, those of earlier machines with it."""
        for key, times in found.items():
            if key in self.campaign.bugs and times > self.campaign.bugs[key][0]:
                self.campaign.bugs[key] = (times, self.campaign.bugs[key][1])
                self.campaign.last_crash = seconds
        self.tick(seconds)

    def refused(self, calls):
        self.campaign.refused = [printable(call.text()) for call in calls]

    def overrun(self, seconds, described, is_new):
        if is_new:
            self.text(crash_line(described))

    def tick(self, seconds):
        size = terminal_size()
        if self.size not in (None, size) and self.drawn:
            print(CLEAR, end="")
            self.drawn = 0
        self._erase()
        self.size = size
        width, height = size
        lines = live_block.lines(self.campaign, self.title, seconds, max(1, width - 1), max(1, height - 1))
        print("\n".join(lines), end="\n", flush=True)
        self.drawn = len(lines)

    def resize(self, *_):
        """The terminal may have another size (SIGWINCH): the next tick draws it anew."""
        self.size = (0, 0)

    def _erase(self):
        if self.drawn:
            print(f"\x1b[{self.drawn}F\x1b[J", end="")
            self.drawn = 0

    def close(self):
        self._erase()
        if self.campaign.record:
            print(stats_line(self.campaign.record))
        for count, text in self.campaign.bugs.values():
            print(f"  {grouped(count):>7}x {text}")


def make_view(plain, target, out, earlier=None):
    if plain or not sys.stdout.isatty():
        return PlainView()
    view = LiveView(target, out, earlier)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGWINCH, view.resize)
    return view
