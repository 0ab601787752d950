# A cluster of the run's own, which a process of its own holds: it outlives the saturn that has asked for it.

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import traceback


def start_time(pid):
    """Of a process that runs; tells it from a later one of its number."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
        return None if fields[0] == "Z" else fields[19]
    except OSError:
        return None


class OwnCluster:
    """What is known of it is in the file `cluster` of the run's folder: without that nobody could find it any more."""

    def __init__(self, folder, what, settings):
        self.path = os.path.join(folder, "cluster")
        self.what = what
        self.settings = settings
        self.hint = f"see {folder}/cluster.log"

    def owner(self):
        try:
            with open(self.path) as file:
                owner = json.load(file)
            return owner if start_time(owner["pid"]) == owner["start"] else None
        except (OSError, ValueError):
            return None

    async def address(self):
        """It is started when there is none."""
        if owner := self.owner():
            return owner["address"]
        ready, theirs = os.pipe()
        with open(self.path + ".log", "ab") as log:
            subprocess.Popen(
                [sys.executable, sys.argv[0], "cluster", self.path, json.dumps(self.settings)],
                stdin=subprocess.DEVNULL, stdout=theirs, stderr=log, start_new_session=True)
        os.close(theirs)
        with os.fdopen(ready) as answer:
            said = await asyncio.to_thread(answer.readline)
        if not said:
            raise Fatal("cluster", f"{self.what} did not start", self.hint)
        said = json.loads(said)
        if "problem" in said:
            raise Fatal("cluster", f"{self.what} cannot be made: {said['problem']}", self.hint)
        return said["address"]

    async def end(self):
        if (owner := self.owner()) is None:
            return
        os.kill(owner["pid"], signal.SIGTERM)
        for _ in range(400):
            if start_time(owner["pid"]) != owner["start"]:
                return
            await asyncio.sleep(0.05)
        os.killpg(owner["pid"], signal.SIGKILL)


def hold_cluster(path, settings, make):
    """Until it is told to end. `make(settings)` returns the cluster's address, and what ends it."""
    ended = []
    signal.signal(signal.SIGTERM, lambda *_: ended.append(True))
    output = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    try:
        address, end = make(settings)
    except Exception as error:
        traceback.print_exc()
        print(json.dumps({"problem": root(error)}), file=output, flush=True)
        os._exit(1)
    # Whoever makes it may have handlers of its own.
    signal.signal(signal.SIGTERM, lambda *_: ended.append(True))
    folder = os.open(os.path.dirname(path), os.O_RDONLY)
    name = os.path.basename(path)
    about = {"address": address, "pid": os.getpid(), "start": start_time(os.getpid())}
    with open(path + ".new", "w") as file:
        json.dump(about, file)
    os.rename(path + ".new", path)
    print(json.dumps(about), file=output, flush=True)
    output.close()
    # With its folder it may have been moved.
    while not ended and is_there(name, folder):
        time.sleep(0.1)
    end()
    with contextlib.suppress(FileNotFoundError):
        os.unlink(name, dir_fd=folder)


def is_there(name, folder):
    try:
        os.stat(name, dir_fd=folder)
    except FileNotFoundError:
        return False
    except OSError:
        pass
    return True
