"""Starts the commands of tasks, waits for them and ends what is left of them: one process beside each worker.

It lives in a session of its own and reads requests, a JSON object a line, from its stdin. When that ends, because the
worker did, however it did, every process that it has started is killed: so nothing outlives its worker.

    {"start": id, "argv": [...], "env": {...}, "cwd": path, "folder": path, "secrets": [...]}
    {"signal": id, "number": 15}

and answers on its stdout:

    {"started": id, "time": 1.5e9, "pid": 4711}
    {"exited": id, "code": 3, "seconds": 0.2}, {"exited": id, "signal": 9, "seconds": 0.2},
    {"exited": id, "code": 127, "problem": text}
"""

import ctypes
import errno
import json
import os
import select
import shutil
import signal
import stat
import subprocess
import sys
import time


class Mask:
    """Replaces secrets in a stream of bytes by ***, also where one is split between two reads."""

    def __init__(self, secrets):
        self.secrets = sorted((os.fsencode(text) for text in secrets if text), key=len, reverse=True)
        self.beginnings = frozenset(secret[0] for secret in self.secrets)
        self.held = b""

    def feed(self, data, at_end=False):
        held = self.held + data
        shown = bytearray()
        position = 0
        while position < len(held):
            length = self.match(held, position, at_end) if held[position] in self.beginnings else 0
            if length is None:
                break
            if length:
                shown += b"***"
                position += length
                continue
            end = position + 1
            while end < len(held) and held[end] not in self.beginnings:
                end += 1
            shown += held[position:end]
            position = end
        self.held = held[position:]
        return bytes(shown)

    def match(self, held, position, at_end):
        """The length of the secret there; 0 for none, None when only more bytes can tell."""
        rest = len(held) - position
        for secret in self.secrets:
            if held.startswith(secret, position):
                return len(secret)
            if not at_end and rest < len(secret) and secret.startswith(held[position:]):
                return None
        return 0


class Child:
    def __init__(self, name, pid):
        self.name = name
        self.pid = pid
        self.began = time.monotonic()
        self.pipe = -1
        self.log = -1
        self.mask = None
        self.is_asked = False  # to end, while it ran


class Spawner:
    def __init__(self):
        self.children = {}  # by process
        self.pids = {}  # by id
        self.pipes = {}  # by descriptor
        self.buffer = b""
        self.null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        self.poll = select.epoll()
        # Orphans of tasks become children of this process: PR_SET_CHILD_SUBREAPER.
        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
        reading, writing = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        # Handled, not ignored: what is ignored here would be in tasks too. Whatever the worker has ignored is as new again.
        ignored = {number for number in signal.valid_signals() if signal.getsignal(number) == signal.SIG_IGN}
        deaf = {signal.SIGCHLD, signal.SIGINT, signal.SIGHUP, signal.SIGTERM} | ignored - {signal.SIGPIPE}
        for number in deaf:
            signal.signal(number, lambda *_: None)
        self.wakeup = reading
        self.poll.register(reading, select.EPOLLIN)
        self.poll.register(0, select.EPOLLIN)

    def run(self):
        try:
            self.serve()
        finally:
            self.end()

    def serve(self):
        while True:
            for descriptor, _ in self.poll.poll():
                if descriptor == 0:
                    try:
                        data = os.read(0, 1 << 20)
                    except ConnectionResetError:
                        # It died with answers that it had not read.
                        data = b""
                    if not data:
                        return
                    self.take(data)
                elif descriptor == self.wakeup:
                    os.read(self.wakeup, 4096)
                else:
                    self.copy(descriptor)
            self.reap()

    def say(self, **what):
        data = json.dumps(what).encode() + b"\n"
        try:
            while data:
                data = data[os.write(1, data):]
        except OSError:
            pass  # The worker is gone; stdin says so, too.

    def take(self, data):
        *lines, self.buffer = (self.buffer + data).split(b"\n")
        for line in lines:
            request = json.loads(line)
            if "start" in request:
                self.start(request)
            elif request["signal"] in self.pids:
                pid = self.pids[request["signal"]]
                if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
                    self.children[pid].is_asked = True
                # It was not waited for yet, so its number is its own.
                os.killpg(pid, request["number"])

    def start(self, request):
        name = request["start"]
        log = pipe = -1
        try:
            folder = os.open(request["folder"], os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
                log = os.open("log", flags, 0o644, dir_fd=folder)
                if not stat.S_ISREG(os.fstat(log).st_mode):
                    raise OSError(errno.EINVAL, "it is no file")
            finally:
                os.close(folder)
        except OSError as error:
            if log >= 0:
                os.close(log)
            text = f"cannot open the log {request['folder']}/log: {error.strerror}"
            return self.say(exited=name, code=126, problem=text)
        os.set_blocking(log, True)
        output = log
        if request["secrets"]:
            pipe, output = os.pipe2(os.O_CLOEXEC)
            os.set_blocking(pipe, False)
        try:
            child = Child(name, self.execute(request, output))
        except (OSError, ValueError) as error:
            self.refuse(request, error, log)
            for descriptor in {log, pipe, output} - {-1}:
                os.close(descriptor)
            return
        if pipe >= 0:
            os.close(output)
            child.pipe, child.log, child.mask = pipe, log, Mask(request["secrets"])
            self.pipes[pipe] = child
            self.poll.register(pipe, select.EPOLLIN)
        else:
            os.close(log)
        self.children[child.pid] = child
        self.pids[name] = child.pid
        self.say(started=name, time=time.time(), pid=child.pid)

    def execute(self, request, output):
        argv = request["argv"]
        environment = {key: value for key, value in os.environ.items() if not key.startswith("SATURN_")}
        environment.update(request["env"])
        environment["PWD"] = request["cwd"]
        if not argv or not argv[0]:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), "")
        program = self.find(argv[0], environment, request["cwd"])
        # Nothing else here depends on the folder.
        os.chdir(request["cwd"])
        try:
            return self.spawn(program, argv, environment, output)
        except OSError as error:
            if error.errno != errno.ENOEXEC:
                raise
            # A script without "#!": what execvp and every shell do.
            return self.spawn("/bin/sh", ["/bin/sh", program, *argv[1:]], environment, output)

    def spawn(self, program, argv, environment, output):
        """Cheaper than a Popen, which makes a pipe for each."""
        descriptors = [(os.POSIX_SPAWN_DUP2, given, number) for number, given in enumerate((self.null, output, output))]
        try:
            return os.posix_spawn(
                program, argv, environment, file_actions=descriptors, setsid=True,
                setsigdef=[signal.SIGPIPE, signal.SIGXFSZ])
        except NotImplementedError:
            # A Python made for an older C library.
            process = subprocess.Popen(
                argv, executable=program, env=environment, stdin=self.null, stdout=output, stderr=output,
                start_new_session=True)
            # It is waited for elsewhere.
            process.returncode = 0
            return process.pid

    def find(self, name, environment, folder):
        """The path of a program, by the PATH that the task has."""
        if "/" in name:
            return name
        first = None
        for part in environment.get("PATH", os.defpath).split(":"):
            path = os.path.join(folder, part, name)
            if os.access(path, os.X_OK) and not os.path.isdir(path):
                return path
            if first is None and os.path.exists(path):
                first = path
        if first is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
        return first

    def refuse(self, request, error, log):
        """Says in the log why there is nothing else in it."""
        name = request["argv"][0] if request["argv"] else ""
        folder = request["cwd"]
        if isinstance(error, ValueError):
            return self.fail(request, f"cannot execute '{name}'", str(error), 126, log)
        what, code = f"cannot execute '{name}'", 126
        try:
            os.listdir(folder) if not os.access(folder, os.X_OK) else os.scandir(folder).close()
        except OSError as problem:
            if problem.errno != errno.EACCES:
                what, why = f"cannot enter {folder}", problem.strerror
                return self.fail(request, what, why, code, log)
        if error.errno == errno.ENOENT:
            path = os.path.join(folder, name)
            if name and "/" in name and os.path.exists(path):
                why = "the interpreter that it names is not there"
            elif name and "/" not in name and shutil.which(name, path=request["env"].get("PATH")):
                why = "the interpreter that it names is not there"
            else:
                why, code = "command not found", 127
        elif error.errno == errno.E2BIG:
            why = "its arguments and environment are too large"
        else:
            why = error.strerror
        self.fail(request, what, why, code, log)

    def fail(self, request, what, why, code, log):
        os.write(log, f"saturn: {what}: {why}\n".encode(errors="surrogateescape"))
        self.say(exited=request["start"], code=code, problem=f"{what}: {why}")

    def copy(self, descriptor, limit=1 << 20):
        """From a task with secrets into its log; False when there is nothing."""
        child = self.pipes[descriptor]
        try:
            data = os.read(descriptor, limit)
        except BlockingIOError:
            return False
        if not data:
            self.poll.unregister(descriptor)
            del self.pipes[descriptor]
            return False
        self.put(child, child.mask.feed(data))
        return True

    def put(self, child, data):
        try:
            while data:
                data = data[os.write(child.log, data):]
        except OSError:
            pass  # A full disk: the log is cut short, as it is for a task that writes itself.

    def reap(self):
        """Ends what the leaders that are gone have left, then lets go of them."""
        while True:
            try:
                found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if found is None:
                return
            child = self.children.get(found.si_pid)
            if child is None:
                os.waitpid(found.si_pid, 0)
                continue
            # The leader is a zombie and holds its number: what is left of its group can be ended safely.
            self.kill(child.pid)
            os.waitpid(child.pid, 0)
            self.end_escaped(child)
            self.close(child)
            del self.children[child.pid], self.pids[child.name]
            how = "code" if found.si_code == os.CLD_EXITED else "signal"
            end = {how: found.si_status}
            if child.is_asked:
                end["asked"] = True
            self.say(exited=child.name, seconds=time.monotonic() - child.began, **end)

    def kill(self, pid):
        try:
            os.killpg(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass

    def close(self, child):
        if child.pipe < 0:
            return
        if child.pipe in self.pipes:
            # No more than a pipe holds: whoever has escaped and still writes is not followed for ever.
            rest = 1 << 20
            while rest > 0 and child.pipe in self.pipes and self.copy(child.pipe, 1 << 16):
                rest -= 1 << 16
        if self.pipes.pop(child.pipe, None):
            self.poll.unregister(child.pipe)
        self.put(child, child.mask.feed(b"", at_end=True))
        os.close(child.pipe)
        os.close(child.log)

    def end_escaped(self, child):
        """Those that have left the group and the session are known by the attempt in their environment."""
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            orphans = [pid for pid in self.orphans() if self.is_of(pid, child.name)]
            if not orphans:
                return
            for pid in orphans:
                try:
                    os.kill(pid, signal.SIGKILL)
                    os.waitpid(pid, 0)
                except (ProcessLookupError, ChildProcessError):
                    pass

    def orphans(self):
        try:
            with open(f"/proc/self/task/{os.getpid()}/children") as file:
                return [pid for pid in map(int, file.read().split()) if pid not in self.children]
        except OSError:
            return []

    def is_of(self, pid, name):
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                return f"SATURN_ATTEMPT_ID={name}".encode() in file.read().split(b"\0")
        except OSError:
            return False

    def end(self):
        """The worker is gone: so is all that it ran, and what it had kept."""
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            for pid in self.children:
                self.kill(pid)
            for pid in self.orphans():
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            try:
                pid, _ = os.waitpid(-1, 0)
                self.children.pop(pid, None)
            except ChildProcessError:
                break
        shutil.rmtree(sys.argv[1], ignore_errors=True)


if __name__ == "__main__":
    # A worker of some engines kills its children before it ends: one that does nothing but wait is enough for that.
    if sys.argv[2:] == ["away"] and (spawner := os.fork()):
        os.waitpid(spawner, 0)
        os._exit(0)
    Spawner().run()
