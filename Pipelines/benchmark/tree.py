"""A contestant's folder with tasks in it, and the laps that can be run there."""

from pathlib import Path

from contestants import Contestant
from measure import Lap, Series, Track, nothing


class Tree:
    """
    >>> tree = Tree(track, Ninja(), 10_000)
    >>> track.race([tree.cold()], rounds=5)     # five times from nothing
    >>> tree.settle()                           # once more, and everything is up to date
    >>> track.race([tree.rerun(), tree.edit()], rounds=5)
    """

    def __init__(self, track: Track, one: Contestant, tasks: int) -> None:
        self.track, self.one, self.tasks = track, one, tasks
        self.folder = track.place.make(f"{one.name}-{tasks}".replace(" ", "-"))
        self.commands = ["true"] * tasks
        self.edits = 0

    def write(self) -> None:
        self.one.write(self.folder, self.commands)

    def renew(self) -> None:
        self.track.place.make(self.folder.name)
        self.write()

    def cold(self) -> Lap:
        """From nothing: in a new tree, which is written before and deleted after, outside of the measurement."""
        lap = self.lap(self.one.run, ran=self.tasks)
        lap.before = self.renew
        lap.after = lambda: self.track.place.remove(self.folder)
        return lap

    def settle(self) -> Series:
        """Runs all of them, so that nothing is left to do; the series has only the peak memory."""
        lap = self.cold()
        lap.after = nothing
        series = Series(lap, peak=self.track.peak(lap))
        self.one.settle(self.folder, self.tasks)
        return series

    def rerun(self) -> Lap:
        return self.lap(self.one.run, ran=0)

    def edit(self) -> Lap:
        """One command is another than last time, outside of the measurement; each time a different one."""
        lap = self.lap(self.one.run, ran=1)
        lap.before = self.change
        return lap

    def change(self) -> None:
        self.edits += 1
        self.commands[self.edits * 7919 % self.tasks] = f"true {self.edits}"
        self.write()

    def plan(self, ran: int = 0) -> Lap:
        lap = self.lap(self.one.dry, ran)
        lap.check = lambda output: self.one.check_dry(output, self.folder, ran, self.tasks)
        return lap

    def lap(self, command: list[str], ran: int) -> Lap:
        def check(output: Path) -> None:
            self.one.check(output, self.folder, ran, self.tasks)

        return Lap(self.one.name, command, self.folder, self.tasks, check)
