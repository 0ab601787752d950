# Which attempts a run has, and where each is: what Dask and Ray share. Part of a bridge's script, see docs/bridge.md.

import os
import shutil
import tempfile
import time
from collections import deque

# Seconds after which a collector that is not heard of is none.
LEASE = 15


class Books:
    """They outlive every worker and every saturn. An attempt is waiting, running, ended or lost.

    Whoever keeps them can tell a worker to end an attempt: `send_cancel(worker, name, force)`.
    """

    def open(self):
        self.attempts = {}  # by id: state, kind, worker, and what else the engine keeps of it
        self.waiting = {}  # by kind: attempts' specs
        self.held = {}  # by the attempt that is to end first
        self.collector = None
        self.heard = 0
        self.is_closed = False
        self.folder = None
        self.blobs = {}

    def is_heard(self):
        return time.monotonic() - self.heard < LEASE

    def add(self, spec, **details):
        name, before = spec["attempt"], spec.get("after")
        self.attempts[name] = {"state": "waiting", "kind": spec["kind"], "worker": None, **details}
        self.cancel([before], True)
        if before in self.attempts and self.attempts[before]["state"] == "running":
            self.held.setdefault(before, []).append(spec)
        else:
            self.waiting.setdefault(spec["kind"], deque()).append(spec)

    def hand_out(self, kind, worker):
        specs = self.waiting.get(kind)
        if not specs or self.is_closed:
            return None
        spec = specs.popleft()
        self.attempts[spec["attempt"]].update(state="running", worker=worker)
        return spec

    def end(self, name):
        self.attempts[name]["state"] = "ended"
        self.free(name)

    def lose(self, name, reason):
        self.attempts[name].update(state="lost", reason=reason, worker=None)
        self.free(name)

    def free(self, name):
        for spec in self.held.pop(name, []):
            if spec["attempt"] in self.attempts:
                self.waiting.setdefault(spec["kind"], deque()).append(spec)

    def cancel(self, names, force):
        """Returns those that will not run at all. `force` says whether those that run are asked to end or ended; `None`, that
        they go on."""
        cancelled = []
        # What waits comes first: it would have the places of those that end.
        for name in sorted(names, key=lambda name: self.attempts.get(name, {}).get("state") != "waiting"):
            attempt = self.attempts.get(name)
            if attempt is None:
                continue
            if attempt["state"] == "waiting":
                kind = attempt["kind"]
                self.waiting[kind] = deque(spec for spec in self.waiting.get(kind, ()) if spec["attempt"] != name)
                del self.attempts[name]
                cancelled.append(name)
            elif attempt["state"] == "running" and force is not None:
                self.send_cancel(attempt["worker"], name, force)
        return cancelled

    def count_waiting(self):
        return {kind: len(specs) for kind, specs in self.waiting.items() if specs}

    def count_running(self):
        counts = {}
        for attempt in self.attempts.values():
            if attempt["state"] == "running":
                counts[attempt["kind"]] = counts.get(attempt["kind"], 0) + 1
        return counts

    def shut(self, patience):
        """Nothing more is handed out, and what runs is ended. It has `patience` seconds for that since it was first asked."""
        if not self.is_closed:
            self.is_closed, self.closed = True, time.monotonic()
        self.waiting.clear()
        self.held.clear()
        found = {state: [name for name, one in self.attempts.items() if one["state"] == state]
                 for state in ("waiting", "running")}
        self.cancel(found["running"], True)
        for name in found["waiting"]:
            del self.attempts[name]
        return {**found, "patience": max(2, self.closed + patience - time.monotonic())}

    # Archives of what tasks need, each written in pieces

    def write(self, blob, offset, data, last):
        if self.folder is None:
            self.folder = tempfile.mkdtemp(prefix="saturn-")
        with open(os.path.join(self.folder, blob), "r+b" if offset else "wb") as file:
            file.seek(offset)
            file.write(data)
            if last:
                self.blobs[blob] = file.tell()

    def read(self, blob, offset):
        if blob not in self.blobs:
            return None
        with open(os.path.join(self.folder, blob), "rb") as file:
            file.seek(offset)
            return file.read(1 << 20)

    def forget(self):
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)
