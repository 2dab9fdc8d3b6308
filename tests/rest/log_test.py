"""Tables whose log somebody broke: the named error, the table beside it goes on, nothing is written."""

import io
import json
import os
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import requests


def commit(version):
    return f"_delta_log/{version:020}.json"


def edit(version, change):
    """Changes the actions of a commit."""

    def run(table):
        actions = [json.loads(text) for text in table.read(commit(version)).splitlines()]
        table.write(commit(version), "".join(json.dumps(action) + "\n" for action in change(actions) or actions).encode())

    return run


def on(kind, **values):
    def change(actions):
        for action in actions:
            if kind in action:
                action[kind].update(values)

    return change


def rewrite(version, change):
    """Changes the bytes of a commit."""
    return lambda table: table.write(commit(version), change(table.read(commit(version))))


def write(version, data):
    return rewrite(version, lambda _: data)


def append_bytes(version, data):
    return rewrite(version, lambda before: before.rstrip() + b"\n" + data)


def in_log(name, data):
    return lambda table: table.write(f"_delta_log/{name}", data)


def on_disk(break_folder):
    def run(table):
        if not table.is_local:
            pytest.skip("skipped: it breaks folders of local disk")
        break_folder(Path(table.url))

    return run


def first(actions, kind):
    return next(action for action in actions if kind in action)


COLUMN = '{"name":"id","type":"long","nullable":true,"metadata":{}}'
SCHEMA = '{"type":"struct","fields":[%s]}'
CHECKPOINT = "80a083e8-7026-4e79-81be-64bd76c43a11"


def deep_type(depth):
    return '{"type":"array","containsNull":true,"elementType":' * depth + '"long"' + "}" * depth


def partitioned(values):
    """The table as if it were partitioned by its column, and the file of its last commit with these values."""

    def run(table):
        for version in range(3):
            edit(version, on("metaData", partitionColumns=["id"]))(table)
            edit(version, on("add", partitionValues={"id": str(version)} if version < 2 else values))(table)

    return run


def mapped(mode, columns):
    configuration = {"delta.columnMapping.mode": mode, "delta.columnMapping.maxColumnId": "2"}

    def change(actions):
        on("protocol", minReaderVersion=2, minWriterVersion=5)(actions)
        on("metaData", configuration=configuration, schemaString=SCHEMA % columns)(actions)

    return edit(0, change)


def mapped_column(name, number, physical):
    metadata = {"delta.columnMapping.id": number, "delta.columnMapping.physicalName": physical}
    return json.dumps({"name": name, "type": "long", "nullable": True, "metadata": metadata})


def v2_checkpoint(sidecar):
    """A V2 checkpoint of version 1 that names this sidecar."""

    def run(table):
        edit(0, on("protocol", minReaderVersion=3, minWriterVersion=7, readerFeatures=["v2Checkpoint"], writerFeatures=["v2Checkpoint"]))(table)
        actions = [json.loads(text) for text in table.read(commit(0)).splitlines()]
        lines = [{"checkpointMetadata": {"version": 1}}, {"sidecar": {"path": sidecar, "sizeInBytes": 1, "modificationTime": 1}},
                 *[action for action in actions if "protocol" in action or "metaData" in action]]
        table.write(f"_delta_log/{1:020}.checkpoint.{CHECKPOINT}.json", "".join(json.dumps(line) + "\n" for line in lines).encode())

    return run


def parquet(table):
    data = io.BytesIO()
    pq.write_table(table, data)
    return data.getvalue()


CASES = {  # name: (how to break it, status, reason)
    "empty commit": (in_log(f"{3:020}.json", b""), 200, None),
    "torn last line": (rewrite(2, lambda before: before[:-20]), 500, "CORRUPT_TABLE"),
    "no newline at the end": (rewrite(2, bytes.rstrip), 200, None),
    "not JSON": (write(2, b"hello\n"), 500, "CORRUPT_TABLE"), "byte order mark": (write(2, b"\xef\xbb\xbf{}\n"), 500, "CORRUPT_TABLE"),
    "NUL": (write(2, b"\0\0\0\0"), 500, "CORRUPT_TABLE"),
    "carriage returns": (rewrite(2, lambda before: before.replace(b"\n", b"\r\n")), 200, None),
    "gap": (lambda table: table.delete(commit(1)), 500, "CORRUPT_TABLE"),
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
    "negative size": (edit(2, on("add", size=-1)), 500, "CORRUPT_TABLE"), "wrong size": (edit(2, on("add", size=99999)), (200, 500), None),
    "missing file": (lambda table: table.delete(table.paths("part-*")[0]), 500, "MISSING_FILE"),
    "added twice": (edit(2, lambda actions: actions + [first(actions, "add")]), 500, "CORRUPT_TABLE"),
    "statistics are no JSON": (edit(2, on("add", stats="{")), 200, None),
    "statistics lie about order": (edit(2, on("add", stats='{"numRecords":1,"minValues":{"id":9},"maxValues":{"id":-9},"nullCount":{"id":0}}')), 200, None),
    "unknown vector kind": (edit(2, on("add", deletionVector={"storageType": "x", "pathOrInlineDv": "a", "sizeInBytes": 1, "cardinality": 1})), 500, None),
    "txn over 64 bits": (edit(2, lambda actions: actions + [{"txn": {"appId": "a", "version": 2**63}}]), 500, "CORRUPT_TABLE"),
    "odd commitInfo": (edit(2, lambda actions: [{"commitInfo": {"a": [1, {"b": None}]}}] + [a for a in actions if "commitInfo" not in a]), 200, None),
    "unknown action": (append_bytes(2, b'{"foo": {"bar": 1}}\n'), 200, None),
    "hint is empty": (in_log("_last_checkpoint", b""), 200, None),
    "hint lies": (in_log("_last_checkpoint", b'{"version": 1000000000, "size": 1}'), 200, None),
    "torn checkpoint": (in_log(f"{2:020}.checkpoint.parquet", b"PAR1xx"), 200, None),
    "foreign names": (lambda table: [table.write(f"_delta_log/{name}", b"x") for name in
                                     ("1.json", f"{3:020}.json.tmp", f"{3:020}.abc.json", "99999999999999999999.json")], 200, None),
    "remove of a stranger": (append_bytes(2, b'{"remove": {"path": "never.parquet", "deletionTimestamp": -5, "dataChange": true}}\n'), 200, None),
    "log is a file": (on_disk(lambda folder: (shutil.rmtree(folder / "_delta_log"), (folder / "_delta_log").write_text("x"))), 404, None),
    "log is a link out of the store": (on_disk(lambda folder: (shutil.move(folder / "_delta_log", folder.parent.parent / "outside"),
                                                               (folder / "_delta_log").symlink_to(folder.parent.parent / "outside"))), 403, "PATH_OUTSIDE_TABLE"),
    "UTF-16": (rewrite(2, lambda before: before.decode().encode("utf-16")), 500, "CORRUPT_TABLE"),
    "protocol twice": (edit(0, lambda actions: actions + [first(actions, "protocol")]), 500, "CORRUPT_TABLE"),
    "reader version 3 without features": (edit(0, on("protocol", minReaderVersion=3, minWriterVersion=7)), 500, "CORRUPT_TABLE"),
    "duplicate column": (edit(0, on("metaData", schemaString=SCHEMA % (COLUMN + "," + COLUMN.replace("id", "ID")))), 500, "CORRUPT_TABLE"),
    "deep schema": (edit(0, on("metaData", schemaString=SCHEMA % (COLUMN.replace('"long"', deep_type(1000))))), 500, "CORRUPT_TABLE"),
    "path of the machine": (edit(2, on("add", path="/etc/passwd")), 403, "PATH_OUTSIDE_TABLE"),
    "path of another store": (edit(2, on("add", path="s3://other/x")), 403, "PATH_OUTSIDE_TABLE"),
    "path with NUL": (edit(2, on("add", path="a%00b")), 500, "CORRUPT_TABLE"),
    "bad partition value": (partitioned({"id": "x"}), 500, "CORRUPT_TABLE"),
    "partition value too large": (partitioned({"id": "9223372036854775808"}), 500, "CORRUPT_TABLE"),
    "a partition value too many": (edit(2, on("add", partitionValues={"strange": "1"})), 200, None),
    "statistics of less than nothing": (edit(2, on("add", stats='{"numRecords":-5,"minValues":{"id":2},"maxValues":{"id":2},"nullCount":{"id":-1}}')), 200, None),
    "statistics cut off": (edit(2, on("add", stats='{"numRecords":1,"minValues":{"id":2},"maxVal')), 200, None),
    "statistics of other types": (edit(2, on("add", stats='{"numRecords":"1","minValues":{"id":"a"},"maxValues":[],"nullCount":7}')), 200, None),
    "vector out of the table": (edit(2, on("add", deletionVector={"storageType": "p", "pathOrInlineDv": "file:///etc/passwd", "offset": 1, "sizeInBytes": 1,
                                                                  "cardinality": 1})), 403, "PATH_OUTSIDE_TABLE"),
    "vector of bad text": (edit(2, on("add", deletionVector={"storageType": "i", "pathOrInlineDv": "~~~~~", "sizeInBytes": 4, "cardinality": 1})), 500,
                           "CORRUPT_DELETION_VECTOR"),
    "vector that is not there": (edit(2, on("add", deletionVector={"storageType": "u", "pathOrInlineDv": "ab^-aqEH.-t@S}K{vb[*k^", "offset": 1,
                                                                   "sizeInBytes": 34, "cardinality": 1})), 500, "MISSING_FILE"),
    "hint is garbage": (in_log("_last_checkpoint", b"\xff\x00garbage"), 200, None),
    "hint with bad parts": (in_log("_last_checkpoint", b'{"version": 2, "size": 1, "parts": 7, "checksum": "x"}'), 200, None),
    "checkpoint with a part missing": (in_log(f"{2:020}.checkpoint.{1:010}.{2:010}.parquet", b"PAR1xx"), 200, None),
    "empty checkpoint": (in_log(f"{2:020}.checkpoint.parquet", b""), 200, None),
    "checkpoint of another schema": (in_log(f"{1:020}.checkpoint.parquet", parquet(pa.table({"x": [1]}))), 200, None),
    "checkpoint of another version": (in_log(f"{1:020}.checkpoint.{CHECKPOINT}.json", json.dumps({"checkpointMetadata": {"version": 7}}).encode()), 200, None),
    "sidecar that is not there": (v2_checkpoint("absent.parquet"), 200, None),
    "sidecar out of its folder": (v2_checkpoint("../../x.parquet"), 403, "PATH_OUTSIDE_TABLE"),
    "commit is a folder": (on_disk(lambda folder: (folder / commit(3)).mkdir()), 200, None),
    "compaction is broken": (in_log(f"{1:020}.{2:020}.compacted.json", b"{"), 200, None),
    "remove in the future": (append_bytes(2, b'{"remove": {"path": "never.parquet", "deletionTimestamp": 99999999999999, "dataChange": true}}\n'), 200, None),
    "mapping of an unknown mode": (mapped("foo", COLUMN), 500, "CORRUPT_TABLE"),
    "mapping without names": (mapped("name", COLUMN), 500, "CORRUPT_TABLE"),
    "mapping with an id twice": (mapped("name", mapped_column("id", 1, "id") + "," + mapped_column("b", 1, "b")), 500, "CORRUPT_TABLE"),
    "mapping with a name twice": (mapped("name", mapped_column("id", 1, "id") + "," + mapped_column("b", 2, "id")), 500, "CORRUPT_TABLE"),
    "times that go back": (on_disk(lambda folder: [os.utime(folder / commit(v), (10**9 - v * 1000,) * 2) for v in range(3)]), 200, None),
    "checksum lies": (in_log(f"{2:020}.crc", b'{"numFiles": 77, "tableSizeBytes": 1}'), 200, None),
}


@pytest.mark.parametrize("name", CASES)
def test_a_broken_log_is_refused_by_name_and_harms_nothing_else(start_server, lake, name):
    breaks, status, reason = CASES[name]
    for table in ("broken", "good"):
        for number in range(3):
            (lake / table).write_table(pa.table({"id": pa.array([number], pa.int64())}), mode="append")
    breaks(lake / "broken")
    before = lake.states()
    server = start_server()
    for _ in range(2):
        answer = server.query("SELECT sum(id) AS s, count(DISTINCT id) AS c FROM broken WHERE id >= 0", "broken")
        assert answer.status_code in (status if isinstance(status, tuple) else (status,)), answer.text
        if reason:
            assert answer.json()["reason"] == reason
        if status == 200:
            assert answer.json() == [{"s": [3], "c": [3]}]
        assert server.rows("SELECT sum(id) FROM good", "good") == [(3,)]
    assert requests.get(f"{server.api}/local", timeout=60).status_code == 200
    assert server.alive()
    assert lake.states() == before, "a read wrote something"
