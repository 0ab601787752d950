"""Read the metrics of all trainings that this task needs: the mean accuracy of each learning rate and degree.

SATURN_NEEDS names a file with a line for each of them: its name, a tab, the folder with its results. The table goes to
the log, and with the best combination to the folder named by RESULTS_DIR.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from statistics import fmean


def main() -> None:
    needs = Path(os.environ["SATURN_NEEDS"]).read_text().splitlines()
    accuracies: dict[tuple[float, int], list[float]] = {}
    for line in needs:
        folder = line.split("\t")[1]
        metrics = json.loads(Path(folder, "metrics.json").read_text())
        accuracies.setdefault((metrics["lr"], metrics["degree"]), []).append(metrics["accuracy"])
    means = {combination: fmean(values) for combination, values in accuracies.items()}
    rates, degrees = (sorted(set(values)) for values in zip(*means))

    lines = ["lr    " + "".join(f"  degree {degree}" for degree in degrees)]
    for rate in rates:
        lines.append(f"{rate:<6g}" + "".join(f"{means[rate, degree]:>10.4f}" for degree in degrees))
    best = max(means, key=means.__getitem__)
    lines.append(f"best: lr {best[0]:g}, degree {best[1]}: {means[best]:.4f}, the mean of {len(accuracies[best])} seeds")
    table = "\n".join(lines) + "\n"
    print(table, end="")
    out = Path(os.environ.get("RESULTS_DIR") or "out")
    out.mkdir(parents=True, exist_ok=True)
    (out / "table.txt").write_text(table)
    (out / "best.json").write_text(json.dumps({"lr": best[0], "degree": best[1], "accuracy": means[best]}) + "\n")


if __name__ == "__main__":
    main()
