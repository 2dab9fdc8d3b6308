"""Tables that this server wrote, read by deltalake and by DuckDB's delta extension."""

import datetime
import decimal
import glob
import importlib.util
import math
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import requests
from deltalake import DeltaTable, QueryBuilder, write_deltalake

TYPES = {
    "byte": ("byte", [1, -128, None]), "short": ("short", [2, -32768, None]), "integer": ("integer", [3, -2**31, None]),
    "long": ("long", [4, 2**63 - 1, None]), "float": ("float", [0.5, -1.25, None]), "double": ("double", [0.1, 1e300, None]),
    "decimal": ("decimal(20,4)", ["1.2345", "-9999999999999999.9999", None]),
    "string": ("string", ["ascii", "日本 \"quoted\" \\ \n żółw", None]), "binary": ("binary", [[0, 255], [], None]),
    "boolean": ("boolean", [True, False, None]), "date": ("date", ["2024-02-29", "1600-01-01", None]),
    "timestamp": ("timestamp", ["2024-02-29T12:00:00.123456Z", "1969-12-31T23:59:59.999999Z", None]),
    "timestamp_ntz": ("timestamp_ntz", ["2024-02-29T12:00:00.123456", "1900-01-01T00:00:00", None]),
    "struct": ({"type": "struct", "fields": [{"name": "a", "type": "long", "nullable": True, "metadata": {}},
                                             {"name": "b", "type": "string", "nullable": True, "metadata": {}}]},
               [{"a": 1, "b": "x"}, {"a": None, "b": None}, None]),
    "array": ({"type": "array", "elementType": "integer", "containsNull": True}, [[1, None, 3], [], None]),
    "map": ({"type": "map", "keyType": "string", "valueType": "long", "valueContainsNull": True},
            [{"k": 1, "ż": None}, {}, None]),
    "deep": ({"type": "array", "elementType": {"type": "struct", "fields": [
        {"name": "m", "type": {"type": "map", "keyType": "integer", "valueType": {
            "type": "array", "elementType": "string", "containsNull": True}, "valueContainsNull": True},
         "nullable": True, "metadata": {}}]}, "containsNull": True},
             [[{"m": [{"key": 1, "value": ["a", None]}]}, None], [], None]),
}


def extension():
    """The delta extension of the wheel duckdb-extension-delta."""
    folder = Path(importlib.util.find_spec("duckdb_extension_delta").submodule_search_locations[0])
    return next(iter(glob.glob(str(folder / "**" / "*.duckdb_extension"), recursive=True)))


@pytest.fixture(scope="module")
def duck():
    connection = duckdb.connect(config={"allow_unsigned_extensions": "true"})
    connection.execute(f"LOAD '{extension()}'")
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def plain(value):
    """A form in which the readers' values compare: NaN equals itself, maps are sorted pairs."""
    if isinstance(value, float) and math.isnan(value):
        return "NaN"
    if isinstance(value, datetime.datetime) and value.tzinfo:
        return value.astimezone(datetime.timezone.utc).isoformat()
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    if isinstance(value, dict):
        return sorted(((str(key), plain(item)) for key, item in value.items()))
    if isinstance(value, (list, tuple)):
        if value and all(isinstance(item, tuple) and len(item) == 2 for item in value):
            return sorted((str(key), plain(item)) for key, item in value)
        return [plain(item) for item in value]
    return value


def sorted_rows(table):
    columns = [[plain(value) for value in column.to_pylist()] for column in table.columns]
    return sorted(zip(*columns), key=repr) if columns else []


def ours(server, table, sql=None):
    answer = requests.get(f"{server.api}/local/{table}", timeout=60,
                          params={"query": sql or f'SELECT * FROM "{table}"', "format": "arrow"})
    assert answer.status_code == 200, answer.text
    return pa.ipc.open_stream(answer.content).read_all()


def check(server, duck, table, rows):
    folder = server.stores["local"] / table
    expected = sorted_rows(ours(server, table))
    assert len(expected) == rows
    assert sorted_rows(pa.table(QueryBuilder().register("t", DeltaTable(str(folder))).execute("SELECT * FROM t").read_all())) == expected
    assert sorted_rows(duck.execute(f"SELECT * FROM delta_scan('{folder}')").to_arrow_table()) == expected


def test_all_types(server, duck):
    server.create("types", {name: kind for name, (kind, _) in TYPES.items()})
    answer = server.append("types", {name: values for name, (_, values) in TYPES.items()})
    assert answer.status_code == 200, answer.text
    check(server, duck, "types", 3)


HOSTILE = ["plain", "a/b", "a=b", "50%", "%2F", "a b", "'quoted\"", "日本", "a\\b", "x:y", "#?&+", "tab\tline\n", ".", "..", "", None,
           "__HIVE_DEFAULT_PARTITION__x"]


def test_partitions_with_hostile_texts(server, duck):
    server.create("hostile", {"p": "string", "v": "long"}, partition_columns=["p"])
    answer = server.append("hostile", {"p": HOSTILE, "v": list(range(len(HOSTILE)))})
    assert answer.status_code == 200, answer.text
    check(server, duck, "hostile", len(HOSTILE))
    for value in HOSTILE:
        if value:
            quoted = value.replace("'", "''")
            assert server.rows(f"SELECT p FROM hostile WHERE p = '{quoted}'", "hostile") == [(value,)]


PARTITIONS = {
    "byte": ["byte", [1, -1, None]], "long": ["long", [2**63 - 1, -2**63, None]], "double": ["double", [0.5, -0.25, None]],
    "boolean": ["boolean", [True, False, None]], "decimal": ["decimal(10,2)", ["1.50", "-0.01", None]],
    "date": ["date", ["2024-02-29", "0001-01-01", None]],
    "timestamp": ["timestamp", ["2024-02-29T12:00:00.123456Z", "1969-12-31T00:00:00Z", None]],
    "timestamp_ntz": ["timestamp_ntz", ["2024-02-29T12:00:00.123456", "1969-12-31T00:00:00", None]],
}


@pytest.mark.parametrize("kind", PARTITIONS)
def test_typed_partitions(server, duck, kind):
    name, values = f"by_{kind}", PARTITIONS[kind][1]
    server.create(name, {"p": PARTITIONS[kind][0], "v": "long"}, partition_columns=["p"])
    answer = server.append(name, {"p": values, "v": [1, 2, 3]})
    assert answer.status_code == 200, answer.text
    check(server, duck, name, 3)


def test_no_rows(server, duck):
    server.create("empty", {"a": "long", "b": "string"})
    check(server, duck, "empty", 0)


CONFIGURATIONS = {
    "plain": {}, "append_only": {"delta.appendOnly": "true"}, "vectors": {"delta.enableDeletionVectors": "true"},
    "v2_checkpoint": {"delta.checkpointPolicy": "v2"}, "commit_times": {"delta.enableInCommitTimestamps": "true"},
    "feed": {"delta.enableChangeDataFeed": "true"}, "struct_statistics": {"delta.checkpoint.writeStatsAsStruct": "true"},
}


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_checkpoints_and_overwrites(server, duck, name):
    table = f"checkpoints_{name}"
    server.create(table, {"id": "long", "text": "string", "p": "integer"}, partition_columns=["p"],
                  configuration=CONFIGURATIONS[name])
    for number in range(13):
        answer = server.append(table, {"id": [number, -number], "text": [f"t{number}", None], "p": [number % 3, None]})
        assert answer.status_code == 200, answer.text
    check(server, duck, table, 26)
    log = server.stores["local"] / table / "_delta_log"
    assert list(log.glob("*.checkpoint.parquet")), "no checkpoint was written"
    for commit in log.glob("0000000000000000000[0-9].json"):  # readers must do with the checkpoint alone
        commit.unlink()
    check(server, duck, table, 26)
    if name != "append_only":
        answer = requests.put(f"{server.api}/local/{table}", json={"record_batch_dict": {"id": [7], "text": ["only"], "p": [1]}}, timeout=60)
        assert answer.status_code == 200, answer.text
        check(server, duck, table, 1)


def test_both_write_one_table_in_turn(server, duck):
    server.create("shared", {"id": "long", "who": "string"})
    folder = str(server.stores["local"] / "shared")
    for number in range(12):
        if number % 2:
            write_deltalake(folder, pa.table({"id": pa.array([number], pa.int64()), "who": ["deltalake"]}), mode="append")
        else:
            assert server.append("shared", {"id": [number], "who": ["yummy"]}).status_code == 200
    check(server, duck, "shared", 12)
    assert server.rows("SELECT who, count(*) FROM shared GROUP BY who ORDER BY who", "shared") == [("deltalake", 6), ("yummy", 6)]


def test_others_skip_files_by_our_statistics(server, duck):
    server.create("skipping", {"id": "long", "s": "string", "d": "double", "t": "timestamp", "m": "decimal(10,2)"})
    long_text = "x" * 40
    for number in range(5):
        assert server.append("skipping", {
            "id": [number * 10, number * 10 + 9], "s": [f"{long_text}{number}", f"{long_text}{number}z"],
            "d": [number + 0.5, "NaN" if number == 3 else number + 0.75],
            "t": [f"2024-01-0{number + 1}T00:00:00.000001Z", f"2024-01-0{number + 1}T23:59:59.999999Z"],
            "m": [f"{number}.01", f"{number}.99"]}).status_code == 200
    folder = server.stores["local"] / "skipping"
    for condition in ("id = 39", "id > 25", f"s = '{long_text}2z'", f"s > '{long_text}3'", "d > 4.6", "m = 3.99", "id IS NULL",
                      "t = TIMESTAMPTZ '2024-01-03 23:59:59.999999+00'", "t > TIMESTAMPTZ '2024-01-05 23:59:59.9999+00'"):
        expected = sorted_rows(ours(server, "skipping", f"SELECT id, s, m FROM skipping WHERE {condition}"))
        by_duckdb = duck.execute(f"SELECT id, s, m FROM delta_scan('{folder}') WHERE {condition}").to_arrow_table()
        assert sorted_rows(by_duckdb) == expected, condition
    table = DeltaTable(str(folder)).to_pyarrow_dataset()
    assert table.to_table(filter=pc.field("id") > 25).num_rows == 5
    assert table.to_table(filter=pc.field("m") == decimal.Decimal("3.99")).num_rows == 1
