"""One task that prints a lot."""

import os
from collections.abc import Callable
from pathlib import Path

from contestants import Ninja, Saturn
from measure import Lap, Track, expect, nothing

LINE = "step=1234,loss=0.123456,accuracy=0.9876"


class Printing:
    """Laps that print `size` bytes, each in a new tree."""

    def __init__(self, track: Track, size: int) -> None:
        self.track, self.size = track, size

    def command(self, size: int) -> str:
        return f"yes {LINE} | head -c {size}"

    def redirected(self) -> Lap:
        """What it costs to print that much into a file, with nobody in between."""
        folder = self.track.place.make("printing-sh")
        line = ["sh", "-c", f"{self.command(self.size)} > log"]
        return self.lap("sh", line, folder, folder / "log", self.size, nothing)

    def saturn(self, size: int | None = None, name: str = "saturn") -> Lap:
        one, size = Saturn(), size or self.size
        folder = self.track.place.make(f"printing-{size}")
        log = folder / "results/bench/t000000/log"
        return self.lap(name, one.run, folder, log, size, lambda: one.write(folder, [self.command(size)]))

    def ninja(self) -> Lap:
        """ninja keeps the output in memory until the command ends, and prints it."""
        one, folder = Ninja(), self.track.place.make("printing-ninja")
        text = f"rule r\n  command = {self.command(self.size)}\nbuild out: r\n"
        file = folder / "build.ninja"
        return self.lap("ninja", one.run, folder, self.track.output, self.size, lambda: file.write_text(text))

    def lap(
        self, name: str, command: list[str], folder: Path, log: Path, size: int, write: Callable[[], object]
    ) -> Lap:
        def check(output: Path) -> None:
            expect(size <= os.stat(log).st_size <= size + 1_000, name, f"a log of {size} bytes", output)

        def before() -> None:
            self.track.place.make(folder.name)
            write()

        return Lap(name, command, folder, 1, check, before, after=lambda: self.track.place.remove(folder))
