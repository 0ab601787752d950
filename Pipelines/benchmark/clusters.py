"""Tasks on Dask, Ray and R's futures, beside what their users write to run the same commands on the same workers."""

import contextlib
import os
import shutil
import signal
import socket
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from contestants import Saturn
from measure import Lap, NotDone, Series, Track, expect, tail, tool
from result import Goal, Result, sized

# Seconds for a command.
LIMIT = 120
WORKERS, THREADS = 2, 2
TESTS = Path(__file__).parents[2] / "Tests/Engines"


class Cluster:
    """An engine's own processes on this machine, whose folders are on tmpfs; they end with the `with`."""

    def __init__(self, track: Track) -> None:
        self.track = track
        self.folder = track.place.make(self.name.lower())
        self.log = track.place.folder / f"{self.name.lower()}.log"
        self.processes: list[subprocess.Popen] = []

    def __enter__(self) -> "Cluster":
        try:
            self.begin()
            return self
        except BaseException:  # a signal, too
            self.__exit__()
            raise

    def start(self, command: list[str], **environment: str) -> None:
        with open(self.log, "ab") as log:
            self.processes.append(
                subprocess.Popen(
                    command, env={**self.track.environment, **environment}, stdout=log, stderr=log,
                    stdin=subprocess.DEVNULL,
                )
            )  # fmt: skip

    def wait(self, is_ready: Callable[[], bool]) -> None:
        for _ in range(1200):
            if self.processes[0].poll() is not None:
                raise NotDone(f"{self.name} ended; it said:\n{tail(self.log)}")
            if is_ready():
                return
            time.sleep(0.05)
        raise NotDone(f"{self.name} does not start; it said:\n{tail(self.log)}")

    def __exit__(self, *_: object) -> None:
        for process in self.processes:
            process.kill()
            process.wait()

    # Laps

    def saturn(self, tasks: int) -> Lap:
        one, folder = Saturn(), self.track.place.make("sweep")

        def before() -> None:
            self.track.place.make("sweep")
            one.write(folder, ["true"] * tasks)
            text = (folder / "run.yaml").read_text()
            text = text.replace("class_spec: Multiprocessing, jobs: 2", self.executor())
            (folder / "run.yaml").write_text(f"defaults: {{code: none}}\n{text}")

        def check(output: Path) -> None:
            expect(f"\nbench: {tasks} succeeded (" in "\n" + output.read_text(), "saturn", f"{tasks} tasks", output)

        return Lap("saturn", one.run, folder, tasks, check, before, limit=LIMIT)

    def bare(self, tasks: int) -> Lap:
        def check(output: Path) -> None:
            expect(f"{tasks} succeeded" in output.read_text(), self.rival, f"{tasks} tasks", output)

        command = [self.program(), str(Path(__file__).parent / self.script), self.address, str(tasks)]
        return Lap(self.rival, command, self.track.place.folder, tasks, check, limit=LIMIT)


class Dask(Cluster):
    """A scheduler and workers."""

    name, rival, script = "Dask", "client.map", "client_map.py"
    size = f"{WORKERS} workers"
    tasks, rounds, share = 2_000, 10, 0.8

    def begin(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{self.port}"
        own = ["--host", "127.0.0.1", "--dashboard-address", "127.0.0.1:0"]
        worker = ["worker", self.address, "--no-nanny", "--nthreads", str(THREADS), "--memory-limit", "0"]
        self.start([tool("dask"), "scheduler", "--port", str(self.port), *own])
        self.wait(self.answers)
        for _ in range(WORKERS):
            self.start([tool("dask"), *worker, "--local-directory", str(self.folder), *own])

    def answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def executor(self) -> str:
        return f'class_spec: DaskExecutor, scheduler_address: "{self.address}", python: {self.program()}'

    def program(self) -> str:
        return str(Path(tool("dask")).parent / "python")


class Ray(Cluster):
    """A head in a network namespace of its own: it would listen at the machine's address, too."""

    name, rival, script = "Ray", "remote tasks", "ray_tasks.py"
    size = f"{WORKERS} CPUs"
    tasks, rounds, share = 2_000, 10, 0.8
    address = "127.0.0.1:6379"

    def begin(self) -> None:
        options = ["--port", "6379", "--num-cpus", str(WORKERS), "--include-dashboard=false"]
        # The paths of its sockets have to be short.
        self.sockets = tempfile.mkdtemp(prefix="ray-")
        size = ["--temp-dir", self.sockets, "--object-store-memory", "200000000"]
        head = ["unshare", "-rn", str(Path(tool("ray")).parent / "python"), str(TESTS / "ray-head.py")]
        self.start([*head, *options, *size], RAY_USAGE_STATS_ENABLED="0", TMPDIR=str(self.folder))
        self.wait(lambda: "Ray runtime started" in self.log.read_text())
        inside = f"nsenter -U -n --preserve-credentials -t {self.processes[0].pid}"
        program = self.folder / "python"
        program.write_text(f'#!/bin/sh\nexec {inside} -- {Path(tool("ray")).parent}/python "$@"\n')
        program.chmod(0o755)

    def __exit__(self, *_: object) -> None:
        for process in self.processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        super().__exit__()
        shutil.rmtree(self.sockets, ignore_errors=True)

    def executor(self) -> str:
        return f'class_spec: RayExecutor, address: "{self.address}", python: {self.program()}'

    def program(self) -> str:
        return str(self.folder / "python")


class R(Cluster):
    """Sessions that each run makes for itself, in a network namespace: R listens for them at every address."""

    name, rival, script = "R", "a future per command", "futures.R"
    size = f"{WORKERS} sessions"
    tasks, rounds, share = 500, 6, 5
    address = str(WORKERS)

    def begin(self) -> None:
        command = f"unshare -rn python3 {TESTS}/loopback.py {tool('Rscript')}"
        program = self.folder / "Rscript"
        program.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
        program.chmod(0o755)

    def executor(self) -> str:
        return f"class_spec: RFuturesExecutor, plan: multisession, workers: {WORKERS}, rscript: {self.program()}"

    def program(self) -> str:
        return str(self.folder / "Rscript")


def rate(track: Track, kind: type[Cluster]) -> Result:
    tasks = sized(kind.tasks)
    with kind(track) as cluster:
        laps = [cluster.saturn(tasks), cluster.bare(tasks)]
        saturn, bare = track.race(laps, sized(kind.rounds, least=1), alternate=True)
    value = statistics.median(saturn.wall) / statistics.median(bare.wall)
    goal = Goal(f"{tasks:,} tasks on {kind.size}", value, 1 / kind.share, f"× the time of {kind.rival}", "saturn")
    return Result(f"{tasks:,} tasks on {kind.name}", [saturn, bare], [goal], [note(saturn, bare)], base=kind.rival)


def dask(track: Track) -> Result:
    return rate(track, Dask)


def ray(track: Track) -> Result:
    return rate(track, Ray)


def r(track: Track) -> Result:
    return rate(track, R)


def note(saturn: Series, bare: Series) -> str:
    found = [theirs / ours for ours, theirs in zip(saturn.wall, bare.wall)]
    how = "Both from the start of the program to its end, connecting included; the CPU time is that of the client alone."
    spread = f"median {statistics.median(found):.2f}, {min(found):.2f} – {max(found):.2f}"
    return f"{how} saturn's rate, as a multiple of that of {bare.lap.name} in the same round: {spread}."
