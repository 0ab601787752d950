# The tasks of one run on one worker: what Dask and Ray share. Part of a bridge's script, see docs/bridge.md.

import asyncio
import contextlib
import fcntl
import hashlib
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


class Attempt(Report):
    def __init__(self, spec, folder):
        # Where the task's own files are: in place, where the disk is shared.
        self.folder = spec.get("workspace") or folder
        super().__init__(
            spec["attempt"], os.path.join(self.folder, "log"), os.path.join(folder, "results.tar"),
            bool(spec.get("workspace")), spec.get("collector"))
        self.spec = spec
        self.spool = folder
        self.pid = None
        self.is_cancelled = False


class Agent:
    """Runs what it is given, and tells whoever collects.

    `office(action, **details)` asks the run's books, which outlive every worker; `put(collector, message, timeout)`
    hands a message to the collector, and raises TimeoutError while that one is not ready for it, LookupError when there
    is none of that name. All of it happens in the event loop of the worker.

    `common` is a folder of this machine that the run's other workers here have too. A worker that kills its children
    when it ends needs the spawner `away`: to be a child's child, so that it can end what it has started. `pause` seconds
    after something has come to be, all that has come meanwhile is told.
    """

    def __init__(self, folder, office, put, spawner, common=None, away=False, pause=0.02):
        self.folder = folder
        self.common = common or folder
        self.pause = pause
        self.options = ["away"] if away else []
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
        await self.spawn()
        self.tasks = [asyncio.ensure_future(self.listen()), asyncio.ensure_future(self.push())]

    async def spawn(self):
        ours, theirs = socket.socketpair()
        self.process = subprocess.Popen(
            [sys.executable, "-S", "-E", "-c", self.spawner, self.folder, *self.options], stdin=theirs, stdout=theirs,
            start_new_session=True)
        theirs.close()
        self.reader, self.writer = await asyncio.open_connection(sock=ours, limit=1 << 24)

    async def stop(self):
        """Ends all that runs; the spawner removes the folder when it has."""
        self.is_stopped = True
        for task in self.tasks:
            task.cancel()
        # Nobody will hear of their ends, and what waits for them holds a place of the worker.
        for waiter in self.waiters.values():
            settle(waiter, {"cancelled": True})
        self.waiters.clear()
        with contextlib.suppress(OSError, asyncio.TimeoutError):
            self.writer.write_eof()
            await asyncio.wait_for(self.ending(), 10)
        self.writer.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    async def ending(self):
        while await self.reader.read(CHUNK):
            pass
        self.process.wait()

    # What runs

    async def listen(self):
        while True:
            try:
                while line := await self.reader.readline():
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
            await self.spawn()

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
            checkpoint = os.path.join(self.common, "checkpoints", os.path.basename(spec["checkpoint"]))
            try:
                os.mkdir(checkpoint)
            except FileNotFoundError:
                os.makedirs(checkpoint, exist_ok=True)
            except FileExistsError:
                pass
            places[spec["checkpoint"]] = checkpoint
        for path, blob in spec.get("blobs", {}).items():
            places[path] = await self.fetch(blob, os.path.join(self.common, "blobs", blob))
        if spec.get("needs"):
            path = os.path.join(attempt.spool, "needs")
            with open(path, "w", encoding="utf-8", errors="surrogateescape") as file:
                file.writelines(f"{task}\t{places.get(folder, folder)}\n" for task, folder in spec["needs"])
            places[spec["needs_file"]] = path
        if spec.get("here"):
            places[spec["base"]] = os.getcwd()
        if spec.get("syncs"):
            base = os.path.join(self.common, "code")
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
        """Brings an archive to this machine, once."""
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
        mark = hashlib.sha256(f"{blob}\0{target}".encode(errors="surrogateescape")).hexdigest()
        lock = await asyncio.to_thread(self.lock, os.path.join(self.common, "fetched", mark))
        try:
            # Not empty is there, and whole.
            if os.fstat(lock).st_size == 0:
                await self.download(blob, os.path.join(self.folder, f"{mark}.tar"), target)
                os.write(lock, b"\n")
        finally:
            os.close(lock)

    def lock(self, path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        return lock

    async def download(self, blob, archive, target):
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
        told = 0
        while True:
            is_tailing = self.collector and any(one.end is None and one.started for one in self.wanted())
            try:
                await asyncio.wait_for(self.news.wait(), TAIL_PERIOD if is_tailing else None)
                # What comes together goes together; where much comes, more of it.
                await asyncio.sleep(self.pause if time.monotonic() - told < 5 * self.pause else 0.02)
            except asyncio.TimeoutError:
                pass
            self.news.clear()
            while self.collector and (message := compose(self.wanted())):
                await self.deliver(message)
                told = time.monotonic()

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
