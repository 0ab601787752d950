"""docs/benchmarks.svg: a row per workload, a mark per contestant, by its CPU seconds beside ninja's."""

import math
from html import escape

WIDTH, LEFT, RIGHT, ROW, TOP = 860, 330, 30, 24, 64
# Colours that can be told apart by everybody, on white and on black; the shapes say the same.
CONTESTANTS = {
    "saturn": ("#d55e00", "circle"),
    "saturn in git": ("#e69f00", "circle"),
    "ninja": ("#0072b2", "square"),
    "sh": ("#8c8c8c", "square"),
    "make": ("#009e73", "diamond"),
    "parallel": ("#56b4e9", "up"),
    "doit": ("#cc79a7", "down"),
    "snakemake": ("#8c8c8c", "diamond"),
}
STYLE = """
text { font: 12px system-ui, sans-serif; fill: #24292f; }
.faint { fill: #6e7781; }
.grid { stroke: #d0d7de; } .one { stroke: #57606a; } .goal { stroke: #24292f; stroke-width: 2; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; } .faint { fill: #8b949e; }
  .grid { stroke: #30363d; } .one { stroke: #8b949e; } .goal { stroke: #e6edf3; }
}"""


def svg(documents: list[dict]) -> str:
    rows = [row for document in documents if document["base"] in CONTESTANTS for row in rows_of(document)]
    axis = Axis([one["ratio"] for _, series, _ in rows for one in series])
    height = TOP + ROW * len(rows) + 48
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">']
    parts += ["<title>CPU seconds beside ninja's</title>", f"<style>{STYLE}\n</style>", *legend(rows)]
    parts += axis.lines(TOP, height - 40)
    for index, row in enumerate(rows):
        parts += drawn(row, TOP + ROW * index + ROW // 2 + 4, axis)
    caption = "× the CPU seconds of ninja (of sh, for what is printed); a bar: the goal"
    parts.append(text(WIDTH - RIGHT, height - 4, caption, "end"))
    return "\n".join([*parts, "</svg>", ""])


def rows_of(document: dict) -> list[tuple[str, list[dict], list[float]]]:
    """Label, series and goals, a row for every way in which the tasks were run."""
    rows: dict[str, list[dict]] = {}
    for one in document["series"]:
        if one["ratio"]:
            rows.setdefault(one["name"].partition(", ")[2], []).append(one)
    found = []
    for way, series in rows.items():
        label = ", ".join(filter(None, [document["title"], way]))
        names = {one["name"] for one in series}
        unit = f"× {document['base']}"
        limits = {goal["limit"] for goal in document["goals"] if goal["series"] in names and goal["unit"] == unit}
        found.append((label, series, sorted(limits)))
    return found


class Axis:
    """Ratios, on a scale of powers of two."""

    def __init__(self, values: list[float]) -> None:
        self.low = math.floor(math.log2(min(values)))
        self.high = max(self.low + 1, math.ceil(math.log2(max(values))))

    def x(self, value: float) -> float:
        share = (math.log2(value) - self.low) / (self.high - self.low)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def lines(self, top: int, bottom: int) -> list[str]:
        parts = []
        for power in range(self.low, self.high + 1):
            at, kind = self.x(2.0**power), "one" if power == 0 else "grid"
            parts.append(f'<line class="{kind}" x1="{at:.1f}" x2="{at:.1f}" y1="{top - 8}" y2="{bottom}"/>')
            parts.append(text(at, bottom + 14, f"{2.0**power:g}", "middle", faint=True))
        return parts


def drawn(row: tuple[str, list[dict], list[float]], y: int, axis: Axis) -> list[str]:
    label, series, limits = row
    parts = [text(LEFT - 16, y + 4, label, "end")]
    for limit in limits:
        at = axis.x(limit)
        parts.append(f'<line class="goal" x1="{at:.1f}" x2="{at:.1f}" y1="{y - 9}" y2="{y + 9}"/>')
    # saturn last, so that nobody hides it.
    for one in sorted(series, key=lambda one: one["name"].startswith("saturn")):
        name = one["name"].partition(", ")[0]
        parts.append(mark(name, axis.x(one["ratio"]), y, f"{name}: {one['ratio']:.2f}"))
    return parts


def legend(rows: list) -> list[str]:
    present = {one["name"].partition(", ")[0] for _, series, _ in rows for one in series}
    parts, x = [], 16
    for name in [name for name in CONTESTANTS if name in present]:
        parts += [mark(name, x, 20, name), text(x + 11, 24, name)]
        x += 34 + 7 * len(name)
    return parts


def mark(name: str, x: float, y: float, title: str) -> str:
    colour, shape = CONTESTANTS[name]
    points = {
        "square": [(-5, -5), (5, -5), (5, 5), (-5, 5)],
        "diamond": [(0, -6), (6, 0), (0, 6), (-6, 0)],
        "up": [(0, -6), (6, 5), (-6, 5)],
        "down": [(0, 6), (6, -5), (-6, -5)],
    }
    if shape == "circle":
        drawing = f'<circle cx="{x:.1f}" cy="{y}" r="5.5" fill="{colour}">'
    else:
        corners = " ".join(f"{x + dx:.1f},{y + dy}" for dx, dy in points[shape])
        drawing = f'<polygon points="{corners}" fill="{colour}">'
    return f"{drawing}<title>{escape(title)}</title></{drawing[1:].split()[0]}>"


def text(x: float, y: float, words: str, anchor: str = "start", faint: bool = False) -> str:
    kind = ' class="faint"' if faint else ""
    return f'<text{kind} x="{x:.1f}" y="{y}" text-anchor="{anchor}">{escape(words)}</text>'
