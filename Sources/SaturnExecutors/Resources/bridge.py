# A bridge between saturn and an engine, in the engine's own language: the protocol of docs/bridge.md.

import asyncio
import json
import os
import sys
import threading
import traceback

VERSION = 1
SEGMENT = 64 << 20


class Fatal(Exception):
    def __init__(self, code, message, hint=None):
        super().__init__(message)
        self.code, self.message, self.hint = code, message, hint


def refuse(code, message, hint=None):
    """Before there is an engine to speak for."""
    print(json.dumps({"event": "fatal", "code": code, "message": message, "hint": hint}), flush=True)
    os._exit(3)


class Spool:
    """Files in which bytes are handed to saturn, who deletes each when it has them all and there is a next one."""

    def __init__(self, folder):
        self.folder = folder
        self.number = 0
        self.file = None

    def add(self, data):
        if self.file is None or self.file.tell() >= SEGMENT:
            if self.file:
                self.file.close()
            self.number += 1
            self.file = open(os.path.join(self.folder, f"spool-{self.number}"), "wb", buffering=0)
        place = {"spool": self.number, "from": self.file.tell(), "length": len(data)}
        view = memoryview(data)
        while view:
            view = view[self.file.write(view):]
        return place


class Bridge:
    """Reads requests from stdin and writes events on stdout, a JSON object a line."""

    # Requests that wait so many seconds for more of their kind, and what there is more of.
    BATCHES = {"submit": "tasks", "release": "attempts"}
    BATCH_TIME = 0.02

    def __init__(self, engine):
        self.engine = engine
        self.mouth = threading.Lock()
        # Whatever else prints must not get between the lines.
        self.output = os.fdopen(os.dup(1), "wb", buffering=0)
        os.dup2(2, 1)

    def say(self, event, **details):
        data = memoryview(json.dumps({"event": event, **details}).encode() + b"\n")
        try:
            with self.mouth:
                while data:
                    data = data[self.output.write(data):]
        except OSError:
            os._exit(0)

    async def run(self):
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=1 << 28)
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        hello = json.loads(await reader.readline() or b"{}")
        if hello.get("request") != "hello" or VERSION not in hello.get("versions", []):
            raise Fatal("version", f"this bridge speaks version {VERSION} of the protocol")
        self.spool = Spool(hello["folder"])
        self.engine.bridge = self
        # Answers to pings also while the engine is being reached.
        listening = asyncio.ensure_future(self.listen(reader, connected := asyncio.Event()))
        working = asyncio.ensure_future(self.engine.connect(hello))
        await asyncio.wait({listening, working}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            working.result()
            connected.set()
            self.say("hello", version=VERSION, **self.engine.description())
            working = asyncio.ensure_future(self.engine.work())
            await asyncio.wait({listening, working}, return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                working.result()
        # The last word is the answer to the last request.
        await listening

    async def listen(self, reader, connected):
        """Until saturn has nothing more to say: without a word of leave it died, and what runs is left to go on."""
        requests = asyncio.Queue()
        performing = asyncio.ensure_future(self.perform(requests, connected))
        hearing = asyncio.ensure_future(self.hear(reader, requests))
        await asyncio.wait({performing, hearing}, return_when=asyncio.FIRST_COMPLETED)
        if not connected.is_set():
            return
        requests.put_nowait(None)
        await performing

    async def hear(self, reader, requests):
        while line := await reader.readline():
            request = json.loads(line)
            if request["request"] == "ping":
                self.say("pong", number=request["number"])
            else:
                requests.put_nowait(request)

    async def perform(self, requests, connected):
        await connected.wait()
        while (request := await requests.get()) is not None:
            together = [request]
            # What comes together goes together.
            if request["request"] in self.BATCHES and requests.empty():
                await asyncio.sleep(self.BATCH_TIME)
            while together[-1] and together[-1]["request"] in self.BATCHES and not requests.empty():
                together.append(requests.get_nowait())
            for request in self.merged(together):
                if request is None or await self.answer(request):
                    return

    def merged(self, requests):
        """One of each kind, of those that may wait; whatever else there is comes after them."""
        merged = {}
        for request in requests:
            what = request["request"] if request else None
            if what in merged and what in self.BATCHES:
                merged[what][self.BATCHES[what]] += request[self.BATCHES[what]]
            else:
                merged[what] = request
        return merged.values()

    async def answer(self, request):
        """True when that was the last one."""
        what = request["request"]
        if what == "submit":
            await self.engine.submit(request["tasks"])
        elif what == "attach":
            self.say("attached", attempts=await self.engine.attach())
        elif what == "release":
            await self.engine.release(request["attempts"])
        elif what == "withdraw":
            await self.engine.cancel(request["attempts"], None)
        elif what == "terminate" and "attempts" in request:
            await self.engine.cancel(request["attempts"], request["force"])
        elif what == "terminate":
            left = await self.engine.terminate(request.get("cluster", False))
            self.say("done", left=sum(map(len, left.values())), places=sorted(left))
            return True
        elif what == "detach":
            await self.engine.detach()
            self.say("done", left=0)
            return True
        return False

    async def leave(self):
        code = 0
        try:
            await self.run()
        except Fatal as fatal:
            self.say("fatal", code=fatal.code, message=fatal.message, hint=fatal.hint)
            code = 3
        except Exception as error:
            traceback.print_exc()
            # An error of a connection has no number, or says what it is; one of this machine's disk has.
            if isinstance(error, ConnectionError) or isinstance(error, OSError) and error.errno is None:
                self.say("fatal", code="gone", message=f"lost the connection to {getattr(self.engine, 'address', 'the engine')}: {error}", hint=None)
            else:
                self.say("fatal", code="fault", message=f"{type(error).__name__}: {error}", hint=None)
            code = 5
        # What was sent a moment ago is on its way; nothing else is to happen any more.
        self.engine.is_ending = True
        await asyncio.sleep(0.1)
        sys.stderr.flush()
        os._exit(code)

    def main(self):
        asyncio.run(self.leave())
