#!/usr/bin/env python3
"""A proxy before a store that goes wrong on demand, delays every request, and keeps a list of all requests.

    with FaultProxy("http://127.0.0.1:9000") as proxy:
        options = proxy.through(storage_options)
        proxy.inject(method="PUT", path=r"_delta_log/\\d{20}\\.json$", kind="reset", times=1)
        …
        proxy.requests()

It runs as a process of its own, which ends with the one that made it. For a benchmark, by hand:

    fault_proxy.py http://127.0.0.1:9000 --latency-ms 40      prints its address; a summary of the requests at the end

The Host header passes through as it is, so that signatures hold.
"""

import argparse
import asyncio
import collections
import contextlib
import dataclasses
import json
import random
import re
import socket
import struct
import subprocess
import sys
import threading
import time
from urllib.parse import unquote

COMMIT = r"_delta_log/\d{20}\.json$"  # the path of a commit, for Fault.path
HEAD_BYTES_MAX = 64 << 10
PIECE_BYTES = 64 << 10
IDLE_SECONDS_MAX = 2  # stores close connections that idle; a request must not meet that
KINDS = ("status", "reset", "hang", "truncate", "slow", "whole_for_range", "short_range", "shifted_range", "wrong_range")


@dataclasses.dataclass
class Fault:
    """What happens to the requests that match.

    kind: "status"           an answer of `status`, `headers` and `body`
          "reset"            the connection is reset
          "hang"             no answer ever
          "truncate"         half of the body, or of the head where there is none, then the end of the connection
          "slow"             the answer after `seconds`
          "whole_for_range"  200 and the whole object for a range
          "short_range"      206 and fewer bytes than were asked for
          "shifted_range"    206 and other bytes than were asked for, as Content-Range says
          "wrong_range"      206 and the bytes of the object's start, with the Content-Range that was asked for
    """

    kind: str
    method: str = ""  # empty: all
    path: str = ""  # a regular expression, found in the decoded path
    applied: bool = True  # the store gets the request; False: it does not
    times: int | None = None  # None: every time
    skip: int = 0  # requests that match and go well before
    chance: float = 1.0
    status: int = 500
    headers: dict = dataclasses.field(default_factory=dict)
    body: str = ""
    seconds: float = 0

    def __post_init__(self):
        if self.kind not in KINDS:
            raise ValueError(f"no kind of fault: {self.kind}")

    def takes(self, request, chance):
        if self.times == 0 or (self.method and self.method != request.method) or not re.search(self.path, request.path):
            return False
        if self.skip:
            self.skip -= 1
            return False
        if chance >= self.chance:
            return False
        if self.times is not None:
            self.times -= 1
        return True


# --- HTTP/1.1 -------------------------------------------------------------------------------------------------------


class Head:
    """A start line and its header lines, in order."""

    def __init__(self, raw):
        first, *lines = raw.decode("latin-1").rstrip("\r\n").split("\r\n")
        self.words = first.split(" ", 2)
        self.headers = [tuple(part.strip() for part in line.split(":", 1)) for line in lines]

    def get(self, name):
        return next((value for key, value in self.headers if key.lower() == name), None)

    def drop(self, *names):
        self.headers = [(key, value) for key, value in self.headers if key.lower() not in names]

    def put(self, name, value):
        self.drop(name.lower())
        self.headers.append((name, value))

    def bytes(self):
        lines = [" ".join(self.words), *(f"{key}: {value}" for key, value in self.headers)]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


class Request(Head):
    def __init__(self, raw):
        super().__init__(raw)
        self.method, target, _ = self.words
        path, _, self.query = target.partition("?")
        self.path = unquote(path)


class Answer(Head):
    @property
    def status(self):
        return int(self.words[1])

    def has_body(self, request):
        return request.method != "HEAD" and self.status not in (204, 304)


async def read_head(reader):
    return await reader.readuntil(b"\r\n\r\n")


async def pieces(reader, head, until_end=False):
    """The body that a head announces, as it is on the wire: chunks keep their frames."""
    if "chunked" in (head.get("transfer-encoding") or "").lower():
        while True:
            line = await reader.readuntil(b"\r\n")
            size = int(line.split(b";")[0], 16)
            yield line + await reader.readexactly(size + 2)
            if size == 0:
                return
    length = head.get("content-length")
    if length is None and not until_end:
        return
    left = int(length) if length is not None else None
    while left is None or left > 0:
        piece = await reader.read(PIECE_BYTES if left is None else min(left, PIECE_BYTES))
        if not piece:
            if left is None:
                return
            raise asyncio.IncompleteReadError(b"", left)
        if left is not None:
            left -= len(piece)
        yield piece


async def whole_body(reader, answer):
    body = b"".join([piece async for piece in pieces(reader, answer, until_end=True)])
    if "chunked" not in (answer.get("transfer-encoding") or "").lower():
        return body
    plain = b""
    while body:
        line, _, body = body.partition(b"\r\n")
        size = int(line.split(b";")[0], 16)
        plain, body = plain + body[:size], body[size + 2:]
    return plain


# --- The proxy's process --------------------------------------------------------------------------------------------


class Proxy:
    def __init__(self, host, port, latency_seconds, seed):
        self.host = host
        self.port = port
        self.latency_seconds = latency_seconds
        self.random = random.Random(seed)
        self.faults = []
        self.requests = []

    async def serve(self):
        server = await asyncio.start_server(self.client, "127.0.0.1", 0, limit=HEAD_BYTES_MAX, backlog=256)
        return server, server.sockets[0].getsockname()[1]

    async def client(self, reader, writer):
        upstream = Upstream(self.host, self.port)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while await self.exchange(reader, writer, upstream):
                pass
        upstream.close()
        writer.close()

    async def exchange(self, reader, writer, upstream):
        """One request and its answer. False: the connection is at its end."""
        request = Request(await read_head(reader))
        started = time.monotonic()
        note = {"method": request.method, "path": request.path, "query": request.query,
                "range": request.get("range"), "status": None, "fault": None}
        self.requests.append(note)
        fault = self.fault_for(request)
        if request.get("expect"):
            request.drop("expect")
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if self.latency_seconds:
            await asyncio.sleep(self.latency_seconds)
        if fault:
            note["fault"] = fault.kind if fault.kind != "status" else str(fault.status)
            goes_on = await self.go_wrong(fault, request, reader, writer, upstream, note)
        else:
            goes_on = await self.pass_on(request, reader, writer, upstream, note)
        note["seconds"] = round(time.monotonic() - started, 6)
        return goes_on

    def fault_for(self, request):
        return next((fault for fault in self.faults if fault.takes(request, self.random.random())), None)

    async def send(self, request, reader, upstream):
        """Hands the request to the store; returns the head of its answer."""
        await upstream.connect()
        request.put("Connection", "keep-alive")
        upstream.writer.write(request.bytes())
        async for piece in pieces(reader, request):
            upstream.writer.write(piece)
            await upstream.writer.drain()
        while True:
            answer = Answer(await read_head(upstream.reader))
            if answer.status >= 200:
                break
        upstream.keep(answer)
        answer.words[0] = "HTTP/1.1"
        answer.drop("connection", "keep-alive")
        return answer

    async def pass_on(self, request, reader, writer, upstream, note):
        answer = await self.send(request, reader, upstream)
        note["status"] = answer.status
        has_end = answer.get("content-length") is not None or answer.get("transfer-encoding") is not None
        if answer.has_body(request) and not has_end:
            answer.put("Connection", "close")
        writer.write(answer.bytes())
        if answer.has_body(request):
            async for piece in pieces(upstream.reader, answer, until_end=True):
                writer.write(piece)
                await writer.drain()
        await writer.drain()
        return has_end or not answer.has_body(request)

    async def go_wrong(self, fault, request, reader, writer, upstream, note):
        answer, body = None, b""
        if fault.kind == "whole_for_range":
            request.drop("range")
        if fault.kind in ("shifted_range", "wrong_range") and (wanted := re.match(r"bytes=(\d+)-(\d+)", request.get("range") or "")):
            first, last = map(int, wanted.groups())
            start = first + 1 if fault.kind == "shifted_range" else 0
            request.put("Range", f"bytes={start}-{start + last - first}")
        if fault.applied:
            answer = await self.send(request, reader, upstream)
            note["status"] = answer.status
            body = await whole_body(upstream.reader, answer) if answer.has_body(request) else b""
        else:
            async for _ in pieces(reader, request):
                pass
        if fault.kind == "status":
            answer, body = Answer(f"HTTP/1.1 {fault.status} Fault\r\n\r\n".encode()), fault.body.encode()
            for name, value in fault.headers.items():
                answer.put(name, value)
        elif fault.kind == "reset":
            writer.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
            return False
        elif fault.kind == "hang":
            await reader.read()
            return False
        elif fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
        elif fault.kind == "short_range":
            body = body[: len(body) // 2]
        elif fault.kind == "wrong_range" and answer.status == 206 and wanted:
            total = answer.get("content-range").rpartition("/")[2]
            answer.put("Content-Range", f"bytes {first}-{first + len(body) - 1}/{total}")
        answer.drop("transfer-encoding")
        if request.method != "HEAD" or answer.get("content-length") is None:
            answer.put("Content-Length", str(len(body)))
        head, body = answer.bytes(), b"" if request.method == "HEAD" else body
        if fault.kind == "truncate":
            head, body = (head, body[: len(body) // 2]) if body else (head[: len(head) // 2], b"")
        writer.write(head + body)
        await writer.drain()
        return fault.kind != "truncate"


class Upstream:
    """The connection to the store that belongs to one client's connection."""

    def __init__(self, host, port):
        self.host = host
        self.port = port
        self.reader = self.writer = None
        self.last_used = 0.0

    async def connect(self):
        fresh_enough = time.monotonic() - self.last_used < IDLE_SECONDS_MAX
        if self.writer and fresh_enough and not self.reader.at_eof():
            return
        self.close()
        self.reader, self.writer = await asyncio.open_connection(self.host, self.port, limit=HEAD_BYTES_MAX)

    def keep(self, answer):
        closes = answer.words[0] == "HTTP/1.0" or (answer.get("connection") or "").lower() == "close"
        self.last_used = 0.0 if closes else time.monotonic()

    def close(self):
        if self.writer:
            self.writer.close()


async def run_controlled(proxy):
    """Answers each line of standard input, until its end."""
    server, port = await proxy.serve()
    lines = asyncio.StreamReader(limit=HEAD_BYTES_MAX)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    print(json.dumps(port), flush=True)
    while line := await lines.readline():
        verb, value = json.loads(line)
        reply = None
        if verb == "inject":
            proxy.faults.append(Fault(**value))
        elif verb == "heal":
            proxy.faults.clear()
        elif verb == "latency":
            proxy.latency_seconds = value
        elif verb == "requests":
            reply = proxy.requests
        elif verb == "forget":
            proxy.requests = []
        print(json.dumps(reply), flush=True)
    server.close()


async def run_alone(proxy):
    _, port = await proxy.serve()
    print(f"http://127.0.0.1:{port}", flush=True)
    await asyncio.Event().wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("upstream")
    parser.add_argument("--latency-ms", type=float, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--controlled", action="store_true", help="take commands from standard input, as FaultProxy does")
    arguments = parser.parse_args()
    host, port = arguments.upstream.rpartition("//")[2].split(":")
    proxy = Proxy(host, int(port), arguments.latency_ms / 1000, arguments.seed)
    try:
        asyncio.run((run_controlled if arguments.controlled else run_alone)(proxy))
    except KeyboardInterrupt:
        for (method, status), count in sorted(collections.Counter((each["method"], str(each["status"])) for each in proxy.requests).items()):
            print(f"{method} {status}: {count}")


# --- For tests ------------------------------------------------------------------------------------------------------


class FaultProxy:
    """A proxy before the store at `upstream`, such as "http://127.0.0.1:9000"."""

    def __init__(self, upstream, seed=0, latency_seconds=0):
        self.upstream = upstream
        self.lock = threading.Lock()
        self.process = subprocess.Popen(
            [sys.executable, __file__, upstream, "--controlled", "--seed", str(seed), "--latency-ms", str(latency_seconds * 1000)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.endpoint = f"http://127.0.0.1:{json.loads(self.process.stdout.readline())}"

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.close()

    def close(self):
        self.process.stdin.close()
        self.process.terminate()
        self.process.wait()

    def say(self, verb, value=None):
        with self.lock:
            self.process.stdin.write(json.dumps([verb, value]) + "\n")
            self.process.stdin.flush()
            return json.loads(self.process.stdout.readline())

    def through(self, storage_options):
        """The options of the store, with this proxy as its endpoint."""
        return {name: value.replace(self.upstream, self.endpoint) for name, value in storage_options.items()}

    def inject(self, kind, **fault):
        """See Fault. The first one that matches a request happens."""
        self.say("inject", dataclasses.asdict(Fault(kind=kind, **fault)))

    def heal(self):
        self.say("heal")

    def set_latency(self, seconds):
        self.say("latency", seconds)

    def requests(self, method=None, path=""):
        """What has come since the start or `forget`, in order, as dicts: method, path (decoded), query, range, status (the
        store's), fault, seconds."""
        return [each for each in self.say("requests")
                if (not method or each["method"] == method) and re.search(path, each["path"])]

    def forget(self):
        self.say("forget")


if __name__ == "__main__":
    main()
