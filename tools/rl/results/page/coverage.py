"""Coverage in the report: files, then the source of each with its hits, and the functions that were never entered."""
from tools.rl.results.page.markup import bar, number, percent, table, text
from tools.rl.printable import printable
from tools.rl.results.source import lines_of

MOST_LINES = 60_000             # of sources in one page
NEAR = 6                        # lines shown around each that is known of
MISSING = "The run ended without an edges record (it was killed), or the target is not built here."


def ranges(numbers):
    """(1, 2, 3, 7) as "1-3, 7"."""
    spans = []
    for one in numbers:
        if spans and one == spans[-1][1] + 1:
            spans[-1][1] = one
        else:
            spans.append([one, one])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in spans)


def line_row(at, source, line):
    """A line of source: its number, its hits, its text. Of a line at which no edge begins, nothing is said."""
    if line is None:
        return f"<span>{at:6} {'':>12}  {source}</span>"
    kind = "miss" if not line.reached else "part" if line.reached < line.edges else "hit"
    hits = number(line.hits) if line.reached else "0"
    crashed = " crashed" if line.crashed else ""
    return (f'<span class="{kind}{crashed}" title="{line.reached} of {line.edges} edges">{at:6} {hits:>12}  {source}'
            "</span>")


def shown_lines(file, count):
    """The numbers of the lines to show: those near one that is known of."""
    near = {at for line in file.lines for at in range(line - NEAR, line + NEAR + 1)}
    return sorted(at for at in near if 0 < at <= count)


def source_view(file, room):
    """(HTML, lines) of a file's source; the lines that were missed where it is not here or too long."""
    lines = lines_of(file.name)
    shown = shown_lines(file, len(lines))
    missed = ranges(sorted(at for at, line in file.lines.items() if not line.reached))
    about = f'<details><summary class="soft">lines missed</summary><p>{missed}</p></details>' if missed else ""
    if not shown or len(shown) > room:
        return about, 0
    rows, before = [], 0
    for at in shown:
        if at != before + 1:
            rows.append('<span class="soft">   ...</span>')
        rows.append(line_row(at, text(printable(lines[at - 1].expandtabs())), file.lines.get(at)))
        before = at
    return about + '<pre class="source">' + "\n".join(rows) + "</pre>", len(shown)


def function_rows(file):
    for one in sorted(file.functions, key=lambda one: (one.reached - one.edges, one.name)):
        said = "" if one.reached else '<span class="bad">never entered</span>'
        yield (text(one.name), one.line or "", f"{one.reached:,} of {one.edges:,}", bar(one.reached, one.edges), said)


def file_details(file, room):
    reached, lines = file.count()
    never = [one for one in file.functions if not one.reached]
    source, used = source_view(file, room)
    names = ", ".join(text(f"{one.name}:{one.line}" if one.line else one.name) for one in never)
    head = (f'<summary><span class="what mono">{text(file.name or "(no source known)")}</span>'
            f'<span class="soft">{reached:,} of {lines:,} lines ({percent(reached, lines)}), '
            f"{len(file.functions) - len(never)} of {len(file.functions)} functions</span></summary>")
    told = f"<p><strong>Never entered:</strong> {names}</p>" if never else ""
    rows = table(("function", "line", "edges", "", ""), function_rows(file), (1, 2))
    return (f'<details class="file">{head}{told}<details><summary class="soft">functions</summary>{rows}</details>'
            f"{source}</details>"), used


def section(files):
    if not files:
        return f"<h2>Coverage</h2><p>{MISSING}</p>"
    functions = [one for file in files for one in file.functions]
    reached, edges = sum(one.reached for one in functions), sum(one.edges for one in functions)
    parts, room = [], MOST_LINES
    for file in files:
        shown, used = file_details(file, room)
        parts.append(shown)
        room -= used
    return (f"<h2>Coverage</h2><p>{reached:,} of {edges:,} edges ({percent(reached, edges)}) in "
            f"{sum(one.reached > 0 for one in functions):,} of {len(functions):,} functions; the runtime's own code is "
            "left out. Each file opens: a line's number, in about how many executions it was reached, its text. "
            "At lines without a colour no edge begins.</p>"
            '<p class="key"><span class="hit">reached</span><span class="part">some edges reached</span>'
            '<span class="miss">never reached</span><span class="crashed">in a crash\'s stack</span></p>' +
            "".join(parts))
