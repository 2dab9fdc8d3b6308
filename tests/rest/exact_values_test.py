"""A value is stored as it was sent, or refused: one rule for JSON and Arrow bodies, and what is stored is what was checked."""

import datetime
import decimal
import io
import json

import pyarrow as pa
import pytest
import requests

UTC = datetime.timezone.utc
COLUMNS = {"l": "long", "f": "float", "d": "double", "m": "decimal(10,2)", "day": "date", "t": "timestamp", "n": "timestamp_ntz"}
MICROS = pa.timestamp("us", "UTC")


def send(server, table, column, value, arrow_type=None, **parameters):
    """One row by JSON, or by Arrow when there is a type."""
    url = f"{server.api}/local/{table}"
    if arrow_type is None:
        body = '{"record_batch_list": [{"%s": %s}]}' % (column, value)
        return requests.post(url, data=body, headers={"Content-Type": "application/json"}, params=parameters, timeout=60)
    rows = pa.table({column: pa.array([value], arrow_type)})
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, rows.schema) as writer:
        writer.write_table(rows)
    return requests.post(url, data=sink.getvalue(), headers={"Content-Type": "application/vnd.apache.arrow.stream"}, params=parameters, timeout=60)


def time_of(*parts, zone=UTC):
    return datetime.datetime(*parts, tzinfo=zone)


SAME = [  # column, as JSON, as Arrow (value, type), what both store, or the word for "refused"
    ("l", "1.0", (1.0, pa.float64()), 1),
    ("l", "1.5", (1.5, pa.float64()), "refused"),
    ("l", "9223372036854775808", (2**63, pa.uint64()), "refused"),
    ("d", "9007199254740992", (2**53, pa.int64()), 2.0**53),
    ("d", "9007199254740993", (2**53 + 1, pa.int64()), "refused"),
    ("f", "16777216", (16777216, pa.int64()), 16777216.0),
    ("f", "16777217", (16777217, pa.int64()), "refused"),
    ("f", "0.5", (0.5, pa.float64()), 0.5),
    ("f", "1e39", (1e39, pa.float64()), "refused"),
    ("m", "1.25", (decimal.Decimal("1.250"), pa.decimal128(10, 3)), decimal.Decimal("1.25")),
    ("m", "1.255", (decimal.Decimal("1.255"), pa.decimal128(10, 3)), "refused"),
    ("m", "1.255", (1.255, pa.float64()), "refused"),
    ("m", "123456789.00", (123456789, pa.int64()), "refused"),
    ("day", "2932896", (2932896, pa.date32()), datetime.date(9999, 12, 31)),
    ("day", "2932897", (2932897, pa.date32()), "refused"),
    ("day", '"0001-01-01"', (datetime.date(1, 1, 1), pa.date32()), datetime.date(1, 1, 1)),
    ("day", "-719163", (-719163, pa.date32()), "refused"),
    ("t", '"2024-05-01T12:00:00"', (time_of(2024, 5, 1, 12, zone=None), pa.timestamp("ms")), time_of(2024, 5, 1, 12)),
    ("t", '"2024-05-01T12:00:00+02:00"', (time_of(2024, 5, 1, 10), pa.timestamp("s", "Europe/Berlin")), time_of(2024, 5, 1, 10)),
    ("t", '"2024-05-01T12:00:00.000001000Z"', (1714564800000001000, pa.timestamp("ns", "UTC")), time_of(2024, 5, 1, 12, 0, 0, 1)),
    ("t", '"2024-05-01T12:00:00.000001001Z"', (1714564800000001001, pa.timestamp("ns", "UTC")), "refused"),
    ("t", '"2024-05-01T12:00:00.0000001"', (1714564800000000100, pa.timestamp("ns")), "refused"),
    ("t", '"9999-12-31T23:59:59.999999Z"', (253402300799999999, MICROS), time_of(9999, 12, 31, 23, 59, 59, 999999)),
    ("t", '"9999-12-31T23:59:59.999999-00:01"', (253402300859999999, MICROS), "refused"),
    ("t", '"0001-01-01T00:00:00+00:01"', (-62135596860000000, MICROS), "refused"),
    ("t", "1714564800000", (1714564800000, pa.int64()), "refused"),
    ("n", "1714564800000", (1714564800000, pa.int64()), "refused"),
    ("n", '"2024-05-01T12:00:00"', (time_of(2024, 5, 1, 12, zone=None), pa.timestamp("s")), time_of(2024, 5, 1, 12, zone=None)),
    ("n", '"2024-05-01T12:00:00Z"', (time_of(2024, 5, 1, 12), MICROS), "refused"),
    ("n", '"2024-05-01T12:00:00.0000001"', (1714564800000000100, pa.timestamp("ns")), "refused"),
]


def test_json_and_arrow_store_the_same_or_refuse_the_same(server):
    server.create("same", COLUMNS)
    wrong = []
    for column, as_json, as_arrow, expected in SAME:
        for answer in (send(server, "same", column, as_json), send(server, "same", column, *as_arrow)):
            if expected == "refused":
                if answer.status_code != 400 or not answer.json()["reason"]:
                    wrong.append((column, as_json, as_arrow, answer.status_code, answer.text))
            elif answer.status_code != 200:
                wrong.append((column, as_json, as_arrow, answer.status_code, answer.text))
    assert not wrong, "\n".join(map(str, wrong))
    stored = (server.places["local"] / "same").delta().to_pyarrow_table().to_pylist()
    given = [(column, value) for column, value in ((key, row[key]) for row in stored for key in row if row[key] is not None)]
    expected = [(column, value) for column, _, _, value in SAME if value != "refused" for _ in range(2)]
    assert sorted(given, key=str) == sorted(expected, key=str)


def test_a_bare_number_is_a_timestamp_by_its_unit_only(server):
    server.create("units", {"t": "timestamp", "n": "timestamp_ntz", "deep": {"type": "array", "elementType": "timestamp", "containsNull": True}})
    for column in ("t", "n"):
        answer = send(server, "units", column, "1714564800000")
        assert (answer.status_code, answer.json()["reason"]) == (400, "TIMESTAMP_UNIT_REQUIRED")
        assert "timestamp_unit" in answer.json()["hint"] and answer.json()["pointer"] == f"/record_batch_list/0/{column}"
    for unit, number in {"s": 1714564800, "ms": 1714564800000, "us": 1714564800000000, "ns": 1714564800000000000}.items():
        for parameter in ("timestamp_unit", "timestampUnit"):
            for column, value in (("t", number), ("n", number), ("deep", f"[{number}]")):
                assert send(server, "units", column, value, **{parameter: unit}).status_code == 200
    rows = server.rows("SELECT DISTINCT coalesce(t, n::TIMESTAMPTZ, deep[1])::VARCHAR AS x FROM units", "units")
    assert [row[0][:19] for row in rows] == ["2024-05-01 12:00:00"]
    assert send(server, "units", "t", "1714564800.123456", timestamp_unit="s").status_code == 200
    assert send(server, "units", "t", "1714564800.1234567", timestamp_unit="s").json()["reason"] == "VALUE_OUT_OF_RANGE"
    assert send(server, "units", "t", "1714564800000000", timestamp_unit="s").json()["reason"] == "VALUE_OUT_OF_RANGE"
    for unit in ("", "m", "MS", "seconds"):
        assert send(server, "units", "t", "1", timestamp_unit=unit).json()["reason"] == "INVALID_PARAMETER"
    assert send(server, "units", "t", 0, MICROS, timestamp_unit="us").json()["reason"] == "INVALID_PARAMETER"


def test_messages_about_arrow_speak_of_the_tables_types(server):
    server.create("words", {"t": "timestamp_ntz", "l": "long", "s": "string"})
    for column, arrow_type, value, found in [
            ("t", MICROS, 0, "timestamp"), ("l", pa.timestamp("ms"), 0, "timestamp_ntz"), ("l", pa.string(), "x", "string"), ("l", pa.binary(), b"x", "binary"),
            ("s", pa.int64(), 1, "long"), ("s", pa.int32(), 1, "integer"), ("s", pa.uint32(), 1, "unsigned integer"), ("s", pa.decimal128(5, 1), 1, "decimal(5,1)"),
            ("s", pa.list_(pa.struct([("a", pa.float64())])), [{"a": 1.0}], "array<struct<a:double>>"), ("s", pa.map_(pa.string(), pa.int8()), [("a", 1)], "map<string,byte>")]:
        answer = send(server, "words", column, value, arrow_type)
        assert (answer.status_code, answer.json()["reason"]) == (400, "TYPE_MISMATCH")
        assert answer.json()["detail"].endswith(f"found {found}"), answer.text


def test_an_arrow_type_that_no_table_has_is_named(server):
    server.create("scales", {"k": "string"})
    answer = send(server, "scales", "n", decimal.Decimal("100"), pa.decimal128(5, -2), schema_mode="merge")
    problem = answer.json()
    assert (answer.status_code, problem["reason"], problem["column"]) == (501, "UNSUPPORTED_TYPE", "n")
    assert "decimal128(5, -2)" in problem["detail"]


def test_binary_partition_values_are_stored_as_they_are_or_refused(server):
    server.create("raw", {"id": "long", "b": "binary"}, partition_columns=["b"])
    good = [(1, b"hi"), (2, "żółw".encode()), (3, b""), (4, b"a/b=c %\"\\\x01")]
    for row in good:
        assert requests.post(f"{server.api}/local/raw", json={"record_batch_list": [{"id": row[0], "b": list(row[1])}]}, timeout=60).status_code == 200
    for value in (b"\xff", b"\xfe\x00", "ż".encode()[:1], b"\xed\xa0\x80"):
        answer = requests.post(f"{server.api}/local/raw", json={"record_batch_list": [{"id": 5, "b": [104]}, {"id": 6, "b": list(value)}]}, timeout=60)
        assert (answer.status_code, answer.json()["reason"], answer.json()["row"]) == (400, "INVALID_PARTITION_VALUE", 1), answer.text
    expected = [(number, value.hex().upper() if value else None) for number, value in good]
    assert server.rows("SELECT id, hex(b) AS h FROM raw ORDER BY id", "raw") == expected
    stored = (server.places["local"] / "raw").delta().to_pyarrow_table().sort_by("id").to_pydict()
    assert stored == {"id": [1, 2, 3, 4], "b": [value or None for _, value in good]}


def test_long_partition_values_are_stored(server):
    server.create("long_values", {"id": "long", "a": "string", "b": "string"}, partition_columns=["a", "b"])
    values = ["x" * 300, "x" * 299 + "y", "ż" * 5000, "/" * 250, "%" * 86 + "é" * 100]
    rows = [{"id": number, "a": value, "b": value} for number, value in enumerate(values)]
    assert requests.post(f"{server.api}/local/long_values", json={"record_batch_list": rows}, timeout=60).status_code == 200
    assert server.rows("SELECT a, b FROM long_values ORDER BY id", "long_values") == [(value, value) for value in values]
    assert sorted((server.places["local"] / "long_values").delta().to_pyarrow_table()["a"].to_pylist()) == sorted(values)
    requests.put(f"{server.api}/local/long_values", params={"replace_where": f"a = '{'x' * 300}'"}, json={"record_batch_list": []}, timeout=60).raise_for_status()
    assert server.rows("SELECT count(*) AS n FROM long_values", "long_values") == [(4,)]


@pytest.mark.parametrize("declared,given,stored", [("varchar(5)", "żółwie", None), ("varchar(5)", "żółwi  ", "żółwi"), ("char(5)", "żó", "żó   "), ("char(2)", "abc", None)])
def test_the_lengths_of_char_and_varchar_hold(server, declared, given, stored):
    name = f"chars_{abs(hash((declared, given)))}"
    schema = [{"name": "c", "type": "string", "nullable": True, "metadata": {"__CHAR_VARCHAR_TYPE_STRING": declared}}]
    requests.post(f"{server.api}/local", json={"table": name, "schema": schema}, timeout=60).raise_for_status()
    answer = requests.post(f"{server.api}/local/{name}", json={"record_batch_list": [{"c": "a"}, {"c": given}]}, timeout=60)
    if stored is None:
        assert (answer.status_code, answer.json()["reason"], answer.json()["row"]) == (400, "VALUE_OUT_OF_RANGE", 1)
        assert json.dumps(declared)[1:-1] in answer.json()["detail"]
    else:
        assert answer.status_code == 200
        assert server.rows(f"SELECT c FROM {name} WHERE c LIKE 'ż%'", name) == [(stored,)]
