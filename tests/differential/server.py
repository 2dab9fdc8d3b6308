"""A server of its own for a run, and one connection to it that is kept."""

import http.client
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

START_SECONDS_MAX = 60
ANSWER_SECONDS_MAX = 120
ABOUT_THE_STATEMENT = (400, 404, 422, 501)
# Nothing is given again: each answer is worked out. A statement that takes so long is a fault.
CONFIGURATION = """stores: [{{name: {store}, path: {folder}}}]
limits: {{result_cache_bytes: 0, query_seconds: 60}}
"""


@dataclass
class Refusal:
    """An answer that is an error. `is_fault` when it is not about the statement."""
    status: int
    code: str
    detail: str

    @property
    def is_fault(self):
        return self.status not in ABOUT_THE_STATEMENT


class Server:
    """`yummy serve` over one store in a temporary folder; `with` stops it."""

    store = "lake"

    def __init__(self, program=None):
        self.program = program or os.environ["YUMMY_PROGRAM"]
        self.temporary = Path(tempfile.mkdtemp(prefix="differential-"))
        self.folder = self.temporary / self.store
        self.folder.mkdir()
        (self.temporary / "config.yaml").write_text(CONFIGURATION.format(store=self.store, folder=self.folder))
        self.log = self.temporary / "server.log"
        self.process = None
        self.start()

    def start(self):
        with open(self.log, "ab") as log:
            begin = log.tell()
            self.process = subprocess.Popen([self.program, "serve", "--config", str(self.temporary / "config.yaml"), "--port", "0"],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + START_SECONDS_MAX
        while not (found := re.search(r"listening on http://[^ ]*:(\d+)", self.log.read_bytes()[begin:].decode(errors="replace"))):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the server did not start: {self.log.read_text(errors='replace')}")
            time.sleep(0.02)
        self.connection = http.client.HTTPConnection("127.0.0.1", int(found.group(1)), timeout=ANSWER_SECONDS_MAX)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(timeout=40)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.temporary)

    def request(self, verb, path, body, content_type):
        self.connection.request(verb, path, body if isinstance(body, bytes) else json.dumps(body), {"Content-Type": content_type})
        answer = self.connection.getresponse()
        return answer.status, answer.read()

    def send(self, verb, path, body, content_type="application/json"):
        """A request that must succeed."""
        status, answer = self.request(verb, path, body, content_type)
        if status != 200:
            raise RuntimeError(f"{verb} {path} was answered with {status}: {answer.decode(errors='replace')}")

    def query(self, sql, parameters):
        """The answer as an Arrow table, or a Refusal. A server that died is one, too, and is started again."""
        try:
            status, answer = self.request("POST", "/api/1.0/sql", {"sql": sql, "parameters": parameters, "format": "arrow"}, "application/json")
            if status == 200:
                return pa.ipc.open_stream(answer).read_all()
        except (OSError, http.client.HTTPException, pa.ArrowInvalid) as error:
            self.connection.close()
            if self.process.poll() is None:
                return Refusal(599, "Cut", f"the answer was cut: {error}")
            end = self.process.returncode
            self.start()
            return Refusal(599, "Died", f"the server ended with {end}")
        problem = json.loads(answer)
        return Refusal(status, problem.get("code", ""), problem.get("detail", ""))

    def drop(self, schema):
        shutil.rmtree(self.folder / schema, ignore_errors=True)
