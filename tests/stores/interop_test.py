"""deltalake 1.6.6 and this server over the same tables in the same store, in turn and at the same time."""

import time
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pytest
import requests
from deltalake.exceptions import CommitFailedError
from log_check import replay
from places import on

STORES = ("moto", "seaweedfs", "azurite", "gcs")
HOSTILE = ["plain", "a/b", "a=b", "50%", "%2F", "a b", "'quoted\"", "日本", "x:y", "#?&+", "tab\tline", "~()!*", None]
EACH = 25
WRITERS = 3


@pytest.fixture
def server(place, start_server):
    return start_server({"cloud": place.config()})


def append(server, table, columns):
    answer = requests.post(f"{server.api}/cloud/{table}", json={"record_batch_dict": columns}, timeout=120)
    assert answer.status_code == 200, answer.text
    return answer.json()["version"]


def ours(server, sql, table="t"):
    return server.rows(sql, table, store="cloud")


def theirs(place, table="t", **options):
    return (place / table).delta(**options).to_pyarrow_table()


def column(name, values, kind=pa.int64()):
    return pa.table({name: pa.array(values, kind)})


@on(*STORES)
def test_they_read_what_we_write(server, place):
    server.create("t", {"p": "string", "v": "long"}, store="cloud", partition_columns=["p"])
    for number in range(12):  # past a checkpoint
        append(server, "t", {"p": HOSTILE, "v": [number] * len(HOSTILE)})
    rows = theirs(place).to_pylist()
    assert sorted((str(row["p"]), row["v"]) for row in rows) == sorted((str(p), v) for v in range(12) for p in HOSTILE)
    deadline = time.monotonic() + 20
    while not (place / "t").paths("*.checkpoint.parquet"):  # it comes after the answer
        assert time.monotonic() < deadline
        time.sleep(0.1)
    answer = requests.put(f"{server.api}/cloud/t", json={"record_batch_dict": {"p": ["only"], "v": [1]}}, timeout=60)
    assert answer.status_code == 200, answer.text
    assert theirs(place).to_pylist() == [{"p": "only", "v": 1}]
    assert theirs(place, version=1).num_rows == len(HOSTILE)


@on(*STORES)
def test_we_read_what_they_write(server, place):
    data = pa.table({"p": pa.array(HOSTILE), "v": pa.array(range(len(HOSTILE)), pa.int64())})
    for _ in range(3):
        (place / "t").write_table(data, mode="append", partition_by=["p"])
    (place / "t").delta().create_checkpoint()
    (place / "t").delta().delete("v = 0")
    (place / "t").write_table(column("v", [100]).append_column("p", pa.array(["later"])).select(["p", "v"]), mode="append")
    assert sorted(map(str, ours(server, "SELECT p, v FROM t"))) == sorted(
        map(str, [(p, v) for v, p in list(enumerate(HOSTILE))[1:]] * 3 + [("later", 100)]))
    for value in HOSTILE:
        if value and value != "plain":
            quoted = value.replace("'", "''")
            assert ours(server, f"SELECT count(*) FROM t WHERE p = '{quoted}'") == [(3,)]
    tables = requests.get(f"{server.api}/cloud", timeout=60).json()["tables"]
    assert tables == ["t"]


@on(*STORES)
def test_in_turn(server, place):
    server.create("t", {"id": "long"}, store="cloud")
    for number in range(12):
        if number % 2:
            (place / "t").write_table(column("id", [number]), mode="append")
        else:
            append(server, "t", {"id": [number]})
        assert ours(server, "SELECT count(*), max(id) FROM t") == [(number + 1, number)]
        assert theirs(place).num_rows == number + 1


@on(*STORES)
def test_at_the_same_time(server, place):
    server.create("t", {"id": "long"}, store="cloud")
    refused = []

    def write_ours(writer):
        for number in range(EACH):
            append(server, "t", {"id": [writer * EACH + number]})

    def write_theirs(writer):
        for number in range(EACH):
            try:
                (place / "t").write_table(column("id", [writer * EACH + number]), mode="append")
            except CommitFailedError:  # it gives up after some conflicts
                refused.append(writer * EACH + number)

    with ThreadPoolExecutor(2 * WRITERS) as pool:
        running = [pool.submit(write_ours, writer) for writer in range(WRITERS)]
        running += [pool.submit(write_theirs, writer) for writer in range(WRITERS, 2 * WRITERS)]
        for each in running:
            each.result()
    expected = sorted(set(range(2 * WRITERS * EACH)) - set(refused))
    assert sorted(number for version in replay(place / "t") for number in version.ids) == expected
    assert [number for (number,) in ours(server, "SELECT id FROM t ORDER BY id")] == expected
    assert sorted(theirs(place)["id"].to_pylist()) == expected


@on("moto")
def test_keys_that_are_no_paths_hide_nothing(server, place):
    (place / "t").write_table(column("id", [1]))
    for key in ("/lost.csv", "t//lost", "t/_delta_log//lost", "t/../lost"):
        url = f"{place.endpoint}/{place.url.removeprefix('s3://')}/{key}"
        request = requests.Request("PUT", "http://unused", data=b"x").prepare()
        request.url = url  # as it is: `..` and all
        assert requests.Session().send(request, timeout=60).status_code == 200
    assert requests.get(f"{server.api}/cloud", timeout=60).json()["tables"] == ["t"]
    assert ours(server, "SELECT id FROM t") == [(1,)]
    assert append(server, "t", {"id": [2]}) == 1
