"""A proxy for HTTP that spoils some requests, for tests of whoever must survive that.

fault-proxy.py LISTEN-PORT SERVER-PORT RATE SEED LOG [FAULT ...]

Requests are passed on as they are, but for a share of RATE of them, chosen at random by SEED, of which each is
- answered with 500 or 503 without being passed on,
- passed on late,
- cut off: before it is passed on, in the middle of its body, in the middle of the answer,
- passed on, and its answer dropped: it was done, and nobody is told.
LOG gets a line for each request: the fault or "-", the method and the path. The first requests have the faults that are
named, in their order: also "slow", "429", "expired", "denied" and "region", which S3 would say.
"""

import asyncio
import random
import socket
import struct
import sys

FAULTS = ["500", "503", "late", "reset", "half-sent", "lost-reply", "half-answered"]


async def head(reader):
    """The lines of a request or an answer up to the empty one, or None at the end."""
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None


def field(text, name):
    for line in text.split(b"\r\n")[1:]:
        key, _, value = line.partition(b":")
        if key.strip().lower() == name:
            return value.strip()
    return None


async def pass_body(reader, writer, text, limit=None):
    """Passes on what follows the lines of `text`; only `limit` bytes where that is given."""
    if (field(text, b"transfer-encoding") or b"").lower() == b"chunked":
        while True:
            line = await reader.readline()
            size = int(line.split(b";")[0], 16)
            writer.write(line + await reader.readexactly(size + 2))
            await writer.drain()
            if size == 0:
                return
    left = int(field(text, b"content-length") or 0)
    if limit is not None:
        left = min(left, limit)
    while left > 0:
        part = await reader.read(min(left, 1 << 16))
        if not part:
            raise ConnectionError
        left -= len(part)
        writer.write(part)
        await writer.drain()


async def drop_body(reader, text):
    left = int(field(text, b"content-length") or 0)
    while left > 0:
        part = await reader.read(min(left, 1 << 16))
        if not part:
            return
        left -= len(part)


def reset(writer):
    raw = writer.get_extra_info("socket")
    if raw is not None:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


REFUSALS = {
    "500": ("500 Trouble", "InternalError", ""),
    "503": ("503 Trouble", "SlowDown", ""),
    "slow": ("503 Trouble", "SlowDown", "Retry-After: 1\r\n"),
    "429": ("429 Trouble", "TooManyRequests", ""),
    "expired": ("400 Trouble", "ExpiredToken", ""),
    "denied": ("403 Trouble", "AccessDenied", ""),
    "region": ("301 Elsewhere", "PermanentRedirect", "x-amz-bucket-region: eu-central-1\r\n"),
}


def refusal(fault):
    status, code, more = REFUSALS[fault]
    body = f"<Error><Code>{code}</Code><Message>by the test</Message></Error>"
    return (
        f"HTTP/1.1 {status}\r\nContent-Type: application/xml\r\n{more}Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


class Proxy:
    def __init__(self, port, rate, seed, log, first):
        self.port, self.rate, self.random, self.first = port, rate, random.Random(seed), first
        self.log = open(log, "w", buffering=1)

    def next_fault(self):
        if self.first:
            return self.first.pop(0)
        return self.random.choice(FAULTS) if self.random.random() < self.rate else "-"

    async def serve(self, reader, writer):
        upstream = None
        try:
            while (request := await head(reader)) is not None:
                method, target = request.split(b" ")[:2]
                fault = self.next_fault()
                print(fault, method.decode(), target.decode(), file=self.log)
                if fault in REFUSALS:
                    await drop_body(reader, request)
                    writer.write(refusal(fault))
                    await writer.drain()
                    continue
                if fault == "reset":
                    return reset(writer)
                if fault == "late":
                    await asyncio.sleep(self.random.uniform(0.2, 1))
                if upstream is None:
                    upstream = await asyncio.open_connection("127.0.0.1", self.port)
                upstream[1].write(request)
                if fault == "half-sent":
                    size = int(field(request, b"content-length") or 0)
                    await pass_body(reader, upstream[1], request, limit=size // 2)
                    reset(upstream[1])
                    return reset(writer)
                await pass_body(reader, upstream[1], request)
                await upstream[1].drain()
                answer = await head(upstream[0])
                if answer is None:
                    return reset(writer)
                if fault == "lost-reply":
                    reset(upstream[1])
                    return reset(writer)
                writer.write(answer)
                if method == b"HEAD" or answer.split(b" ")[1] in (b"204", b"304"):
                    await writer.drain()
                    continue
                if fault == "half-answered":
                    size = int(field(answer, b"content-length") or 0)
                    await pass_body(upstream[0], writer, answer, limit=size // 2)
                    reset(upstream[1])
                    return reset(writer)
                await pass_body(upstream[0], writer, answer)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, OSError):
            reset(writer)
        finally:
            for one in (writer, upstream[1] if upstream else None):
                if one is not None:
                    one.close()


async def main():
    listen, port, rate, seed, log, *first = sys.argv[1:]
    proxy = Proxy(int(port), float(rate), int(seed), log, first)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", int(listen), limit=1 << 20)
    async with server:
        await server.serve_forever()


asyncio.run(main())
