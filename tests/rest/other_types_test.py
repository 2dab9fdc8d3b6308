"""Data files whose columns have another type than the table's: the table is at fault, not the request that reads it."""

import json
import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake

QUERIES = ["SELECT id FROM {} ORDER BY id", "SELECT count(*) AS n FROM {} WHERE id > 5", "SELECT sum(id) AS n FROM {}"]


def table_with_file(server, name, table_column, file_column):
    """A table by its log, over a file that another writer has made."""
    folder = server.stores["local"] / name
    write_deltalake(str(folder), pa.table({"k": [1], "id": pa.array([None], table_column)}))
    file = next(folder.glob("*.parquet"))
    pq.write_table(pa.table({"k": [1] * len(file_column), "id": file_column}), file)
    log = folder / "_delta_log" / f"{0:020}.json"
    actions = [json.loads(line) for line in log.read_text().splitlines()]
    for action in actions:
        if "add" in action:
            action["add"].update(size=os.path.getsize(file), stats=json.dumps({"numRecords": len(file_column)}))
    log.write_text("".join(json.dumps(action) + "\n" for action in actions))


@pytest.mark.parametrize("number,table_column,file_column", [
    (1, pa.int64(), pa.array(["a", "7"])), (2, pa.int64(), pa.array([[1], [2]])), (3, pa.int64(), pa.array([True, False])),
    (4, pa.int64(), pa.array([0, 1], pa.timestamp("us"))), (5, pa.int64(), pa.array([{"a": 1}])), (6, pa.int64(), pa.array([b"abc"])), (7, pa.float64(), pa.array(["1.5"]))])
def test_another_kind_of_value_is_a_corrupt_file(server, number, table_column, file_column):
    name = f"kind_{number}"
    table_with_file(server, name, table_column, file_column)
    for sql in QUERIES:
        answer = server.query(sql.format(name), name)
        problem = answer.json()
        assert (answer.status_code, problem.get("reason")) == (500, "CORRUPT_DATA_FILE"), answer.text
        assert problem["path"].endswith(".parquet") and str(problem["version"]) == "0"
    assert server.rows(f"SELECT k FROM {name} LIMIT 1", name) == [(1,)]


def test_a_value_that_does_not_fit_is_a_corrupt_file(server):
    table_with_file(server, "overflow", pa.int32(), pa.array([1, 2**40]))
    answer = server.query("SELECT id FROM overflow", "overflow")
    assert (answer.status_code, answer.json()["reason"]) == (500, "CORRUPT_DATA_FILE"), answer.text


@pytest.mark.parametrize("number,table_column,file_column,rows", [
    (1, pa.int64(), pa.array([1, 2], pa.int8()), [1, 2]), (2, pa.float64(), pa.array([1.5, 2.5], pa.float32()), [1.5, 2.5]), (3, pa.int32(), pa.array([1, 2], pa.int64()), [1, 2]),
    (4, pa.int64(), pa.nulls(2), [None, None]), (5, pa.decimal128(10, 2), pa.array([1, 2], pa.int32()), [1, 2])])
def test_what_a_reader_can_convert_is_read(server, number, table_column, file_column, rows):
    table_with_file(server, f"fits_{number}", table_column, file_column)
    assert [row[0] for row in server.rows(f"SELECT id FROM fits_{number} ORDER BY id", f"fits_{number}")] == rows


def test_a_mistake_of_the_request_stays_one(server):
    table_with_file(server, "sound", pa.string(), pa.array(["a", "b"]))
    answer = server.query("SELECT id::BIGINT AS x FROM sound", "sound")
    assert (answer.status_code, answer.json()["reason"]) == (400, "VALUE_OUT_OF_RANGE"), answer.text


def test_text_that_is_no_utf8_is_a_corrupt_file(server):
    """The column calls itself a string in the file, too: another writer did not look at its bytes."""
    bytes_of = pa.Array.from_buffers(pa.string(), 2, [None, pa.py_buffer(b"\0\0\0\0\1\0\0\0\3\0\0\0"), pa.py_buffer(b"a\xc3\x28")])
    table_with_file(server, "no_utf8", pa.string(), bytes_of)
    answer = server.query("SELECT id FROM no_utf8", "no_utf8")
    assert (answer.status_code, answer.json()["reason"]) == (500, "CORRUPT_DATA_FILE"), answer.text
    assert server.rows("SELECT k FROM no_utf8", "no_utf8") == [(1,), (1,)]
