"""Train a logistic regression by full-batch gradient descent, with the standard library alone.

Every fifth row of the data is held out for testing. Writes metrics.json and loss.csv to the
folder named by RESULTS_DIR, or to ./out when that is not set.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import os
import time
from operator import mul
from pathlib import Path
from statistics import fmean, pstdev


def positive(text: str) -> float:
    value = float(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"must be a positive number, got {text}")
    return value


def load(path: Path) -> tuple[list[list[float]], list[float]]:
    """The features and the label (the last column) of every row; the first line is a header."""
    with path.open(newline="") as file:
        rows = [[float(cell) for cell in row] for row in list(csv.reader(file))[1:]]
    return [row[:-1] for row in rows], [row[-1] for row in rows]


def split(rows: list) -> tuple[list, list]:
    """Every fifth row is for testing, the others are for training."""
    return [row for i, row in enumerate(rows) if i % 5], rows[::5]


def standardise(rows: list[list[float]], means: list[float], deviations: list[float]) -> list[list[float]]:
    """Features with mean 0 and deviation 1, and a constant 1 for the intercept."""
    return [[(x - m) / d for x, m, d in zip(row, means, deviations)] + [1.0] for row in rows]


def scores(rows: list[list[float]], weights: list[float]) -> list[float]:
    return [sum(map(mul, row, weights)) for row in rows]


def log_loss(z: list[float], labels: list[float]) -> float:
    return fmean(max(s, 0.0) + math.log1p(math.exp(-abs(s))) - y * s for s, y in zip(z, labels))


def main() -> None:
    parser = argparse.ArgumentParser(description="Train a logistic regression.")
    parser.add_argument("--lr", type=positive, required=True, help="learning rate")
    parser.add_argument("--epochs", type=int, default=2000, help="passes over the data")
    parser.add_argument("--data", type=Path, default=Path(__file__).with_name("breast_cancer.csv"))
    args = parser.parse_args()
    if args.epochs < 1:
        parser.error("argument --epochs: must be at least 1")
    if not args.data.is_file():
        parser.error(f"argument --data: no such file: {args.data}")

    features, labels = load(args.data)
    (train, test), (train_labels, test_labels) = split(features), split(labels)
    columns = list(zip(*train))
    means, deviations = [fmean(c) for c in columns], [pstdev(c) or 1.0 for c in columns]
    train, test = standardise(train, means, deviations), standardise(test, means, deviations)
    columns, weights = list(zip(*train)), [0.0] * len(train[0])

    start, losses, z = time.perf_counter(), [], scores(train, weights)
    for epoch in range(1, args.epochs + 1):
        errors = [0.5 + 0.5 * math.tanh(s / 2) - y for s, y in zip(z, train_labels)]
        weights = [w - args.lr * sum(map(mul, errors, c)) / len(train) for w, c in zip(weights, columns)]
        z = scores(train, weights)
        losses.append(log_loss(z, train_labels))
        if epoch == 1 or epoch % max(1, args.epochs // 10) == 0:
            print(f"lr {args.lr}  epoch {epoch}/{args.epochs}  loss {losses[-1]:.5f}", flush=True)

    accuracy = fmean((s > 0) == (y > 0.5) for s, y in zip(scores(test, weights), test_labels))
    metrics = {"lr": args.lr, "epochs": args.epochs, "train_loss": round(losses[-1], 6),
               "test_accuracy": round(accuracy, 4), "seconds": round(time.perf_counter() - start, 3)}
    out = Path(os.environ.get("RESULTS_DIR") or "out")
    out.mkdir(parents=True, exist_ok=True)
    (out / "metrics.json").write_text(json.dumps(metrics, indent=2) + "\n")
    (out / "loss.csv").write_text("epoch,loss\n" + "".join(f"{i},{x:.6f}\n" for i, x in enumerate(losses, 1)))


if __name__ == "__main__":
    main()
