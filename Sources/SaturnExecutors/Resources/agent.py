# The tasks of one run on one worker: what Dask and Ray share. Part of a bridge's script, see docs/bridge.md.

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tarfile
import time

# Bytes of one message, and of one read.
CHUNK = 1 << 20
# Seconds between two looks at the logs of running tasks, and after which a message that nobody takes is tried again.
TAIL_PERIOD = 0.1
PUT_PATIENCE = 5


def pack(folder, target):
    """Writes what a task left in `folder` into the archive `target`; returns what it could not put there, by name."""
    left = []
    with tarfile.open(target, "w", format=tarfile.GNU_FORMAT, encoding="utf-8", errors="surrogateescape") as archive:
        for parent, folders, files in os.walk(folder):
            folders.sort()
            for name in sorted(files + folders):
                path = os.path.join(parent, name)
                info = archive.gettarinfo(path, os.path.relpath(path, folder))
                # A second name of a file is a file, and what is no file, folder or link stays where it is.
                if info is not None and info.islnk():
                    info.type, info.linkname, info.size = tarfile.REGTYPE, "", os.lstat(path).st_size
                if info is not None and info.isreg():
                    with open(path, "rb") as file:
                        archive.addfile(info, file)
                elif info is not None and (info.isdir() or info.issym()):
                    archive.addfile(info)
                else:
                    left.append(os.path.relpath(path, folder))
    return left


def settle(waiter, end):
    """Whoever waits may have been told to wait no more."""
    if not waiter.done():
        waiter.set_result(end)


class Attempt:
    def __init__(self, spec, folder):
        self.id = spec["attempt"]
        self.spec = spec
        self.spool = folder
        # Where the task's own files are: in place, where the disk is shared.
        self.folder = spec.get("workspace") or folder
        self.is_shared = bool(spec.get("workspace"))
        self.collector = spec.get("collector")
        self.started = self.began = self.pid = None
        self.end = None
        self.is_cancelled = False
        self.archive_size = 0
        self.rewind(0)

    def rewind(self, log):
        """All that is to be told is told again, but for what the collector has of the log."""
        self.log_sent = log
        self.archive_sent = 0
        self.has_told_start = False
        self.has_told_end = False

    @property
    def log(self):
        return os.path.join(self.folder, "log")

    @property
    def archive(self):
        return os.path.join(self.spool, "results.tar")

    def parts(self, room):
        """What there is to tell, at most `room` bytes of it; each with what is done when it was taken."""
        if self.started is not None and not self.has_told_start:
            yield {"started": self.id, "time": self.started, "seconds": time.monotonic() - self.began}, 64
            self.has_told_start = True
        if not self.is_shared:
            ended = self.end is not None
            for key, path, sent in (("log", self.log, "log_sent"), ("results", self.archive, "archive_sent")):
                if key == "results" and not (ended and self.archive_size):
                    continue
                while room > 0:
                    data = self.read(path, getattr(self, sent), min(room, CHUNK))
                    if not data:
                        break
                    yield {key: self.id, "offset": getattr(self, sent), "data": data}, len(data)
                    setattr(self, sent, getattr(self, sent) + len(data))
                    room -= len(data)
                if room <= 0:
                    return
        if self.end is not None and not self.has_told_end:
            yield {"exited": self.id, **self.end}, 64
            self.has_told_end = True

    def read(self, path, offset, length):
        try:
            with open(path, "rb") as file:
                file.seek(offset)
                return file.read(length)
        except OSError:
            return b""


class Agent:
    """Runs what it is given, and tells whoever collects.

    `office(action, **details)` asks the run's books, which outlive every worker; `put(collector, message, timeout)`
    hands a message to the collector, and raises TimeoutError while that one is not ready for it, LookupError when there
    is none of that name. All of it happens in the event loop of the worker.
    """

    def __init__(self, folder, office, put, spawner):
        self.folder = folder
        self.office = office
        self.put = put
        self.attempts = {}
        self.collector = None
        self.waiters = {}
        self.fetched = {}
        self.spare = []
        self.news = asyncio.Event()
        self.spawner = spawner
        self.is_stopped = False
        self.tasks = []
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder, mode=0o700)

    async def start(self):
        reader = await self.spawn()
        self.tasks = [asyncio.ensure_future(self.listen(reader)), asyncio.ensure_future(self.push())]

    async def spawn(self):
        """Starts the spawner; returns what it says."""
        ours, theirs = socket.socketpair()
        self.process = subprocess.Popen(
            [sys.executable, "-c", self.spawner, self.folder], stdin=theirs, stdout=theirs, start_new_session=True)
        theirs.close()
        reader, self.writer = await asyncio.open_connection(sock=ours, limit=1 << 24)
        return reader

    async def stop(self):
        """Ends all that runs; the spawner removes the folder when it has."""
        self.is_stopped = True
        for task in self.tasks:
            task.cancel()
        # Nobody will hear of their ends, and what waits for them holds a place of the worker.
        for waiter in self.waiters.values():
            settle(waiter, {"cancelled": True})
        self.waiters.clear()
        self.writer.close()
        for _ in range(200):
            if self.process.poll() is not None:
                break
            await asyncio.sleep(0.05)
        shutil.rmtree(self.folder, ignore_errors=True)

    # What runs

    async def listen(self, reader):
        while True:
            try:
                while line := await reader.readline():
                    self.hear(json.loads(line))
            except ConnectionError:
                pass
            # Somebody has ended the spawner: what it ran has no end that anybody would hear of.
            for name, waiter in self.waiters.items():
                if (attempt := self.attempts.get(name)) and attempt.pid:
                    with contextlib.suppress(OSError):
                        os.killpg(attempt.pid, signal.SIGKILL)
                settle(waiter, {"lost": "the process that watched it was ended"})
            self.waiters.clear()
            self.process.wait()
            reader = await self.spawn()

    def hear(self, answer):
        if "started" in answer:
            if attempt := self.attempts.get(answer["started"]):
                attempt.started, attempt.began, attempt.pid = answer["time"], time.monotonic(), answer["pid"]
                self.news.set()
        elif waiter := self.waiters.pop(answer.pop("exited"), None):
            settle(waiter, answer)

    def tell(self, **request):
        self.writer.write(json.dumps(request).encode() + b"\n")

    async def execute(self, spec):
        """Runs one attempt to its end; returns how it ended."""
        name = spec["attempt"]
        attempt = Attempt(spec, os.path.join(self.folder, name))
        self.attempts[name] = attempt
        try:
            end = await self.run(attempt)
            if not attempt.is_shared and "lost" not in end:
                end = {**end, **await self.keep(attempt)}
        except OSError as error:
            where = os.fsdecode(error.filename or name)
            end = {"lost": f"{where if len(where) < 300 else '…' + where[-300:]}: {error.strerror}"}
        except Exception as error:
            end = {"lost": str(error) or type(error).__name__}
        attempt.end = end
        self.news.set()
        return end

    async def keep(self, attempt):
        """Makes the archive of the results; returns what there is to say of it."""
        results = os.path.join(attempt.folder, "results")
        try:
            if not stat.S_ISDIR(os.lstat(results).st_mode):
                return {"unkept": True}
        except FileNotFoundError:
            return {"unkept": True}
        with os.scandir(results) as entries:
            if not any(entries):
                return {}
        left = await asyncio.to_thread(pack, results, attempt.archive)
        attempt.archive_size = os.path.getsize(attempt.archive)
        return {"left": len(left), "left_name": left[0].encode("utf-8", "replace").decode()} if left else {}

    async def run(self, attempt):
        spec = attempt.spec
        if not attempt.is_shared:
            self.make_folder(attempt)
        places = await self.places(attempt)
        if attempt.is_cancelled or self.is_stopped:
            return {"cancelled": True}
        waiter = asyncio.get_running_loop().create_future()
        self.waiters[attempt.id] = waiter
        environment = {key: places.get(value, value) for key, value in spec["env"].items()}
        self.tell(
            start=attempt.id, argv=spec["argv"], env=environment, cwd=self.place(spec["cwd"], places),
            folder=attempt.folder, secrets=spec.get("secrets", []))
        return await waiter

    def make_folder(self, attempt):
        """With an empty folder for results; an earlier one that was left clean will do: some file systems take longer to
        make a folder and to delete it than a short task takes."""
        while self.spare:
            spare = self.spare.pop()
            try:
                return os.rename(spare, attempt.spool)
            except OSError:
                pass
        os.makedirs(os.path.join(attempt.spool, "results"), mode=0o755)

    def remove_folder(self, attempt):
        spare = attempt.spool + ".spare"
        try:
            os.unlink(attempt.log)
            os.rename(attempt.spool, spare)
            if len(self.spare) < 64 and os.listdir(spare) == ["results"] and not os.listdir(f"{spare}/results"):
                if stat.S_ISDIR(os.lstat(f"{spare}/results").st_mode):
                    os.chmod(f"{spare}/results", 0o755)
                    return self.spare.append(spare)
        except OSError:
            pass
        shutil.rmtree(spare, ignore_errors=True)
        shutil.rmtree(attempt.spool, ignore_errors=True)

    def cancel(self, name, force):
        attempt = self.attempts.get(name)
        if attempt is None or attempt.end is not None:
            return
        attempt.is_cancelled = True
        if name in self.waiters:
            self.tell(signal=name, number=9 if force else 15)

    # What it needs

    async def places(self, attempt):
        """Where on this worker is what has another path on the machine that the run comes from."""
        spec = attempt.spec
        if attempt.is_shared:
            return {}
        places = {}
        if spec.get("results"):
            places[spec["results"]] = os.path.join(attempt.folder, "results")
        if spec.get("checkpoint"):
            checkpoint = os.path.join(self.folder, "checkpoints", os.path.basename(spec["checkpoint"]))
            os.makedirs(checkpoint, exist_ok=True)
            places[spec["checkpoint"]] = checkpoint
        for path, blob in spec.get("blobs", {}).items():
            places[path] = await self.fetch(blob, os.path.join(self.folder, "blobs", blob))
        if spec.get("needs"):
            path = os.path.join(attempt.spool, "needs")
            with open(path, "w", encoding="utf-8", errors="surrogateescape") as file:
                file.writelines(f"{task}\t{places.get(folder, folder)}\n" for task, folder in spec["needs"])
            places[spec["needs_file"]] = path
        if spec.get("syncs"):
            base = os.path.join(self.folder, "code")
            os.makedirs(base, exist_ok=True)
            places[spec["base"]] = base
            for blob, destination in spec["syncs"]:
                await self.fetch(blob, os.path.normpath(os.path.join(base, os.path.expanduser(destination))))
        return places

    def place(self, path, places):
        """The same for a folder in one of them."""
        for local in sorted(places, key=len, reverse=True):
            if path == local or path.startswith(local + "/"):
                return places[local] + path[len(local):]
        return path

    async def fetch(self, blob, target):
        """Brings an archive to this worker, once."""
        key = (blob, target)
        if key not in self.fetched:
            self.fetched[key] = asyncio.ensure_future(self.bring(blob, target))
        try:
            await self.fetched[key]
        except Exception:
            self.fetched.pop(key, None)
            raise
        return target

    async def bring(self, blob, target):
        archive = os.path.join(self.folder, f"{blob}.{len(self.fetched)}.tar")
        with open(archive, "wb") as file:
            while True:
                data = await self.office("read", blob=blob, offset=file.tell())
                if data is None:
                    raise LookupError("what it needs is not on the cluster any more")
                if not data:
                    break
                file.write(data)
        await asyncio.to_thread(self.unpack, archive, target)

    def unpack(self, archive, target):
        os.makedirs(target, exist_ok=True)
        with tarfile.open(archive, "r", encoding="utf-8", errors="surrogateescape") as file:
            if hasattr(tarfile, "fully_trusted_filter"):
                file.extraction_filter = staticmethod(tarfile.fully_trusted_filter)
            file.extractall(target)
        os.unlink(archive)

    # Whom it tells

    def attach(self, collector):
        self.collector = collector
        self.news.set()

    def want(self, wishes, collector):
        for name, log in wishes.items():
            if attempt := self.attempts.get(name):
                attempt.rewind(log)
                attempt.collector = collector
        self.news.set()

    def release(self, names):
        for name in names:
            attempt = self.attempts.pop(name, None)
            if attempt and not attempt.is_shared and not self.is_stopped:
                self.remove_folder(attempt)

    def wanted(self):
        return [one for one in self.attempts.values() if one.collector == self.collector and not one.has_told_end]

    async def push(self):
        while True:
            is_tailing = self.collector and any(one.end is None and one.started for one in self.wanted())
            try:
                await asyncio.wait_for(self.news.wait(), TAIL_PERIOD if is_tailing else None)
                # What comes together goes together.
                await asyncio.sleep(0.02)
            except asyncio.TimeoutError:
                pass
            self.news.clear()
            while self.collector and (message := self.message()):
                await self.deliver(message)

    def message(self):
        room = CHUNK
        parts = []
        for attempt in self.wanted():
            for part, size in attempt.parts(room):
                parts.append(part)
                room -= size
            if room <= 0:
                break
        return parts

    async def deliver(self, message):
        """Until it is taken, or somebody else collects, who wants it again."""
        collector = self.collector
        while collector == self.collector:
            try:
                return await self.put(collector, message, PUT_PATIENCE)
            except (TimeoutError, asyncio.TimeoutError):
                continue
            except LookupError:
                self.collector = None
            except OSError:
                await asyncio.sleep(1)
