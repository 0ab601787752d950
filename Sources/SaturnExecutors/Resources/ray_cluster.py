# What a run has on Ray: a supervisor that owns its tasks, and tickets that run them.
#
# The supervisor is a named detached actor: it survives the driver that made it, and what it submits does, too. Ray's own
# tasks are only tickets: one that gets its turn asks the supervisor for attempts, runs them, and hands all that comes of
# them to the supervisor, which keeps it on its node's disk until it is released. A ticket that has ended leaves nothing.

import asyncio
import json
import os
import secrets
import sys
import threading
import time
import uuid
from collections import deque


def take_token(path):
    """For a cluster of the run's own: nobody else on this machine is to run anything there. Ray reads it when it is imported."""
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(32))
    except FileExistsError:
        pass
    with open(path) as file:
        os.environ.update(RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=file.read())


if token := os.environ.pop("SATURN_RAY_TOKEN", None):
    take_token(token)

try:
    import ray
    from ray import exceptions
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy
except ImportError as error:
    refuse(
        "missing-package", f"{sys.executable} has no package '{error.name}'", f"{sys.executable} -m pip install 'ray[default]'")

# Seconds that a ticket goes on taking attempts; very short ones it takes together, for so many seconds' work.
TICKET_TIME = 2
TOGETHER, MOST_TOGETHER = 0.25, 64
FEWEST_TICKETS = 16
# Tickets that fail one after the other before they have taken anything: then something is wrong with all of them.
MOST_FAILURES = 10
# Bytes on the supervisor's disk that its collector has not taken: whoever brings more has to wait.
BACKLOG = 256 << 20
# Seconds after which a supervisor has nobody who wants anything of it.
UNASKED = 60
# Seconds that a question without an answer may wait, and that what has come to be waits for more.
LONG_POLL = 2
PAUSE = 0.1


class Supervisor(Books):
    """Keeps the books, what has come of attempts, and the tickets that are out."""

    def __init__(self, run, label, home, ticket):
        self.run, self.label, self.home = run, label, home
        self.open()
        self.ticket = ray.remote(max_retries=0)(ticket)
        self.me = self.node = None
        self.reports = {}
        self.fresh = {}  # those of which there may be something to tell, in order
        self.news = asyncio.Event()
        self.room = asyncio.Event()
        self.backlog = 0
        self.told = 0
        self.tickets = {}
        self.number = 0
        self.id = uuid.uuid4().hex
        self.nodes = set()
        self.failures = 0
        self.fault = None
        self.lasting = None  # seconds that an attempt takes, about
        self.cpus = 1
        self.folder = os.path.join(run_folder(run), "supervisor")
        os.makedirs(self.folder, mode=0o700, exist_ok=True)
        # Whoever has made it may have been ended a moment later, and knows nothing of it.
        unasked = threading.Timer(UNASKED, self.leave)
        unasked.daemon = True
        unasked.start()
        self.ends = Ends(self.folder)
        for report in self.ends.adopt():
            self.reports[report.id] = report
            self.attempts[report.id] = {"state": "ended", "kind": None, "worker": None}

    def leave(self):
        if not self.heard and not self.attempts:
            sweep(self.run)
            os._exit(0)

    def note(self, names, is_released=False):
        """For whoever comes after this one."""
        self.ends.add([self.reports[name] for name in names], is_released)

    def discard(self, name):
        self.fresh.pop(name, None)
        if report := self.reports.pop(name, None):
            self.count(-report.unsent() if report.collector == self.collector else 0)
            report.discard()

    # Asked by the bridge

    async def origin(self):
        return self.home

    async def attach(self, collector):
        if self.me is None:
            self.me = ray.get_runtime_context().current_actor
            self.node = ray.get_runtime_context().get_node_id()
            asyncio.ensure_future(self.watch())
        self.collector, self.heard = collector, time.monotonic()
        self.fresh = {}
        self.backlog = self.failures = 0
        self.fault = None
        self.news.set()
        self.room.set()
        states = {name: attempt["state"] for name, attempt in self.attempts.items()}
        return {"attempts": states, "blobs": list(self.blobs)}

    async def submit(self, specs, collector):
        """Those that it has already are told of again, and not run again."""
        self.is_closed = False
        for spec in specs:
            name = spec["attempt"]
            if name not in self.attempts:
                self.add(spec)
                self.reports[name] = Kept(self.folder, name, bool(spec.get("workspace")))
            report = self.reports[name]
            if report.collector == self.collector:
                self.count(-report.unsent())
            report.rewind(spec.get("log_size", 0))
            report.collector = collector
            self.count(report.unsent())
            self.tell(name)
        self.issue()

    def tell(self, name):
        if self.reports[name].collector == self.collector:
            self.fresh[name] = None
            self.news.set()

    def count(self, size):
        """Bytes that the collector has yet to take."""
        self.backlog += size
        if self.backlog < BACKLOG:
            self.room.set()

    async def tidings(self, collector):
        """What there is to tell, for as much as fits into a message; it waits for a while when there is nothing."""
        deadline = time.monotonic() + LONG_POLL
        while True:
            self.heard = time.monotonic()
            if collector != self.collector:
                return {"superseded": True}
            if self.fault:
                return {"fault": self.fault}
            self.news.clear()
            if parts := self.compose():
                self.told = time.monotonic()
                return {"parts": parts}
            try:
                await asyncio.wait_for(self.news.wait(), max(0, deadline - time.monotonic()))
                # What comes together goes together; where much comes, more of it.
                await asyncio.sleep(PAUSE if time.monotonic() - self.told < 5 * PAUSE else 0.02)
            except asyncio.TimeoutError:
                return {"parts": []}

    def compose(self):
        parts = compose(self.reports[name] for name in self.fresh)
        self.count(-sum(len(part["data"]) for part in parts if "data" in part))
        self.fresh = {name: None for name in self.fresh if self.reports[name].has_news()}
        return parts

    async def state(self):
        return {"waiting": self.count_waiting(), "running": self.count_running()}

    async def release(self, names):
        known = [name for name in names if self.attempts.get(name, {}).get("state") == "ended"]
        self.note(known, is_released=True)
        for name in known:
            del self.attempts[name]
            self.discard(name)
        if self.ends.lines > max(10_000, 4 * len(self.reports)):
            self.ends.rewrite([report for report in self.reports.values() if report.end is not None])

    async def end_some(self, names, force):
        cancelled = self.cancel(names, force)
        for name in cancelled:
            self.discard(name)
        return cancelled

    async def close(self, patience):
        found = self.shut(patience)
        for name in found["waiting"]:
            self.discard(name)
        return found

    async def unended(self):
        """By worker."""
        left = {}
        for ticket in self.tickets.values():
            if ticket.specs:
                left.setdefault(ticket.worker, []).extend(ticket.specs)
        return left

    async def tidy(self):
        """Removes what tasks have needed from the nodes that they ran on."""
        alive = {node["NodeID"] for node in ray.nodes() if node["Alive"]}
        others = (self.nodes & alive) - {self.node}
        await asyncio.gather(*(self.on_node(node, sweep) for node in others), return_exceptions=True)
        sweep(self.run)

    # Asked by tickets

    async def take(self, number, seconds, worker, node):
        ticket = self.tickets.get(number)
        # A driver that is gone makes no difference: another ticket comes after this one.
        if ticket is None or seconds > TICKET_TIME:
            return []
        ticket.worker, ticket.node = worker, node
        self.nodes.add(node)
        self.failures = 0
        # As many as are soon done, and not what others could do at the same time.
        waiting = len(self.waiting.get(ticket.kind, ()))
        busy = sum(1 for one in self.tickets.values() if one.worker and one.kind == ticket.kind)
        together = min(MOST_TOGETHER, int(TOGETHER / max(self.lasting or TOGETHER, 0.001)), waiting // (2 * busy))
        specs = []
        while len(specs) < max(1, together) and (spec := self.hand_out(ticket.kind, number)):
            ticket.specs[spec["attempt"]] = spec
            specs.append({**spec, "collector": "supervisor"})
        return specs

    async def take_back(self, number, names):
        """What was taken together with one that lasts, and has not begun."""
        ticket = self.tickets.get(number)
        for name in reversed(names):
            if ticket and name in ticket.specs:
                self.put_back(ticket, name)
        self.issue()

    def put_back(self, ticket, name):
        spec = ticket.specs.pop(name)
        attempt = self.attempts[name]
        if attempt.get("is_cancelled") or self.is_closed:
            self.finish(name, {"cancelled": True})
            self.note([name])
        else:
            attempt.update(state="waiting", worker=None)
            self.waiting.setdefault(attempt["kind"], deque()).appendleft(spec)

    async def put(self, number, parts):
        """What has come of its attempts; who brings too much waits, unless nobody is there to take it."""
        while self.backlog > BACKLOG and self.is_heard():
            self.room.clear()
            try:
                await asyncio.wait_for(self.room.wait(), 1)
            except asyncio.TimeoutError:
                pass
        ticket = self.tickets.get(number)
        ended = []
        for part in parts:
            what = next(what for what in ("started", "log", "results", "exited") if what in part)
            name = part[what]
            if ticket is None or name not in ticket.specs:
                continue
            report = self.reports[name]
            if what == "started":
                report.started, report.began = part["time"], time.monotonic() - part["seconds"]
            elif what == "exited":
                ended.append(name)
                del ticket.specs[name]
                self.finish(name, {key: value for key, value in part.items() if key != "exited"})
            else:
                size = report.add(what, part["offset"], part["data"])
                self.count(size if report.collector == self.collector else 0)
            self.tell(name)
        self.note(ended)

    def finish(self, name, end):
        self.reports[name].end = end
        if "seconds" in end:
            seconds = min(end["seconds"], 60)
            self.lasting = seconds if self.lasting is None else self.lasting + 0.2 * (seconds - self.lasting)
        self.end(name)
        self.tell(name)

    async def listen(self, number):
        """Which of its attempts it has to end; nothing when it is over itself."""
        ticket = self.tickets.get(number)
        if ticket is None:
            raise LookupError("it is no ticket of this supervisor's")
        await ticket.told.wait()
        ticket.told.clear()
        cancels, ticket.cancels = ticket.cancels, []
        return cancels

    def send_cancel(self, number, name, force):
        self.attempts[name]["is_cancelled"] = True
        ticket = self.tickets[number]
        ticket.cancels.append([name, force])
        ticket.told.set()

    # Tickets

    async def watch(self):
        """How large the cluster is; and whether anybody still wants anything of it."""
        while self.tickets or self.is_heard() or self.attempts and not self.is_closed:
            resources = await asyncio.to_thread(ray.cluster_resources)
            self.cpus = int(resources.get("CPU", 1))
            self.issue()
            await asyncio.sleep(5)
        # Nothing was ever begun; or it was told to end, and what did not end then has ended now.
        await self.tidy()
        ray.kill(self.me)

    def issue(self):
        """As many as have work, and some for what waits: each may do the work of many."""
        if self.is_closed or self.fault:
            return
        most = max(FEWEST_TICKETS, 2 * self.cpus)
        for kind, waiting in self.count_waiting().items():
            idle = sum(1 for ticket in self.tickets.values() if ticket.kind == kind and not ticket.specs)
            for _ in range(min(waiting, most) - idle):
                self.number += 1
                number = f"{self.id}-{self.number}"
                options = {"name": f"saturn {self.label}", **json.loads(kind)}
                running = self.ticket.options(**options).remote(self.me, number, self.run)
                self.tickets[number] = Ticket(kind)
                asyncio.ensure_future(self.follow(number, running))

    async def follow(self, number, running):
        ticket = self.tickets[number]
        error = None
        try:
            await running
        except Exception as problem:
            error = problem
        begun = await self.begun(number, ticket) if ticket.specs else []
        del self.tickets[number]
        ticket.told.set()
        if error is not None:
            self.failures += 1
            if isinstance(error, exceptions.RuntimeEnvSetupError) or self.failures > MOST_FAILURES:
                self.fault = f"no worker can run tasks: {reason(error, ticket.worker)}"
                self.news.set()
        for name in reversed(list(ticket.specs)):
            attempt = self.attempts[name]
            # What it had only taken goes back; but twice is no accident.
            if name not in begun and not attempt.get("is_back"):
                attempt["is_back"] = True
                self.put_back(ticket, name)
            else:
                why = reason(error, ticket.worker) if error else f"worker {ticket.worker} has left it"
                self.finish(name, {"lost": why})
                self.note([name])
        self.issue()

    async def begun(self, number, ticket):
        """Which of its attempts it has begun; all of them where nobody can say."""
        if ticket.node == self.node:
            return read_marks(self.run, number)
        try:
            return await self.on_node(ticket.node, read_marks, number)
        except Exception:
            return list(ticket.specs)

    async def all_begun(self):
        """What tickets of an earlier supervisor had begun, on the nodes that can be asked."""
        nodes = [node["NodeID"] for node in await asyncio.to_thread(ray.nodes) if node["Alive"]]
        found = await asyncio.gather(*(self.on_node(node, read_marks) for node in nodes), return_exceptions=True)
        return [name for names in found if isinstance(names, list) for name in names]

    def on_node(self, node, function, *arguments):
        """What that function says there of this run."""
        place = NodeAffinitySchedulingStrategy(node, soft=False)
        remote = ray.remote(num_cpus=0, max_retries=0)(function).options(scheduling_strategy=place)
        return asyncio.wait_for(remote.remote(self.run, *arguments), 10)
