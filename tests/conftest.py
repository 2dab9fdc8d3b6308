"""Starts real servers for the REST tests: YUMMY_PROGRAM names the program.

Tests run on local disk, or once on each of the stores that YUMMY_TEST_STORES names (see places.py).
"""

import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest
import requests
from answers import concatenated
from places import Place, place_for

START_SECONDS_MAX = 60
LOG_CHARACTERS_SHOWN = 6000


def hear_hang_ups():
    """Under nohup a process is born deaf to SIGHUP, and the server respects that: the tests mean it to hear."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


class Server:
    """One `yummy serve` process over places of this test; its log is in `log_file`."""

    def __init__(self, folder, stores, extra=""):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.places = stores
        entries = [{"name": name, **(place if isinstance(place, dict) else place.config())} for name, place in stores.items()]
        self.config = self.folder / "config.yaml"
        self.config.write_text(f"stores: {json.dumps(entries, indent=2)}\n{extra}")
        self.log_file = self.folder / "server.log"
        self.start()

    def start(self):
        program = os.environ["YUMMY_PROGRAM"]
        with open(self.log_file, "ab") as log:
            begin = log.tell()
            self.process = subprocess.Popen([program, "serve", "--config", str(self.config), "--port", "0"],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=hear_hang_ups)
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

    @property
    def stores(self):
        """The stores' folders, for a test that looks at files on local disk."""
        if not all(place.is_local for place in self.places.values()):
            pytest.skip("skipped: it looks at files on local disk")
        return {name: Path(place.url) for name, place in self.places.items()}

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
        return self.process.poll() is None and requests.get(f"{self.url}/health", timeout=60).text == "Hey there!"

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


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """What the servers of a test that failed had to say."""
    report = (yield).get_result()
    if not report.failed:
        return
    for value in getattr(item, "funcargs", {}).values():
        for server in [value] if isinstance(value, Server) else getattr(value, "servers", []):
            if isinstance(server, Server):
                report.sections.append((str(server.log_file), server.log_file.read_text(errors="replace")[-LOG_CHARACTERS_SHOWN:]))


@pytest.fixture(scope="session", params=os.environ.get("YUMMY_TEST_STORES", "local").split(","))
def test_store(request):
    return request.param


@pytest.fixture
def lake(test_store, tmp_path):
    """A place of the test's own for tables."""
    return place_for(test_store, tmp_path / "lake")


@pytest.fixture
def start_server(test_store, tmp_path, lake):
    """Starts a server over {name: place or entry of the configuration}; without them over `local`, which is `lake`."""
    servers = []

    def as_place(store):
        if not isinstance(store, Path):
            return store
        if test_store != "local":
            pytest.skip("skipped: its tables are on local disk")
        store.mkdir(parents=True, exist_ok=True)
        return Place(store)

    def start(stores=None, extra="", name="server"):
        places = {store: as_place(place) for store, place in (stores or {"local": lake}).items()}
        servers.append(Server(tmp_path / name, places, extra))
        return servers[-1]

    start.servers = servers
    yield start
    for server in servers:
        server.stop()


@pytest.fixture(scope="module")
def server(test_store, tmp_path_factory):
    """One server for the tests of a file; each test uses tables of its own."""
    folder = tmp_path_factory.mktemp("server")
    running = Server(folder / "server", {"local": place_for(test_store, folder / "lake")})
    yield running
    running.stop()


@pytest.fixture(scope="session")
def shared():
    """The folder with the data that the tests share with other teams."""
    folder = Path(os.environ.get("YUMMY_SHARED", Path(os.environ["YUMMY_SOURCE_DIR"]).parent / "shared"))
    if not folder.is_dir():
        pytest.skip(f"skipped: there is no shared test data in {folder}")
    return folder
