# What a run has on a Dask cluster: its books on the scheduler, an agent on every worker, tickets in between.
#
# Dask's own tasks are only tickets: one that gets its turn on a worker asks the books for the next attempt, and runs it.
# Handing an attempt out is the claim on it: Dask may run a ticket again when a worker dies, and does; an attempt it cannot.

import asyncio
import os
import sys
import time

try:
    import distributed
    from distributed import Client, Queue, SchedulerPlugin, Security, WorkerPlugin, fire_and_forget, get_worker
except ImportError as error:
    refuse(
        "missing-package", f"{sys.executable} has no package '{error.name}'",
        f"{sys.executable} -m pip install distributed")

# Seconds that a ticket goes on taking attempts.
TICKET_TIME = 0.5


class SchedulerBooks(Books, SchedulerPlugin):
    """On the scheduler."""

    def __init__(self, name, label, home):
        self.name = name
        self.label = label
        self.home = home

    def start(self, scheduler):
        self.scheduler = scheduler
        self.open()
        self.lost = []
        self.agents = set()  # workers that have one
        scheduler.handlers[self.name] = self.handle

    async def close(self):
        self.forget()

    def forget(self):
        self.scheduler.handlers.pop(self.name, None)
        self.drop_queue()
        super().forget()

    def handle(self, action, **details):
        return getattr(self, f"do_{action}")(**details)

    def send(self, worker, **message):
        """To a worker that has an agent: Dask closes one that is told what it does not understand."""
        if worker in self.agents:
            self.scheduler.worker_send(worker, {"op": self.name, **message})

    def send_cancel(self, worker, name, force):
        self.send(worker, cancel=name, force=force)

    # Asked by the bridge

    def drop_queue(self):
        """What a collector that died has not taken."""
        extension = self.scheduler.extensions["queues"]
        extension.client_refcount.pop(self.collector, None)
        if queue := extension.queues.pop(self.collector, None):
            if queue.empty():
                # For the request that may be waiting there.
                queue.put_nowait({"type": "msgpack", "value": []})
        self.collector = None

    def do_attach(self, collector):
        if collector != self.collector:
            self.drop_queue()
        self.collector, self.heard = collector, time.monotonic()
        for attempt in self.attempts.values():
            attempt["collector"] = None
        for worker in list(self.scheduler.workers):
            self.send(worker, attach=collector)
        return {
            "attempts": {name: attempt["state"] for name, attempt in self.attempts.items()}, "blobs": list(self.blobs),
            "resources": self.resources()}

    def resources(self):
        return sorted({name for worker in self.scheduler.workers.values() for name in worker.resources})

    def do_submit(self, specs, collector):
        """Those that it has already are told of again, and not run again."""
        self.is_closed = False
        lost = {}
        wishes = {}
        for spec in specs:
            name = spec["attempt"]
            attempt = self.attempts.get(name)
            if attempt is None:
                self.add(spec, collector=collector)
            elif attempt["state"] == "lost":
                lost[name] = attempt["reason"]
            else:
                attempt["collector"] = collector
                if attempt["worker"]:
                    wishes.setdefault(attempt["worker"], {})[name] = spec.get("log_size", 0)
        for worker, wish in wishes.items():
            self.send(worker, want=wish, collector=collector)
        return lost

    def do_poll(self, collector, seen):
        if collector != self.collector:
            return {"superseded": True}
        self.heard = time.monotonic()
        return {
            "lost": self.lost[seen:], "threads": sum(one.nthreads for one in self.scheduler.workers.values()),
            "waiting": self.count_waiting(), "running": self.count_running(), "resources": self.resources()}

    def do_cancel(self, names, force):
        return self.cancel(names, force)

    def do_release(self, names):
        by_worker = {}
        for name in names:
            attempt = self.attempts.pop(name, None)
            if attempt and attempt["worker"]:
                by_worker.setdefault(attempt["worker"], []).append(name)
        for worker, some in by_worker.items():
            self.send(worker, release=some)

    def do_write(self, **details):
        self.write(**details)

    def do_close(self, patience):
        found = self.shut(patience)
        tickets = [key for key in self.scheduler.tasks if isinstance(key, str) and key.startswith(self.name)]
        idle = [key for key in tickets if self.scheduler.tasks[key].state in ("queued", "no-worker")]
        self.scheduler.client_releases_keys(
            keys=idle, client="fire-and-forget", stimulus_id=f"{self.name}-close-{time.time()}")
        return found

    def do_unended(self, names):
        """By worker, the attempts that run, and those of `names` whose end nobody has heard of."""
        left = {}
        for name, attempt in self.attempts.items():
            if attempt["state"] == "running" or name in names and attempt["worker"]:
                left.setdefault(attempt["worker"], []).append(name)
        return left

    # Asked by agents

    def do_join(self, worker):
        self.agents.add(worker)
        return self.collector

    def do_take(self, worker, kind, seconds, done):
        self.do_done(worker, done)
        # There will be another ticket, unless nobody is there to make one.
        if worker not in self.scheduler.workers or seconds > TICKET_TIME and self.is_heard():
            return None
        spec = self.hand_out(kind, worker)
        return spec and {**spec, "collector": self.attempts[spec["attempt"]]["collector"]}

    def do_done(self, worker, names):
        for name in names:
            attempt = self.attempts.get(name)
            if attempt and attempt["worker"] == worker:
                self.end(name)

    def do_read(self, **details):
        return self.read(**details)

    # Told by the scheduler

    def remove_worker(self, scheduler, worker, **_):
        self.agents.discard(worker)
        for name, attempt in list(self.attempts.items()):
            if attempt["worker"] != worker or attempt["state"] == "lost":
                continue
            what = "died" if attempt["state"] == "running" else "died, with the results that nobody had collected"
            self.lose(name, f"worker {worker} {what}")
            self.lost.append([name, attempt["reason"]])


class WorkerAgent(WorkerPlugin):
    """The agent of a worker, also of one that comes later."""

    def __init__(self, name, make, spawner):
        self.name = name
        self.make = make
        self.spawner = spawner

    async def setup(self, worker):
        self.worker = worker
        folder = os.path.join(worker.local_directory, self.name)
        worker.stream_handlers[self.name] = self.take
        self.agent = self.make(folder, self.office, self.put, self.spawner)
        await self.agent.start()
        self.agent.attach(await self.office("join", worker=worker.address))

    async def teardown(self, worker):
        await self.agent.stop()
        worker.stream_handlers[self.name] = lambda **_: None

    async def office(self, action, **details):
        return await getattr(self.worker.scheduler, self.name)(action=action, **details)

    async def put(self, collector, message, timeout):
        try:
            await self.worker.scheduler.queue_put(name=collector, data=message, timeout=timeout)
        except KeyError as error:
            raise LookupError(collector) from error

    def take(self, attach=None, want=None, collector=None, cancel=None, force=False, release=None):
        if attach:
            self.agent.attach(attach)
        if want:
            self.agent.want(want, collector)
        if cancel:
            self.agent.cancel(cancel, force)
        if release:
            self.agent.release(release)

    async def ticket(self, kind):
        begin = time.monotonic()
        done = []
        count = 0
        while True:
            seconds = time.monotonic() - begin
            spec = await self.office("take", worker=self.worker.address, kind=kind, seconds=seconds, done=done)
            if spec is None:
                return count
            await self.agent.execute(spec)
            done = [spec["attempt"]]
            count += 1


async def work(name, kind):
    """A ticket: all that Dask itself ever runs. When the run is over it may come too late."""
    agent = get_worker().plugins.get(name)
    if agent:
        return await agent.ticket(kind)
    # Not there yet, perhaps: there are more tickets.
    await asyncio.sleep(TICKET_TIME)
    return 0


def siblings(dask_scheduler, name, home):
    """Runs of the same place and name, of which that place knows nothing any more."""
    return [other for other, books in dask_scheduler.plugins.items()
            if home and other != name and other.startswith("saturn-") and getattr(books, "home", None) == home]


def forget_books(dask_scheduler, name):
    if books := dask_scheduler.plugins.get(name):
        books.forget()
        dask_scheduler.remove_plugin(name)
