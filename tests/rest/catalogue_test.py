"""What SQL tells of the tables themselves: names and columns, and counts that come from the log or from the files."""

import json
from pathlib import Path
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet
import pytest
import requests

TABLES = 150


def test_any_number_of_tables_is_listed_and_each_described(start_server, lake):
    server = start_server()
    for i in range(TABLES):
        server.create(f"t{i:03}", {"id": "long", f"c{i}": "string"})
    server.create("inside.deep", {"x": "double"})
    (lake / "broken").write(f"_delta_log/{0:020}.json", b"torn")
    names = sorted([f"t{i:03}" for i in range(TABLES)] + ["broken"])
    assert server.columns("SHOW TABLES FROM local")["name"] == names
    assert server.columns("SHOW TABLES FROM local.inside")["name"] == ["deep"]
    for i in (0, TABLES - 1):
        described = server.columns(f"DESCRIBE local.t{i:03}")
        assert (described["column_name"], described["column_type"]) == (["id", f"c{i}"], ["BIGINT", "VARCHAR"])
    refused = server.query("DESCRIBE local.broken")
    assert (refused.status_code, refused.json()["reason"]) == (500, "CORRUPT_TABLE")


@pytest.mark.parametrize("source", ["information_schema.columns", "information_schema.tables",
                                    "duckdb_tables()", "duckdb_columns()", "pg_catalog.pg_class", "sqlite_master"])
def test_what_would_open_every_table_is_refused(server, source):
    refused = server.query(f"SELECT * FROM {source}")
    assert (refused.status_code, refused.json()["reason"]) == (403, "SQL_NOT_ALLOWED"), refused.text


def test_a_table_of_any_characters_is_read_as_others_are(server):
    name = "~'()!,@$:"
    server.create("plain", {"id": "long"})
    assert server.append("plain", [{"id": 7}]).status_code == 200
    (server.stores["local"] / "plain").rename(server.stores["local"] / name)
    assert name in server.columns("SHOW TABLES FROM local")["name"]
    for sql, table in ((f'SELECT id FROM local."{name}"', None), (f'SELECT id FROM "{name}"', quote(name))):
        assert server.rows(sql, table) == [(7,)]


def test_a_name_as_it_is_written_comes_before_another_case_of_the_addressed_table(server):
    for name in ("pinned", "Pinned"):  # made by others: the server makes no two that differ in case alone
        for _ in range(2):
            (server.places["local"] / name).write_table(pa.table({"name": [name]}), mode="append")
    for _ in range(2):  # the second is a kept result
        for asked in ("pinned", "Pinned"):
            for addressed in ("pinned", "Pinned"):
                assert server.rows(f"SELECT name FROM {asked}", addressed) == [(asked,)] * 2
    # Both in one statement: the addressed one at its version, the other at its newest.
    both = "SELECT (SELECT count(*) FROM pinned), (SELECT count(*) FROM Pinned)"
    assert server.rows(both, "Pinned", tableVersion=0) == [(2, 1)]


def test_another_case_of_the_addressed_table_is_that_table_until_there_is_one_of_the_name(server):
    place, sql = server.places["local"], "SELECT name FROM alone"
    for _ in range(2):
        (place / "Alone").write_table(pa.table({"name": ["upper"]}), mode="append")
    for _ in range(2):
        assert server.rows(sql, "Alone") == [("upper",)] * 2
        assert server.rows(sql, "Alone", tableVersion=0) == [("upper",)]
    (place / "alone").write_table(pa.table({"name": ["lower"]}))
    for version in (0, 1):
        assert server.rows(sql, "Alone", tableVersion=version) == [("lower",)]


def test_counts_come_from_the_files_where_a_store_says_so(start_server, lake):
    if not lake.is_local:
        pytest.skip("skipped: it makes a table on local disk")
    folder = Path(lake.url) / "lies"
    (folder / "_delta_log").mkdir(parents=True)
    pa.parquet.write_table(pa.table({"id": [1, 2, 3]}), folder / "a.parquet")
    schema = {"type": "struct", "fields": [{"name": "id", "type": "long", "nullable": True, "metadata": {}}]}
    statistics = {"numRecords": 7, "minValues": {"id": 1}, "maxValues": {"id": 9}, "nullCount": {"id": 0}}
    actions = [{"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}},
               {"metaData": {"id": "lies", "format": {"provider": "parquet", "options": {}}, "partitionColumns": [], "configuration": {},
                             "schemaString": json.dumps(schema)}},
               {"add": {"path": "a.parquet", "partitionValues": {}, "size": (folder / "a.parquet").stat().st_size, "modificationTime": 1,
                        "dataChange": True, "stats": json.dumps(statistics)}}]
    (folder / "_delta_log" / ("0" * 20 + ".json")).write_text("".join(json.dumps(action) + "\n" for action in actions))
    answers = {}
    for trusting in (True, False):
        server = start_server({"local": {**lake.config(), "count_from_statistics": trusting}}, name=f"trusting_{trusting}")
        answers[trusting] = server.rows("SELECT count(*), max(id) FROM local.lies")[0]
        assert requests.get(f"{server.api}/local/lies/details", timeout=60).json()["rows"] == 7
    assert answers == {True: (7, 9), False: (3, 3)}
