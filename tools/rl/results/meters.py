"""Figures, curves and bars as text: what the live view is made of."""
from bisect import bisect_left

BARS = "▁▂▃▄▅▆▇█"
MARK = "┊"                      # in a curve: a run goes on with an earlier one's results
HISTORY = 200                   # values kept for a curve: more than a terminal is wide
# Of `time_share`, what each is called and how it is drawn.
SHARES = (("target", "target", "█"), ("exits", "VM exits", "▓"), ("reset", "reset", "▒"),
          ("mutation", "mutation", "░"))


def grouped(number):
    """1234567 as 1,234,567."""
    return f"{number:,.0f}"


def counted(number, one, several=""):
    """With its noun: 1 bug, 2 bugs."""
    return f"{grouped(number)} {one if number == 1 else several or one + 's'}"


def clock(seconds):
    return f"{int(seconds) // 3600}:{int(seconds) // 60 % 60:02}:{int(seconds) % 60:02}"


def fitted(text, width):
    """The text; of one that is too long, its beginning and its end, where a place stands."""
    if len(text) <= width:
        return text
    end = max(0, min(width // 2, width - 1))
    return f"{text[:max(0, width - end - 1)]}…{text[len(text) - end:] if end else ''}"[:width]


def picked(values, width, marks=()):
    """(`width` of the values, evenly and the newest among them, or few values each several times; the places of those
    before which a run begins)"""
    last, width = len(values) - 1, max(1, width)
    if last < width:
        places = [n * len(values) // width for n in range(width)]
    else:
        places = [round((n + 1) * last / width) for n in range(width)]
    return [values[place] for place in places], {bisect_left(places, mark) for mark in marks if mark <= last}


def curve(values, width, marks=()):
    """The values as a line of small bars, the newest at the right; `marks`: before which of them a run begins."""
    return plot(values, width, 1, marks)[0] if values else ""


def plot(values, width, rows, marks=(), low=None):
    """The values as bars of so many rows, the upper one first. `low`: the value at the bottom, else the lowest."""
    shown, marked = picked(values, width, marks)
    low, high = (min(shown) if low is None else low, max(shown)) if shown else (0, 0)
    steps = rows * len(BARS) - 1
    heights = [(value - low) * steps // ((high - low) or 1) + 1 for value in shown]
    lines = []
    for row in range(rows - 1, -1, -1):
        parts = [min(max(height - row * len(BARS), 0), len(BARS)) for height in heights]
        lines.append("".join(MARK if place in marked else BARS[part - 1] if part else " "
                             for place, part in enumerate(parts)))
    return lines


class History:
    """A figure over the whole run, evenly spaced: when it is full every other value goes, and fewer are taken."""

    def __init__(self):
        self.kept, self.newest, self.resumed = [], [], []
        self.every, self.count = 1, 0

    def add(self, value):
        self.newest = [value]
        if self.count % self.every == 0:
            self.kept.append(value)
            self.newest = []
        self.count += 1
        if len(self.kept) > HISTORY:
            self.kept, self.every = self.kept[::2], 2 * self.every

    def values(self):
        return self.kept + self.newest

    def mark(self):
        if self.count:
            self.resumed.append(self.count)

    def marks(self):
        """Where in `values` the marks are."""
        return [count // self.every for count in self.resumed]


def split(shares, width):
    """What the cores' time goes to, as a bar and in words; what is in none of the record's shares is the rest."""
    if not shares:
        return ""
    bar, words, drawn = "", [], 0.0
    for key, name, cell in (*SHARES, ("", "rest", "·")):
        share = shares.get(key, 0) if key else max(0.0, 1 - drawn)
        drawn += share
        bar += cell * (min(round(drawn * width), width) - len(bar))
        words.append(f"{cell} {name} {share:.0%}")
    return f"time {bar:{width}}  {' '.join(words)}"


def cells(texts, width, gap=2):
    """Short texts of one width, as many to a line as there is room."""
    longest = max(map(len, texts), default=0)
    in_line = max(1, (width + gap) // (longest + gap))
    return [(" " * gap).join(f"{one:{longest}}" for one in texts[at:at + in_line]).rstrip()
            for at in range(0, len(texts), in_line)]
