"""Writes that change the schema: only when they are asked to, in one version, and what cannot be taken changes nothing."""

import io

import pyarrow as pa
import pytest
import requests


def write(server, method, table, rows, **parameters):
    if isinstance(rows, pa.Table):
        stream = io.BytesIO()
        with pa.ipc.new_stream(stream, rows.schema) as writer:
            writer.write_table(rows)
        body = {"data": stream.getvalue(), "headers": {"Content-Type": "application/vnd.apache.arrow.stream"}}
    else:
        body = {"json": {"record_batch_dict" if isinstance(rows, dict) else "record_batch_list": rows}}
    return requests.request(method, f"{server.api}/local/{table}", params=parameters, timeout=60, **body)


def written(*arguments, **parameters):
    answer = write(*arguments, **parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


def details(server, table, **parameters):
    return requests.get(f"{server.api}/local/{table}/details", params=parameters, timeout=60).json()


def columns(server, table, **parameters):
    return [(field["name"], field["type"], field["nullable"]) for field in details(server, table, **parameters)["schema"]["fields"]]


def test_merge_adds_columns_of_json_rows(server):
    server.create("merge_json", {"id": ("long", False), "day": "date"})
    written(server, "POST", "merge_json", [{"id": 1, "day": "2024-02-29"}])
    rows = [{"ID": 2, "note": "a", "count": 1, "ratio": 1, "ok": True, "tags": ["x", None], "place": {"x": 1.5, "name": "b"}},
            {"id": 3, "note": None, "ratio": 2.5, "day": "2024-03-01"}]
    assert written(server, "POST", "merge_json", rows, schema_mode="merge") == {"table": "merge_json", "version": 2, "rows": 2, "committed": True}
    schema = columns(server, "merge_json")
    assert [(name, kind if isinstance(kind, str) else kind["type"], nullable) for name, kind, nullable in schema] == [
        ("id", "long", False), ("day", "date", True), ("note", "string", True), ("count", "long", True), ("ratio", "double", True), ("ok", "boolean", True),
        ("tags", "array", True), ("place", "struct", True)]
    assert server.columns("SELECT * FROM merge_json ORDER BY id", "merge_json") == {
        "id": [1, 2, 3], "day": ["2024-02-29", None, "2024-03-01"], "note": [None, "a", None], "count": [None, 1, None], "ratio": [None, 1, 2.5],
        "ok": [None, True, None], "tags": [None, ["x", None], None], "place": [None, {"x": 1.5, "name": "b"}, None]}
    assert columns(server, "merge_json", tableVersion=1) == [("id", "long", False), ("day", "date", True)]
    written(server, "POST", "merge_json", {"id": [4], "more": [[1, 2]]}, schemaMode="merge")
    assert [name for name, _, _ in columns(server, "merge_json")][-1] == "more"
    before = details(server, "merge_json")
    assert written(server, "POST", "merge_json", [{"id": 5}], schema_mode="merge")["version"] == before["version"] + 1
    assert details(server, "merge_json")["schema"] == before["schema"]


def test_merge_adds_columns_of_arrow_rows_and_their_features(server):
    server.create("merge_arrow", {"id": "long"})
    rows = pa.table({"id": [1], "t": pa.array([5], pa.timestamp("us")), "d": pa.array([None], pa.decimal128(10, 2)), "i": pa.array([7], pa.int16())})
    written(server, "POST", "merge_arrow", rows, schema_mode="merge")
    assert columns(server, "merge_arrow") == [("id", "long", True), ("t", "timestamp_ntz", True), ("d", "decimal(10,2)", True), ("i", "short", True)]
    assert "timestampNtz" in details(server, "merge_arrow")["features"]
    assert server.rows("SELECT * FROM merge_arrow", "merge_arrow") == [(1, "1970-01-01T00:00:00.000005", None, 7)]
    deltalake = pytest.importorskip("deltalake")
    assert deltalake.DeltaTable(server.stores["local"] / "merge_arrow").to_pyarrow_table()["i"].to_pylist() == [7]


def test_overwrite_takes_the_columns_of_the_rows(server):
    server.create("replace", {"id": ("integer", False), "old": "string", "p": "string"}, partition_columns=["p"])
    written(server, "POST", "replace", [{"id": 1, "old": "x", "p": "a"}])
    before = details(server, "replace")
    assert written(server, "PUT", "replace", [{"p": "b", "new": 1, "ID": 2}], schema_mode="overwrite")["version"] == 2
    assert columns(server, "replace") == [("p", "string", True), ("new", "long", True), ("id", "integer", False)]
    after = details(server, "replace")
    assert (after["id"], after["partition_columns"]) == (before["id"], ["p"])
    assert server.rows("SELECT p, new, id FROM replace", "replace") == [("b", 1, 2)]
    assert server.rows("SELECT id, old, p FROM replace", "replace", tableVersion=1) == [(1, "x", "a")]
    written(server, "PUT", "replace", pa.table({"id": ["text"], "p": ["c"]}), schema_mode="overwrite")
    assert columns(server, "replace") == [("id", "string", True), ("p", "string", True)]
    written(server, "PUT", "replace", [{"id": "y", "p": "c", "z": False}], schema_mode="merge")
    assert server.rows("SELECT id, p, z FROM replace", "replace") == [("y", "c", False)]


REFUSED = {
    "unknown mode": ("POST", {"schema_mode": "overwrite"}, [{"id": 1}], 400, "INVALID_PARAMETER"),
    "no mode": ("POST", {}, [{"id": 1, "p": 1, "new": 1}], 400, "SCHEMA_MISMATCH"),
    "no mode for an overwrite": ("PUT", {}, [{"id": 1, "p": 1, "new": 1}], 400, "SCHEMA_MISMATCH"),
    "only nulls": ("POST", {"schema_mode": "merge"}, [{"id": 1, "p": 1, "new": None}], 400, "SCHEMA_MISMATCH"),
    "empty arrays": ("POST", {"schema_mode": "merge"}, [{"id": 1, "p": 1, "new": []}], 400, "SCHEMA_MISMATCH"),
    "several types": ("POST", {"schema_mode": "merge"}, [{"id": 1, "p": 1, "new": 1}, {"id": 2, "p": 1, "new": "a"}], 400, "SCHEMA_MISMATCH"),
    "several types within": ("POST", {"schema_mode": "merge"}, [{"id": 1, "p": 1, "new": [1, "a"]}], 400, "SCHEMA_MISMATCH"),
    "too large": ("POST", {"schema_mode": "merge"}, [{"id": 1, "p": 1, "new": 2**63}], 400, "VALUE_OUT_OF_RANGE"),
    "beyond all numbers": ("POST", {"schema_mode": "merge"}, [{"id": 1, "p": 1, "new": 2**70}], 400, None),
    "a bad name": ("POST", {"schema_mode": "merge"}, [{"id": 1, "p": 1, "a b": 1}], 400, "INVALID_SCHEMA"),
    "a bad name within": ("POST", {"schema_mode": "merge"}, [{"id": 1, "p": 1, "q": {"a,b": 1}}], 400, "INVALID_SCHEMA"),
    "another type": ("POST", {"schema_mode": "merge"}, [{"id": "x", "p": 1}], 400, "TYPE_MISMATCH"),
    "twice but for case": ("POST", {"schema_mode": "merge"}, {"id": [1], "p": [1], "New": [1], "nEW": [1]}, 400, None),
    "a field of a struct": ("POST", {"schema_mode": "merge"}, [{"id": 1, "p": 1, "s": {"x": 1, "y": 2}}], 400, "SCHEMA_MISMATCH"),
    "NOT NULL is missing": ("POST", {"schema_mode": "merge"}, [{"p": 1, "new": 1}], 400, "SCHEMA_MISMATCH"),
    "no partition column": ("PUT", {"schema_mode": "overwrite"}, [{"id": 1}], 400, "INVALID_PARTITION"),
    "nothing but partition columns": ("PUT", {"schema_mode": "overwrite"}, [{"p": 1}], 400, "INVALID_PARTITION"),
    "no columns": ("PUT", {"schema_mode": "overwrite"}, [], 400, "INVALID_SCHEMA"),
    "nested partition column": ("PUT", {"schema_mode": "overwrite"}, pa.table({"id": [1], "p": [[1]]}), 400, "INVALID_PARTITION"),
    "a column without a type": ("POST", {"schema_mode": "merge"}, pa.table({"id": [1], "p": [1], "n": pa.nulls(1)}), 400, "SCHEMA_MISMATCH"),
    "a type that Delta has not": ("POST", {"schema_mode": "merge"}, pa.table({"id": [1], "p": [1], "n": pa.array([1], pa.time64("us"))}), 501, "UNSUPPORTED_TYPE"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_taken_changes_nothing(server, name):
    method, parameters, rows, status, reason = REFUSED[name]
    server.create("refused", {"id": ("long", False), "p": "long", "s": {"type": "struct", "fields": [
        {"name": "x", "type": "long", "nullable": True, "metadata": {}}]}}, mode="ignore", partition_columns=["p"])
    before = server.places["local"].states("*.parquet")
    answer = write(server, method, "refused", rows, **parameters)
    assert answer.status_code == status, answer.text
    assert reason in (None, answer.json()["reason"]), answer.text
    assert details(server, "refused")["version"] == 0
    assert server.places["local"].states("*.parquet") == before


def test_a_million_new_columns_are_refused_soon(server):
    server.create("wide", {"id": "long"})
    for rows in ([{f"c{i}": 1 for i in range(500_000)}], {f"c{i}": [1] for i in range(500_000)}, [{"s": {f"c{i}": 1 for i in range(500_000)}}]):
        answer = write(server, "POST", "wide", rows, schema_mode="merge")
        assert (answer.status_code, answer.json()["reason"]) == (400, "INVALID_SCHEMA")
        assert answer.elapsed.total_seconds() < 40
    deep = "[" * 10000 + "]" * 10000
    answer = requests.post(f"{server.api}/local/wide", params={"schema_mode": "merge"}, data='{"record_batch_list": [{"x": ' + deep + "}]}",
                           headers={"Content-Type": "application/json"}, timeout=60)
    assert (answer.status_code, answer.json()["reason"]) == (400, "JSON_TOO_DEEP")
    assert details(server, "wide")["version"] == 0


def test_a_dry_run_and_no_rows_keep_the_schema(server):
    server.create("dry", {"id": "long"})
    assert written(server, "POST", "dry", [{"id": 1, "new": 1}], schema_mode="merge", dry_run="true")["committed"] is False
    assert written(server, "POST", "dry", pa.table({"id": pa.array([], pa.int64()), "n": pa.array([], pa.int8())}), schema_mode="merge")["committed"] is False
    assert columns(server, "dry") == [("id", "long", True)]
