"""What a workload found out."""

import os
from dataclasses import dataclass, field

from measure import Series


@dataclass
class Goal:
    """`value` is to be at most `limit`: a ratio to somebody's CPU seconds, or MB."""

    what: str
    value: float
    limit: float
    unit: str
    series: str = ""  # whose CPU seconds they are

    def document(self) -> dict:
        return vars(self) | {"met": self.value <= self.limit}


def ratio(what: str, one: Series, other: Series, limit: float, per_task: bool = False) -> Goal:
    """A goal for the CPU seconds of one beside those of another."""
    value = one.median / other.median
    if per_task:
        value *= other.lap.tasks / one.lap.tasks
    return Goal(what, value, limit, f"× {other.lap.name.split(',')[0]}", one.lap.name)


def memory(what: str, one: Series, limit: float) -> Goal:
    """A goal for peak memory; `limit` in MB, of 1,000,000 bytes."""
    return Goal(what, one.peak / 1e6, limit, "MB")


@dataclass
class Result:
    title: str
    series: list[Series]
    goals: list[Goal] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    base: str = "ninja"  # with whom the others are compared

    def document(self) -> dict:
        return {
            "version": 1,
            "title": self.title,
            "scale": scale(),
            "load": os.getloadavg()[0],
            "base": self.base,
            "series": [one.document() | {"ratio": self.ratio(one)} for one in self.series],
            "goals": [goal.document() for goal in self.goals],
            "notes": self.notes,
        }

    def ratio(self, series: Series) -> float | None:
        """Beside the base that ran as many tasks in the same way: what stands after the comma of its name."""
        _, comma, way = series.lap.name.partition(", ")
        for other in self.series:
            same = other.lap.name == self.base + comma + way and other.lap.tasks == series.lap.tasks
            if same and series.cpu and other.cpu:
                return series.median / other.median
        return None


def scale() -> float:
    """BENCH_SCALE makes everything smaller, to see whether it works."""
    return float(os.environ.get("BENCH_SCALE") or 1)


def sized(number: int, least: int = 10) -> int:
    return max(least, round(number * scale()))
