"""Tasks on Dask, beside a bare `client.map` that runs the same commands on the same workers."""

import socket
import statistics
import subprocess
import time
from pathlib import Path

from contestants import Saturn
from measure import Lap, NotDone, Series, Track, expect, tail, tool
from result import Goal, Result, sized

# Seconds for a command.
LIMIT = 120
WORKERS, THREADS = 2, 2


class Cluster:
    """A scheduler and workers of this machine, whose folders are on tmpfs; they end with the `with`."""

    def __init__(self, track: Track) -> None:
        self.track = track
        self.folder = track.place.make("dask")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{self.port}"
        self.processes: list[subprocess.Popen] = []

    def __enter__(self) -> "Cluster":
        own = ["--host", "127.0.0.1", "--dashboard-address", "127.0.0.1:0"]
        worker = ["worker", self.address, "--no-nanny", "--nthreads", str(THREADS), "--memory-limit", "0"]
        try:
            self.start(["scheduler", "--port", str(self.port), *own])
            for _ in range(600):
                if self.answers():
                    break
                time.sleep(0.05)
            for _ in range(WORKERS):
                self.start([*worker, "--local-directory", str(self.folder), *own])
            return self
        except BaseException:  # a signal, too
            self.__exit__()
            raise

    def start(self, arguments: list[str]) -> None:
        with open(self.track.place.folder / "dask.log", "ab") as log:
            self.processes.append(
                subprocess.Popen(
                    [tool("dask"), *arguments], env=self.track.environment, stdout=log, stderr=log,
                    stdin=subprocess.DEVNULL,
                )
            )  # fmt: skip

    def __exit__(self, *_: object) -> None:
        for process in self.processes:
            process.kill()
            process.wait()

    def answers(self) -> bool:
        if self.processes[0].poll() is not None:
            raise NotDone(f"dask scheduler ended; it said:\n{tail(self.track.place.folder / 'dask.log')}")
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    # Laps

    def saturn(self, tasks: int) -> Lap:
        one, folder = Saturn(), self.track.place.make("sweep")

        def before() -> None:
            self.track.place.make("sweep")
            one.write(folder, ["true"] * tasks)
            executor = f'class_spec: DaskExecutor, scheduler_address: "{self.address}", python: {python()}'
            text = (folder / "run.yaml").read_text()
            text = text.replace("class_spec: Multiprocessing, jobs: 2", executor)
            (folder / "run.yaml").write_text(f"defaults: {{code: none}}\n{text}")

        def check(output: Path) -> None:
            expect(f"\nbench: {tasks} succeeded (" in "\n" + output.read_text(), "saturn", f"{tasks} tasks", output)

        return Lap("saturn", one.run, folder, tasks, check, before, limit=LIMIT)

    def bare(self, tasks: int) -> Lap:
        def check(output: Path) -> None:
            expect(f"{tasks} succeeded" in output.read_text(), "client.map", f"{tasks} tasks", output)

        script = str(Path(__file__).parent / "client_map.py")
        command = [python(), script, self.address, str(tasks)]
        return Lap("client.map", command, self.track.place.folder, tasks, check, limit=LIMIT)


def python() -> str:
    """The one that has `distributed`."""
    return str(Path(tool("dask")).parent / "python")


def rate(track: Track) -> Result:
    tasks = sized(2_000)
    with Cluster(track) as cluster:
        saturn, bare = track.race([cluster.saturn(tasks), cluster.bare(tasks)], sized(10, least=1), alternate=True)
    value = statistics.median(saturn.wall) / statistics.median(bare.wall)
    goal = Goal(f"{tasks:,} tasks on {WORKERS} workers", value, 1 / 0.8, "× client.map's time", "saturn")
    return Result(f"{tasks:,} tasks on Dask", [saturn, bare], [goal], [note(saturn, bare)], base="client.map")


def note(saturn: Series, bare: Series) -> str:
    found = [theirs / ours for ours, theirs in zip(saturn.wall, bare.wall)]
    how = "Both from the start of the program to its end, connecting included; the CPU time is that of the client alone."
    spread = f"{min(found):.2f} – {max(found):.2f}"
    return f"{how} saturn's rate, × client.map's in the same round: median {statistics.median(found):.2f}, {spread}."
