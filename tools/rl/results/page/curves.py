"""The report's curves: what the run found over time, its speed in all and by core, and where the time went."""
from functools import partial
from typing import NamedTuple

from tools.rl.results.earlier import starts
from tools.rl.results.page.axes import HEIGHT, WIDTH, Axes
from tools.rl.results.page.markup import number, percent, text

MOST_POINTS = 1000              # of a curve: more would be finer than the screen
MOST_CORES = 32                 # curves in one picture; a legend of more says nothing
COLOURS = 8                     # that the style sheet has
LABEL = 24                      # between the figures at the curves' ends
SHARES = (("target", "target"), ("exits", "VM exits"), ("reset", "reset"), ("mutation", "mutation"))
MEANING = ("Target: its own code runs. VM exits: into and out of its virtual machine. Reset: back to the snapshot. "
           "Mutation: inputs are made. The rest: coverage is read, crashes are looked into, results are sent.")


class Series(NamedTuple):
    label: str
    points: list                # (seconds, value), by time


def times(stats):
    """Seconds of every record since the first run began; each start of a machine goes on where the last one ended."""
    found, base, last, started = [], 0.0, 0.0, None
    for record in stats:
        seconds = record.get("time_us", 0) / 1e6
        if seconds < last or record.get("started") != started:
            base += last
        last, started = seconds, record.get("started")
        found.append(base + seconds)
    return found


def thinned(points):
    """At most so many points, and the last one."""
    step = -(-len(points) // MOST_POINTS)
    return points[::step] + ([points[-1]] if (len(points) - 1) % step else [])


def by_core(stats, seconds):
    """Cases a second of each core, between a record and the one before it."""
    cores, before, found = {}, {}, {}
    for at, record in zip(seconds, stats):
        for core in record.get("cores", []):
            name, cases = core["core"], core.get("case", 0)
            then, was = before.get(name, (0.0, 0))
            if at > then and cases >= was:
                found.setdefault(name, []).append((at, (cases - was) / (at - then)))
            before[name] = (at, cases)
    for name in sorted(found)[:MOST_CORES]:
        cores[name] = Series(f"core {name}", found[name])
    return list(cores.values())


def _labels(axes, series):
    """Each curve's last value at its end, moved apart where they would cover each other."""
    ends = sorted(((axes.y(one.points[-1][1]), n, one.points[-1]) for n, one in enumerate(series)), reverse=True)
    parts, lowest = [], HEIGHT
    for y, n, (seconds, value) in ends:
        lowest = min(y, lowest - LABEL)
        parts.append(f'<text class="f{n % COLOURS}" x="{axes.x(seconds) + 5:.1f}" y="{lowest + 4:.1f}">'
                     f"{number(value)}</text>")
    return "".join(parts) if len(series) <= COLOURS else ""


def _places(axes, points):
    return " ".join(f"{axes.x(x):.1f},{axes.y(y):.1f}" for x, y in points)


def _lines(axes, series):
    return "".join(f'<polyline class="s{n % COLOURS}" points="{_places(axes, one.points)}"/>'
                   for n, one in enumerate(series))


def _areas(axes, series):
    """The series on top of each other, each as an area: what parts of a whole are."""
    parts, below = [], [(x, 0) for x, _ in series[0].points]
    for n, one in enumerate(series):
        above = [(x, min(100, low + y)) for (x, low), (_, y) in zip(below, one.points)]
        parts.append(f'<polygon class="f{n % COLOURS}" points="{_places(axes, above + below[::-1])}"/>')
        below = above
    return "".join(parts)


def picture(series, label, is_log=False, are_parts=False, resumed=()):
    """One SVG with these curves on common axes, or with the parts of a whole in percent. `resumed`: the seconds at
    which a run went on with the results of an earlier one."""
    shown = [Series(one.label, thinned(one.points)) for one in series]
    top = 100 if are_parts else max(y for one in shown for _, y in one.points)
    axes = Axes(max(one.points[-1][0] for one in shown), top, is_log)
    marks = "".join(f'<line class="resumed" x1="{axes.x(at):.1f}" x2="{axes.x(at):.1f}" y1="{axes.y(top):.1f}" '
                    f'y2="{axes.y(0):.1f}"/>' for at in resumed)
    drawn = _areas(axes, shown) if are_parts else _lines(axes, shown) + _labels(axes, shown)
    kind = "log" if is_log else "linear"
    return (f'<svg class="{kind}" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{text(label)}">'
            f"{axes.svg(' %' if are_parts else '')}{drawn}{marks}</svg>")


def legend(series):
    return '<div class="legend">' + "".join(
        f'<span><i class="f{n % COLOURS}"></i>{text(one.label)}</span>' for n, one in enumerate(series)) + "</div>"


def chart(series, label, are_parts=False, resumed=()):
    """The curves under their title, on both scales; nothing without a point."""
    series = [one for one in series if one.points]
    if not series:
        return ""
    names = legend(series) if len(series) > 1 else ""
    return (f'<div class="chart"><h3>{text(label)}</h3>{names}{picture(series, label, False, are_parts, resumed)}'
            f"{picture(series, label, True, are_parts, resumed)}</div>")


def time_split(stats, seconds):
    """The parts of the cores' time, in percent; what is in none of the record's parts is the rest."""
    named = [Series(label, [(at, 100 * record.get("time_share", {}).get(key, 0)) for at, record in zip(seconds, stats)])
             for key, label in SHARES]
    other = [(at, max(0.0, 100 - sum(one.points[n][1] for one in named))) for n, at in enumerate(seconds)]
    return [*named, Series("rest", other)]


def split_in_all(stats, seconds):
    """The same over the whole run, in words."""
    spans = [max(0.0, at - before) for before, at in zip([0.0, *seconds], seconds)]
    whole = sum(spans)
    shares = [(label, sum(span * record.get("time_share", {}).get(key, 0) for span, record in zip(spans, stats)))
              for key, label in SHARES]
    said = [f"{label} {percent(part, whole)}" for label, part in shares]
    return ", ".join(said + [f"rest {percent(max(0.0, whole - sum(part for _, part in shares)), whole)}"])


def section(stats):
    """All curves; the switch works without a script: the style sheet shows one of two pictures each."""
    if not stats:
        return "<h2>Over time</h2><p>No statistics came.</p>"
    seconds = times(stats)

    def of(key, label):
        return Series(label, [(at, record.get(key, 0)) for at, record in zip(seconds, stats)])
    resumed = [start.seconds_before for start in starts(stats)[1:]]
    draw = partial(chart, resumed=resumed)
    charts = [draw([of("edges", "edges")], "Edges reached"),
              draw([of("corpus", "inputs")], "Inputs in the corpus"),
              draw([of("crashes", "bugs"), of("timeouts", "timeouts")], "Bugs and timeouts found"),
              draw([of("cases_per_s", "exec/s")], "exec/s, all cores"),
              draw(by_core(stats, seconds), "exec/s, by core"),
              draw(time_split(stats, seconds), "Where the cores' time goes", are_parts=True)]
    return ('<h2>Over time</h2><input class="scale" type="radio" name="scale" id="to-linear" checked>'
            '<label for="to-linear">linear time</label><input class="scale" type="radio" name="scale" id="to-log">'
            '<label for="to-log">logarithmic time</label>' + "".join(charts) +
            f'<p class="soft">{len(resumed) + 1} runs; a dotted line is where one began.</p>' * bool(resumed) +
            f'<p class="soft">Of the whole time: {split_in_all(stats, seconds)}. {MEANING}</p>')
