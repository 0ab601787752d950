"""Results in S3, beside rclone, which copies the same objects to the same server."""

import itertools
import os
import socket
import statistics
import subprocess
import time
from pathlib import Path

from contestants import Saturn
from measure import Lap, NotDone, Series, Track, expect, tail, tool
from result import Goal, Result, memory, sized

KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_EC2_METADATA_DISABLED": "true"}
# Seconds for a command that takes some; a client may wait minutes for a server that is confused.
LIMIT = 60


class Server:
    """`rclone serve s3` on a free port of this machine, with its buckets on tmpfs; it ends with the `with`.

    Both contestants write to it. What one round has written goes before the next, by requests: deleted behind its back,
    the server would go on telling of it.
    """

    def __init__(self, track: Track) -> None:
        self.folder = track.place.make("s3")
        for bucket in ("saturn", "rclone"):
            (self.folder / bucket).mkdir()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        remote = {
            "TYPE": "s3", "PROVIDER": "Rclone", "ACCESS_KEY_ID": "test", "SECRET_ACCESS_KEY": "secret",
            "ENDPOINT": self.url, "REGION": "us-east-1", "FORCE_PATH_STYLE": "true",
        }  # fmt: skip
        track.environment = {k: v for k, v in track.environment.items() if not configures(k)}
        track.environment |= KEYS | {f"RCLONE_CONFIG_R_{name}": value for name, value in remote.items()}
        track.environment |= {"RCLONE_CONFIG": ""}
        self.track = track
        self.names = itertools.count()

    def __enter__(self) -> "Server":
        options = ["--auth-key", "test,secret", "--addr", f"127.0.0.1:{self.port}", "--vfs-cache-mode", "off"]
        command = [tool("rclone"), "serve", "s3", "--config", "/dev/null", *options, str(self.folder)]
        file = self.track.place.folder / "server.log"
        with open(file, "wb") as log:
            self.process = subprocess.Popen(
                command, env=self.track.environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        try:
            for _ in range(600):
                if self.process.poll() is not None:
                    break
                if self.answers():
                    return self
                time.sleep(0.05)
            raise NotDone(f"rclone serve s3 does not listen; it said:\n{tail(file)}")
        except BaseException:  # a signal, too
            self.__exit__()
            raise

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    def answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def new(self) -> str:
        return f"round-{next(self.names)}"

    def purge(self, path: str) -> None:
        done = subprocess.run(
            [tool("rclone"), "purge", f"r:{path}"], env=self.track.environment, capture_output=True, timeout=LIMIT
        )
        if done.returncode:
            raise NotDone(f"rclone purge {path}: {done.stderr.decode()}")

    def holds(self, path: str, objects: int, size: int) -> bool:
        """Whether below a path are so many objects, without saturn's own, and of so many bytes at least."""
        files = [file for file in (self.folder / path).rglob("*") if file.is_file() and ".saturn" not in file.parts]
        return len(files) == objects and sum(file.stat().st_size for file in files) >= size

    # Laps

    def run(self, tasks: list[str], objects: int, size: int = 0) -> Lap:
        """A whole `saturn run` into a prefix of its own: the tasks are executed as well."""
        one, folder = Saturn(), self.track.place.make("sweep")
        lap = Lap("saturn, up", one.run, folder, len(tasks), lambda output: None, limit=LIMIT)
        prefix = ""

        def before() -> None:
            nonlocal prefix
            prefix = self.new()
            self.track.place.make("sweep")
            one.write(folder, tasks)
            place = f's3_url: "s3://saturn/{prefix}", endpoint_url: "{self.url}", region: us-east-1'
            text = (folder / "run.yaml").read_text()
            (folder / "run.yaml").write_text(f"results: {{class_spec: S3, {place}}}\ndefaults: {{code: none}}\n{text}")

        def check(output: Path) -> None:
            said = f"\nbench: {len(tasks)} succeeded (" in "\n" + output.read_text()
            expect(said and self.holds(f"saturn/{prefix}", objects, size), lap.name, f"{objects} objects", output)

        lap.before, lap.check = before, check
        lap.after = lambda: self.purge(f"saturn/{prefix}")
        return lap

    def copy(self, source: Path, tasks: int, objects: int, size: int = 0) -> Lap:
        folder = self.track.place.make("copying")
        lap = Lap("rclone, up", [], folder, tasks, lambda output: None, limit=LIMIT)
        target = ""

        def before() -> None:
            nonlocal target
            target = f"rclone/{self.new()}"
            lap.command = [tool("rclone"), "copy", "--transfers", "16", str(source), f"r:{target}"]

        def check(output: Path) -> None:
            expect(self.holds(target, objects, size), lap.name, f"{objects} objects", output)

        lap.before, lap.check = before, check
        lap.after = lambda: self.purge(target)
        return lap

    def fetch(self, name: str, command: list[str], folder: Path, found: Path, original: Path) -> Lap:
        """Into a folder that is empty before; what is there afterwards is compared byte by byte."""

        def check(output: Path) -> None:
            same = subprocess.run(["cmp", found, original], capture_output=True).returncode == 0
            expect(same, name, "a copy of all bytes", output)

        def before() -> None:
            self.track.place.remove(self.track.place.folder / "down")

        return Lap(name, command, folder, 1, check, before, before, LIMIT)


def configures(variable: str) -> bool:
    """Whether it would have a contestant use another account, proxy or number of connections than was measured."""
    return variable.startswith(("AWS_", "RCLONE_")) or variable.lower().endswith("_proxy")


def elapsed(what: str, one: Series, other: Series, rate: float) -> Goal:
    """A goal for the time of one beside that of another: to reach so much of its rate."""
    value = statistics.median(one.wall) / statistics.median(other.wall)
    return Goal(what, value, 1 / rate, "× rclone's time", one.lap.name)


def rate(what: str, one: Series, other: Series) -> str:
    """What the goals are about, round by round: both meet the same weather there."""
    found = [theirs / ours for ours, theirs in zip(one.wall, other.wall)]
    spread = f"{min(found):.2f} – {max(found):.2f}"
    return f"Rate of {what}, × rclone's in the same round: median {statistics.median(found):.2f}, {spread}."


def objects(track: Track) -> Result:
    tasks = sized(1_000)
    with Server(track) as server:
        commands = [f"echo log of {i}; echo result {i} > $RESULTS_DIR/value" for i in range(tasks)]
        up = server.run(commands, tasks * 4)
        source = track.place.make("source")
        keep, up.after = up.after, lambda: copy_results(server, source)
        track.measure(Series(up))
        up.after = keep
        laps = [up, server.copy(source, tasks, tasks * 4)]
        saturn, rclone = track.race(laps, sized(12, least=1), alternate=True)
    goals = [elapsed(f"{tasks:,} tasks with 4 objects each", saturn, rclone, 0.8)]
    note = "rclone copies the objects that saturn has made; saturn's time is that of a whole run, tasks included."
    notes = [f"{note} {rate('saturn', saturn, rclone)}"]
    return Result(f"{tasks:,} tasks with 4 objects each in S3", [saturn, rclone], goals, notes, base="rclone")


def copy_results(server: Server, target: Path) -> None:
    """The objects of the only run so far, as files."""
    folder = server.folder / "saturn" / "round-0"
    for task in folder.iterdir():
        if task.name != ".saturn":
            subprocess.run(["cp", "-R", task, target], check=True)


def large(track: Track) -> Result:
    size = sized(1_000_000_000, least=40_000_000)
    source = track.place.make("source")
    with open(source / "blob", "wb") as file:
        for start in range(0, size, 1 << 20):
            file.write(os.urandom(min(1 << 20, size - start)))
    with Server(track) as server:
        link = [f"ln {source}/blob $RESULTS_DIR/blob"]
        laps = [server.run(link, 3, size), server.copy(source, 1, 1, size)]
        ups = track.race(laps, sized(6, least=1), alternate=True)
        # One of each stays, to be fetched.
        for lap in (ups[0].lap, ups[1].lap):
            lap.after = lambda: None
            track.measure(Series(lap))
        down = track.place.folder / "down"
        sweep = ups[0].lap.folder
        target = ups[1].lap.command[-1]
        laps = [
            server.fetch(
                "saturn, down", [Saturn().run[0], "collect", "--to", str(down)], sweep,
                down / "t000000/results/blob", source / "blob",
            ),
            server.fetch(
                "rclone, down", [tool("rclone"), "copy", "--transfers", "16", target, str(down)], sweep,
                down / "blob", source / "blob",
            ),
        ]  # fmt: skip
        downs = track.race(laps, sized(6, least=1), alternate=True)
    what = f"{size / 1e6:,g} MB"
    goals = [
        elapsed(f"{what} up", *ups, 0.9), memory(f"{what} up, peak", ups[0], 100),
        elapsed(f"{what} down", *downs, 0.9), memory(f"{what} down, peak", downs[0], 100),
    ]  # fmt: skip
    notes = [f"{rate('saturn up', *ups)} {rate('saturn down', *downs)}"]
    return Result(f"A result of {what} in S3", [*ups, *downs], goals, notes, base="rclone")
