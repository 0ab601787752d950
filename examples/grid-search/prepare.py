"""Make a data set: points of two half moons that reach into each other, with noise.

Writes train.csv and test.csv (x, y, label) to the folder named by RESULTS_DIR, or to ./out when that is not set.
"""

from __future__ import annotations

import argparse
import math
import os
import random
from pathlib import Path


def point(label: int, noise: float, source: random.Random) -> str:
    """A line of the file: a point of the upper moon (label 0) or of the lower one (1)."""
    angle = math.pi * source.random()
    x, y = math.cos(angle), math.sin(angle)
    if label:
        x, y = 1 - x, 0.5 - y
    return f"{x + source.gauss(0, noise):.4f},{y + source.gauss(0, noise):.4f},{label}\n"


def main() -> None:
    parser = argparse.ArgumentParser(description="Make a data set of two half moons.")
    parser.add_argument("--points", type=int, required=True, help="for training, and as many for testing")
    parser.add_argument("--noise", type=float, required=True, help="standard deviation; a moon's radius is 1")
    args = parser.parse_args()

    # The same points every time.
    source = random.Random(1)
    out = Path(os.environ.get("RESULTS_DIR") or "out")
    out.mkdir(parents=True, exist_ok=True)
    for name in ("train.csv", "test.csv"):
        lines = [point(i % 2, args.noise, source) for i in range(args.points)]
        (out / name).write_text("x,y,label\n" + "".join(lines))
        print(f"{name}: {len(lines)} points")


if __name__ == "__main__":
    main()
