"""What is measured: one function per workload."""

from collections.abc import Callable

import clusters
import libraries
import objects
from contestants import Contestant, Make, Ninja, Saturn
from measure import NotDone, Series, Track
from others import Doit, Parallel, Snakemake
from printing import Printing
from result import Goal, Result, memory, ratio, sized
from tree import Tree

ROUNDS = 5
# What takes milliseconds is measured more often.
SHORT = sized(50, least=3)


def trees(track: Track, tasks: int, *contestants: Contestant) -> list[Tree]:
    return [Tree(track, one, tasks) for one in contestants]


def cold(track: Track) -> Result:
    tasks = sized(10_000)
    laps = [tree.cold() for tree in trees(track, tasks, Saturn(), Ninja(), Make())]
    saturn, ninja, make = track.race(laps, ROUNDS)
    return Result(f"Cold run, {tasks:,} tasks", [saturn, ninja, make], [ratio("cold run", saturn, ninja, 1)])


def rerun(track: Track) -> Result:
    tasks = sized(10_000)
    raced = trees(track, tasks, Saturn(), Saturn(git=True), Ninja(), Make())
    for tree in raced:
        tree.settle()
    series = track.race([tree.rerun() for tree in raced], sized(21, least=3))
    saturn, git, ninja, _ = series
    goals = [ratio("rerun, nothing to do", saturn, ninja, 1), ratio("rerun in git, nothing to do", git, ninja, 1)]
    return Result(f"Rerun of {tasks:,} tasks, nothing to do", series, [*goals, memory("rerun, peak", saturn, 40)])


def plan(track: Track) -> Result:
    tasks = sized(10_000)
    raced = trees(track, tasks, Saturn(), Saturn(git=True), Ninja(), Make())
    for tree in raced:
        tree.settle()
    series = track.race([tree.plan() for tree in raced], sized(21, least=3))
    saturn, git, ninja, _ = series
    goals = [ratio("plan, nothing to do", saturn, ninja, 1), ratio("plan in git, nothing to do", git, ninja, 1)]
    return Result(f"Plan of {tasks:,} tasks, nothing to do", series, goals)


def edit(track: Track) -> Result:
    tasks = sized(10_000)
    raced = trees(track, tasks, Saturn(), Saturn(git=True), Ninja())
    for tree in raced:
        tree.settle()
    series = track.race([tree.edit() for tree in raced], sized(21, least=3))
    saturn, git, ninja = series
    goals = [ratio("one edit", saturn, ninja, 2), ratio("one edit in git", git, ninja, 2)]
    notes = ["make does not notice that a command is another."]
    return Result(f"Rerun of {tasks:,} tasks, one of them edited", series, goals, notes)


def rerun_many(track: Track) -> Result:
    """Also what the cold runs before it take in memory, and the plan."""
    tasks = sized(100_000)
    raced = trees(track, tasks, Saturn(), Ninja())
    first = [named(tree.settle(), "first run") for tree in raced]
    saturn, ninja = again = track.race([tree.rerun() for tree in raced], ROUNDS)
    plans = [named(one, "plan") for one in track.race([tree.plan() for tree in raced], ROUNDS)]
    goals = [
        ratio(f"rerun of {tasks:,}", saturn, ninja, 1), memory(f"rerun of {tasks:,}, peak", saturn, 150)
    ]  # fmt: skip
    notes = ["Of the first runs, only memory was measured here."]
    return Result(f"Rerun of {tasks:,} tasks, nothing to do", [*again, *plans, *first], goals, notes)


def named(series: Series, what: str) -> Series:
    series.lap.name += f", {what}"
    return series


def printing(track: Track) -> Result:
    size = sized(200_000_000, least=10_000)
    run = Printing(track, size)
    laps = [run.redirected(), run.saturn(), run.ninja(), run.saturn(max(size // 200, 1_000), "saturn, 1/200 of it")]
    series = track.race(laps, sized(15, least=3))
    shell, saturn, _, little = series
    flat = Goal("memory while printing", saturn.peak / little.peak, 1.1, "× 1/200 of it")
    return Result(
        f"One task prints {size / 1e6:,g} MB", series, [ratio("printing", saturn, shell, 1.05), flat],
        ["sh runs the same command, redirected to a file."], base="sh",
    )  # fmt: skip


def startup(track: Track) -> Result:
    raced = trees(track, 10, Saturn(), Saturn(git=True), Ninja())
    for tree in raced:
        tree.write()
    new = track.race([tree.plan(ran=10) for tree in raced], SHORT)
    for tree in raced:
        tree.settle()
    after = track.race([tree.plan() for tree in raced], SHORT)
    goals = []
    for way, (saturn, git, ninja) in [("new", new), ("after a run", after)]:
        for one in (saturn, git, ninja):
            named(one, way)
        goals += [ratio(f"plan of 10 tasks, {way}", saturn, ninja, 6)]
        goals += [ratio(f"plan of 10 tasks in git, {way}", git, ninja, 6)]
    return Result("Plan of 10 tasks", new + after, goals)


def cold_many(track: Track) -> Result:
    """Once each, the small ones before and after the large one."""
    few, many = sized(10_000), sized(100_000)
    series = []
    for one in (Saturn(), Ninja()):
        small, large = (Series(Tree(track, one, tasks).cold()) for tasks in (few, many))
        for each in (small, large, small):
            track.measure(each)
        series += [named(small, f"{few:,} tasks"), named(large, f"{many:,} tasks")]
    note = "Once each, the small ones before and after the large one, without a warm-up."
    goal = ratio("CPU per task", series[1], series[0], 1.1, per_task=True)
    goal.unit = f"× {few:,} tasks"
    return Result("Cold runs of two sizes", series, [goal], [note])


def slower(track: Track) -> Result:
    tasks = sized(500)
    contestants: list[Contestant] = [Saturn(), Ninja()]
    notes = []
    for make in (Parallel, Doit, Snakemake):
        try:
            contestants.append(make())
        except NotDone as missing:
            notes.append(f"Left out: {missing}.")
    raced = trees(track, tasks, *contestants)
    first = track.race([tree.cold() for tree in raced], 3)
    for tree in raced:
        tree.settle()
    again = track.race([tree.rerun() for tree in raced], 3)
    series = [named(one, "cold") for one in first] + [named(one, "again") for one in again]
    return Result(f"Beside slower programs, {tasks:,} tasks", series, [], notes)


WORKLOADS: dict[str, Callable[[Track], Result]] = {
    "cold": cold,
    "rerun": rerun,
    "plan": plan,
    "edit": edit,
    "rerun-many": rerun_many,
    "printing": printing,
    "start-up": startup,
    "cold-many": cold_many,
    "slower": slower,
    "libraries": libraries.startup,
    "objects": objects.objects,
    "large-object": objects.large,
    "dask": clusters.dask,
    "ray": clusters.ray,
    "r": clusters.r,
}

# What a workload makes at once, tasks × contestants, for the room that it needs.
ROOM = {"rerun-many": 100_000, "cold-many": 100_000}
# Bytes beside that.
SIZE = {"large-object": 6_000_000_000}
