"""The few forms that the report's parts share: escaped text, numbers as people read them, tables."""
import html
import time

from tools.rl.printable import printable


def text(value, longest=4000):
    """Any text as text of the page: nothing in it is an element, and nothing is a control character."""
    return html.escape(printable(str(value), longest))


def number(value):
    """With separators, and without decimals that say nothing."""
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:,.2f}"


def percent(part, whole):
    return f"{100 * part / whole:.1f} %" if whole else "0 %"


def duration(seconds):
    """As "4.2 s", "3 min 07 s", "2 h 05 min", "3 d 04 h"."""
    seconds = max(0, seconds)
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    for unit, name, smaller, small_name in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if seconds >= unit:
            return f"{int(seconds // unit)} {name} {int(seconds % unit // smaller):02} {small_name}"
    return ""


def date(seconds):
    """In UTC; nothing for a time that no clock shows."""
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))
    except (OverflowError, ValueError, OSError):
        return ""


def bar(part, whole):
    share = 100 * part / whole if whole else 0
    return f'<span class="bar"><span style="width:{share:.1f}%"></span></span>'


def table(heads, rows, numbers=()):
    """`numbers`: which columns are figures. A cell is HTML already."""
    def cells(values, tag):
        return "".join(f'<{tag} class="n">{value}</{tag}>' if column in numbers else f"<{tag}>{value}</{tag}>"
                       for column, value in enumerate(values))
    body = "\n".join(f"<tr>{cells(row, 'td')}</tr>" for row in rows)
    return f'<div class="wide"><table><tr>{cells(heads, "th")}</tr>\n{body}</table></div>'
