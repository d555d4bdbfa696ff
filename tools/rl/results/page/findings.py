"""What a run found: a line for each bug, and below it its stacks, source, input and the command that runs it again."""
from tools.rl.printable import printable
from tools.rl.results import crash_text, printed
from tools.rl.results.origin import again
from tools.rl.results.page import hexdump
from tools.rl.results.page.markup import date, duration, text
from tools.rl.results.source import excerpt

AROUND = 4                      # source lines shown before and behind a crash's
MOST_EXCERPTS = 4               # of one stack


def size_text(size):
    return "1 byte" if size == 1 else f"{size:,} bytes"


def times(count):
    return "" if not count else "once" if count == 1 else f"{count:,} times"


def summary(finding, count):
    """One line: kind, function, place, times, first seen, size, its folder, whose name is the hash."""
    about = finding.about
    parts = [f'<span class="what bad">{text(finding.kind)}</span>',
             f'<span class="what">{text(finding.function)}</span>']
    if finding.file:
        place = text(crash_text.place(finding.file.rsplit("/", 1)[-1], finding.line))
        parts.append(f'<span class="mono" title="{text(finding.file)}">{place}</span>')
    after = f"first seen after {duration(about['seen_after'])}" if "seen_after" in about else ""
    said = [times(count), after, f"input of {size_text(len(finding.input))}"]
    parts += [f'<span class="soft">{text(one)}</span>' for one in said if one]
    place = text(f"{finding.folder.parent.name}/{finding.folder.name}")
    return "".join((*parts, f'<span class="soft mono" title="its folder; the hash is of the kind and the stack">{place}'
                            "</span>"))


def source(file, line):
    """The lines around a place, its own marked; nothing when the file is not here, or no source."""
    shown = [f"{number:6}  {text(line_text)}" if number != line else f"<mark>{number:6}  {text(line_text)}</mark>"
             for number, line_text in excerpt(file, line, AROUND)]
    return '<pre class="excerpt">' + "\n".join(shown) + "</pre>" if shown else ""


def excerpts(finding):
    """The sources of the innermost frames that have any, that of the crash's own place open."""
    found, places = [], [(finding.file, finding.line)]
    places += [(frame["file"], frame["line"]) for frame in finding.about.get("frames", [])]
    for file, line in dict.fromkeys(places):
        lines = source(file, line) if file and line else ""
        if lines and len(found) < MOST_EXCERPTS:
            is_open = " open" if not found else ""
            found.append(f'<details{is_open}><summary><span class="mono">{text(file)}:{line}</span></summary>{lines}'
                         "</details>")
    return f"<h3>Source</h3>{''.join(found)}" if found else ""


def stacks(finding):
    """As trace.txt has them; a folder of an earlier version keeps them only there."""
    about = finding.about
    if "frames" not in about:
        return ""
    lines = crash_text.stack_lines(about["frames"], about.get("recursion", []), about.get("frames_cut", False))
    parts = ["<h3>Stack</h3>", f'<pre class="stack">{text_lines(lines) or "    (empty)"}</pre>']
    for key, heading in crash_text.SITES:
        if about.get(key):
            parts.append(f"<h3>{heading.capitalize()}</h3>"
                         f'<pre class="stack">{text_lines(crash_text.stack_lines(about[key]))}</pre>')
    for thread in about.get("threads", []):
        parts.append(f"<h3>Thread {thread['id']} waits at</h3>"
                     f'<pre class="stack">{text_lines(crash_text.stack_lines(thread["frames"]))}</pre>')
    return "".join(parts)


def text_lines(lines):
    return "\n".join(map(text, lines))


def remarks(finding):
    """What happened, in a sentence each."""
    about = finding.about
    seen = date(about["seen_at"]) if about.get("seen_at") else ""
    said = [crash_text.access_text(about), about.get("text") and f"said: {about['text']}",
            about.get("uninitialised") and "It depends on uninitialised memory: with other contents it may not happen.",
            finding.kind == "timeout" and about.get("edges") and
            f"It was ended after {about['edges']:,} edges, its limit; --timeout sets another one.",
            seen and f"First seen {seen}, by execution {about.get('case', 0):,} on core {about.get('core', '?')}."]
    lines = "".join(f"<p>{text(one)}</p>" for one in said if one)
    output = printed.lines(about.get("output"), about.get("printed", 0))
    return lines + (f"<pre>{text_lines(output)}</pre>" if output else "")


def details(finding, count, is_open=False):
    command = text(printable(again(finding.folder / "input", from_anywhere=True)))
    return (f'<details class="crash"{" open" if is_open else ""}><summary>{summary(finding, count)}</summary>'
            f"{remarks(finding)}"
            f'<p class="again"><strong>run it again:</strong> <code>{command}</code></p>'
            f"{stacks(finding)}{excerpts(finding)}{hexdump.section(finding.input, finding.whole)}"
            f'<details class="trace"><summary class="soft">all of this as text (trace.txt)</summary>'
            f'<pre class="stack">{text_lines(finding.trace.splitlines())}</pre></details></details>')


def section(title, findings, counts, is_first=False):
    """`counts`: how often each hash came. The first of the first section is open."""
    ordered = sorted(findings, key=lambda one: (one.about.get("seen_at", 0), one.folder.name))
    shown = [details(one, counts.get(one.folder.name, 0), is_first and n == 0) for n, one in enumerate(ordered)]
    return f"<h2>{title}: {len(ordered)}</h2>" + ("\n".join(shown) or '<p class="soft">None.</p>')
