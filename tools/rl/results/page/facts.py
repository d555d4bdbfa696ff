"""The head of the report: which run this is, and its main figures."""
from tools.rl.common import VERSION
from tools.rl.results.page.markup import date, duration, number, percent, text

LABELS = (("target", "target"), ("cores", "cores"), ("memory_mib", "memory"), ("seeds", "seed inputs"),
          ("corpus", "resumed with"), ("seed", "random seed"), ("machine", "machine"), ("host", "host"),
          ("version", "raclette"), ("commit", "commit"), ("build", "build"), ("tools", "built with"))
DATES_AT = 1                    # behind the target


def value_text(key, value):
    if key == "memory_mib":
        return f"{value:,} MiB"
    if key in ("seeds", "corpus"):
        return f"{value:,} inputs"
    return str(value)


def of_runs(runs, stats):
    """(label, text) of the last run, and when the runs began and ended."""
    last = runs[-1] if runs else {}
    found = [(label, value_text(key, last[key])) for key, label in LABELS
             if last.get(key) not in (None, "") and (key, last[key]) != ("corpus", 0)]
    dates = []
    starts = [run["started"] for run in runs if run.get("started")] or \
        [record["started"] for record in stats if record.get("started")]
    if starts:
        ends = [record["started"] + record.get("time_us", 0) / 1e6 for record in stats if record.get("started")]
        dates = [("began", date(min(starts))), ("ended", date(max(ends or starts)))]
    found = found[:DATES_AT] + dates + found[DATES_AT:]
    if len(runs) > 1:
        found.append(("runs", f"{len(runs)} into this folder; the facts are of the last"))
    return found if runs else [("raclette", VERSION), *found]


def figures(stats, edges, bugs, timeouts, starved, seconds):
    """(label, figure) for the boxes."""
    last = stats[-1] if stats else {}
    reached, whole = edges or (last.get("edges", 0), last.get("counters", 0))
    share = f" of {whole:,} ({percent(reached, whole)})" if whole else ""
    files = f", {last['files']:,} files" if "files" in last else ""
    cases = sum(record.get("case", 0) for record in last_of_each_start(stats))
    errors = sum(record.get("hardware_errors", 0) for record in last_of_each_start(stats))
    hardware = ((("hardware errors: this machine's memory has errors", f"{errors:,}"),) if errors else ())
    return (*hardware, ("bug" if bugs == 1 else "bugs", f"{bugs:,}"),
            ("timeout" if timeouts == 1 else "timeouts", f"{timeouts:,}"), ("out of memory", f"{starved:,}"),
            (f"edges{share}", f"{reached:,}"),
            (f"corpus inputs held{files}", f"{last.get('corpus', 0):,}"), ("executions", number(cases)),
            ("exec/s", number(cases / seconds) if seconds else "0"), ("of fuzzing", duration(seconds)))


def last_of_each_start(stats):
    """The last record of each start of a machine: counts begin again with the next."""
    return [record for record, after in zip(stats, [*stats[1:], {}])
            if after.get("started") != record.get("started") or after.get("time_us", 0) < record.get("time_us", 0)]


def section(name, facts, boxes):
    rows = "".join(f"<div><dt>{text(label)}</dt><dd>{text(value)}</dd></div>" for label, value in facts)
    cells = "".join(f"<div><strong>{text(value)}</strong>{text(label)}</div>" for label, value in boxes)
    return (f'<h1>{name} <span class="soft">fuzzed by Raclette</span></h1><dl class="facts">{rows}</dl>'
            f'<div class="figures">{cells}</div>')
