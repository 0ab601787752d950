# What came of an attempt, and how much of it has been told to whom. Part of a bridge's script, see docs/bridge.md.

import os
import time

# Bytes of one message, and of one read.
CHUNK = 1 << 20


class Report:
    """Of one attempt: its start, its log, an archive of its results, and its end, in that order as they come to be."""

    def __init__(self, name, log, archive, is_shared=False, collector=None):
        self.id = name
        self.log = log
        self.archive = archive
        # Log and results are where they belong already.
        self.is_shared = is_shared
        self.collector = collector
        self.started = self.began = None
        self.end = None
        self.archive_size = 0
        self.rewind(0)

    def rewind(self, log):
        """All that is to be told is told again, but for what the collector has of the log."""
        self.log_sent = log
        self.archive_sent = 0
        self.has_told_start = False
        self.has_told_end = False

    def parts(self, room):
        """What there is to tell, at most `room` bytes of it; each with what is done when it was taken."""
        if self.started is not None and not self.has_told_start:
            yield {"started": self.id, "time": self.started, "seconds": time.monotonic() - self.began}, 64
            self.has_told_start = True
        if not self.is_shared:
            for key, path, sent in (("log", self.log, "log_sent"), ("results", self.archive, "archive_sent")):
                if key == "results" and not self.archive_size:
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


def compose(reports):
    """The next message: parts of these reports."""
    room = CHUNK
    parts = []
    for report in reports:
        for part, size in report.parts(room):
            parts.append(part)
            room -= size
        if room <= 0:
            break
    return parts
