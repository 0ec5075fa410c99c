"""Draw docs/architecture.png: the rooms of the package in their order, and the way of a table through them.

python docs/architecture.py
"""

import ast
from itertools import chain
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

HERE = Path(__file__).parent
PACKAGE = HERE.parent / "src" / "twolayer"
LAYERS = [  # room: its place from left to right; from below, in the order of the rooms in tests/test_imports.py
    {"errors": -4.5, "checks": -1.5, "text": 1.5, "files": 4.5},
    {"maths": 0.0},
    {"solvers": -1.6, "engines": 1.6},
    {"training": -1.6, "functional": 1.6},
    {"evaluation": -1.6, "estimators": 1.6},
    {"tables": -2.9, "saving": 4.2, "export": 6.6},
    {"inspection": -4.9, "plots": -2.5, "report": 5.9},
    {"tutorial": -6.6, "watch": -4.0, "distributed": -1.3, "cli": 2.1},
]
FLOOR = set(LAYERS[0])  # used by nearly all, so that their arrows would hide the others
CALLS = {  # of `twolayer fit`, numbered in the order of time, as in architecture.md
    ("cli", "tables"): "1, 3",
    ("tables", "evaluation"): "2",
    ("cli", "evaluation"): "7",
    ("cli", "estimators"): "4",
    ("estimators", "training"): "5",
    ("training", "engines"): "6",
    ("cli", "saving"): "8",
}
RED, GREY = "#c8553d", "0.75"
CURVES = {  # of arrows that would else pass behind a room
    ("tutorial", "training"): 0.3,
    ("plots", "maths"): -0.15,
    ("inspection", "saving"): 0.1,
    ("evaluation", "maths"): -0.25,
    ("cli", "functional"): -0.4,
}


def room_of(path: Path) -> str:
    """The first name below the package."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_rooms(path: Path) -> set[str]:
    """The rooms that a file imports from, wherever the import stands."""
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("twolayer"):
            parts = node.module.split(".")
            rooms |= {parts[1]} if len(parts) > 1 else {alias.name for alias in node.names}
    return rooms


def room_imports() -> dict[str, set[str]]:
    """For every room the others that it imports from, without the floor."""
    drawn = set(chain(*LAYERS)) - FLOOR
    arrows: dict[str, set[str]] = {room: set() for room in drawn}
    for path in PACKAGE.rglob("*.py"):
        room = room_of(path)
        if room in drawn:
            arrows[room] |= (imported_rooms(path) & drawn) - {room}
    return arrows


def direct_imports(arrows: dict[str, set[str]]) -> list[tuple[str, str]]:
    """The arrows that do not follow from others: without room to third, where room to other to third is there."""

    def below(room: str) -> set[str]:
        return arrows[room].union(*(below(other) for other in arrows[room]))

    return [
        (room, other)
        for room in sorted(arrows)
        for other in sorted(arrows[room])
        if not any(other in below(third) for third in arrows[room] - {other})
    ]


def draw_arrow(
    ax: Axes, start: tuple[float, float], end: tuple[float, float], label: str, curve: float
) -> None:
    """An arrow from box to box; red, with its label in the middle, if there is one."""
    (x, y), (x_end, y_end) = start, end
    dx, dy = (0.0, 0.3) if y > y_end else (1.12 if x > x_end else -1.12, 0.0)
    tail, head = (x - dx, y - dy), (x_end + dx, y_end + dy)
    ax.add_patch(
        FancyArrowPatch(
            tail,
            head,
            arrowstyle="-|>",
            mutation_scale=15 if label else 10,
            color=RED if label else GREY,
            linewidth=2.0 if label else 0.9,
            zorder=2 if label else 1,
            connectionstyle=f"arc3,rad={curve}",
            shrinkA=0,
            shrinkB=0,
        )
    )
    if label:
        # the middle of the curve: half of the way to its control point
        xm = (tail[0] + head[0]) / 2 + curve * (head[1] - tail[1]) / 2
        ym = (tail[1] + head[1]) / 2 - curve * (head[0] - tail[0]) / 2
        white = {"boxstyle": "round,pad=0.15", "fc": "white", "ec": "none"}
        ax.text(xm, ym, label, ha="center", va="center", fontsize=12, color=RED, bbox=white, zorder=4)  # fmt: skip


def draw() -> Figure:
    """The picture."""
    places = {
        room: (x, -1.35 * level)
        for level, layer in enumerate(reversed(LAYERS))
        for room, x in layer.items()
    }
    figure = Figure(figsize=(9, 8.5), layout="constrained")
    ax = figure.add_subplot()
    ax.set_axis_off()
    arrows = room_imports()
    for room, other in dict.fromkeys([*direct_imports(arrows), *CALLS]):
        label = CALLS.get((room, other), "")
        draw_arrow(ax, places[room], places[other], label, CURVES.get((room, other), 0.0))
    for room, (x, y) in places.items():
        box = FancyBboxPatch(
            (x - 1.1, y - 0.26), 2.2, 0.52, boxstyle="round,pad=0.02", fc="white", ec="0.3", zorder=3
        )  # fmt: skip
        ax.add_patch(box)
        ax.text(x, y, room, ha="center", va="center", fontsize=12, zorder=4)
    ax.set_xlim(-7.8, 7.8)
    ax.set_ylim(-1.35 * len(LAYERS) + 0.8, 0.6)
    ax.set_title(
        "A file imports only from rooms below its own, or left of its own in the same line.\n"
        "Red: what `twolayer fit` calls, in order. Grey: other imports. The lowest line serves all.",
        fontsize=11,
    )
    return figure


if __name__ == "__main__":
    draw().savefig(HERE / "architecture.png", dpi=110)
