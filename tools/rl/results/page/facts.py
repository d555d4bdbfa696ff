"""The head of the report: which run this is, and its main figures."""
from tools.rl.common import VERSION
from tools.rl.results.page.markup import date, duration, number, percent, text

LABELS = (("target", "target"), ("version", "raclette"), ("build", "build"), ("commit", "commit"), ("seed", "seed"),
          ("seeds", "seeds"), ("corpus", "resumed with"), ("cores", "cores"), ("memory_mib", "memory"),
          ("machine", "machine"), ("host", "host"), ("tools", "versions"))


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
    starts = [run["started"] for run in runs if run.get("started")] or \
        [record["started"] for record in stats if record.get("started")]
    if starts:
        ends = [record["started"] + record.get("time_us", 0) / 1e6 for record in stats if record.get("started")]
        found += [("began", date(min(starts))), ("ended", date(max(ends or starts)))]
    if len(runs) > 1:
        found.append(("runs", f"{len(runs)} into this folder; the facts are of the last"))
    return found if runs else [("raclette", VERSION), *found]


def figures(stats, edges, bugs, timeouts, starved, seconds):
    """(label, figure) for the boxes."""
    last = stats[-1] if stats else {}
    reached, whole = edges or (last.get("edges", 0), last.get("counters", 0))
    share = f" of {whole:,} ({percent(reached, whole)})" if whole else ""
    files = f", of {last['files']:,} files" if "files" in last else ""
    cases = sum(record.get("case", 0) for record in last_of_each_start(stats))
    return (("bugs", f"{bugs:,}"), ("timeouts", f"{timeouts:,}"), ("out of memory", f"{starved:,}"),
            ("cases", number(cases)), ("cases a second", number(cases / seconds) if seconds else "0"),
            (f"edges{share}", f"{reached:,}"), (f"inputs held{files}", f"{last.get('corpus', 0):,}"),
            ("time", duration(seconds)))


def last_of_each_start(stats):
    """The last record of each start of a machine: counts begin again with the next."""
    return [record for record, after in zip(stats, [*stats[1:], {}])
            if after.get("started") != record.get("started") or after.get("time_us", 0) < record.get("time_us", 0)]


def section(name, facts, boxes):
    rows = "".join(f"<div><dt>{text(label)}</dt><dd>{text(value)}</dd></div>" for label, value in facts)
    cells = "".join(f"<div><strong>{text(value)}</strong>{text(label)}</div>" for label, value in boxes)
    return f'<h1>{name}</h1><dl class="facts">{rows}</dl><div class="figures">{cells}</div>'
