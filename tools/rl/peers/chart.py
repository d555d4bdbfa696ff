"""An SVG of edges by fuzzer: a dot for each random seed, a bar at the median. Works in light and dark."""
from html import escape
from statistics import median

WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 640, 280, 70, 40, 40
TICKS = 5
STYLE = """
text { font: 13px sans-serif; fill: #24292f; } .title { font-weight: bold; } .grid { stroke: #d0d7de; }
.dot { fill: #0969da; fill-opacity: .55; } .median { stroke: #cf222e; stroke-width: 3; }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3; } .grid { stroke: #3d444d; } .dot { fill: #4493f8; }
.median { stroke: #ff7b72; } }
"""


def scale(values):
    """(low, high) of the axis: a bit more than the values take."""
    low, high = min(values), max(values)
    margin = max(1, (high - low) * 0.15)
    return max(0, low - margin), high + margin


def svg(title, edges):
    """`edges`: {fuzzer: edges of each seed}."""
    low, high = scale([value for values in edges.values() for value in values])
    inner = HEIGHT - TOP - BOTTOM

    def y(value):
        return TOP + inner * (high - value) / (high - low)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
             f"<title>{escape(title)}</title><style>{STYLE}</style>",
             f'<text class="title" x="{LEFT}" y="22">{escape(title)}</text>']
    for tick in range(TICKS):
        value = low + (high - low) * tick / (TICKS - 1)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - 10}" y1="{y(value):.1f}" y2="{y(value):.1f}"/>'
                     f'<text x="{LEFT - 8}" y="{y(value) + 4:.1f}" text-anchor="end">{round(value):,}</text>')
    step = (WIDTH - LEFT - 10) / len(edges)
    for number, (name, values) in enumerate(edges.items()):
        middle = LEFT + step * (number + 0.5)
        first = middle - 4.5 * (len(values) - 1)
        parts += [f'<circle class="dot" cx="{first + 9 * place:.1f}" cy="{y(value):.1f}" r="5">'
                  f"<title>{value:,}</title></circle>" for place, value in enumerate(sorted(values))]
        parts.append(f'<line class="median" x1="{middle - 45:.1f}" x2="{middle + 45:.1f}" y1="{y(median(values)):.1f}" '
                     f'y2="{y(median(values)):.1f}"/>')
        parts.append(f'<text x="{middle:.1f}" y="{HEIGHT - 14}" text-anchor="middle">{escape(name)}: '
                     f"{median(values):,.0f}</text>")
    return "\n".join([*parts, "</svg>"]) + "\n"
