"""A plot's two scales as SVG: round values as grid lines, each with its figure; linear, or logarithmic in time."""
import math

WIDTH, HEIGHT = 900, 260
LEFT, RIGHT, TOP, BOTTOM = 64, 92, 14, 34       # the border, in the units of the picture
STEPS = (1, 2, 5)
TIME_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800)
FIRST_SECOND = 1.0              # where a logarithmic scale begins: it has no zero


def short(value):
    """A figure for an axis: 1,500,000 as 1.5M."""
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if value >= limit:
            return f"{value / (1e3 if unit == 'k' else limit):.3g}{unit}"
    return f"{value:,.0f}" if value == int(value) else f"{value:.3g}"


def short_time(seconds):
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"


def round_values(top, most=5):
    """Round values from 0 to `top`, at most so many beyond 0; whole ones, since all figures are counts or shares."""
    top = max(top, 1)
    unit = 10 ** math.floor(math.log10(top / most))
    step = max(1, next(unit * factor for factor in (*STEPS, 10, 20) if top / (unit * factor) <= most))
    return [step * n for n in range(int(top / step + 1e-9) + 1)]


def round_times(end, is_log):
    if is_log:
        return [time for time in (1, 10, 60, 600, 3600, 36000, 86400, 864000) if FIRST_SECOND <= time <= end]
    step = next((step for step in TIME_STEPS if end / step <= 8), TIME_STEPS[-1] * max(1, end // TIME_STEPS[-1] // 4))
    return [step * n for n in range(int(end / step) + 1)]


class Axes:
    """Places of values in a picture of this size."""

    def __init__(self, end, top, is_log=False):
        self.end, self.top, self.is_log = max(end, FIRST_SECOND * 2 if is_log else 1e-3), max(top, 1e-3), is_log

    def x(self, seconds):
        share = seconds / self.end
        if self.is_log:
            share = math.log(max(seconds, FIRST_SECOND) / FIRST_SECOND) / math.log(self.end / FIRST_SECOND)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(self, value):
        return HEIGHT - BOTTOM - value / self.top * (HEIGHT - TOP - BOTTOM)

    def svg(self, unit):
        """Grid, axes and figures. `unit` stands behind each figure of the vertical one."""
        right, low = WIDTH - RIGHT, HEIGHT - BOTTOM
        parts = []
        for value in round_values(self.top):
            y = self.y(value)
            parts.append(f'<path class="grid" d="M{LEFT},{y:.1f} H{right}"/>'
                         f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{short(value)}{unit}</text>')
        for time in round_times(self.end, self.is_log):
            x = self.x(time)
            anchor = "middle" if x > LEFT + 1 else "start"      # beside the lowest figure of the other scale
            parts.append(f'<path class="grid" d="M{x:.1f},{TOP} V{low}"/>'
                         f'<text x="{x:.1f}" y="{low + 17}" text-anchor="{anchor}">{short_time(time)}</text>')
        return "".join(parts) + f'<path class="axis" fill="none" d="M{LEFT},{TOP} V{low} H{right}"/>'
