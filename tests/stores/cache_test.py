"""The cache on local disk, from the outside: what it saves, and that a disk that is full or fails costs nothing but time."""

import os
import shutil
import subprocess
from pathlib import Path

import pyarrow as pa
import pytest
import requests
from places import on

COMMITS = 40
FULL = "takes nothing for"
WITHOUT = "going on without the cache"


@pytest.fixture
def table(place):
    table = place / "t"
    for i in range(COMMITS):
        table.write_table(pa.table({"id": [i]}), mode="append", configuration={"delta.checkpointInterval": "1000"})
    return table


def asks(server):
    """Opens every version, so that each commit is wanted, and reads the table."""
    for version in range(COMMITS):
        answer = requests.get(f"{server.api}/local/t/details", params={"tableVersion": version}, timeout=60)
        assert (answer.status_code, answer.json()["version"]) == (200, version), answer.text
    assert server.rows("SELECT count(*), sum(id) FROM t", "t") == [(COMMITS, sum(range(COMMITS)))]


def warnings(server, text):
    return [line for line in server.log_file.read_text().splitlines() if text in line]


@pytest.fixture
def small_disk(tmp_path, monkeypatch):
    """A file system of 64 KiB, which the server alone sees."""
    folder = tmp_path / "disk"
    folder.mkdir()
    within = ["unshare", "--map-root-user", "--mount", "sh", "-c", f'mount -t tmpfs -o size=64k none "{folder}" && exec "$@"', "sh"]
    if not shutil.which("unshare") or subprocess.run([*within, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("skipped: this user may not mount a file system")
    program = tmp_path / "program"
    words = " ".join(f"'{word}'" for word in within)
    program.write_text(f'#!/bin/sh\nexec {words} "{os.environ["YUMMY_PROGRAM"]}" "$@"\n')
    program.chmod(0o700)
    monkeypatch.setenv("YUMMY_PROGRAM", str(program))
    return folder


@on("gcs", "moto")
def test_a_full_disk_is_left_alone_and_warned_of_once(place, table, start_server, small_disk):
    server = start_server({"local": place.config()}, extra=f"cache:\n  path: {small_disk / 'cache'}\n")
    for _ in range(2):
        asks(server)
    assert server.append("t", {"id": [COMMITS]}).status_code == 200
    [warning] = warnings(server, FULL)
    assert "No space left on device" in warning
    # What went in before is of use. The folder is the server's own: its file system is reached through its process.
    kept = [file for file in Path(f"/proc/{server.process.pid}/root{small_disk}").rglob("*") if file.is_file()]
    assert kept and not [file for file in kept if file.name.startswith("tmp-")]


@on("gcs")
@pytest.mark.parametrize("limits", ["", "data_bytes: 1000000"])
def test_a_folder_that_cannot_be_made_is_gone_without(place, table, start_server, tmp_path, limits):
    (tmp_path / "file").write_text("no folder")
    server = start_server({"local": place.config()}, extra=f"cache:\n  path: {tmp_path / 'file' / 'cache'}\n  {limits}\n")
    asks(server)
    assert len(warnings(server, WITHOUT)) == (2 if limits else 1)  # one for each of the caches


@on("gcs", "moto")
def test_blocks_that_were_wanted_twice_are_not_asked_for(place, proxy, start_server, tmp_path):
    rows = 20_000
    columns = {name: pa.array([(i * 2654435761) % 1_000_003 for i in range(rows)], pa.int64()) for name in "abc"}
    columns["filler"] = [os.urandom(200) for _ in range(rows)]  # all others lie in the first block, the footer in the last
    table = place / "t"
    table.write_table(pa.table(columns))
    cache = f"cache:\n  path: {tmp_path / 'cache'}\n  data_bytes: 100000000\n"
    stores = {"local": place.config(proxy.through(place.options))}

    def data_requests(server, column):
        proxy.forget()
        assert server.rows(f"SELECT sum({column}) FROM t", "t") == [(sum(columns[column].to_pylist()),)]
        return [each for each in proxy.requests() if each["method"] == "GET" and each["path"].endswith(".parquet")]

    first = start_server(stores, extra=cache)
    assert data_requests(first, "a") and data_requests(first, "b")  # the second time the whole block comes
    assert data_requests(first, "c") == []
    first.stop()
    second = start_server(stores, extra=cache, name="second")
    assert len(data_requests(second, "a")) == 1  # the footer
    assert data_requests(second, "c") == []
