"""Starts real servers for the REST tests: YUMMY_PROGRAM names the program."""

import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest
import requests

START_SECONDS_MAX = 30


class Server:
    """One `yummy serve` process over folders of this test; its log is in `log`."""

    def __init__(self, folder, stores, extra=""):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.stores = {name: Path(path) for name, path in stores.items()}
        lines = "".join(f"  - name: {name}\n    path: {json.dumps(str(path))}\n" for name, path in self.stores.items())
        self.config = self.folder / "config.yaml"
        self.config.write_text("stores:\n" + lines + extra)
        self.log_file = self.folder / "server.log"
        self.start()

    def start(self):
        program = os.environ["YUMMY_PROGRAM"]
        with open(self.log_file, "ab") as log:
            begin = log.tell()
            self.process = subprocess.Popen([program, "serve", "--config", str(self.config), "--port", "0"],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < deadline:
            text = self.log_file.read_bytes()[begin:].decode()
            if found := re.search(r"listening on http://[^ ]*:(\d+)", text):
                self.port = int(found.group(1))
                self.url = f"http://127.0.0.1:{self.port}"
                self.api = f"{self.url}/api/1.0/delta"
                return
            if self.process.poll() is not None:
                raise RuntimeError(f"the server ended with {self.process.returncode}: {text}")
            time.sleep(0.02)
        raise RuntimeError(f"the server did not start: {text}")

    def stop(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
            try:
                self.process.wait(timeout=40)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return self.process.returncode

    def alive(self):
        return self.process.poll() is None and requests.get(f"{self.url}/health", timeout=10).text == "Hey there!"

    # What most tests say.
    def create(self, table, schema, store="local", **more):
        columns = [{"name": name, "type": kind, "nullable": True} if isinstance(kind, (str, dict)) else
                   {"name": name, **dict(zip(("type", "nullable"), kind))} for name, kind in schema.items()]
        answer = requests.post(f"{self.api}/{store}", json={"table": table, "schema": columns, **more}, timeout=60)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def append(self, table, rows, store="local", **arguments):
        key = "record_batch_dict" if isinstance(rows, dict) else "record_batch_list"
        return requests.post(f"{self.api}/{store}/{table}", json={key: rows}, timeout=60, **arguments)

    def query(self, sql, table=None, store="local", **parameters):
        if table is None:
            return requests.post(f"{self.url}/api/1.0/sql", json={"sql": sql}, params=parameters, timeout=120)
        return requests.get(f"{self.api}/{store}/{table}", params={"query": sql, **parameters}, timeout=120)

    def columns(self, sql, table=None, **parameters):
        """The answer's columns, its batches put together."""
        answer = self.query(sql, table, **parameters)
        assert answer.status_code == 200, answer.text
        return concatenated(answer.json())

    def rows(self, sql, table=None, **parameters):
        columns = self.columns(sql, table, **parameters)
        return list(zip(*columns.values()))


def concatenated(batches):
    columns = {}
    for batch in batches:
        for name, values in batch.items():
            columns.setdefault(name, []).extend(values)
    return columns


@pytest.fixture
def start_server(tmp_path):
    servers = []

    def start(stores=None, extra="", name="server"):
        if stores is None:
            stores = {"local": tmp_path / "lake"}
        for folder in stores.values():
            Path(folder).mkdir(parents=True, exist_ok=True)
        servers.append(Server(tmp_path / name, stores, extra))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """One server for the tests of a file; each test uses tables of its own."""
    folder = tmp_path_factory.mktemp("server")
    (folder / "lake").mkdir()
    running = Server(folder / "server", {"local": folder / "lake"})
    yield running
    running.stop()


@pytest.fixture(scope="session")
def shared():
    """The folder with the data that the tests share with other teams."""
    folder = Path(os.environ.get("YUMMY_SHARED", Path(os.environ["YUMMY_SOURCE_DIR"]).parent / "shared"))
    if not folder.is_dir():
        pytest.skip(f"skipped: there is no shared test data in {folder}")
    return folder
