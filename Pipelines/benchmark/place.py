"""The folder where trees of tasks are made: on tmpfs, where making and deleting them costs the same every time."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

# What one task takes there, with what all contestants together keep of it at once.
BYTES_PER_TASK = 30_000
INODES_PER_TASK = 15


class Unfit(Exception):
    """The folder cannot be used; the message says why."""


class Place:
    """A folder of its own under `BENCH_FOLDER`, by default /dev/shm; it goes with the `with`."""

    def __init__(self, tasks: int, size: int = 0) -> None:
        root = os.environ.get("BENCH_FOLDER") or "/dev/shm"
        kind = file_system(root)
        if kind != "tmpfs":
            raise Unfit(f"{root} is {kind}, not tmpfs; set BENCH_FOLDER to a folder on tmpfs")
        room = os.statvfs(root)
        require(root, "bytes", room.f_bavail * room.f_frsize, tasks * BYTES_PER_TASK + size)
        if room.f_files:  # 0: without a limit
            require(root, "inodes", room.f_favail, tasks * INODES_PER_TASK)
        self.folder = Path(tempfile.mkdtemp(prefix="saturn-bench-", dir=root))
        self.home = self.make("home")

    def __enter__(self) -> "Place":
        return self

    def __exit__(self, *_: object) -> None:
        os.chdir("/")
        shutil.rmtree(self.folder)

    def make(self, name: str) -> Path:
        """An empty folder; what was there under that name goes."""
        folder = self.folder / name
        self.remove(folder)
        folder.mkdir()
        return folder

    def remove(self, folder: Path) -> None:
        os.chdir(self.folder)
        subprocess.run(["rm", "-rf", folder], check=True)


def require(root: str, what: str, free: int, needed: int) -> None:
    if free < needed:
        raise Unfit(f"{root} has {free:,} {what} free, and {needed:,} are needed; set BENCH_FOLDER, or BENCH_SCALE=0.1")


def file_system(path: str) -> str:
    """The type of the file system that holds a path, such as `tmpfs`."""
    path = os.path.realpath(path)
    best, kind = "", "not there"
    for line in Path("/proc/self/mounts").read_text().splitlines():
        mount, found = line.split(" ")[1:3]
        inside = path == mount or path.startswith(mount.rstrip("/") + "/")
        if os.path.isdir(path) and inside and len(mount) >= len(best):
            best, kind = mount, found
    return kind
