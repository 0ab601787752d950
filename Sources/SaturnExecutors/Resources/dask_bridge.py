# The Dask side of the bridge: a client of a cluster, which may be this run's own.

import asyncio
import concurrent.futures
import importlib
import json
import socket
import ssl
import sys
import time

# Seconds between two looks at the run's books, messages that may wait for the collector, tickets that wait for a worker.
POLL_PERIOD = 0.2
QUEUE_SIZE = 8
FEWEST_TICKETS = 16
# Seconds that the tickets of a run get to end with it.
TICKET_PATIENCE = 2
# Seconds after which a worker is not waited for that has shown no sign of life.
SILENCE = 10


class Dask(Engine):
    async def connect(self, hello):
        self.begin(hello)
        self.kinds = {}  # by name: the resources that Dask is to count
        self.tickets = {}  # by kind: how many are out
        self.futures = set()  # of those
        self.waiting = {}  # by kind: attempts
        self.running = {}
        self.number = 0
        self.seen = 0
        self.threads = 0
        settings = {key: self.settings.get(key) for key in ("cluster_class", "cluster_kwargs")}
        self.own_cluster = OwnCluster(self.folder, settings["cluster_class"], settings)
        self.address = self.settings.get("scheduler_address") or await self.own_cluster.address()
        self.client = await self.reach(self.security())
        await self.check_versions()
        await self.settle()

    # Reaching the cluster

    def security(self):
        tls = self.settings.get("tls")
        if not tls:
            return None
        return Security(
            tls_ca_file=tls.get("ca_file"), tls_client_cert=tls.get("cert"), tls_client_key=tls.get("key"),
            require_encryption=True)

    async def reach(self, security):
        where = self.address
        if security is None and where.startswith("tls://"):
            raise Fatal("tls", f"{where} is a TLS address, and the executor has no 'tls'", "tls: {ca_file, cert, key}")
        if security is not None and where.startswith("tcp://"):
            raise Fatal("tls", f"'tls' is given, and {where} is no TLS address", "tls://HOST:PORT")
        await asyncio.to_thread(self.probe, where, "no-scheduler", "is the scheduler running? dask scheduler")
        connecting = asyncio.ensure_future(self.join(where, security))
        # It has a time limit of its own, and its own words for it.
        if not await self.within(self.timeout + 2, connecting):
            raise Fatal("no-scheduler", f"the scheduler at {where} does not answer", "it may have been stopped")
        try:
            return connecting.result()
        except Exception as error:
            if security is None and self.speaks_tls(where):
                raise Fatal("tls", f"the scheduler at {where} wants TLS", "tls://… and tls: {ca_file, cert, key}")
            if security is not None:
                raise Fatal("tls", f"no TLS connection to {where}: {root(error)}")
            raise Fatal("no-scheduler", f"what listens at {where} is no Dask scheduler: {root(error)}")

    async def join(self, where, security):
        return await Client(where, security=security, asynchronous=True, timeout=self.timeout, set_as_default=False)

    def speaks_tls(self, where):
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        try:
            with socket.create_connection(self.endpoint(where), timeout=2) as plain:
                context.wrap_socket(plain).close()
            return True
        except ssl.SSLError as error:
            return "ALERT" in str(error).upper()
        except OSError:
            return False

    async def check_versions(self):
        """By what the workers have said of themselves: one that stands still would not answer."""
        self.compare("the scheduler", await self.answered(self.client.scheduler.versions()))
        # No function may go to a Python of another version.
        workers = await self.answered(self.client.run_on_scheduler(
            lambda dask_scheduler: {name: worker.versions for name, worker in dask_scheduler.workers.items()}))
        for name, versions in workers.items():
            self.compare(f"worker {name}", versions)

    def compare(self, side, versions):
        theirs = ".".join(map(str, list(versions["host"]["python"].split("."))[:2])) if versions else None
        mine = ".".join(map(str, sys.version_info[:2]))
        if theirs not in (None, mine):
            raise Fatal(
                "python-version", f"{sys.executable} is Python {mine}, and {side} has {theirs}",
                "'python' has to name one of the cluster's version")

    async def settle(self):
        """The books and the agents, if this run has none there yet."""
        name = self.name
        for other in await self.answered(self.client.run_on_scheduler(siblings, name=name, home=self.home)):
            if left := await self.clear(other):
                raise Fatal("cluster", f"what an earlier run has left does not end: no answer from {', '.join(left)}")
            self.bridge.say("notice", message="ended what an earlier run had left on the cluster: its state was deleted")
        # Whoever has made them may have been ended in between.
        has_books, has_agents = await self.answered(self.client.run_on_scheduler(
            lambda dask_scheduler: (name in dask_scheduler.plugins, name in dask_scheduler.worker_plugins)))
        if has_books and has_agents:
            return
        if not has_books:
            await self.answered(self.client.register_plugin(SchedulerBooks(name, self.label, self.home), name=name))
        # Agents of earlier books are replaced: they would never join these.
        agents = asyncio.ensure_future(self.client.register_plugin(WorkerAgent(name, Agent, SPAWNER), name=name))
        silent, began = [], time.monotonic()
        while not silent and not await self.within(1, agents):
            silent = await self.answered(self.client.run_on_scheduler(silent_workers))
            if time.monotonic() - began > 6 * SILENCE:
                silent = silent or ["a worker"]
        if agents.done():
            agents.result()
        else:
            who = ", ".join(silent)
            self.bridge.say("notice", message=f"{who} does not answer: it gets no tasks until it does")

    async def answered(self, asking):
        try:
            return await asyncio.wait_for(asking, 2 * self.timeout)
        except asyncio.TimeoutError:
            raise Fatal("cluster", f"the scheduler at {self.address} does not answer")

    def description(self):
        return {"engine": f"distributed {distributed.__version__}", "address": self.address}

    async def books(self, action, **details):
        return await getattr(self.client.scheduler, self.name)(action=action, **details)

    # Requests

    async def attach(self):
        self.queue = await self.answered(Queue(self.collector, client=self.client, maxsize=QUEUE_SIZE))
        known = await self.answered(self.books("attach", collector=self.collector))
        self.blobs = set(known["blobs"])
        self.declared = known["resources"]
        self.attached.set()
        return known["attempts"]

    async def submit(self, tasks):
        for task in tasks:
            task["kind"] = self.kind(task.pop("resources", None) or {})
            self.expect(task)
            for blob, source in (task.pop("upload", None) or {}).items():
                await self.upload(blob, source, self.write)
        lost = await self.books("submit", specs=tasks, collector=self.collector)
        self.bridge.say("submitted", attempts=[task["attempt"] for task in tasks])
        for name, reason in lost.items():
            self.end(name, "lost", reason=reason)
        for task in tasks:
            self.waiting[task["kind"]] = self.waiting.get(task["kind"], 0) + 1
        self.issue_tickets()

    def kind(self, resources):
        """What of the resources the workers know of, by any of the usual names."""
        names = {name.lower().rstrip("s"): name for name in self.declared}
        known = {}
        for name, amount in sorted(resources.items()):
            declared = name if name in self.declared else names.get(name.lower().rstrip("s"))
            if declared:
                known[declared] = amount
            else:
                self.warn(name, f"no worker declares '{name}', which tasks ask for: it does not count")
        kind = json.dumps(known)
        self.kinds[kind] = known
        return kind

    async def write(self, **details):
        await self.books("write", **details)

    async def cancel(self, names, force):
        for name in await self.books("cancel", names=names, force=force):
            self.end(name, "exited", cancelled=True)

    async def release(self, names):
        await self.books("release", names=names)

    async def detach(self):
        """All goes on without a collector."""

    async def terminate(self, cluster):
        """Returns which attempts could not be ended, by worker."""
        self.is_ending = True
        left = await self.clear(self.name)
        if not self.settings.get("scheduler_address"):
            await self.own_cluster.end()
        elif cluster:
            await self.client.shutdown()
        return left

    async def clear(self, run):
        """Ends all of a run, and removes it from the cluster; returns the same."""
        ask = getattr(self.client.scheduler, run)
        found = await self.answered(ask(action="close", patience=END_PATIENCE))
        for name in found["waiting"]:
            self.end(name, "exited", cancelled=True)
        deadline = time.monotonic() + found["patience"]
        left = {}
        while found["running"]:
            left = await self.answered(ask(action="unended", names=list(self.open.keys() & set(found["running"]))))
            if not left or time.monotonic() > deadline:
                break
            await asyncio.sleep(0.02)
        if left and not self.settings.get("scheduler_address"):
            # They end with their cluster.
            left = {}
        if not left:
            # Tickets find nothing to do any more, and end; without an agent they would wait for one. Ours may be on the way.
            await self.client.cancel(list(self.futures), force=True)
            deadline = time.monotonic() + TICKET_PATIENCE
            while await self.answered(self.client.run_on_scheduler(has_tickets, name=run)) and time.monotonic() < deadline:
                await asyncio.sleep(0.02)
            await self.within(5, asyncio.ensure_future(self.client.unregister_worker_plugin(run)))
            await self.answered(self.client.run_on_scheduler(forget_books, name=run))
        return left

    # Tickets

    def issue_tickets(self):
        """As many as attempts run, and some for those that wait: each may do the work of many."""
        if self.is_ending:
            return
        most = max(FEWEST_TICKETS, 2 * self.threads)
        for kind, waiting in self.waiting.items():
            out = self.tickets.get(kind, 0)
            count = self.running.get(kind, 0) + min(waiting, most) - out
            if count <= 0:
                continue
            keys = [f"{self.name}-{self.collector[-12:]}-{self.number + index}" for index in range(count)]
            self.number += count
            futures = self.client.map(
                work, [self.name] * count, [kind] * count, key=keys, resources=self.kinds[kind] or None, pure=False,
                retries=0)
            # They outlive this client.
            fire_and_forget(futures)
            self.tickets[kind] = out + count
            self.futures.update(futures)
            for future in futures:
                asyncio.ensure_future(self.follow(kind, future))

    async def follow(self, kind, future):
        try:
            await future
        except (distributed.scheduler.KilledWorker, concurrent.futures.CancelledError, OSError):
            pass  # Whoever watches the scheduler says whether that is gone.
        except Exception as error:
            if not self.is_ending and not self.fault.done():
                self.fault.set_result(
                    Fatal("fault", f"a worker cannot run tasks: {type(error).__name__}: {error}"))
        finally:
            self.futures.discard(future)
            self.tickets[kind] -= 1
            self.issue_tickets()

    # Events

    async def work(self):
        self.fault = asyncio.get_running_loop().create_future()
        await self.attached.wait()
        parts = [asyncio.ensure_future(part) for part in (self.read(), self.watch(), self.fault)]
        done, _ = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
        for part in done:
            if fault := part.result():
                raise fault

    async def read(self):
        while True:
            try:
                message = await self.queue.get()
            except (OSError, KeyError, AttributeError):
                # Whoever watches the scheduler says what there is to say.
                await asyncio.sleep(1)
                continue
            for part in message:
                self.take(part)

    async def watch(self):
        """Keeps the lease, hears of workers that died, and notices when there is no scheduler any more."""
        failed = None
        while True:
            await asyncio.sleep(POLL_PERIOD)
            try:
                if failed is not None:
                    await self.see_again()
                news = await asyncio.wait_for(
                    self.books("poll", collector=self.collector, seen=self.seen), self.timeout)
                if self.is_ending:
                    return
                if news is None:
                    raise OSError("it does not know this run")
                failed = None
            except (OSError, asyncio.TimeoutError, AttributeError, ValueError) as error:
                if self.is_ending:
                    return
                failed = time.monotonic() if failed is None else failed
                if time.monotonic() - failed > self.timeout:
                    why = str(error) if isinstance(error, OSError) and str(error) else "it does not answer"
                    raise Fatal("gone", f"the scheduler at {self.address} is gone: {why}", AGAIN)
                continue
            if "superseded" in news:
                raise Fatal("superseded", "another saturn collects this run's results now")
            self.hear(news)
            if news["lost"]:
                self.seen += len(news["lost"])
                # Behind what those workers have told before they died.
                await self.queue.put([{"gone": name, "reason": reason} for name, reason in news["lost"]])

    async def see_again(self):
        """After a connection that was lost: is it the scheduler that knew of this run?"""
        name = self.name
        known = asyncio.ensure_future(self.client.run_on_scheduler(lambda dask_scheduler: name in dask_scheduler.plugins))
        if not await asyncio.wait_for(known, self.timeout):
            raise Fatal("gone", f"the scheduler at {self.address} has been started again: what ran there is lost", AGAIN)

    def hear(self, news):
        self.threads, self.waiting, self.running = news["threads"], news["waiting"], news["running"]
        self.declared = news["resources"]
        if not self.threads and self.waiting:
            self.warn("workers", f"{self.address} has no workers: waiting for one")
        elif self.threads:
            self.has_warned.discard("workers")
        self.issue_tickets()


def has_tickets(dask_scheduler, name):
    return any(
        task.processing_on or task.state == "queued" for key, task in dask_scheduler.tasks.items()
        if str(key).startswith(name + "-"))


def silent_workers(dask_scheduler):
    """Those that have not been heard of for many heartbeats."""
    longest = time.time() - SILENCE
    return [address for address, worker in dask_scheduler.workers.items() if worker.last_seen < longest]


def make_cluster(settings):
    module, _, name = settings["cluster_class"].rpartition(".")
    cluster = getattr(importlib.import_module(module or "distributed"), name)(**(settings["cluster_kwargs"] or {}))
    return cluster.scheduler_address, cluster.close


if __name__ == "__main__":
    if sys.argv[1:2] == ["cluster"]:
        hold_cluster(sys.argv[2], json.loads(sys.argv[3]), make_cluster)
    else:
        Bridge(Dask()).main()
