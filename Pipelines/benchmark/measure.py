"""Commands measured in turn: CPU as the kernel accounts it to the child, peak memory through GNU time."""

import os
import shlex
import shutil
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from place import Place


class NotDone(Exception):
    """A contestant failed, or did not do the work; its figure would be worth nothing."""


def nothing() -> None:
    """What comes before or after a lap that needs no preparation."""


@dataclass
class Lap:
    """One command that is measured again and again.

    `before` and `after` are outside of the measurement; `check` gets the file with what was printed, and raises
    `NotDone` unless the work was done. With a `limit`, in seconds, a command that hangs is ended and fails.
    """

    name: str
    command: list[str]
    folder: Path
    tasks: int
    check: Callable[[Path], None]
    before: Callable[[], None] = nothing
    after: Callable[[], None] = nothing
    limit: int = 0


@dataclass
class Series:
    """What was measured of a lap."""

    lap: Lap
    cpu: list[float] = field(default_factory=list)  # seconds, user and system, children that were waited for included
    wall: list[float] = field(default_factory=list)  # seconds
    peak: float = 0  # bytes, of the largest process

    @property
    def median(self) -> float:
        return statistics.median(self.cpu)

    def document(self) -> dict:
        return {
            "name": self.lap.name,
            "command": shlex.join([os.path.basename(self.lap.command[0]), *self.lap.command[1:]]),
            "tasks": self.lap.tasks,
            "rounds": len(self.cpu),
            "cpu": spread(self.cpu),
            "wall": spread(self.wall),
            "peak": self.peak,
        }


def spread(values: list[float]) -> dict | None:
    if not values:
        return None
    return {"min": min(values), "median": statistics.median(values), "max": max(values), "all": values}


class Track:
    """Where laps are run: nothing that the saturn and the make that started this one set gets into them."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.output = place.folder / "output"
        own = {"HOME": str(place.home), "XDG_CACHE_HOME": str(place.home / "cache"), "LC_ALL": "C.UTF-8"}
        self.environment = {k: v for k, v in os.environ.items() if not inherited(k)} | own

    def race(self, laps: list[Lap], rounds: int, alternate: bool = False) -> list[Series]:
        """Every lap once to warm up, which tells its peak memory, and then all of them in turn, `rounds` times.

        `alternate` turns the order round in every second round, for laps that leave something to whom comes next.
        """
        series = [Series(lap, peak=self.peak(lap)) for lap in laps]
        for turn in range(rounds):
            for one in reversed(series) if alternate and turn % 2 else series:
                self.measure(one)
        return series

    def measure(self, series: Series) -> None:
        lap = series.lap
        lap.before()
        cpu, wall = self.spawn(lap, lap.command)
        series.cpu.append(cpu)
        series.wall.append(wall)
        lap.after()

    def peak(self, lap: Lap) -> float:
        """Bytes. Not from `wait4`: what it tells of a child begins with the memory of the Python that spawned it."""
        report = self.place.folder / "peak"
        lap.before()
        self.spawn(lap, [tool("time"), "-f", "%M", "-o", str(report), *lap.command])
        lap.after()
        return float(report.read_text().split()[-1]) * 1024

    def spawn(self, lap: Lap, command: list[str]) -> tuple[float, float]:
        """Runs a command to its end and has its work checked; CPU and wall seconds."""
        os.chdir(lap.folder)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        actions = [
            (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(self.output), flags, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ]
        self.output.unlink(missing_ok=True)
        if lap.limit:
            command = [tool("timeout"), "-k", "5", str(lap.limit), *command]
        begin = time.monotonic()
        child = os.posix_spawnp(command[0], command, self.environment, file_actions=actions)
        _, status, usage = os.wait4(child, 0)
        wall = time.monotonic() - begin
        if status != 0:
            code = os.waitstatus_to_exitcode(status)
            raise NotDone(f"{lap.name}: {' '.join(command)} ended with {code}:\n{tail(self.output)}")
        lap.check(self.output)
        return usage.ru_utime + usage.ru_stime, wall


def inherited(variable: str) -> bool:
    """Whether it is of a saturn's task or of a make's recipe; with `MAKEFLAGS`, another make says and does more."""
    return variable.startswith(("SATURN_", "MAKE")) or variable in ("RESULTS_DIR", "MFLAGS")


def expect(done: bool, name: str, what: str, output: Path) -> None:
    if not done:
        raise NotDone(f"{name}: {what} was not done; it said:\n{tail(output)}")


def tail(path: Path) -> str:
    with open(path, "rb") as file:
        file.seek(max(0, path.stat().st_size - 2000))
        return file.read().decode(errors="replace")


def tool(name: str) -> str:
    """A program of the project's own virtual environment, else of the caller's PATH."""
    venv = Path(__file__).parents[2] / ".venv"
    own = [path for path in (venv / "bench/bin" / name, venv / "bin" / name) if path.exists()]
    found = str(own[0]) if own else shutil.which(name)
    if found is None:
        raise NotDone(f"there is no {name}; make bench installs it")
    return found
