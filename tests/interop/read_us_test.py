"""Tables that this server wrote, read by deltalake, DuckDB's delta extension and Delta-Spark."""

import decimal

import pyarrow as pa
import pyarrow.compute as pc
import pytest
import requests
from compare import by_us, leave_checkpoint_alone, seen, sorted_rows
from every_type import HOSTILE, TYPES
from deltalake import DeltaTable, write_deltalake

def check(server, readers, table, rows, versions=()):
    """The table has so many rows, and all readers see the same in it and in the versions that are named."""
    folder = server.stores["local"] / table
    assert by_us(server, table).num_rows == rows
    for version in (None, *versions):
        expected = seen(by_us(server, table, version=version))
        for reader, read in readers.items():
            assert seen(read(folder, version=version)) == expected, (reader, version)


def test_all_types(server, readers):
    server.create("types", {name: kind for name, (kind, _) in TYPES.items()})
    answer = server.append("types", {name: values for name, (_, values) in TYPES.items()})
    assert answer.status_code == 200, answer.text
    check(server, readers, "types", 3)


def test_partitions_with_hostile_texts(server, readers):
    server.create("hostile", {"p": "string", "v": "long"}, partition_columns=["p"])
    answer = server.append("hostile", {"p": HOSTILE, "v": list(range(len(HOSTILE)))})
    assert answer.status_code == 200, answer.text
    check(server, readers, "hostile", len(HOSTILE))
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
def test_typed_partitions(server, readers, kind):
    name, values = f"by_{kind}", PARTITIONS[kind][1]
    server.create(name, {"p": PARTITIONS[kind][0], "v": "long"}, partition_columns=["p"])
    answer = server.append(name, {"p": values, "v": [1, 2, 3]})
    assert answer.status_code == 200, answer.text
    check(server, readers, name, 3)


def test_no_rows(server, readers):
    server.create("empty", {"a": "long", "b": "string"})
    check(server, readers, "empty", 0)


CONFIGURATIONS = {
    "plain": {}, "append_only": {"delta.appendOnly": "true"}, "vectors": {"delta.enableDeletionVectors": "true"},
    "v2_checkpoint": {"delta.checkpointPolicy": "v2"}, "commit_times": {"delta.enableInCommitTimestamps": "true"},
    "feed": {"delta.enableChangeDataFeed": "true"}, "struct_statistics": {"delta.checkpoint.writeStatsAsStruct": "true"},
}


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_checkpoints_and_overwrites(server, readers, name):
    table = f"checkpoints_{name}"
    server.create(table, {"id": "long", "text": "string", "p": "integer"}, partition_columns=["p"],
                  configuration=CONFIGURATIONS[name])
    for number in range(13):
        answer = server.append(table, {"id": [number, -number], "text": [f"t{number}", None], "p": [number % 3, None]})
        assert answer.status_code == 200, answer.text
    check(server, readers, table, 26)
    leave_checkpoint_alone(server.stores["local"] / table / "_delta_log", 10)
    check(server, readers, table, 26)
    if name != "append_only":
        answer = put(server, table, {"id": [7], "text": ["only"], "p": [1]})
        assert answer.status_code == 200, answer.text
        check(server, readers, table, 1)


def test_both_write_one_table_in_turn(server, readers):
    server.create("shared", {"id": "long", "who": "string"})
    folder = str(server.stores["local"] / "shared")
    for number in range(12):
        if number % 2:
            write_deltalake(folder, pa.table({"id": pa.array([number], pa.int64()), "who": ["deltalake"]}), mode="append")
        else:
            assert server.append("shared", {"id": [number], "who": ["yummy"]}).status_code == 200
    check(server, readers, "shared", 12)
    assert server.rows("SELECT who, count(*) FROM shared GROUP BY who ORDER BY who", "shared") == [("deltalake", 6), ("yummy", 6)]


def test_others_skip_files_by_our_statistics(server, readers):
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
                      "m > 3.01", "NOT (id < 40)"):
        expected = sorted_rows(by_us(server, "skipping", f"SELECT * FROM skipping WHERE {condition}"))
        for reader, read in readers.items():
            assert sorted_rows(read(folder, condition)) == expected, (reader, condition)
    table = DeltaTable(str(folder)).to_pyarrow_dataset()
    assert table.to_table(filter=pc.field("id") > 25).num_rows == 5
    assert table.to_table(filter=pc.field("m") == decimal.Decimal("3.99")).num_rows == 1


def put(server, table, rows):
    return requests.put(f"{server.api}/local/{table}", json={"record_batch_dict": rows}, timeout=60)


def test_overwrites_and_replaced_schemas(server, readers):
    server.create("replaced", {"id": "long", "p": "string"}, partition_columns=["p"])
    assert server.append("replaced", {"id": [1, 2, 3], "p": ["a", "b", None]}).status_code == 200
    assert server.append("replaced", {"id": [4], "p": ["a"]}).status_code == 200
    assert put(server, "replaced", {"id": [5, 6], "p": ["c/d", "a"]}).status_code == 200
    assert server.append("replaced", {"id": [7], "p": ["c/d"]}).status_code == 200
    server.create("replaced", {"id": "string", "q": "date", "v": "decimal(38,10)"}, partition_columns=["q"], mode="overwrite")
    assert server.append("replaced", {"id": ["x", None], "q": ["0001-01-01", None], "v": ["1.5", None]}).status_code == 200
    assert put(server, "replaced", {"id": ["y"], "q": ["9999-12-31"], "v": ["-" + "9" * 28 + "." + "9" * 10]}).status_code == 200
    check(server, readers, "replaced", 1, range(8))


def test_checkpoints_of_tables_without_rows(server, readers):
    for number in range(5):
        server.create("hollow", {"id": "long", "p": "string"}, partition_columns=["p"], mode="overwrite",
                      configuration={"delta.checkpointInterval": "2"})
        if number == 1:
            assert server.append("hollow", {"id": [1], "p": ["a"]}).status_code == 200
    check(server, readers, "hollow", 0, range(6))
    leave_checkpoint_alone(server.stores["local"] / "hollow" / "_delta_log", 4)
    check(server, readers, "hollow", 0, (4, 5))


def test_more_columns_than_have_statistics(server, readers):
    names = [f"c{number:02}" for number in range(40)]
    server.create("wide", {name: "long" for name in names})
    for start in (0, 100, 200):
        assert server.append("wide", {name: [start + number, None] for number, name in enumerate(names)}).status_code == 200
    check(server, readers, "wide", 6, (1, 2))
    folder = server.stores["local"] / "wide"
    for condition in ("c00 = 100", "c31 > 131", "c32 = 132", "c39 >= 139", "c39 IS NULL", "c31 IS NOT NULL AND c32 < 100"):
        expected = sorted_rows(by_us(server, "wide", f"SELECT * FROM wide WHERE {condition}"))
        assert expected
        for reader, read in readers.items():
            assert sorted_rows(read(folder, condition)) == expected, (reader, condition)
