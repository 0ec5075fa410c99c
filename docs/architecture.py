"""Draw docs/architecture.png: the rooms of the package in their order, and which imports from which.

python docs/architecture.py
"""

import ast
from itertools import pairwise
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

HERE = Path(__file__).parent
PACKAGE = HERE.parent / "src" / "twolayer"
LAYERS = [
    ["errors", "checks", "files", "text"],
    ["maths"],
    ["solvers", "engines"],
    ["training", "functional"],
    ["evaluation", "estimators"],
    ["tables", "saving", "export"],
    ["plots", "inspection", "report"],
    ["tutorial", "cli"],
]
FLOOR = set(LAYERS[0])  # used by nearly all, so that their arrows would hide the others
TABLE = ["cli", "tables", "estimators", "training", "engines", "maths"]  # the way of a table
COLOURS = {True: "#c8553d", False: "0.8"}


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


def draw() -> Figure:
    """The picture."""
    lines: dict[str, int] = {}
    arrows: dict[str, set[str]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        room = room_of(path)
        lines[room] = lines.get(room, 0) + len(path.read_text(encoding="utf-8").splitlines())
        arrows.setdefault(room, set()).update(imported_rooms(path) - {room})
    places = {
        room: (3.0 * (k - (len(layer) - 1) / 2), -1.35 * level)
        for level, layer in enumerate(reversed(LAYERS))
        for k, room in enumerate(layer)
    }
    figure = Figure(figsize=(9, 9.5), layout="constrained")
    ax = figure.add_subplot()
    ax.set_axis_off()
    way = list(pairwise(TABLE))
    for room, others in arrows.items():
        for other in (others & places.keys()) - FLOOR:
            if room not in places:
                continue
            table = (room, other) in way
            (x, y), (x_other, y_other) = places[room], places[other]
            ax.add_patch(
                FancyArrowPatch(
                    (x, y - 0.28 if y > y_other else y),
                    (x_other, y_other + 0.28 if y > y_other else y_other),
                    arrowstyle="-|>",
                    mutation_scale=9 + 5 * table,
                    color=COLOURS[table],
                    linewidth=0.7 + 1.6 * table,
                    zorder=1 + table,
                    connectionstyle="arc3,rad=0.08",
                )
            )
    for room, (x, y) in places.items():
        box = FancyBboxPatch(
            (x - 1.1, y - 0.26),
            2.2,
            0.52,
            boxstyle="round,pad=0.02",
            fc="white",
            ec="0.3",
            zorder=3,
        )
        ax.add_patch(box)
        ax.text(x, y + 0.07, room, ha="center", va="center", fontsize=11, zorder=4)
        count = f"{lines.get(room, 0):,} lines"
        ax.text(x, y - 0.14, count, ha="center", va="center", fontsize=7, color="0.4", zorder=4)
    ax.set_xlim(-6.6, 6.6)
    ax.set_ylim(-1.35 * len(LAYERS) + 0.8, 0.6)
    ax.set_title(
        "A file imports only from rooms below its own, or before its own in the same line.\n"
        "Red: the way of a table through a fit. The lowest line serves all.",
        fontsize=11,
    )
    return figure


if __name__ == "__main__":
    draw().savefig(HERE / "architecture.png", dpi=110)
