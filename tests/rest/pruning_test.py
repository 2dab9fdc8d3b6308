"""Rows that DuckDB's shortcuts would lose: docs/duckdb-faults.md. What is pruned is compared with what cannot be."""

import io
import json
import os
import random
import struct
import zlib

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import requests
from deltalake import write_deltalake

ARROW_STREAM = "application/vnd.apache.arrow.stream"


def floats(bits, kind=pa.float64()):
    """Numbers by their bits: a zero with a sign, and a NaN of any kind."""
    return pa.array(bits, pa.uint64() if kind == pa.float64() else pa.uint32()).view(kind)


def bits(number, form="<d"):
    return int.from_bytes(struct.pack(form, number), "little")


NEGATIVE_ZERO = bits(-0.0)
NEGATIVE_NAN = 0xFFF8000000000000


def append_arrow(server, name, table):
    stream = io.BytesIO()
    with pa.ipc.new_stream(stream, table.schema) as writer:
        writer.write_table(table)
    answer = requests.post(f"{server.api}/local/{name}", data=stream.getvalue(), headers={"Content-Type": ARROW_STREAM}, timeout=60)
    assert answer.status_code == 200, answer.text


def write_log(server, name, fields, files, protocol=None, configuration=None, partition_columns=()):
    """A table of data files that are there: {path: what its add action has besides}."""
    folder = server.stores["local"] / name
    actions = [{"protocol": protocol or {"minReaderVersion": 1, "minWriterVersion": 2}},
               {"metaData": {"id": name, "format": {"provider": "parquet", "options": {}}, "partitionColumns": list(partition_columns),
                             "schemaString": json.dumps({"type": "struct", "fields": fields}), "configuration": configuration or {}}}]
    for path, more in files.items():
        actions.append({"add": {"path": path, "partitionValues": {}, "size": (folder / path).stat().st_size, "modificationTime": 0,
                                "dataChange": True, **more}})
    (folder / "_delta_log").mkdir(parents=True, exist_ok=True)
    (folder / "_delta_log" / f"{0:020}.json").write_text("\n".join(map(json.dumps, actions)))


def field(name, kind, **metadata):
    return {"name": name, "type": kind, "nullable": True, "metadata": metadata}


def struct_of(*fields):
    return {"type": "struct", "fields": list(fields)}


def count(server, condition, table):
    return server.rows(f"SELECT count(*) AS n FROM {table} WHERE {condition}", table)[0][0]


DISTINCT, ROWS = 14, 7000  # few enough values for a dictionary, the only columns that DuckDB gives a bloom filter


def hashed_rows():
    numbers = [NEGATIVE_ZERO, NEGATIVE_NAN] + [bits(float(n)) for n in range(2, DISTINCT)]
    halves = [0x80000000, 0xFFC00000] + [bits(float(n), "<f") for n in range(2, DISTINCT)]
    b = pa.array([bytes([i % DISTINCT * 16]) for i in range(ROWS)], pa.binary())
    x = floats([numbers[i % DISTINCT] for i in range(ROWS)])
    y = floats([halves[i % DISTINCT] for i in range(ROWS)], pa.float32())
    return pa.table({"i": pa.array(range(ROWS), pa.int64()), "b": b, "x": x, "y": y,
                     "st": pa.StructArray.from_arrays([b, x], ["b", "x"])})


HASHED_FIELDS = [field("i", "long"), field("b", "binary"), field("x", "double"), field("y", "float"),
                 field("st", struct_of(field("b", "binary"), field("x", "double")))]
HASHED_CONDITIONS = [
    r"b = '\xD0'::BLOB", r"b = '\x00'::BLOB", r"b = ' '::BLOB", r"b IN ('\xD0'::BLOB)", r"b IS NOT DISTINCT FROM '\xD0'::BLOB",
    r"b = '\xD0'::BLOB AND i >= 0", r"b = (SELECT max(b) FROM {table})", "x = 0", "x = 0.0::DOUBLE", "x = '-0.0'::DOUBLE",
    "x = 'NaN'::DOUBLE", "x = '-NaN'::DOUBLE", "x = 5", "x IN (0)", "x IS NOT DISTINCT FROM 0", "x IN (SELECT 0.0::DOUBLE)", "y = 0",
    "y = 'NaN'::FLOAT", "y = 5", r"st.b = '\xD0'::BLOB", "st.x = 0"]


@pytest.mark.parametrize("writer", ["ours", "arrow"])
def test_equality_finds_what_a_bloom_filter_hashes_otherwise(server, writer):
    table = f"hashed_{writer}"
    if writer == "ours":
        (server.stores["local"] / table).mkdir()
        write_log(server, table, HASHED_FIELDS, {})
        append_arrow(server, table, hashed_rows())
    else:
        (server.stores["local"] / table).mkdir()
        pq.write_table(hashed_rows(), server.stores["local"] / table / "a.parquet",
                       bloom_filter_options={name: {"ndv": DISTINCT, "fpp": 0.001} for name in ("i", "b", "x", "y", "st.b", "st.x")})
        write_log(server, table, HASHED_FIELDS, {"a.parquet": {}})
    found = {condition: count(server, condition.format(table=table), table) for condition in HASHED_CONDITIONS}
    assert found == dict.fromkeys(HASHED_CONDITIONS, ROWS // DISTINCT)
    assert count(server, "x = 1", table) == 0
    prepared = requests.post(f"{server.url}/api/1.0/sql", timeout=60,
                             json={"sql": f"SELECT count(*) AS n FROM local.{table} WHERE x = $1", "parameters": [0]}).json()
    assert prepared == [{"n": [ROWS // DISTINCT]}]


@pytest.mark.parametrize(("fields", "numbers", "has_bloom_filters"), [
    ({"s": "string", "x": "double"}, [bits(0.0), bits(float("nan")), bits(2.0)], True), ({"s": "string"}, [], True),
    ({"s": "string", "x": "double"}, [NEGATIVE_ZERO, bits(2.0)], False), ({"s": "string", "x": "double"}, [NEGATIVE_NAN, bits(2.0)], False),
    ({"s": "string", "x": "double"}, [NEGATIVE_ZERO] + [bits(float(i)) for i in range(300)], True),  # too many for a dictionary
    ({"s": "string", "x": "double", "b": "binary"}, [bits(2.0)], False)])
def test_files_have_bloom_filters_where_other_readers_that_run_duckdb_find_what_is_there(server, request, fields, numbers, has_bloom_filters):
    duckdb = pytest.importorskip("duckdb")
    table = f"bloom_{abs(hash(request.node.name))}"
    server.create(table, fields)
    columns = {"s": pa.array([f"s{i % 4}" for i in range(1000)]), "b": pa.array([b"\xd0"] * 1000),
               "x": floats([numbers[i % len(numbers)] if numbers else 0 for i in range(1000)])}
    append_arrow(server, table, pa.table({name: columns[name] for name in fields}))
    files = f"'{server.stores['local']}/{table}/*.parquet'"
    found = duckdb.sql(f"SELECT bloom_filter_offset IS NOT NULL FROM parquet_metadata({files}) WHERE path_in_schema = 's'").fetchall()
    assert found == [(has_bloom_filters,)]
    if numbers[:1] in ([NEGATIVE_ZERO], [NEGATIVE_NAN]):
        wanted = "0" if numbers[0] == NEGATIVE_ZERO else "'NaN'::DOUBLE"
        lost = duckdb.sql(f"SELECT count(*) FROM {files} WHERE x IS NOT NULL AND NOT x <> {wanted}").fetchall()
        assert lost == duckdb.sql(f"SELECT count(*) FROM {files} WHERE x = {wanted}").fetchall()


def test_equality_on_widened_and_mapped_columns_with_bloom_filters(server):
    table = "hashed_widened"
    folder = server.stores["local"] / table
    folder.mkdir()
    rows = pa.table({"col-1": floats([0x80000000 if i % 4 == 0 else bits(i % 4, "<f") for i in range(400)], pa.float32()),
                     "col-2": pa.array([bytes([0x80 + i % 4]) for i in range(400)], pa.binary())})
    pq.write_table(rows, folder / "a.parquet",
                   bloom_filter_options={name: {"ndv": 4, "fpp": 0.001} for name in rows.column_names})
    mapped = [field("x", "double", **{"delta.columnMapping.id": 1, "delta.columnMapping.physicalName": "col-1",
                                      "delta.typeChanges": [{"fromType": "float", "toType": "double"}]}),
              field("b", "binary", **{"delta.columnMapping.id": 2, "delta.columnMapping.physicalName": "col-2"})]
    features = ["columnMapping", "typeWidening"]
    write_log(server, table, mapped, {"a.parquet": {}},
              protocol={"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": features, "writerFeatures": features},
              configuration={"delta.columnMapping.mode": "name", "delta.columnMapping.maxColumnId": "2"})
    assert [count(server, c, table) for c in ("x = 0", "x = 3", r"b = '\x82'::BLOB", r"b IN ('\x83'::BLOB)")] == [100] * 4


def test_a_partition_column_of_columns_mapped_by_id_is_in_no_file(server):
    """Also when a file has a column that is called by its id."""
    table = "parted_by_id"
    folder = server.stores["local"] / table
    folder.mkdir()
    schema = pa.schema([pa.field("any", pa.int64(), metadata={"PARQUET:field_id": "1"}),
                        pa.field("2", pa.int32(), metadata={"PARQUET:field_id": "7"})])
    pq.write_table(pa.table([[1, 2], [3, 4]], schema=schema), folder / "a.parquet")
    mapped = [field("x", "long", **{"delta.columnMapping.id": 1, "delta.columnMapping.physicalName": "col-1"}),
              field("p", "string", **{"delta.columnMapping.id": 2, "delta.columnMapping.physicalName": "col-2"})]
    write_log(server, table, mapped, {"a.parquet": {"partitionValues": {"col-2": "b"}}}, partition_columns=["p"],
              protocol={"minReaderVersion": 2, "minWriterVersion": 5},
              configuration={"delta.columnMapping.mode": "id", "delta.columnMapping.maxColumnId": "7"})
    assert [count(server, c, table) for c in ("p = 'b'", "p > 'a' AND x > 1", "p IN ('b', 'c') OR x = 1", "p < 'b'")] == [2, 1, 2, 0]
    assert server.rows("SELECT x, p FROM parted_by_id WHERE p LIKE 'b%' ORDER BY p, x DESC LIMIT 1", table) == [(2, "b")]
    assert server.rows("SELECT count(*) AS n FROM parted_by_id a JOIN parted_by_id b USING (p)", table) == [(4,)]


def test_a_top_n_by_a_narrower_type_has_the_same_rows(server):
    random.seed(3)
    place = server.stores["local"] / "narrow"
    for _ in range(24):
        write_deltalake(place, pa.table({"l": pa.array(random.choices(range(-1000, 1000), k=40), pa.int64()),
                                         "i": pa.array(random.choices(range(-100, 100), k=40), pa.int32())}), mode="append")
    for run, key in enumerate(["l::INTEGER", "l::SMALLINT", "i::TINYINT", "i::BIGINT", "TRY_CAST(l AS TINYINT)", "l"] * 3):
        for order in ("DESC NULLS LAST", "NULLS FIRST"):
            top, every = (server.rows(f"SELECT {key} AS k FROM narrow ORDER BY {by} {order} LIMIT 5 -- {run}", "narrow")
                          for by in ("k", "k + 0"))
            assert top == every, (key, order)


def test_the_rows_of_a_limit_are_chosen_before_a_join_or_another_top_n(server):
    random.seed(9)
    lake = server.stores["local"]
    for i in range(20):
        write_deltalake(lake / "orders", pa.table({"id": list(range(i * 50, i * 50 + 50)), "customer": random.choices(range(200), k=50),
                                                   "amount": random.choices(range(1, 10000), k=50)}), mode="append")
    write_deltalake(lake / "vip", pa.table({"customer": list(range(150, 200, 2)), "name": [f"n{i}" for i in range(150, 200, 2)]}))
    vip = "(SELECT customer FROM local.vip)"
    top = "(SELECT * FROM local.orders ORDER BY amount DESC, id LIMIT {n}{offset})"
    distinct = "(SELECT DISTINCT ON (customer % 10) customer, amount, id FROM local.orders ORDER BY customer % 10, amount DESC, id)"
    questions = []  # with a join or a Top-N, and the same where nothing can be handed down
    for source in [top.format(n=10, offset=""), top.format(n=10, offset=" OFFSET 10"), top.format(n=50, offset=""), distinct]:
        expected = f"SELECT id FROM {source} WHERE customer >= 150 AND customer % 2 = 0 ORDER BY id"
        questions += [(f"SELECT id FROM {source} WHERE customer IN {vip} ORDER BY id", expected),
                      (f"SELECT id FROM {source} t JOIN local.vip v ON t.customer = v.customer ORDER BY id", expected),
                      (f"SELECT id FROM {source} ORDER BY id DESC LIMIT 3", f"SELECT id FROM {source} ORDER BY id + 0 DESC LIMIT 3")]
    joined = "FROM local.orders o RIGHT JOIN (SELECT range AS c FROM range(190, 210)) r ON o.customer = r.c AND o.amount > 5000"
    questions.append((f"SELECT o.id AS id {joined} ORDER BY id NULLS FIRST LIMIT 20",
                      f"SELECT o.id AS id {joined} ORDER BY id + 0 NULLS FIRST LIMIT 20"))
    for run in range(5):
        for question, plain in questions:
            assert server.rows(f"{question} -- {run}") == server.rows(f"{plain} -- {run}"), question


def test_a_join_still_hands_its_keys_to_the_scan(server):
    """What is right stays fast: a filter of a join prunes files where no limit is on the way."""
    place = server.stores["local"] / "many"
    for i in range(8):
        write_deltalake(place, pa.table({"k": pa.array(range(i * 10, i * 10 + 10), pa.int64())}), mode="append")
    plan = server.rows("EXPLAIN ANALYZE SELECT count(*) FROM local.many m JOIN (SELECT 33::BIGINT AS k UNION ALL SELECT 34) w USING (k)")
    assert "Files Read: 1" in str(plan)


NAN_CONDITIONS = ["x > 5", "x >= 2.5", "x = 'NaN'::DOUBLE", "x IN ('NaN'::DOUBLE, 7)", "x <> 1 AND x <> 2", "NOT x <= 2", "st.x > 5",
                  "x > (SELECT max(v) FROM (VALUES (2.5)) t(v))", "x = (SELECT 'NaN'::DOUBLE)", "f > 5", "f = 'NaN'::DOUBLE"]


@pytest.mark.parametrize("statistics", [True, False])
def test_nan_is_found_where_bounds_leave_it_out(server, statistics):
    table = f"nan_{statistics}".lower()
    folder = server.stores["local"] / table
    folder.mkdir()
    x = pa.array([1.0, float("nan"), 2.0])
    pq.write_table(pa.table({"x": x, "st": pa.StructArray.from_arrays([x], ["x"]), "f": x.cast(pa.float32())}), folder / "a.parquet")
    bounds = {"x": 1.0, "st": {"x": 1.0}, "f": 1.0}, {"x": 2.0, "st": {"x": 2.0}, "f": 2.0}
    stats = {"numRecords": 3, "minValues": bounds[0], "maxValues": bounds[1], "nullCount": {"x": 0, "st": {"x": 0}, "f": 0}}
    widened = field("f", "double", **{"delta.typeChanges": [{"fromType": "float", "toType": "double"}]})
    write_log(server, table, [field("x", "double"), field("st", struct_of(field("x", "double"))), widened],
              {"a.parquet": {"stats": json.dumps(stats)} if statistics else {}},
              protocol={"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": ["typeWidening"],
                        "writerFeatures": ["typeWidening"]})
    assert {c: count(server, c, table) for c in NAN_CONDITIONS} == dict.fromkeys(NAN_CONDITIONS, 1)
    assert count(server, "x <= 2", table) == 2
    assert server.rows(f"SELECT isnan(max(x)) AS n FROM {table}", table) == [(True,)]


def put_back(path, table, **options):
    """The file as another one, with its size and times."""
    before = path.stat()
    fresh = path.with_suffix(".fresh")
    pq.write_table(table, fresh, **options)
    assert fresh.stat().st_size == before.st_size
    os.replace(fresh, path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_a_data_file_that_is_put_back_under_its_name_size_and_time_is_read_anew(server):
    folder = server.stores["local"] / "put_back"
    folder.mkdir()
    plain = {"compression": "none", "use_dictionary": False}
    pq.write_table(pa.table({"i": pa.array(range(100), pa.int64())}), folder / "a.parquet", **plain)
    write_log(server, "put_back", [field("i", "long")], {"a.parquet": {}})
    assert count(server, "i >= 0", "put_back") == 100
    put_back(folder / "a.parquet", pa.table({"i": pa.array(range(1000, 1100), pa.int64())}), **plain)
    assert count(server, "i >= 1000", "put_back") == 100
    assert server.rows("SELECT min(i) AS a, max(i) AS b FROM put_back", "put_back") == [(1000, 1099)]


TEXTS = ["é", "a", "", None, "日本"]
TEXT_FIELDS = [field("s", "string"), field("l", {"type": "array", "elementType": "string", "containsNull": True}),
               field("m", {"type": "map", "keyType": "string", "valueType": "string", "valueContainsNull": True}),
               field("st", struct_of(field("s", "string"), field("a", {
                   "type": "array", "containsNull": True, "elementType": struct_of(field("s", "string"))})))]


def texts(kind, values):
    """A table of such values, flat and nested, in columns of the type."""
    s = pa.array(values, kind)
    inner = pa.struct([("s", kind)])
    return pa.table({"s": s, "l": pa.array([[v] for v in values], pa.list_(kind)),
                     "m": pa.array([[(v or values[0], v)] for v in values], pa.map_(kind, kind)),
                     "st": pa.array([{"s": v, "a": [{"s": v}]} for v in values], pa.struct([("s", kind), ("a", pa.list_(inner))]))})


def as_binary(fields):
    return json.loads(json.dumps(fields).replace('"string"', '"binary"'))


@pytest.mark.parametrize("annotated", [True, False])
def test_text_and_bytes_are_the_same_bytes_in_files_that_take_one_for_the_other(server, annotated):
    """Some writers do not annotate strings in Parquet, and a binary column may come from a file that does."""
    table = f"bytes_{annotated}".lower()
    folder = server.stores["local"] / table
    folder.mkdir()
    raw = [None if v is None else v.encode() for v in TEXTS]
    pq.write_table(texts(pa.string(), TEXTS) if annotated else texts(pa.binary(), raw), folder / "a.parquet")
    write_log(server, table, as_binary(TEXT_FIELDS) if annotated else TEXT_FIELDS, {"a.parquet": {}})
    parts = ["s", "l[1]", "map_values(m)[1]", "st.s", "st.a[1].s"]
    shown = ", ".join(f"{f'hex({part})' if annotated else part} AS c{i}" for i, part in enumerate(parts))
    expected = [None if v is None else v.encode().hex().upper() if annotated else v for v in TEXTS]
    assert server.rows(f"SELECT {shown} FROM {table}", table) == [(v,) * len(parts) for v in expected]
    wanted = r"'\xC3\xA9'::BLOB" if annotated else "'é'"
    for part in parts:
        assert count(server, f"{part} = {wanted}", table) == 1, part
        assert count(server, f"{part} IS NULL", table) == 1, part
    assert count(server, f"s IN ({wanted}) AND st.s >= {wanted}", table) == 1


def test_bytes_that_are_no_text_in_a_column_of_strings_are_a_corrupt_file(server):
    folder = server.stores["local"] / "no_text"
    folder.mkdir()
    pq.write_table(texts(pa.binary(), [b"a", b"\xff\xfe"]), folder / "a.parquet")
    write_log(server, "no_text", TEXT_FIELDS, {"a.parquet": {}})
    for question in ("SELECT s FROM no_text", "SELECT l FROM no_text", "SELECT st FROM no_text", "SELECT s FROM no_text WHERE s > 'b'"):
        answer = server.query(question, "no_text")
        assert (answer.status_code, answer.json()["reason"], answer.json()["path"]) == (
            500, "CORRUPT_DATA_FILE", "no_text/a.parquet"), question


def vector_file(rows):
    """A file of one deletion vector (PROTOCOL.md, "Deletion Vector Format"), of rows below 65536, and its length."""
    bitmap = struct.pack("<IIHHI", 12346, 1, 0, len(rows) - 1, 16) + struct.pack(f"<{len(rows)}H", *rows)
    payload = struct.pack("<IQI", 1681511377, 1, 0) + bitmap
    return struct.pack(">BI", 1, len(payload)) + payload + struct.pack(">I", zlib.crc32(payload)), len(payload)


def test_a_deletion_vector_that_is_put_back_under_its_name_is_read_anew(server):
    folder = server.stores["local"] / "put_back_vector"
    folder.mkdir()
    pq.write_table(pa.table({"i": pa.array(range(10), pa.int64())}), folder / "a.parquet")
    for deleted in ([1, 2], [3, 4]):
        data, length = vector_file(deleted)
        (folder / "fresh").write_bytes(data)
        os.utime(folder / "fresh", (1, 1))
        os.replace(folder / "fresh", folder / "vector.bin")
        if deleted == [1, 2]:
            write_log(server, "put_back_vector", [field("i", "long")], {"a.parquet": {
                "stats": '{"numRecords":10}', "deletionVector": {"storageType": "p", "pathOrInlineDv": f"file://{folder}/vector.bin",
                                                                  "offset": 1, "sizeInBytes": length, "cardinality": 2}}},
                      protocol={"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": ["deletionVectors"],
                                "writerFeatures": ["deletionVectors"]})
        left = server.rows(f"SELECT i FROM put_back_vector ORDER BY i -- {deleted}", "put_back_vector")
        assert left == [(i,) for i in range(10) if i not in deleted]


def float_rows(numbers, copies):
    """Numbers by their bits, each `copies` times, one after the other, flat and nested."""
    x = floats(numbers * copies)
    size = len(x)
    offsets = pa.array(range(size + 1), pa.int32())
    return pa.table({"p": pa.array(["a", "b"] * (size // 2) + ["a"] * (size % 2)), "s": pa.array(["text"] * size), "x": x,
                     "l": pa.ListArray.from_arrays(offsets, x), "st": pa.StructArray.from_arrays([x], ["x"])})


def stored_bits(folder):
    """The bits of each column in the table's data files, and the encodings of the columns of text."""
    found, encodings = {"x": [], "l": [], "st": []}, set()
    for path in folder.rglob("*.parquet"):
        if "_delta_log" in path.parts:
            continue
        with pq.ParquetFile(path) as file:
            rows = file.read()
            group = file.metadata.row_group(0)
            encodings |= {e for i in range(group.num_columns) if group.column(i).path_in_schema == "s" for e in group.column(i).encodings}
        for name, column in {"x": rows["x"], "l": rows["l"].combine_chunks().flatten(), "st": rows["st"].combine_chunks().field("x")}.items():
            column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
            found[name] += pa.Array.from_buffers(pa.uint64(), len(column), column.buffers(), offset=column.offset).to_pylist()
    return {name: sorted(values) for name, values in found.items()}, encodings


ZEROS = [NEGATIVE_ZERO, bits(0.0)]
NANS = [NEGATIVE_NAN, bits(float("nan")), 0x7FF8000000000123]


@pytest.mark.parametrize("partition_columns", [[], ["p"]])
@pytest.mark.parametrize(("numbers", "copies", "has_dictionaries"), [
    (ZEROS, 3, False), (ZEROS[::-1] + [bits(1.0)], 400, False), (NANS, 100, False), (ZEROS + NANS, 1000, False),
    ([NEGATIVE_ZERO, bits(1.0), NANS[0]], 100, True), ([bits(float(i)) for i in range(1, 4)], 100, True)])
def test_zeros_and_nans_keep_their_bits(server, request, partition_columns, numbers, copies, has_dictionaries):
    table = f"bits_{abs(hash(request.node.name))}"
    rows = float_rows(numbers, copies)
    server.create(table, {"p": "string", "s": "string", "x": "double", "l": {"type": "array", "elementType": "double", "containsNull": True},
                          "st": struct_of(field("x", "double"))}, partition_columns=partition_columns)
    append_arrow(server, table, rows)
    found, encodings = stored_bits(server.stores["local"] / table)
    assert found == dict.fromkeys(["x", "l", "st"], sorted(numbers * copies))
    assert ("PLAIN_DICTIONARY" in encodings) == has_dictionaries


@pytest.mark.parametrize("distinct", [98, 99, 100, 101, 102])
def test_numbers_near_the_limit_of_a_dictionary_keep_their_bits(server, distinct):
    """500 rows of a top-level column get a dictionary of 100 values at most."""
    numbers = ([bits(float(i)) for i in range(1, distinct)] * 6)[:498] + ZEROS
    table = f"near_{distinct}"
    server.create(table, {"x": "double", "y": "float"})
    halves = ([bits(float(i), "<f") for i in range(1, distinct)] * 6)[:498] + [0x80000000, 0]
    append_arrow(server, table, pa.table({"x": floats(numbers), "y": floats(halves, pa.float32())}))
    (path,) = (server.stores["local"] / table).glob("*.parquet")
    rows = pq.read_table(path)
    assert sorted(rows["x"].combine_chunks().view(pa.uint64()).to_pylist()) == sorted(numbers)
    assert sorted(rows["y"].combine_chunks().view(pa.uint32()).to_pylist()) == sorted(halves)
