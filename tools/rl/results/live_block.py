"""The lines of the live view's block, for a terminal of any size: figures first, then bugs, then curves where there is
room for them. Words are those of libFuzzer and AFL++: exec/s, edges, corpus, crashes."""
from dataclasses import dataclass, field

from tools.rl.results.meters import cells, clock, counted, curve, fitted, grouped, plot, split

CELL = 38                       # a figure with its name: two of them in 80 columns
NAME = 11                       # of it, the name
PAGE = 4096                     # bytes of a frame of memory
BAR = 10                        # of a core, the longest
CURVE_NAME = 18                 # characters beside a curve, at least: those of both curves stand below each other
MOST_CORE_LINES = 8
TALLEST = 16                    # rows of a curve


@dataclass
class Campaign:
    """What is known of the run so far. `record` is the last one of the statistics."""
    record: dict = field(default_factory=dict)
    rates: dict = field(default_factory=dict)           # of each core
    bugs: dict = field(default_factory=dict)            # by hash: (how often, text), the newest last
    refused: list = field(default_factory=list)         # texts
    edges: object = None        # meters.History, of each
    speed: object = None
    last_edge: float = None     # seconds at which a new edge, and a crash, came
    last_crash: float = None


def since(now, then):
    return f"{clock(max(0, now - then))} ago" if then is not None else "none yet"


def edges_text(record):
    edges, whole = record.get("edges", 0), record.get("counters", 0)
    return f"{grouped(edges)} of {grouped(whole)} ({edges / whole:.1%})" if whole else grouped(edges)


def crashes_text(campaign):
    times = sum(count for count, _ in campaign.bugs.values())
    return f"{counted(len(campaign.bugs), 'bug')}, {counted(times, 'crash', 'crashes')}"


def seeds_text(record):
    """Progress through the seeds and earlier inputs, before anything is mutated."""
    left = record.get("seeds_left", 0)
    total = max(record.get("seeds", 0), left)
    return f"{grouped(total - left)} of {grouped(total)} run" if left else ""


def asked_for_features(record):
    """CPUID that the target's runtime does not answer (assembled elsewhere) costs an exit each time."""
    count = record.get("exits_by_reason", {}).get("cpuid", 0)
    cases = max(1, record.get("case", 0))
    return f" ({count / cases:.2f} CPUID)" if count > 1000 and count / cases >= 0.01 else ""


def figures(campaign, now):
    """(name, figure), the important ones first."""
    record = campaign.record
    cases, time = record.get("case", 0), record.get("time_us", 0) / 1e6
    files = f" held, {grouped(record['files'])} files" if "files" in record else ""
    found = [("exec/s", f"{grouped(record.get('cases_per_s', 0))} ({grouped(cases / time if time else 0)} on average)"),
             ("execs", grouped(cases)), ("edges", edges_text(record)), ("new edge", since(now, campaign.last_edge)),
             ("crashes", crashes_text(campaign)), ("last crash", since(now, campaign.last_crash)),
             ("corpus", grouped(record.get("corpus", 0)) + files),
             ("timeouts", grouped(record.get("timeouts", 0))),
             ("cores", grouped(len(record.get("cores", [])))),
             ("out of mem", grouped(record.get("out_of_memory", 0)))]
    found += [("seeds", seeds_text(record))] if seeds_text(record) else []
    found += [("hardware", hardware_text(record))] if hardware_text(record) else []
    if "all_cases" in record:
        found.append(("all runs", f"{grouped(record['all_cases'])} execs in {clock(record['all_seconds'])}"))
    return found


def hardware_text(record):
    """What the machine reports of itself; nothing when it is well."""
    errors, strays = record.get("hardware_errors", 0), record.get("stray_interrupts", 0)
    return ", ".join(text for count, text in ((errors, f"{grouped(errors)} errors: this machine's memory has errors"),
                                              (strays, f"{grouped(strays)} stray interrupts")) if count)


def figure_lines(campaign, now, width):
    across = max(1, (width + 1) // (CELL + 1))
    room = max(CELL, (width + 1) // across - 1)
    texts = [f"{fitted(f'{name:{NAME}} {value}', room):{room}}" for name, value in figures(campaign, now)]
    return [" ".join(texts[at:at + across]).rstrip()[:width] for at in range(0, len(texts), across)]


def case_line(record):
    return (f"each exec   {record.get('exits_per_case', 0):.3f} VM exits{asked_for_features(record)}, "
            f"{record.get('dirty_pages_per_case', 0):.1f} dirty pages; "
            f"{grouped(record.get('frames_free', 0) * PAGE >> 20)} MiB of memory free")


def bug_lines(campaign, width, room):
    """The newest of them, each with its folder where that fits; how many there are besides."""
    bugs = list(campaign.bugs.items())
    shown = bugs[-max(1, room - (len(bugs) > room)):] if room > 0 else []
    lines = []
    for key, (count, text) in reversed(shown):
        line = f"{'' if lines else 'bugs':4}{grouped(count):>6}x {text}"
        folder = f"  crashes/{key}"
        lines.append(line + folder if len(line + folder) <= width else fitted(line, width))
    more = len(bugs) - len(shown)
    return lines + ([f"{'':12}and {grouped(more)} more"] if more and room > 0 else [])


def refused_lines(campaign, width, room):
    calls = campaign.refused
    if not calls or room <= 0:
        return []
    shown = calls[:max(1, room - (len(calls) > room))]
    more = len(calls) - len(shown)
    return [fitted(f"refused     {call}", width) for call in shown] + \
        ([f"{'':12}and {grouped(more)} other calls"] if more and room > 1 else [])


def core_lines(campaign, width):
    """A bar for each core, as long as its share of the fastest one's cases."""
    fastest = max(campaign.rates.values(), default=0) or 1
    lines = cells([f"core {number:<3} {'█' * round(BAR * rate / fastest):{BAR}} {grouped(rate):>7}/s"
                   for number, rate in sorted(campaign.rates.items())], width)
    return lines if len(lines) <= MOST_CORE_LINES else []


def curve_lines(name, history, width, rows, low=None):
    """A curve over the whole run, beside it its highest value and where its lowest row stands."""
    values = history.values() if history else []
    if not values or rows < 1:
        return []
    if rows == 1:
        return [f"{name:{NAME}} {curve(values, width - NAME - 1, history.marks())}"]
    names = [f"{name}, most {grouped(max(values))}", *[""] * (rows - 2)]
    names.append(f"least {grouped(min(values))}" if low is None else grouped(low))
    if rows > 2:
        names[1] = "whole run"
    room = max(CURVE_NAME, *map(len, names))
    drawn = plot(values, width - room - 1, rows, history.marks(), low)
    return [f"{name_text:{'>' if n else '<'}{room}} {line}".rstrip()
            for n, (name_text, line) in enumerate(zip(names, drawn))]


def head_line(title, now, width):
    """The title, its place where there is room for it, and how to end."""
    texts = (f"{title[0]}, running for {clock(now)}", f"results in {title[1]}", "Ctrl-C ends it")
    line = texts[0]
    for text in texts[1:]:
        line += f"   {text}" if len(line) + 3 + len(text) <= width else ""
    return fitted(line, width)


def lines(campaign, title, now, width, height):
    """At most `height` lines of at most `width` characters. `title`: (what runs, where its results go)."""
    rule = "─" * width
    head, end = [rule, head_line(title, now, width)], [rule]
    if not campaign.record:
        return (head + ["booting ..."] + end)[:height]
    shown = figure_lines(campaign, now, width)
    shown += [one for one in (split(campaign.record.get("time_share"), max(6, min(40, width - 74))),) if one]
    shown.append(case_line(campaign.record))
    room = height - len(head) - len(end) - len(shown)
    refused = refused_lines(campaign, width, min(3, room // 3))
    bugs = bug_lines(campaign, width, min(room - len(refused), max(4, room // 2)))
    room -= len(refused) + len(bugs)
    cores = core_lines(campaign, width) if len(core_lines(campaign, width)) <= room - 2 else []
    rows = min(TALLEST, (room - len(cores)) // 2)
    curves = curve_lines("edges", campaign.edges, width, rows) + curve_lines("exec/s", campaign.speed, width, rows, 0)
    return [line[:width] for line in (head + shown + curves + cores + refused + bugs + end)][:height]
