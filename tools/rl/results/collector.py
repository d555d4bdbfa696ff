"""Feeds the events of a machine to the output folder, the live view and the limits of the run."""
import binascii
import time
from collections import deque

from tools.rl.machines.session import Chains
from tools.rl.printable import printable
from tools.rl.results.chains import GIVEN_HASH
from tools.rl.results.crash_counts import CrashCounts
from tools.rl.results.crash_text import describe, trace_text
from tools.rl.results.refused import FILE, Refused

KEPT_LINES = 1000               # of the console, to print a failure of ours from
KEPT_CRASHES = 1000             # whose chain or record may still come


OF_THE_TARGET = "error target."         # how the chain of a crash begins


def keep(latest, key, value):
    """Adds to a dict of bounded size: the oldest goes."""
    latest.pop(key, None)
    latest[key] = value
    if len(latest) > KEPT_CRASHES:
        del latest[next(iter(latest))]


class Collector:
    """Feeds one session's events to the folder, the view and the limits."""

    def __init__(self, arguments, session, out, view, symbolizer, shared=None, inputs=0):
        """`inputs`: how many the machine begins with."""
        self.arguments = arguments
        self.session = session
        self.out = out
        self.view = view
        self.symbolizer = symbolizer
        self.shared = shared        # a SharedCorpus
        self.chains = Chains()
        self.chain_of = {}          # by crash hash
        self.crash_of = {}
        self.text = deque(maxlen=KEPT_LINES)
        self.held = []              # the chain of a crash whose record comes next
        self.refused = Refused()
        self.counts = CrashCounts(out.path)
        self.facts = {}             # of the run, as runs.jsonl keeps them
        self.last_stats = None
        self.first_stats = None
        self.inputs = inputs
        self.cases_before, self.seconds_before = 0, 0.0     # of earlier starts of this machine
        self.stopped_by = ""
        self.was_interrupted = False
        self.quiet = False          # inside the chain of a known crash
        self.crashes = 0            # of this run, known ones too

    def stop(self, why):
        if not self.stopped_by:
            self.stopped_by = why
            self.session.stop()

    def interrupted(self, *_):
        """Ctrl-C: once to end cleanly, twice to end now."""
        self.was_interrupted = self.was_interrupted or not self.stopped_by
        self.stopped_by = self.stopped_by or "interrupted"
        self.session.stop()

    def run(self):
        handlers = {"boot": self._boot, "stats": self._stats, "corpus": self._corpus, "edges": self._edges,
                    "crash": self._crash, "timeout": self._overrun, "out_of_memory": self._overrun,
                    "refused": self._refused, "given": self._given, "counts": self._counts}
        for seconds, event in self.session.events():
            if event is None:
                self._news()
                self.view.tick(seconds)
                self._share()
            elif isinstance(event, str):
                self._text(event)
            elif event["type"] in handlers:
                handlers[event["type"]](seconds, event)
            limit = self.arguments.seconds
            if limit is not None and self.first_stats is not None and seconds >= self.first_stats + limit:
                self.stop("time is up")
        self._release()
        self._chain(self.chains.finish())

    def _news(self):
        for line in self.out.news():
            self.view.text(printable(line))

    def _is_of_known(self, text):
        """Whether a line is of the chain of a finding that an earlier run has saved: that is no news."""
        if text.startswith("error "):
            given = GIVEN_HASH.search(text)
            self.quiet = bool(given) and given[1] in self.out.known
        elif not text.startswith("  "):
            self.quiet = False
        return self.quiet

    def _text(self, text):
        is_known = self._is_of_known(text)
        self.text.append(text)
        self._chain(self.chains.feed(text))
        if self.held and not text.startswith("  "):
            self._release()
        if is_known:
            return
        if self.held or text.startswith(OF_THE_TARGET):
            self.held.append(text)
        else:
            self.view.text(text)

    def _release(self):
        """Shows the chain that was held back as it came: its record did not."""
        for line in self.held:
            self.view.text(line)
        self.held = []

    def _finding(self, seconds, record):
        """(described, is new) of a crash, timeout or out_of_memory: saved, and shown with functions and lines."""
        described = describe(record, self.symbolizer)
        described["seen_at"] = round(time.time(), 1)
        described["seen_after"] = round(max(0.0, seconds - (self.first_stats or seconds)), 1)
        is_held = bool(self.held) and f"hash {record['hash']}" in self.held[0]
        if is_held:
            self.held = []
            self._chain(self.chains.finish())
        is_new = self.out.add_crash(record, described, self.chain_of.get(record["hash"]))
        keep(self.crash_of, record["hash"], described)
        for line in trace_text(described, self.chain_of.get(record["hash"])).splitlines() if is_held else ():
            self.view.text(line)
        return described, is_new

    def _chain(self, chain):
        given = GIVEN_HASH.search(chain[0]) if chain else None
        if not given:
            return
        keep(self.chain_of, given[1], chain)
        if given[1] in self.crash_of:
            self.out.add_chain(self.crash_of[given[1]], chain)

    def _boot(self, seconds, record):
        self.out.note_start()
        if self.last_stats:             # a machine that has started again
            self.cases_before += self.last_stats.get("case", 0)
            self.seconds_before += self.last_stats.get("time_us", 0) / 1e6
            self.last_stats = None
            self.view.resumed()
        self.out.add_facts(self.facts, record)
        self.counts.began()
        self.first_stats = seconds if self.first_stats is None else self.first_stats

    def _stats(self, seconds, record):
        self.first_stats = seconds if self.first_stats is None else self.first_stats
        record = {**record, "files": len(self.out.files)}
        self.out.add_stats(record)
        self.last_stats = record
        self.view.stats(seconds, {**record, **self._over_all_runs(record), "seeds": self.inputs})

    def _over_all_runs(self, record):
        if not self.out.earlier.starts and not self.cases_before:
            return {}
        return {"all_cases": self.out.earlier.cases + self.cases_before + record.get("case", 0),
                "all_seconds": self.out.earlier.seconds + self.seconds_before + record.get("time_us", 0) / 1e6}

    def _corpus(self, _, record):
        self.out.add_corpus(record)
        if self.shared:
            self.shared.add(binascii.a2b_base64(record["data"]))

    def _share(self):
        """Once the seeds have run; a line that is half sent when the run stops ends with the word `quit`."""
        if self.shared and self.last_stats and self.session.stopping is None:
            self.shared.tick()

    def _given(self, _, record):
        if self.shared:
            self.shared.answer(record)

    def _refused(self, _, record):
        if self.refused.add(record, self.symbolizer):
            self.out.put(FILE, self.refused.text())
            self.view.refused(self.refused.calls())

    def _counts(self, seconds, record):
        self.counts.add(record["crashes"])
        self.out.save(self.counts)
        self.view.counts(seconds, {key: self.counts.of(key) for key in record["crashes"]})

    def _edges(self, _, record):
        self.out.add_edges(record)

    def _crash(self, seconds, record):
        self.crashes += 1
        described, is_new = self._finding(seconds, record)
        self.view.crash(seconds, described, is_new)
        wanted = self.arguments.until_crash
        names = {frame["function"] for frame in described["frames"]} | {described["function"]}
        if wanted is not None and (wanted == "" or wanted in names):
            self.stop(f"crash {described['hash']} in {described['function']}")

    def _overrun(self, seconds, record):
        """A timeout or out_of_memory: saved as a crash is, but no crash."""
        described, is_new = self._finding(seconds, record)
        self.view.overrun(seconds, described, is_new)
