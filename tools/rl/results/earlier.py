"""What earlier runs into an output folder have done, of their statistics: the next run's figures go on from there."""
from typing import NamedTuple, Tuple


class Start(NamedTuple):
    """One start of a machine: its records, where its time and its cases begin among those of all."""
    records: Tuple[dict, ...]
    seconds_before: float
    cases_before: int


def starts(records):
    """The starts that the records of a folder are of: the clock or the name of the start says where one begins."""
    found, seconds, cases, own = [], 0.0, 0, []
    for record in records:
        if own and (record.get("started") != own[-1].get("started") or record.get("time_us", 0) < own[-1]["time_us"]):
            found.append(Start(tuple(own), seconds, cases))
            seconds, cases, own = seconds + own[-1]["time_us"] / 1e6, cases + own[-1].get("case", 0), []
        own.append({**record, "time_us": record.get("time_us", 0)})
    return found + ([Start(tuple(own), seconds, cases)] if own else [])


class Earlier:
    """The sum of all earlier starts, and their curves."""

    def __init__(self, records=()):
        self.starts = starts(records)
        last = self.starts[-1] if self.starts else Start(({"time_us": 0},), 0.0, 0)
        self.seconds = last.seconds_before + last.records[-1]["time_us"] / 1e6
        self.cases = last.cases_before + last.records[-1].get("case", 0)

    def values(self, key):
        """A figure of each record, for a curve: one list for each start."""
        return [[record.get(key, 0) for record in start.records] for start in self.starts]

    def about(self):
        """One line; "" for a new folder."""
        if not self.starts:
            return ""
        runs = len(self.starts)
        return (f"earlier runs: {runs}, {self.cases} execs in {self.seconds:.0f} s; "
                f"up to {max(map(max, self.values('edges')))} edges")
