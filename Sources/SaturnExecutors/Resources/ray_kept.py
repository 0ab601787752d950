# What is kept of a run on the disk of a node: what has come of attempts, until somebody has it all.

import json
import os
import shutil
import stat
import tempfile
import time


def run_folder(run):
    """Of a run, on this node: nobody else's."""
    path = os.path.join(tempfile.gettempdir(), run)
    os.makedirs(path, mode=0o700, exist_ok=True)
    found = os.lstat(path)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise PermissionError(f"{path} belongs to somebody else")
    return path


def sweep(run):
    shutil.rmtree(os.path.join(tempfile.gettempdir(), run), ignore_errors=True)


class Marks:
    """A file in which a ticket writes down, on its own node, which attempts it begins: it may die before anybody hears of it."""

    def __init__(self, run, number):
        folder = os.path.join(run_folder(run), "begun")
        os.makedirs(folder, mode=0o700, exist_ok=True)
        self.path = os.path.join(folder, number)
        self.file = open(self.path, "ab", buffering=0)

    def add(self, name):
        self.file.write(f"{name}\n".encode())

    def close(self):
        """All is told."""
        self.file.close()
        os.unlink(self.path)


def read_marks(run, number=None):
    """What a ticket has begun on this node; without its number, what all of them have that did not come to their ends."""
    folder = os.path.join(tempfile.gettempdir(), run, "begun")
    begun = []
    try:
        for name in [number] if number else os.listdir(folder):
            with open(os.path.join(folder, name), encoding="ascii") as file:
                begun += file.read().split()
    except FileNotFoundError:
        pass
    return begun


class Kept(Report):
    """What has come of an attempt so far, on the supervisor's disk; of one that said nothing there is nothing."""

    log_size = 0

    def __init__(self, folder, name, is_shared):
        super().__init__(name, os.path.join(folder, f"{name}.log"), os.path.join(folder, f"{name}.tar"), is_shared)

    def add(self, what, offset, data):
        """Of whoever runs it; the same again is nothing. Returns how many bytes are new."""
        path, size = {"log": (self.log, "log_size"), "results": (self.archive, "archive_size")}[what]
        file = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            view = memoryview(data)
            while view:
                view = view[os.pwrite(file, view, offset + len(data) - len(view)):]
        finally:
            os.close(file)
        before, after = getattr(self, size), offset + len(data)
        setattr(self, size, max(before, after))
        return max(0, after - before)

    def unsent(self):
        return max(0, self.log_size - self.log_sent) + self.archive_size - self.archive_sent

    def has_news(self):
        return (
            self.started is not None and not self.has_told_start or self.end is not None and not self.has_told_end
            or self.unsent() > 0)

    def discard(self):
        for path, size in ((self.log, self.log_size), (self.archive, self.archive_size)):
            if size:
                os.unlink(path)


class Ends:
    """A file that says which attempts have ended: for a supervisor that comes after one that died."""

    def __init__(self, folder):
        self.folder = folder
        self.path = os.path.join(folder, "ends")
        self.lines = 0

    def adopt(self):
        """What an earlier supervisor of this run has left on this node's disk; all else of it is removed."""
        reports = [self.report(one) for one in self.read() if one["end"] is not None]
        self.rewrite(reports)
        kept = {path for report in reports for path in (report.log, report.archive)} | {self.path}
        for name in os.listdir(self.folder):
            if (path := os.path.join(self.folder, name)) not in kept:
                os.unlink(path)
        return reports

    def read(self):
        found = {}
        try:
            with open(self.path, encoding="utf-8") as file:
                for line in file:
                    one = json.loads(line)
                    found[one["attempt"]] = one
        except (OSError, ValueError):
            pass  # Not there, or the last line is half of one.
        return found.values()

    def report(self, one):
        report = Kept(self.folder, one["attempt"], one["is_shared"])
        report.started, report.began = one["started"], time.monotonic() - (time.time() - one["started"])
        report.end, report.log_size, report.archive_size = one["end"], one["log_size"], one["archive_size"]
        return report

    def add(self, reports, is_released=False):
        """These have ended, or are of no interest any more."""
        if reports:
            self.lines += len(reports)
            self.write(self.path, "a", reports, is_released)

    def rewrite(self, reports):
        self.write(self.path + ".new", "w", reports, False)
        os.rename(self.path + ".new", self.path)
        self.lines = len(reports)

    def write(self, path, mode, reports, is_released):
        with open(path, mode, encoding="utf-8") as file:
            file.write("".join(json.dumps({
                "attempt": one.id, "started": one.started or time.time(), "end": None if is_released else one.end,
                "log_size": one.log_size, "archive_size": one.archive_size, "is_shared": one.is_shared}) + "\n"
                for one in reports))
