"""Many clients, two servers, one store: every acknowledged append is there once, and readers see whole versions."""

import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import requests

CLIENTS = 32
APPENDS = 50


def append_all(servers, table, client, acknowledged):
    """APPENDS appends of a pair of rows that sum to zero, to the servers in turn. Stops when a server is gone."""
    session = requests.Session()
    for number in range(APPENDS):
        row = client * APPENDS + number
        server = servers[number % len(servers)]
        body = {"record_batch_dict": {"id": [row, row], "amount": [row + 1, -row - 1]}}
        try:
            answer = session.post(f"{server.api}/local/{table}", json=body, timeout=60)
        except requests.RequestException:
            return
        if answer.status_code == 200:
            acknowledged.append((row, answer.json()["version"]))
        else:
            acknowledged.append((row, answer.text))


def read_until(stop, server, table, sums):
    while not stop.is_set():
        sums.append(server.rows(f"SELECT sum(amount), count(*) % 2 FROM {table}", table)[0])


def test_two_servers_lose_and_double_nothing(start_server, lake):
    servers = [start_server(name=f"server{number}") for number in range(2)]
    servers[0].create("t", {"id": "long", "amount": "long"})
    acknowledged, sums, stop = [], [], threading.Event()
    reader = threading.Thread(target=read_until, args=(stop, servers[0], "t", sums))
    reader.start()
    with ThreadPoolExecutor(CLIENTS) as pool:
        for client in range(CLIENTS):
            pool.submit(append_all, servers, "t", client, acknowledged)
    stop.set()
    reader.join()
    refused = [text for _, text in acknowledged if not isinstance(text, int)]
    assert not refused, f"{len(refused)} refused: {refused[0]}"
    assert len(acknowledged) == CLIENTS * APPENDS
    assert sorted(version for _, version in acknowledged) == list(range(1, CLIENTS * APPENDS + 1)), "versions are not dense"
    assert set(sums) <= {(None, 0), (0, 0)}, f"a reader saw half a version: {set(sums)}"
    for server in servers:
        assert server.rows("SELECT count(*), count(DISTINCT id), sum(amount) FROM t", "t") == [(3200, 1600, 0)]
    other = (lake / "t").delta()
    assert other.version() == 1600
    assert other.to_pyarrow_table().num_rows == 3200


def test_a_killed_server_keeps_what_it_acknowledged(start_server, lake):
    server = start_server()
    server.create("t", {"id": "long", "amount": "long"})
    acknowledged = []
    with ThreadPoolExecutor(8) as pool:
        for client in range(8):
            pool.submit(append_all, [server], "t", client, acknowledged)
        while len(acknowledged) < 60:
            time.sleep(0.001)
        server.process.send_signal(signal.SIGKILL)
    server.process.wait()
    server.start()
    found = server.rows("SELECT id, count(*) FROM t GROUP BY id", "t")
    assert {row for row, _ in acknowledged} <= {row for row, _ in found}
    assert {count for _, count in found} == {2}, "a row is there twice, or half"
    other = (lake / "t").delta()
    assert other.to_pyarrow_table().num_rows == 2 * len(found)
    assert server.append("t", {"id": [1], "amount": [0]}).status_code == 200
