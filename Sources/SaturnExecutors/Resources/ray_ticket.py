# A ticket: all that Ray itself ever runs.

import asyncio
import os
import time
from collections import deque


class Ticket:
    """One that is out: what the supervisor knows of it."""

    def __init__(self, kind):
        self.kind = kind
        self.worker = self.node = None
        self.specs = {}  # by attempt, of those that it has and that have not ended
        self.cancels = []
        self.told = asyncio.Event()


def last_words(error):
    return next((line.strip() for line in reversed(str(error).splitlines()) if line.strip()), type(error).__name__)[:300]


def reason(error, worker):
    """Why a ticket is over, in words."""
    what = worker or "its worker"
    if isinstance(error, exceptions.OutOfMemoryError):
        return f"worker {what} was ended by Ray: its node was short of memory"
    if isinstance(error, exceptions.NodeDiedError):
        return f"the node of worker {what} died"
    if isinstance(error, exceptions.TaskCancelledError):
        return f"worker {what} was told by somebody else to stop"
    if isinstance(error, exceptions.WorkerCrashedError):
        return f"worker {what} died"
    return f"worker {what} failed: {last_words(error)}"


def here():
    """This process, for people."""
    return f"{ray.util.get_node_ip_address()} (process {os.getpid()})"


class Shift:
    """A ticket on its worker: an agent for as long as it takes attempts."""

    # Seconds that an attempt may take before those behind it are given back.
    LASTING = 0.2

    def __init__(self, supervisor, number, run):
        self.supervisor = supervisor
        self.number = number
        self.run = run
        self.began = time.monotonic()
        self.place = {"worker": here(), "node": ray.get_runtime_context().get_node_id()}
        self.is_emptied = asyncio.Event()
        self.cancelled = set()

    async def work(self):
        specs = await self.take()
        if not specs:
            return
        common = run_folder(self.run)
        # What the worker has in its environment now is what Ray gives this ticket.
        folder = os.path.join(common, "workers", f"{os.getpid()}-{self.number}")
        self.agent = Agent(folder, self.office, self.put, SPAWNER, common, away=True, pause=PAUSE)
        await self.agent.start()
        self.agent.attach("supervisor")
        self.marks = Marks(self.run, self.number)
        self.fault = asyncio.get_running_loop().create_future()
        parts = [asyncio.ensure_future(self.listen()), asyncio.ensure_future(self.serve(specs)), self.fault]
        try:
            done, _ = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
            for part in done:
                if fault := part.result():
                    raise fault
        finally:
            for part in parts:
                part.cancel()
            await self.agent.stop()

    async def take(self):
        return await self.supervisor.take.remote(self.number, time.monotonic() - self.began, **self.place)

    async def serve(self, specs):
        while specs:
            specs = deque(specs)
            while specs:
                spec = specs.popleft()
                if spec["attempt"] in self.cancelled:
                    await self.put(None, [{"exited": spec["attempt"], "cancelled": True}], None)
                    continue
                self.marks.add(spec["attempt"])
                executing = asyncio.ensure_future(self.agent.execute(spec))
                if specs and not (await asyncio.wait({executing}, timeout=self.LASTING))[0]:
                    names = [spec["attempt"] for spec in specs]
                    specs.clear()
                    await self.supervisor.take_back.remote(self.number, names)
                await executing
            specs = await self.take()
        while self.agent.attempts:
            self.is_emptied.clear()
            await self.is_emptied.wait()
        self.marks.close()

    async def listen(self):
        while True:
            for name, force in await self.supervisor.listen.remote(self.number):
                self.cancelled.add(name)
                self.agent.cancel(name, force)

    async def office(self, action, **details):
        return await getattr(self.supervisor, action).remote(**details)

    async def put(self, collector, message, timeout):
        try:
            await self.supervisor.put.remote(self.number, message)
        except exceptions.RayTaskError as error:
            if isinstance(error.cause, OSError):
                # Its disk is full, perhaps: again, later.
                raise OSError(str(error.cause)) from error
            settle(self.fault, error)
            raise LookupError(collector) from error
        except exceptions.RayError as error:
            raise LookupError(collector) from error
        self.agent.release([part["exited"] for part in message if "exited" in part])
        self.is_emptied.set()


def work(supervisor, number, run):
    """A ticket: all that Ray itself ever runs."""
    asyncio.run(Shift(supervisor, number, run).work())
