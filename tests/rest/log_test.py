"""Tables whose log somebody broke: the named error, the table beside it goes on, nothing is written."""

import json
import shutil

import pyarrow as pa
import pytest
import requests
from deltalake import write_deltalake


def commit(folder, version):
    return folder / "_delta_log" / f"{version:020}.json"


def edit(version, change):
    """Changes the actions of a commit."""

    def run(folder):
        actions = [json.loads(text) for text in commit(folder, version).read_text().splitlines()]
        commit(folder, version).write_text("".join(json.dumps(action) + "\n" for action in change(actions) or actions))

    return run


def on(kind, **values):
    def change(actions):
        for action in actions:
            if kind in action:
                action[kind].update(values)

    return change


def write(version, data):
    return lambda folder: commit(folder, version).write_bytes(data)


def append_bytes(version, data):
    return lambda folder: commit(folder, version).write_bytes(commit(folder, version).read_bytes().rstrip() + b"\n" + data)


def first(actions, kind):
    return next(action for action in actions if kind in action)


CASES = {  # name: (how to break it, status, reason)
    "empty commit": (write(2, b""), 500, "CORRUPT_TABLE"),
    "torn last line": (lambda folder: commit(folder, 2).write_bytes(commit(folder, 2).read_bytes()[:-20]), 500, "CORRUPT_TABLE"),
    "no newline at the end": (lambda folder: commit(folder, 2).write_bytes(commit(folder, 2).read_bytes().rstrip()), 200, None),
    "not JSON": (write(2, b"hello\n"), 500, "CORRUPT_TABLE"), "byte order mark": (write(2, b"\xef\xbb\xbf{}\n"), 500, "CORRUPT_TABLE"),
    "NUL": (write(2, b"\0\0\0\0"), 500, "CORRUPT_TABLE"),
    "carriage returns": (lambda folder: commit(folder, 2).write_bytes(commit(folder, 2).read_bytes().replace(b"\n", b"\r\n")), 200, None),
    "gap": (lambda folder: commit(folder, 1).unlink(), 500, "CORRUPT_TABLE"),
    "no protocol": (edit(0, lambda actions: [a for a in actions if "protocol" not in a]), 500, "CORRUPT_TABLE"),
    "no metadata": (edit(0, lambda actions: [a for a in actions if "metaData" not in a]), 500, "CORRUPT_TABLE"),
    "metadata twice": (edit(0, lambda actions: actions + [first(actions, "metaData")]), 500, "CORRUPT_TABLE"),
    "reader version 99": (edit(0, on("protocol", minReaderVersion=99)), 501, "UNSUPPORTED_TABLE_FEATURE"),
    "reader version as text": (edit(0, on("protocol", minReaderVersion="1")), 500, "CORRUPT_TABLE"),
    "reader version negative": (edit(0, on("protocol", minReaderVersion=-1)), 500, "CORRUPT_TABLE"),
    "unknown reader feature": (edit(0, on("protocol", minReaderVersion=3, minWriterVersion=7, readerFeatures=["strangeThing"],
                                          writerFeatures=["strangeThing"])), 501, "UNSUPPORTED_TABLE_FEATURE"),
    "schema is no JSON": (edit(0, on("metaData", schemaString="{")), 500, "CORRUPT_TABLE"),
    "unknown type": (edit(0, on("metaData", schemaString=json.dumps({"type": "struct", "fields": [
        {"name": "id", "type": "foo", "nullable": True, "metadata": {}}]}))), 501, "UNSUPPORTED_TYPE"),
    "path out of the table": (edit(2, on("add", path="../../../etc/passwd")), 403, "PATH_OUTSIDE_TABLE"),
    "encoded path out of the table": (edit(2, on("add", path="%2e%2e/x")), 403, "PATH_OUTSIDE_TABLE"),
    "absolute path": (edit(2, on("add", path="file:///etc/shadow")), 403, "PATH_OUTSIDE_TABLE"),
    "metadata address": (edit(2, on("add", path="http://169.254.169.254/x")), 403, "PATH_OUTSIDE_TABLE"),
    "bad escape": (edit(2, on("add", path="%zz")), 500, "CORRUPT_TABLE"), "empty path": (edit(2, on("add", path="")), 500, "CORRUPT_TABLE"),
    "negative size": (edit(2, on("add", size=-1)), 500, "CORRUPT_TABLE"), "wrong size": (edit(2, on("add", size=99999)), 500, None),
    "missing file": (lambda folder: next(folder.glob("part-*")).unlink(), 500, "MISSING_FILE"),
    "added twice": (edit(2, lambda actions: actions + [first(actions, "add")]), 500, "CORRUPT_TABLE"),
    "statistics are no JSON": (edit(2, on("add", stats="{")), 200, None),
    "statistics lie about order": (edit(2, on("add", stats='{"numRecords":1,"minValues":{"id":9},"maxValues":{"id":-9},"nullCount":{"id":0}}')), 200, None),
    "unknown vector kind": (edit(2, on("add", deletionVector={"storageType": "x", "pathOrInlineDv": "a", "sizeInBytes": 1, "cardinality": 1})), 500, None),
    "txn over 64 bits": (edit(2, lambda actions: actions + [{"txn": {"appId": "a", "version": 2**63}}]), 500, "CORRUPT_TABLE"),
    "odd commitInfo": (edit(2, lambda actions: [{"commitInfo": {"a": [1, {"b": None}]}}] + [a for a in actions if "commitInfo" not in a]), 200, None),
    "unknown action": (append_bytes(2, b'{"foo": {"bar": 1}}\n'), 200, None),
    "hint is empty": (lambda folder: (folder / "_delta_log" / "_last_checkpoint").write_text(""), 200, None),
    "hint lies": (lambda folder: (folder / "_delta_log" / "_last_checkpoint").write_text('{"version": 1000000000, "size": 1}'), 200, None),
    "torn checkpoint": (lambda folder: (folder / "_delta_log" / f"{2:020}.checkpoint.parquet").write_bytes(b"PAR1xx"), 200, None),
    "foreign names": (lambda folder: [(folder / "_delta_log" / name).write_text("x") for name in
                                      ("1.json", f"{3:020}.json.tmp", f"{3:020}.abc.json", "99999999999999999999.json")], 200, None),
    "remove of a stranger": (append_bytes(2, b'{"remove": {"path": "never.parquet", "deletionTimestamp": -5, "dataChange": true}}\n'), 200, None),
    "log is a file": (lambda folder: (shutil.rmtree(folder / "_delta_log"), (folder / "_delta_log").write_text("x")), 404, None),
    "log is a link out of the store": (lambda folder: (shutil.move(folder / "_delta_log", folder.parent.parent / "outside"),
                                                        (folder / "_delta_log").symlink_to(folder.parent.parent / "outside")), 403, "PATH_OUTSIDE_TABLE"),
    "checksum lies": (lambda folder: (folder / "_delta_log" / f"{2:020}.crc").write_text('{"numFiles": 77, "tableSizeBytes": 1}'), 200, None),
}


@pytest.mark.parametrize("name", CASES)
def test_a_broken_log_is_refused_by_name_and_harms_nothing_else(start_server, tmp_path, name):
    breaks, status, reason = CASES[name]
    store = tmp_path / "lake"
    for table in ("broken", "good"):
        for number in range(3):
            write_deltalake(str(store / table), pa.table({"id": pa.array([number], pa.int64())}), mode="append")
    breaks(store / "broken")
    before = sorted((path, path.stat().st_mtime_ns) for path in store.rglob("*"))
    server = start_server({"local": store})
    for _ in range(2):
        answer = server.query("SELECT sum(id) AS s, count(DISTINCT id) AS c FROM broken WHERE id >= 0", "broken")
        assert answer.status_code == status, answer.text
        if reason:
            assert answer.json()["reason"] == reason
        if status == 200:
            assert answer.json() == [{"s": [3], "c": [3]}]
        assert server.rows("SELECT sum(id) FROM good", "good") == [(3,)]
    assert requests.get(f"{server.api}/local", timeout=10).status_code == 200
    assert server.alive()
    assert sorted((path, path.stat().st_mtime_ns) for path in store.rglob("*")) == before, "a read wrote something"
