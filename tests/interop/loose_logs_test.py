"""Tables whose logs others wrote loosely: read as the most generous reader reads them, and written so that others read on."""

import decimal
import json
import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import requests
from compare import by_deltalake, by_duckdb, by_us
from deltalake import DeltaTable, write_deltalake

LONG = {"name": "v", "type": "long", "nullable": True, "metadata": {}}
TEXT = {"name": "p", "type": "string", "nullable": True, "metadata": {}}


class Log:
    """A table written by hand."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "_delta_log").mkdir(parents=True)

    def data(self, name, **columns):
        (self.folder / name).parent.mkdir(exist_ok=True)
        pq.write_table(pa.table(columns), self.folder / name)

    def add(self, path, file=None, partition_values=None, **more):
        fields = {"path": path, "partitionValues": partition_values or {}, "modificationTime": 1600000000000,
                  "size": (self.folder / (file or path)).stat().st_size, "dataChange": True, **more}
        return {"add": fields}

    def commit(self, version, *actions):
        text = "".join(json.dumps(action) + "\n" for action in actions)
        (self.folder / "_delta_log" / f"{version:020}.json").write_text(text)


def protocol(reader=1, writer=2):
    return {"protocol": {"minReaderVersion": reader, "minWriterVersion": writer}}


def metadata(fields=(LONG,), partition_columns=(), configuration=None):
    return {"metaData": {"id": "m", "format": {"provider": "parquet", "options": {}}, "configuration": configuration or {},
                         "schemaString": json.dumps({"type": "struct", "fields": list(fields)}),
                         "partitionColumns": list(partition_columns), "createdTime": 1600000000000}}


@pytest.fixture
def log(server, request):
    table = Log(server.stores["local"] / re.sub(r"\W", "_", request.node.name))
    for number, name in enumerate("abc"):
        table.data(f"{name}.parquet", v=pa.array([number + 1], pa.int64()))
    table.commit(0, protocol(), metadata(), table.add("a.parquet"))
    return table


def rows(table, column="v"):
    return sorted(table.column(column).to_pylist(), key=str)


def ours(server, log, column="v"):
    return rows(by_us(server, log.folder.name), column)


def appends_and_others_read(server, duck, log, expected, readers=("deltalake", "DuckDB")):
    """We write a row more, and the others see it with those before."""
    assert server.append(log.folder.name, [{"v": 100}]).status_code == 200
    assert ours(server, log) == expected
    for name in readers:
        seen = by_deltalake(log.folder) if name == "deltalake" else by_duckdb(duck, log.folder)
        assert rows(seen) == expected, name


@pytest.mark.parametrize("version", [1, 2])
def test_an_empty_commit_is_one_without_actions(server, duck, log, version):
    log.commit(version)
    log.commit(3 - version, log.add("b.parquet"))
    appends_and_others_read(server, duck, log, [1, 100, 2])


def test_a_commit_may_have_two_commit_infos(server, duck, log):
    log.commit(1, {"commitInfo": {"timestamp": 1}}, {"commitInfo": {"timestamp": 2}}, log.add("b.parquet"))
    appends_and_others_read(server, duck, log, [1, 100, 2])


@pytest.mark.parametrize("field,value", [("modificationTime", 1.6e12), ("modificationTime", 1600000000000.5), ("size", 500.0),
                                         ("stats", '{"numRecords":1.0,"nullCount":{"v":0.0}}')])
def test_an_integer_may_be_written_as_a_float(server, duck, log, field, value):
    if field == "size":
        value = float((log.folder / "b.parquet").stat().st_size)
    log.commit(1, log.add("b.parquet", **{field: value}))
    appends_and_others_read(server, duck, log, [1, 100, 2])
    assert server.rows(f"SELECT count(*) FROM {log.folder.name}", log.folder.name) == [(3,)]


def test_metadata_that_was_replaced_needs_no_schema(server, log):
    without = metadata()
    del without["metaData"]["schemaString"]
    log.commit(0, protocol(), without)
    answer = server.query("SELECT 1", log.folder.name)
    assert answer.status_code == 500 and "schemaString" in answer.text
    log.commit(1, metadata(), log.add("a.parquet"))
    appends_and_others_read(server, None, log, [1, 100], readers=())


@pytest.mark.parametrize("path", ["./b.parquet", "d//b.parquet", "d/./b.parquet"])
def test_a_path_may_have_segments_that_lead_nowhere(server, log, path):
    log.data("d/b.parquet", v=pa.array([2], pa.int64()))
    log.commit(1, log.add(path))
    assert ours(server, log) == [1, 2]
    # The file is the same by any form of its path, for what we write as for what we read.
    answer = requests.put(f"{server.api}/local/{log.folder.name}", json={"record_batch_list": [{"v": 9}]}, timeout=60)
    assert answer.status_code == 200, answer.text
    assert ours(server, log) == [9]
    log.commit(3, log.add(path))
    log.commit(4, {"remove": {"path": "b.parquet" if path.startswith(".") else "d/b.parquet", "dataChange": True}})
    assert ours(server, log) == [9]


@pytest.mark.parametrize("size", [0, 16, 20_000])
def test_a_file_is_read_by_its_own_size(server, duck, log, size):
    log.commit(1, log.add("b.parquet", size=size))
    assert ours(server, log) == [1, 2] == rows(by_duckdb(duck, log.folder))
    assert server.rows(f"SELECT v FROM {log.folder.name} WHERE v > 1 ORDER BY v LIMIT 1", log.folder.name) == [(2,)]


def test_a_file_that_was_cut_is_still_refused(server, log):
    log.commit(1, log.add("b.parquet"))
    content = (log.folder / "b.parquet").read_bytes()
    (log.folder / "b.parquet").write_bytes(content[:-20])
    answer = server.query(f"SELECT sum(v) FROM {log.folder.name}", log.folder.name)
    assert answer.status_code == 500 and answer.json()["reason"] == "CORRUPT_DATA_FILE", answer.text


@pytest.mark.parametrize("checkpoint", [False, True])
def test_a_missing_partition_value_is_null(server, duck, log, checkpoint):
    more = {} if checkpoint else {"z": "9"}  # deltalake makes no checkpoint with a key that is no partition column's
    log.commit(0, protocol(), metadata([LONG, TEXT], ["p"]), log.add("a.parquet", partition_values={"p": "x", **more}),
               log.add("b.parquet"), log.add("c.parquet", partition_values=more))
    if checkpoint:
        DeltaTable(log.folder).create_checkpoint()
        log.commit(1, {"commitInfo": {}})
        (log.folder / "_delta_log" / f"{0:020}.json").unlink()
    name = log.folder.name
    assert server.rows(f"SELECT v, p FROM {name} ORDER BY v", name) == [(1, "x"), (2, None), (3, None)]
    assert server.rows(f"SELECT v FROM {name} WHERE p IS NULL ORDER BY v", name) == [(2,), (3,)]
    assert server.rows(f"SELECT v FROM {name} WHERE p = 'x'", name) == [(1,)]
    assert server.append(name, [{"v": 100, "p": "y"}]).status_code == 200
    others = sorted(by_duckdb(duck, log.folder).to_pylist(), key=str)
    assert others == sorted(by_us(server, name).to_pylist(), key=str)
    # What is removed has a value for each partition column, whatever its add had.
    assert requests.put(f"{server.api}/local/{name}", json={"record_batch_list": [{"v": 5, "p": "y"}]}, timeout=60).status_code == 200
    newest = max((log.folder / "_delta_log").glob("[0-9]" * 20 + ".json")).read_text()
    removed = [json.loads(line)["remove"]["partitionValues"] for line in newest.splitlines() if "remove" in json.loads(line)]
    assert sorted(removed, key=str) == sorted([{"p": "x"}, {"p": None}, {"p": None}, {"p": "y"}], key=str)
    assert rows(by_duckdb(duck, log.folder)) == [5] == rows(by_deltalake(log.folder))


MAPPED = {**LONG, "metadata": {"delta.columnMapping.id": 1, "delta.columnMapping.physicalName": "col-1"}}


@pytest.mark.parametrize("mode,versions", [(None, (1, 2)), ("none", (1, 2)), ("name", (1, 2)), ("id", (1, 2)), (None, (2, 5)), ("none", (2, 5))])
def test_mapping_that_is_left_over_means_nothing(server, log, mode, versions):
    log.commit(0, protocol(*versions), metadata([MAPPED], configuration={"delta.columnMapping.mode": mode} if mode else {}),
               log.add("a.parquet", stats='{"numRecords":1,"minValues":{"v":1},"maxValues":{"v":1},"nullCount":{"v":0}}'))
    assert ours(server, log) == [1] == rows(by_deltalake(log.folder))
    assert server.rows(f"SELECT v FROM {log.folder.name} WHERE v = 1", log.folder.name) == [(1,)]


@pytest.mark.parametrize("mode", ["NAME", "Name", "ID"])
def test_a_mapping_mode_may_be_written_in_any_case(server, log, mode):
    schema = pa.schema([pa.field("col-1", pa.int64(), metadata={"PARQUET:field_id": "1"})])
    pq.write_table(pa.table({"col-1": [7]}, schema=schema), log.folder / "m.parquet")
    log.commit(0, protocol(2, 5), metadata([MAPPED], configuration={"delta.columnMapping.mode": mode}), log.add("m.parquet"))
    assert ours(server, log) == [7]


def test_a_mapping_mode_that_is_none_is_refused(server, log):
    log.commit(0, protocol(), metadata(configuration={"delta.columnMapping.mode": "foo"}), log.add("a.parquet"))
    answer = server.query("SELECT 1", log.folder.name)
    assert answer.status_code == 500 and answer.json()["reason"] == "CORRUPT_TABLE"
    assert "delta.columnMapping.mode" in answer.text


def test_a_table_of_a_copied_schema_is_read_by_others(server, duck):
    schema = {"type": "struct", "fields": [MAPPED, {**TEXT, "metadata": {"comment": "kept"}}]}
    answer = requests.post(f"{server.api}/local", json={"table": "copied", "schema": schema}, timeout=60)
    assert answer.status_code == 200, answer.text
    assert server.append("copied", [{"v": 1, "p": "x"}]).status_code == 200
    folder = server.stores["local"] / "copied"
    for seen in (by_us(server, "copied"), by_deltalake(folder), by_duckdb(duck, folder)):
        assert seen.to_pylist() == [{"v": 1, "p": "x"}]
    fields = json.loads(DeltaTable(folder).schema().to_json())["fields"]
    assert [field["metadata"] for field in fields] == [{}, {"comment": "kept"}]


def test_rows_are_not_written_where_the_protocol_lacks_their_type(server, log):
    log.data("t.parquet", v=pa.array([0], pa.timestamp("us")))
    naive = {"name": "v", "type": "timestamp_ntz", "nullable": True, "metadata": {}}
    log.commit(0, protocol(), metadata([naive]), log.add("t.parquet"))
    name = log.folder.name
    assert len(by_us(server, name)) == 1
    answer = server.append(name, [{"v": "2024-01-01T00:00:00"}])
    assert answer.status_code == 501 and answer.json()["reason"] == "UNSUPPORTED_TABLE_FEATURE", answer.text
    assert "timestampNtz" in answer.text
    anew = {"table": name, "schema": [{"name": "v", "type": "timestamp_ntz", "nullable": True}], "mode": "overwrite"}
    assert requests.post(f"{server.api}/local", json=anew, timeout=60).status_code == 200
    assert server.append(name, [{"v": "2024-01-01T00:00:00"}]).status_code == 200
    assert len(by_deltalake(log.folder)) == 1


@pytest.mark.parametrize("checkpoint", [False, True])
@pytest.mark.parametrize("precision,scale,values", [
    (38, 18, ["1.002151624436190368", "9.064292833642689437", "5.000000000000000001"]),
    (18, 2, ["7162254377928739.41", "9565772544883365.93", "1565036200155044.17"]),
    (38, 0, ["8914864616580121661673216128210370428", "-3684327636459864158029850265353062851", "12345678901234567891"]),
    (10, 2, ["12345678.91", "-0.01", "99999999.99"])])
def test_decimals_with_statistics_of_deltalake(server, request, checkpoint, precision, scale, values):
    name = request.node.name.split("[")[0] + f"_{precision}_{scale}_{checkpoint}"
    folder = server.stores["local"] / name
    for number, value in enumerate(values):
        table = pa.table({"i": [number], "d": pa.array([decimal.Decimal(value)], pa.decimal128(precision, scale))})
        options = {"configuration": {"delta.checkpoint.writeStatsAsStruct": "true"}} if number == 0 else {}
        write_deltalake(folder, table, mode="append", **options)
    if checkpoint:
        DeltaTable(folder).create_checkpoint()
    kind = f"DECIMAL({precision}, {scale})"
    ask = lambda sql: server.rows(sql, name)
    for value in values:
        assert ask(f"SELECT count(*) FROM {name} WHERE d = '{value}'::{kind}") == [(1,)], value
        assert ask(f"SELECT count(*) FROM {name} WHERE d <> '{value}'::{kind}") == [(2,)], value
    ordered = sorted(values, key=decimal.Decimal)
    assert ask(f"SELECT min(d)::VARCHAR, max(d)::VARCHAR FROM {name}") == [(ordered[0], ordered[-1])]
    assert ask(f"SELECT d::VARCHAR FROM {name} ORDER BY d LIMIT 1") == [(ordered[0],)]
    assert ask(f"SELECT d::VARCHAR FROM {name} ORDER BY d DESC LIMIT 1") == [(ordered[-1],)]
    assert ask(f"SELECT count(*) FROM {name} a JOIN {name} b ON a.d = b.d") == [(3,)]
    assert ask(f"SELECT count(*) FROM {name} WHERE d IN (SELECT d FROM {name})") == [(3,)]
