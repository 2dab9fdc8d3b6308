"""Columns of the type void (PROTOCOL.md, "Void Type"): other engines' tables have them; read as null, never in data files."""

import json

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet
import pytest


def field(name, kind):
    return {"name": name, "type": kind, "nullable": True, "metadata": {}}


def struct(*fields):
    return {"type": "struct", "fields": list(fields)}


def array(element):
    return {"type": "array", "elementType": element, "containsNull": True}


def write_table(server, name, fields, data):
    folder = server.stores["local"] / name
    (folder / "_delta_log").mkdir(parents=True)
    pa.parquet.write_table(data, folder / "a.parquet")
    actions = [{"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}},
               {"metaData": {"id": name, "format": {"provider": "parquet", "options": {}}, "partitionColumns": [], "configuration": {},
                             "schemaString": json.dumps(struct(*fields))}},
               {"add": {"path": "a.parquet", "partitionValues": {}, "size": (folder / "a.parquet").stat().st_size, "modificationTime": 1,
                        "dataChange": True}}]
    (folder / "_delta_log" / ("0" * 20 + ".json")).write_text("".join(json.dumps(action) + "\n" for action in actions))
    return folder


def test_reads_as_null_wherever_it_stands(server):
    fields = [field("id", "long"), field("v", "void"), field("s", struct(field("a", "long"), field("v", "void"))),
              field("l", array("void")), field("only", struct(field("v", "void")))]
    write_table(server, "void_read", fields, pa.table({"id": [1, 2], "s": [{"a": 5}, None]}))
    assert server.columns("SELECT * FROM void_read ORDER BY id", "void_read") == {
        "id": [1, 2], "v": [None, None], "s": [{"a": 5, "v": None}, None], "l": [None, None], "only": [None, None]}
    assert server.rows("SELECT id FROM void_read WHERE v IS NULL AND s.v IS NULL ORDER BY id", "void_read") == [(1,), (2,)]
    assert server.rows("SELECT id FROM void_read WHERE v = 1", "void_read") == []
    assert server.rows("SELECT v, max(v), count(v), count(*) FROM void_read GROUP BY v", "void_read") == [(None, None, 0, 2)]
    stream = server.query("SELECT v FROM void_read", "void_read", format="arrow").content
    assert pa.ipc.open_stream(stream).read_all()["v"].to_pylist() == [None, None]


def test_is_left_out_of_data_files(server):
    folder = write_table(server, "void_write", [field("id", "long"), field("v", "void")], pa.table({"id": [1]}))
    assert server.append("void_write", [{"id": 2}, {"id": 3, "v": None}]).status_code == 200
    refused = server.append("void_write", [{"id": 4, "v": 1}])
    assert (refused.status_code, refused.json()["reason"], refused.json()["column"]) == (400, "TYPE_MISMATCH", "v")
    assert server.rows("SELECT * FROM void_write ORDER BY id", "void_write") == [(1, None), (2, None), (3, None)]
    for file in folder.glob("*.parquet"):
        assert pa.parquet.read_schema(file).names == ["id"]
    deltalake = pytest.importorskip("deltalake")
    assert sorted(deltalake.DeltaTable(folder).to_pyarrow_table()["id"].to_pylist()) == [1, 2, 3]


@pytest.mark.parametrize("fields,row", [([field("v", "void")], {"v": None}), ([field("id", "long"), field("l", array("void"))], {"id": 1}),
                                        ([field("id", "long"), field("s", struct(field("v", "void"), field("a", "long")))], {"id": 1}),
                                        ([field("id", "long"), field("l", array(struct(field("v", "void"))))], {"id": 1})])
def test_schemas_that_no_writer_may_fill_are_refused(server, request, fields, row):
    name = f"void_{abs(hash(request.node.name))}"
    folder = write_table(server, name, fields, pa.table({"id": [1]}))
    answer = server.append(name, [row])
    assert (answer.status_code, answer.json()["reason"]) == (501, "UNSUPPORTED_TYPE"), answer.text
    assert len(list(folder.glob("*.parquet"))) == len(list((folder / "_delta_log").glob("*.json"))) == 1
    assert server.columns(f"SELECT * FROM {name}", name)[fields[0]["name"]] in ([1], [None])
