# The Ray side of the bridge: a driver that makes the run's supervisor, or finds it.

import asyncio
import ctypes
import json
import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time

# Seconds between two looks at what waits, and that what may go waits for more.
LOOK_PERIOD = 2
RELEASE_PERIOD = 0.5
# Calls that the supervisor answers at once, and tickets that listen to it.
MOST_CALLS = 100_000
# Supervisors that may die within so many seconds, before it is no accident.
MOST_DEATHS, DEATH_PERIOD = 5, 120
# Seconds that an environment may take to be made.
ENVIRONMENT_PATIENCE = 1800


class Ray(Engine):
    async def connect(self, hello):
        self.begin(hello)
        self.environment = self.settings.get("runtime_env") or {}
        for name in sorted(self.environment.keys() - ray.runtime_env.RuntimeEnv.known_fields):
            self.warn(name, f"Ray {ray.__version__} knows no '{name}' in 'runtime_env'")
        self.sources = {}
        self.deaths = []
        self.released = []
        self.is_cleared = False
        self.supervisor = None
        self.recovering = asyncio.Lock()
        where = self.settings.get("address")
        self.own_cluster = OwnCluster(self.folder, "a Ray of this run's own", {})
        self.address = await self.own_cluster.address() if where == "local" else where
        self.namespace = self.settings["namespace"]
        await self.reach()
        threading.Thread(target=self.feel_pulse, daemon=True).start()
        self.warm_up()
        await self.end_siblings()
        self.supervisor = await self.supervise()

    # Reaching the cluster

    async def reach(self):
        where = self.address
        await asyncio.to_thread(self.probe, where, "no-head", "is Ray running? ray start --head")
        # Something else may listen there, and Ray would wait for its answer for ever.
        limit = self.timeout + (ENVIRONMENT_PATIENCE if self.environment else 5)
        joining = asyncio.ensure_future(asyncio.to_thread(self.join, where))
        if not await self.within(limit, joining):
            raise Fatal("no-head", f"what listens at {where} does not answer as a Ray head", "address: HOST:PORT")
        try:
            joining.result()
        except Exception as error:
            words = " ".join(str(error).split())
            if "mismatch" in words:
                raise Fatal(
                    "version", words.partition(" This process on node")[0] + f"; {sys.executable} has "
                    f"Ray {ray.__version__} and Python {'.'.join(map(str, sys.version_info[:3]))}",
                    "'python' has to name one of the cluster's versions")
            # Before it asks the cluster for anything Ray looks at the environment.
            if self.environment and isinstance(error, (TypeError, ValueError)):
                raise Fatal("cluster", f"'runtime_env' is not what Ray wants: {words[:500]}")
            raise Fatal("no-head", f"cannot join the Ray cluster at {where}: {words[:500] or type(error).__name__}")

    def join(self, where):
        ray.init(
            where, namespace=self.namespace, runtime_env=self.environment or None, log_to_driver=False,
            logging_level="ERROR")

    def feel_pulse(self):
        """Ray's own calls wait for a head that is gone, and all else waits for them."""
        seen = time.monotonic()
        while not self.is_ending:
            time.sleep(1)
            try:
                socket.create_connection(self.endpoint(self.address), timeout=self.timeout).close()
                seen = time.monotonic()
            except OSError as error:
                if time.monotonic() - seen > self.timeout and not self.is_ending:
                    message = f"the Ray cluster at {self.address} is gone: {error.strerror or error}"
                    self.bridge.say("fatal", code="gone", message=message, hint=AGAIN)
                    os._exit(3)

    def warm_up(self):
        """Ray starts a process for every task at once, which takes longer than many a task: before there are any."""
        options = json.loads(self.kind({}))
        self.warming = [ray.remote(max_retries=0)(lambda: None).options(**options).remote() for _ in range(2)]

    def description(self):
        return {"engine": f"ray {ray.__version__}", "address": self.address}

    async def supervise(self):
        """The supervisor of this run, which is made when there is none."""
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=True)
        supervisor = ray.remote(Supervisor).options(
            name=self.name, lifetime="detached", get_if_exists=True, num_cpus=0, max_concurrency=MOST_CALLS,
            scheduling_strategy=here).remote(self.name, self.label, self.home, work)
        try:
            patience = ENVIRONMENT_PATIENCE if self.environment else 180
            await asyncio.wait_for(supervisor.origin.remote(), patience)
        except asyncio.TimeoutError:
            raise Fatal("cluster", f"the Ray cluster at {self.address} does not start the run's supervisor")
        except exceptions.RuntimeEnvSetupError as error:
            raise Fatal("cluster", f"the environment of 'runtime_env' cannot be made: {first_words(error)}")
        except exceptions.RayActorError as error:
            await self.note_death(error)
            return await self.supervise()
        return supervisor

    async def note_death(self, error):
        """Of a supervisor; returns when there can be another one."""
        now = time.monotonic()
        self.deaths = [death for death in self.deaths if now - death < DEATH_PERIOD] + [now]
        if len(self.deaths) > MOST_DEATHS:
            raise Fatal("cluster", f"the run's supervisor on Ray dies again and again: {last_words(error)}")
        await self.within(self.timeout, asyncio.ensure_future(asyncio.to_thread(self.wait_until_unnamed)))

    async def end_siblings(self):
        """Runs of the same place and name, of which that place knows nothing any more."""
        for name in ray.util.list_named_actors():
            if not self.home or name == self.name or not name.startswith("saturn-"):
                continue
            try:
                other = ray.get_actor(name)
                if await asyncio.wait_for(other.origin.remote(), self.timeout) != self.home:
                    continue
                if left := await self.clear(other):
                    raise Fatal("cluster", f"what an earlier run has left does not end: no answer from {', '.join(left)}")
            except (ValueError, exceptions.RayError, asyncio.TimeoutError):
                continue  # It has just ended, or is somebody else's that stands still.
            self.bridge.say("notice", message="ended what an earlier run had left on Ray: its state was deleted")

    # The supervisor

    async def ask(self, action, *arguments, **details):
        """Of the supervisor; of the next one when that dies."""
        while True:
            supervisor = self.supervisor
            try:
                answer = getattr(supervisor, action).remote(*arguments, **details)
                return await asyncio.wait_for(answer, 2 * self.timeout + LONG_POLL)
            except exceptions.RayActorError as error:
                if self.is_cleared:
                    raise
                await self.recover(supervisor, error)
            except asyncio.TimeoutError:
                raise Fatal("gone", f"the Ray cluster at {self.address} is gone: its supervisor does not answer", AGAIN)

    async def recover(self, supervisor, error):
        """Its tasks have died with it. What had ended is on its disk; what had not begun goes to the next one."""
        async with self.recovering:
            if supervisor is not self.supervisor:
                return
            known = None
            while known is None:
                await self.note_death(error)
                following = await self.supervise()
                try:
                    begun = await following.all_begun.remote()
                    known = await following.attach.remote(self.collector)
                except exceptions.RayActorError as another:
                    error = another
            self.supervisor, self.blobs = following, set(known["blobs"])
            again, lost = [], 0
            for name, attempt in list(self.open.items()):
                if name in known["attempts"] or name not in begun and not attempt.get("started"):
                    again.append({**attempt["task"], "log_size": attempt["log"]})
                else:
                    lost += 1
                    self.end(name, "lost", reason="the run's supervisor on Ray died, and what it ran with it")
            what = f": {lost} that ran are lost" if lost else ""
            self.bridge.say("notice", message=f"the run's supervisor on Ray died, and another one goes on{what}")
        await self.hand_over(again)

    def wait_until_unnamed(self):
        """Until the dead one's name is free."""
        deadline = time.monotonic() + self.timeout
        while self.name in ray.util.list_named_actors() and time.monotonic() < deadline:
            time.sleep(0.05)

    # Requests

    async def attach(self):
        known = await self.ask("attach", self.collector)
        self.blobs = set(known["blobs"])
        self.attached.set()
        return known["attempts"]

    async def submit(self, tasks):
        for task in tasks:
            task["kind"] = self.kind(task.pop("resources", None) or {})
            self.sources.update(task.pop("upload", None) or {})
            if self.environment.get("working_dir") and not task.get("syncs") and not task.get("workspace"):
                task.update(base=os.getcwd(), here=True)
            self.expect(task)
        await self.hand_over(tasks)
        self.bridge.say("submitted", attempts=[task["attempt"] for task in tasks])

    async def hand_over(self, tasks):
        for task in tasks:
            for blob in [*task.get("blobs", {}).values(), *(name for name, _ in task.get("syncs", []))]:
                await self.upload(blob, self.sources[blob], self.write)
        await self.ask("submit", tasks, self.collector)

    async def write(self, **details):
        await self.ask("write", **details)

    def kind(self, resources):
        """What Ray is to count, by its own names."""
        amounts = {name: whole(amount) for name, amount in resources.items()}
        options = {"num_cpus": amounts.pop("cpus", self.settings.get("num_cpus", 1))}
        for name, option in (("gpus", "num_gpus"), ("memory", "memory")):
            if name in amounts:
                options[option] = amounts.pop(name)
        return json.dumps({**options, "resources": amounts} if amounts else options)

    async def cancel(self, names, force):
        for name in await self.ask("end_some", names, force):
            self.end(name, "exited", cancelled=True)

    async def release(self, names):
        """Nobody waits for that: many together."""
        if not self.released:
            self.releasing = asyncio.ensure_future(self.release_together())
        self.released += names

    async def release_together(self):
        await asyncio.sleep(RELEASE_PERIOD)
        await self.release_now()

    async def release_now(self):
        names, self.released = self.released, []
        if names and not self.is_cleared:
            await self.ask("release", names)

    async def detach(self):
        """All goes on without a collector."""
        await self.release_now()

    async def terminate(self, cluster):
        """Returns which attempts could not be ended, by worker."""
        self.is_ending = True
        left = await self.clear(self.supervisor)
        if self.settings.get("address") == "local":
            left = {}
            await self.own_cluster.end()
        elif cluster:
            self.bridge.say("notice", message=f"the Ray cluster at {self.address} goes on: end it with 'ray stop' on its nodes")
        return left

    async def clear(self, supervisor):
        """Ends all of a run, and removes it from the cluster; returns the same."""
        left = {}
        try:
            found = await asyncio.wait_for(supervisor.close.remote(END_PATIENCE), 2 * self.timeout)
            for name in found["waiting"]:
                self.end(name, "exited", cancelled=True)
            deadline = time.monotonic() + found["patience"]
            while True:
                left = await asyncio.wait_for(supervisor.unended.remote(), 2 * self.timeout)
                if not left or time.monotonic() > deadline:
                    break
                await asyncio.sleep(0.02)
            if left:
                return left
            # What they have told is still on its way.
            while set(found["running"]) & self.open.keys() and time.monotonic() < deadline:
                await asyncio.sleep(0.02)
            self.is_cleared = self.is_cleared or supervisor is self.supervisor
            await asyncio.wait_for(supervisor.tidy.remote(), 30)
        except exceptions.RayActorError:
            return {}
        except asyncio.TimeoutError:
            raise Fatal("gone", f"the Ray cluster at {self.address} is gone: its supervisor does not answer", AGAIN)
        ray.kill(supervisor)
        return left

    # Events

    async def work(self):
        await self.attached.wait()
        parts = [asyncio.ensure_future(part) for part in (self.read(), self.look())]
        done, _ = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
        for part in done:
            part.result()

    async def read(self):
        while True:
            try:
                told = await self.ask("tidings", self.collector)
            except exceptions.RayError:
                if self.is_ending:
                    return
                raise
            if "superseded" in told:
                raise Fatal("superseded", "another saturn collects this run's results now")
            if "fault" in told:
                raise Fatal("cluster", told["fault"])
            for part in told["parts"]:
                self.take(part)

    async def look(self):
        """Says so when something waits for what no node has."""
        while True:
            await asyncio.sleep(LOOK_PERIOD)
            if self.is_ending:
                return
            state = await self.ask("state")
            waiting = [kind for kind in state["waiting"] if kind not in state["running"]]
            if not waiting:
                continue
            nodes = [node["Resources"] for node in await asyncio.to_thread(ray.nodes) if node["Alive"]]
            for kind in waiting:
                if lack := lacking(json.loads(kind), nodes):
                    self.warn(kind, f"no node of Ray has {lack}: tasks wait for one")


def whole(amount):
    return int(amount) if float(amount).is_integer() else amount


def lacking(options, nodes):
    """What none of the nodes has all of."""
    wanted = {
        **options.get("resources", {}),
        **{name: options[option] for option, name in
           (("num_cpus", "CPU"), ("num_gpus", "GPU"), ("memory", "memory")) if options.get(option)}}
    if any(all(node.get(name, 0) >= amount for name, amount in wanted.items()) for node in nodes):
        return None
    return ", ".join(f"{amount} {name}" for name, amount in wanted.items())


def first_words(error):
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)[:300]


def make_cluster(settings):
    # Ray keeps its own logs for ever, and its sockets want a short path.
    folder = tempfile.mkdtemp(prefix="saturn-ray-", dir="/tmp")

    def end():
        ray.shutdown()
        shutil.rmtree(folder, ignore_errors=True)

    try:
        ray.init("local", include_dashboard=False, log_to_driver=False, _temp_dir=folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return ray.get_runtime_context().gcs_address, end


def watch_over():
    """A driver that loses its node ends at once: somebody has to say so."""
    driver = os.fork()
    if driver == 0:
        # PR_SET_PDEATHSIG: not without whoever was started as the bridge.
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
        return
    _, status = os.waitpid(driver, 0)
    code = os.waitstatus_to_exitcode(status)
    if code not in (0, 3, 5):
        how = f"exit code {code}" if code > 0 else f"signal {-code}"
        message = f"the Ray cluster is gone, or this machine's part of it: the driver ended with {how}"
        print(json.dumps({"event": "fatal", "code": "gone", "message": message, "hint": AGAIN}), flush=True)
        code = 3
    os._exit(code)


if __name__ == "__main__":
    if sys.argv[1:2] == ["cluster"]:
        hold_cluster(sys.argv[2], json.loads(sys.argv[3]), make_cluster)
    else:
        watch_over()
        Bridge(Ray()).main()
