# What a bridge knows of the attempts that it has handed over: what Dask and Ray share. See docs/bridge.md.

import asyncio
import os
import socket
import tarfile
import uuid

# Seconds in which what was killed has to end.
END_PATIENCE = 10
AGAIN = "saturn run runs again what had not come back"


class Engine:
    """The client of a cluster. A subclass reaches it, and hands over the parts of its messages: `take(part)`."""

    def begin(self, hello):
        self.name = "saturn-" + hello["run"]["id"]
        self.label = hello["run"]["name"]
        self.home = hello["run"]["home"]
        self.folder = hello["folder"]
        self.settings = hello["settings"]
        self.timeout = float(self.settings.get("connect_timeout") or 10)
        self.collector = f"{self.name}-{uuid.uuid4()}"
        self.open = {}  # by attempt: the task, and how much of it has come
        self.blobs = set()
        self.has_warned = set()
        self.is_ending = False
        self.attached = asyncio.Event()

    def warn(self, subject, message):
        """Once."""
        if subject not in self.has_warned:
            self.has_warned.add(subject)
            self.bridge.say("notice", message=message)

    # Addresses

    def endpoint(self, where):
        host, _, port = where.split("://")[-1].rpartition(":")
        return host.strip("[]"), int(port)

    def probe(self, where, code, hint):
        try:
            socket.create_connection(self.endpoint(where), timeout=self.timeout).close()
        except OSError as error:
            what = "nothing listens" if isinstance(error, ConnectionRefusedError) else "nothing answers"
            raise Fatal(code, f"{what} at {where}: {error.strerror or error}", hint)

    async def within(self, seconds, future):
        """Whether it is done by then; it goes on in any case."""
        done, _ = await asyncio.wait({future}, timeout=seconds)
        return bool(done)

    # What tasks need

    async def upload(self, blob, source, write):
        """Hands over an archive in pieces, once."""
        if blob in self.blobs:
            return
        archive = os.path.join(self.folder, f"{blob}.tar")
        try:
            await asyncio.to_thread(self.pack, source, archive)
            size = os.path.getsize(archive)
            with open(archive, "rb") as file:
                while (offset := file.tell()) < size:
                    data = file.read(CHUNK)
                    await write(blob=blob, offset=offset, data=data, last=file.tell() == size)
        finally:
            os.unlink(archive)
        self.blobs.add(blob)

    def pack(self, source, target):
        def choose(entry):
            name = os.path.normpath(entry.name)
            return None if os.path.basename(name) in source["without"] or name in source["without_paths"] else entry

        with tarfile.open(target, "w", format=tarfile.GNU_FORMAT, encoding="utf-8", errors="surrogateescape") as file:
            file.add(source["folder"], arcname=".", filter=choose)

    # What comes of them

    def expect(self, task):
        self.open[task["attempt"]] = {"task": task, "log": task.get("log_size", 0), "results": 0}

    def end(self, name, event, **details):
        """Each attempt ends once: what comes later of a lost one is nothing."""
        if self.open.pop(name, None) is not None:
            self.bridge.say(event, attempt=name, **details)

    def take(self, part):
        if name := part.pop("exited", None):
            self.end(name, "lost" if "lost" in part else "exited", **rename(part, lost="reason"))
        elif name := part.get("gone"):
            self.end(name, "lost", reason=part["reason"])
        elif name := part.get("started"):
            if name in self.open and not self.open[name].get("started"):
                self.open[name]["started"] = True
                self.bridge.say("started", attempt=name, time=part["time"], seconds=part["seconds"])
        else:
            what = "log" if "log" in part else "results"
            name, offset, data = part[what], part["offset"], part["data"]
            attempt = self.open.get(name)
            if attempt is None or offset + len(data) <= attempt[what]:
                return
            data = data[attempt[what] - offset:]
            self.bridge.say(what, attempt=name, offset=attempt[what], **self.bridge.spool.add(data))
            attempt[what] += len(data)


def root(error):
    """What began it, in words."""
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__
    words = str(error).strip().partition("\n")[0]
    name = type(error).__name__
    return words if words and isinstance(error, OSError) else f"{name}: {words}" if words else name


def rename(part, **names):
    return {names.get(key, key): value for key, value in part.items()}
