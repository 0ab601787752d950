"""Train a logistic regression on polynomials of x and y by stochastic gradient descent, with the standard library alone.

Writes metrics.json to the folder named by RESULTS_DIR, or to ./out when that is not set.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import os
import random
from operator import mul
from pathlib import Path


def load(path: Path, degree: int) -> tuple[list[list[float]], list[int]]:
    """For every point all products of powers of x and y up to the degree, and its label."""
    powers = [(i, total - i) for total in range(degree + 1) for i in range(total + 1)]
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    points = [(float(row["x"]), float(row["y"])) for row in rows]
    return [[x**i * y**j for i, j in powers] for x, y in points], [int(row["label"]) for row in rows]


def score(features: list[float], weights: list[float]) -> float:
    return sum(map(mul, features, weights))


def main() -> None:
    parser = argparse.ArgumentParser(description="Train a logistic regression on polynomials.")
    parser.add_argument("data", type=Path, help="the folder with train.csv and test.csv")
    parser.add_argument("--lr", type=float, required=True, help="learning rate")
    parser.add_argument("--degree", type=int, required=True, help="of the polynomials")
    parser.add_argument("--seed", type=int, required=True, help="of the first weights and the order of the points")
    parser.add_argument("--epochs", type=int, default=20, help="passes over the data")
    args = parser.parse_args()

    train, labels = load(args.data / "train.csv", args.degree)
    source = random.Random(args.seed)
    weights = [source.gauss(0, 0.1) for _ in train[0]]
    for _ in range(args.epochs):
        for i in source.sample(range(len(train)), len(train)):
            error = 0.5 + 0.5 * math.tanh(score(train[i], weights) / 2) - labels[i]
            weights = [w - args.lr * error * x for w, x in zip(weights, train[i])]

    test, labels = load(args.data / "test.csv", args.degree)
    right = sum((score(features, weights) > 0) == (label == 1) for features, label in zip(test, labels))
    metrics = {"lr": args.lr, "degree": args.degree, "seed": args.seed, "accuracy": round(right / len(test), 4)}
    print(f"accuracy {metrics['accuracy']} on {len(test)} points")
    out = Path(os.environ.get("RESULTS_DIR") or "out")
    out.mkdir(parents=True, exist_ok=True)
    (out / "metrics.json").write_text(json.dumps(metrics, indent=2) + "\n")


if __name__ == "__main__":
    main()
