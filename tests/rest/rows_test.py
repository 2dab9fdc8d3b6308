"""Rows in: bad bodies get their kind of error with its place and write nothing; good values of every type come out as they went in."""

import base64
import datetime
import decimal
import io
import json
import math

import pyarrow as pa
import pytest
import requests

ARROW = {"Content-Type": "application/vnd.apache.arrow.stream"}
JSON = {"Content-Type": "application/json"}
COLUMNS = {"id": ("long", False), "b": "byte", "h": "short", "i": "integer", "f": "double", "g": "float", "d": "decimal(10,2)", "day": "date",
           "t": "timestamp", "n": "timestamp_ntz", "bin": "binary", "s": "string", "ok": "boolean",
           "list": {"type": "array", "elementType": "integer", "containsNull": False},
           "st": {"type": "struct", "fields": [{"name": "a", "type": "byte", "nullable": False, "metadata": {}},
                                               {"name": "z", "type": "string", "nullable": True, "metadata": {}}]},
           "m": {"type": "map", "keyType": "string", "valueType": "long", "valueContainsNull": False},
           "mi": {"type": "map", "keyType": "integer", "valueType": "date", "valueContainsNull": True}}


@pytest.fixture(scope="module")
def typed(server):
    server.create("typed", COLUMNS)
    return server


def dictionary(**columns):
    return json.dumps({"record_batch_dict": columns}).encode()


def rows(*objects):
    return json.dumps({"record_batch_list": objects}).encode()


BODIES = {  # what: (body, reason, what the problem holds besides, what its text says)
    "no body": (b"", "INVALID_JSON", {}, ""),
    "no JSON": (b"hello", "INVALID_JSON", {"location": {"line": 1, "column": 1}}, ""),
    "truncated": (b'{"record_batch_dict":\n {"id": [1, 2', "INVALID_JSON", {"location": {"line": 2}}, ""),
    "more behind it": (b'{"record_batch_dict": {"id": [1]}}\n x', "INVALID_JSON", {"location": {"line": 2, "column": 2}}, ""),
    "two values": (b'{"record_batch_dict": {"id": [1]}}{}', "INVALID_JSON", {}, ""),
    "comma at the end": (b'{"record_batch_dict": {"id": [1,]}}', "INVALID_JSON", {}, ""),
    "single quotes": (b"{'record_batch_dict': {'id': [1]}}", "INVALID_JSON", {}, ""),
    "zero in front": (b'{"record_batch_dict": {"id": [01]}}', "INVALID_JSON", {}, ""),
    "bare NaN": (b'{"record_batch_dict": {"id": [1], "f": [NaN]}}', "INVALID_JSON", {}, ""),
    "bare Infinity": (b'{"record_batch_dict": {"id": [1], "f": [-Infinity]}}', "INVALID_JSON", {}, ""),
    "newline in a string": (b'{"record_batch_dict": {"id": [1], "s": ["a\nb"]}}', "INVALID_JSON", {}, ""),
    "an array": (b"[1]", "TYPE_MISMATCH", {}, ""),
    "a scalar": (b"1", "TYPE_MISMATCH", {}, ""),
    "deep": (b"[" * 10000, "JSON_TOO_DEEP", {}, "64"),
    "deep in a value": (b'{"record_batch_dict": {"id": [1], "list": [' + b"[" * 10000, "JSON_TOO_DEEP", {}, ""),
    "a column twice": (b'{"record_batch_dict": {"id": [1], "id": [2]}}', "DUPLICATE_KEY", {"pointer": "/record_batch_dict/id"}, ""),
    "a column twice but for case": (b'{"record_batch_dict": {"id": [1], "ID": [2]}}', "DUPLICATE_KEY", {"pointer": "/record_batch_dict/ID"}, ""),
    "a key of a row twice": (b'{"record_batch_list": [{"id": 1}, {"id": 1, "id": 2}]}', "DUPLICATE_KEY", {"location": {"line": 1, "column": 45}}, "'id'"),
    "a struct's key twice": (b'{"record_batch_list": [{"id": 1, "st": {"a": 1, "a": 2}}]}', "DUPLICATE_KEY", {"location": {"line": 1, "column": 49}}, "'a'"),
    "a map's key twice": (b'{"record_batch_list": [{"id": 1, "m": {"k": 1, "k": 2}}]}', "DUPLICATE_KEY", {"location": {"line": 1, "column": 48}}, "'k'"),
    "bytes that are no UTF-8": (b'{"record_batch_dict": {"id": [1], "s": ["\xff"]}}', "INVALID_UTF8", {}, ""),
    "a lone surrogate": (b'{"record_batch_dict": {"id": [1], "s": ["\\ud800"]}}', "INVALID_UTF8", {}, ""),
    "a low surrogate alone": (b'{"record_batch_dict": {"id": [1], "s": ["\\udc00"]}}', "INVALID_UTF8", {}, ""),
    "neither": (b"{}", "ONE_OF_REQUIRED", {}, ""),
    "both": (b'{"record_batch_dict": {"id": [1]}, "record_batch_list": []}', "ONE_OF_REQUIRED", {}, ""),
    "both spellings": (b'{"record_batch_dict": {"id": [1]}, "recordBatchDict": {"id": [1]}}', "ONE_OF_REQUIRED", {}, ""),
    "an unknown key": (b'{"record_batch_dic": {"id": [1]}}', "UNKNOWN_KEY", {"hint": "did you mean 'record_batch_dict'?"}, "record_batch_dic"),
    "columns of unequal length": (dictionary(id=[1, 2, 3], s=["a", "b"]), "COLUMN_LENGTHS_DIFFER", {}, "id: 3, s: 2"),
    "an unknown column": (dictionary(id=[1], zz=[1]), "SCHEMA_MISMATCH", {"column": "zz"}, "zz"),
    "an unknown column of a row": (rows({"id": 1}, {"id": 2, "zz": 1}), "SCHEMA_MISMATCH", {"column": "zz", "row": 1}, "zz"),
    "an unknown field": (rows({"id": 1, "st": {"a": 1, "zz": 2}}), "SCHEMA_MISMATCH", {"column": "st", "row": 0, "pointer": "/record_batch_list/0/st/zz"}, "zz"),
    "no NOT NULL column": (dictionary(s=["a"]), "SCHEMA_MISMATCH", {"column": "id"}, "id"),
    "no NOT NULL key in a row": (rows({"id": 1}, {"s": "a"}), "SCHEMA_MISMATCH", {"column": "id", "row": 1}, "id"),
    "a null in a NOT NULL column": (dictionary(id=[0, 1, 2, 3, 4, 5, 6, None]), "SCHEMA_MISMATCH", {"column": "id", "row": 7}, "row 7"),
    "no NOT NULL field": (rows({"id": 1, "st": {"z": "x"}}), "SCHEMA_MISMATCH", {"column": "st", "row": 0}, "a"),
    "a null in a NOT NULL field": (rows({"id": 1, "st": {"a": None}}), "SCHEMA_MISMATCH", {"column": "st", "row": 0}, "a"),
    "a null element": (rows({"id": 1, "list": [1, None]}), "SCHEMA_MISMATCH", {"column": "list", "row": 0, "pointer": "/record_batch_list/0/list/1"}, ""),
    "a null value of a map": (rows({"id": 1, "m": {"k": None}}), "SCHEMA_MISMATCH", {"column": "m", "row": 0}, ""),
    "a null key of a map": (rows({"id": 1, "mi": [{"key": None, "value": None}]}), "SCHEMA_MISMATCH", {"column": "mi", "row": 0}, ""),
    "a column that is no array": (dictionary(id=1), "TYPE_MISMATCH", {"column": "id", "pointer": "/record_batch_dict/id"}, ""),
    "a row that is no object": (rows({"id": 1}, 2), "TYPE_MISMATCH", {"row": 1, "pointer": "/record_batch_list/1"}, ""),
    "rows in an object": (b'{"record_batch_list": {"id": [1]}}', "TYPE_MISMATCH", {"pointer": "/record_batch_list"}, ""),
    "columns in an array": (b'{"record_batch_dict": [{"id": 1}]}', "TYPE_MISMATCH", {"pointer": "/record_batch_dict"}, ""),
}

VALUES = [  # column, the value as JSON, reason
    ("id", "9223372036854775808", "VALUE_OUT_OF_RANGE"), ("id", "-9223372036854775809", "VALUE_OUT_OF_RANGE"), ("id", "1e19", "VALUE_OUT_OF_RANGE"),
    ("b", "128", "VALUE_OUT_OF_RANGE"), ("b", "-129", "VALUE_OUT_OF_RANGE"), ("h", "32768", "VALUE_OUT_OF_RANGE"), ("i", "2147483648", "VALUE_OUT_OF_RANGE"),
    ("i", "1.5", "TYPE_MISMATCH"), ("i", '"abc"', "TYPE_MISMATCH"), ("i", '"1"', "TYPE_MISMATCH"), ("i", "true", "TYPE_MISMATCH"), ("i", "[1]", "TYPE_MISMATCH"),
    ("f", "1e400", "VALUE_OUT_OF_RANGE"), ("f", '"1.5"', "TYPE_MISMATCH"), ("f", '"nan"', "TYPE_MISMATCH"), ("f", '"inf"', "TYPE_MISMATCH"), ("f", "{}", "TYPE_MISMATCH"),
    ("g", "1e39", "VALUE_OUT_OF_RANGE"), ("ok", "1", "TYPE_MISMATCH"), ("ok", '"true"', "TYPE_MISMATCH"), ("s", "5", "TYPE_MISMATCH"), ("s", "true", "TYPE_MISMATCH"),
    ("s", '["a"]', "TYPE_MISMATCH"), ("d", "123.456", None), ("d", '"123.456"', None), ("d", "123456789", None), ("d", '"1e9"', None), ("d", '"x"', None), ("d", '""', None),
    ("day", '"2024-02-30"', None), ("day", '"2024-13-01"', None), ("day", '"24-01-01"', None), ("day", '"10000-01-01"', None), ("day", '"2024-01-01T00:00:00Z"', None),
    ("day", '"today"', None), ("day", "1.5", None), ("day", "99999999999", None), ("t", '"2024-01-01T24:61:00Z"', None), ("t", '"2024-01-01T23:60:00Z"', None),
    ("t", '"10000-01-01T00:00:00Z"', None), ("t", '"2024-01-01T00:00:00+25:00"', None), ("t", '"noon"', None), ("t", "1e30", None),
    ("n", '"2024-01-01T00:00:00Z"', None), ("n", '"2024-01-01T00:00:00+01:00"', None), ("bin", '"*"', None), ("bin", '"A"', None), ("bin", '"A==="', None), ("bin", '"AA=A"', None), ("bin", "[256]", None),
    ("bin", "[-1]", None), ("bin", "[1.5]", None), ("bin", '["a"]', None), ("bin", "5", None), ("list", '["a"]', "TYPE_MISMATCH"), ("list", "{}", "TYPE_MISMATCH"),
    ("list", "[4294967296]", "VALUE_OUT_OF_RANGE"), ("st", "[]", "TYPE_MISMATCH"), ("st", '{"a": 300}', "VALUE_OUT_OF_RANGE"), ("m", "[]x", "INVALID_JSON"),
    ("m", '{"k": "v"}', "TYPE_MISMATCH"), ("m", "5", "TYPE_MISMATCH"), ("mi", '[{"key": "a", "value": null}]', "TYPE_MISMATCH"), ("mi", '[{"value": null}]', None),
    ("mi", '[{"key": 1, "other": 2}]', None), ("mi", '[{"key": 1, "value": "never"}]', None),
]


def data_and_commits(place):
    """What a write leaves; checksums of earlier versions may still be on their way."""
    return [path for path in place.paths() if path.endswith((".parquet", ".json"))]


def check_refused(server, body, reason, headers=JSON, table="typed"):
    """Both verbs refuse the body with 400; nothing is written."""
    place = server.places["local"] / table
    before = data_and_commits(place)
    for method in ("POST", "PUT"):
        answer = requests.request(method, f"{server.api}/local/{table}", data=body, headers=headers, timeout=60)
        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (400, "InvalidArgument"), problem
        assert reason is None or problem["reason"] == reason, problem
        assert problem["reason"], problem
        assert problem["retryable"] is False
    assert data_and_commits(place) == before, "something was written"
    return problem


@pytest.mark.parametrize("what", BODIES)
def test_a_bad_body_is_refused_with_its_place(typed, what):
    body, reason, holds, says = BODIES[what]
    problem = check_refused(typed, body, reason)
    assert says in problem["detail"], problem
    for key, value in holds.items():
        if isinstance(value, dict):
            assert value.items() <= problem.get(key, {}).items(), problem
        else:
            assert problem.get(key) == value, problem


@pytest.mark.parametrize("column,value,reason", VALUES)
def test_a_bad_value_is_refused_with_its_row_and_column(typed, column, value, reason):
    good = '{"id": 1}'
    bad = f'{{"id": {value}}}' if column == "id" else f'{{"id": 2, "{column}": {value}}}'
    problem = check_refused(typed, f'{{"record_batch_list": [{good}, {good}, {bad}]}}'.encode(), reason)
    if reason == "INVALID_JSON":
        return
    assert (problem["column"], problem["row"]) == (column, 2), problem
    assert problem["pointer"].startswith(f"/record_batch_list/2/{column}"), problem
    columns = f'"{column}": [{value}]' if column == "id" else f'"id": [1], "{column}": [{value}]'
    problem = check_refused(typed, f'{{"record_batch_dict": {{{columns}}}}}'.encode(), reason)
    assert (problem["column"], problem["row"]) == (column, 0), problem
    assert problem["pointer"].startswith(f"/record_batch_dict/{column}/0"), problem


@pytest.mark.parametrize("value", ["123.456", '"2024-02-30"', '"*"'])
def test_a_bad_value_is_shown(typed, value):
    column = {"1": "d", '"2': "day", '"*': "bin"}[value[:2] if value[0] == '"' else value[:1]]
    problem = check_refused(typed, f'{{"record_batch_dict": {{"id": [1], "{column}": [{value}]}}}}'.encode(), None)
    assert value.strip('"') in problem["detail"], problem


def test_a_million_keys_are_refused_soon(typed):
    body = ('{"record_batch_list": [{' + ",".join(f'"k{i}":1' for i in range(1_000_000)) + "}]}").encode()
    answer = requests.post(f"{typed.api}/local/typed", data=body, headers=JSON, timeout=60)
    assert (answer.status_code, answer.json()["reason"]) == (400, "SCHEMA_MISMATCH")


@pytest.mark.parametrize("body", [{"record_batch_dict": {}}, {"record_batch_dict": {"id": []}}, {"record_batch_list": []}, {"recordBatchList": []}])
def test_no_rows_make_no_commit(server, body):
    server.create("no_rows", {"id": "long", "s": "string"}, mode="ignore")
    answer = requests.post(f"{server.api}/local/no_rows", json=body, timeout=60)
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"table": "no_rows", "version": 0, "rows": 0, "committed": False}
    assert data_and_commits(server.places["local"] / "no_rows") == [f"_delta_log/{0:020}.json"]


# Good values: the column's type, values in, values out in JSON (None: as in), values out in Arrow.
UTC = datetime.timezone.utc
GOOD = {
    "byte": ("byte", [0, 127, -128, 1.0, None], [0, 127, -128, 1, None], [0, 127, -128, 1, None]),
    "short": ("short", [32767, -32768, None], None, [32767, -32768, None]),
    "integer": ("integer", [2**31 - 1, -2**31, 1e3, None], [2**31 - 1, -2**31, 1000, None], [2**31 - 1, -2**31, 1000, None]),
    "long": ("long", [2**63 - 1, -2**63, 9007199254740993, None], None, [2**63 - 1, -2**63, 9007199254740993, None]),
    "float": ("float", [0.5, -1.25, 16777216, None], None, [0.5, -1.25, 16777216.0, None]),
    "double": ("double", [0.1234567890123456, 1e300, 5e-324, -0.0, 3, None], None, [0.1234567890123456, 1e300, 5e-324, -0.0, 3.0, None]),
    "not_finite": ("double", ["NaN", "Infinity", "-Infinity"], [None, None, None], [math.nan, math.inf, -math.inf]),
    "decimal": ("decimal(20,4)", ["1.2345", -2.5, "-9999999999999999.9999", 7, "1e3", None], [1.2345, -2.5, -9999999999999999.9999, 7, 1000, None],
                [decimal.Decimal(text) for text in ("1.2345", "-2.5000", "-9999999999999999.9999", "7.0000", "1000.0000")] + [None]),
    "decimal38": ("decimal(38,0)", ["9" * 38, "-" + "9" * 38, None], [10**38 - 1, 1 - 10**38, None], [decimal.Decimal("9" * 38), decimal.Decimal("-" + "9" * 38), None]),
    "boolean": ("boolean", [True, False, None], None, [True, False, None]),
    "string": ("string", ["", "żółw 日本 🐢", "\"\\\n\t\u0000\u007f", "x" * 100000, None], None, ["", "żółw 日本 🐢", "\"\\\n\t\u0000\u007f", "x" * 100000, None]),
    "binary": ("binary", [base64.b64encode(b"\0\1\xff").decode(), [0, 255], "", [], None], [[0, 1, 255], [0, 255], [], [], None], [b"\0\1\xff", b"\0\xff", b"", b"", None]),
    "date": ("date", ["2024-02-29", 19782, "0001-01-01", "9999-12-31", -1, None], ["2024-02-29", "2024-02-29", "0001-01-01", "9999-12-31", "1969-12-31", None],
             [datetime.date(2024, 2, 29), datetime.date(2024, 2, 29), datetime.date(1, 1, 1), datetime.date(9999, 12, 31), datetime.date(1969, 12, 31), None]),
    "timestamp": ("timestamp", ["2024-02-29T12:00:00.123456Z", "2024-02-29T12:00:00+02:30", "2024-02-29 12:00:00", "2024-02-29", "1969-12-31T23:59:59.999999000Z", None],
                  ["2024-02-29T12:00:00.123456Z", "2024-02-29T09:30:00.000000Z", "2024-02-29T12:00:00.000000Z", "2024-02-29T00:00:00.000000Z", "1969-12-31T23:59:59.999999Z", None],
                  [datetime.datetime(2024, 2, 29, 12, 0, 0, 123456, UTC), datetime.datetime(2024, 2, 29, 9, 30, tzinfo=UTC), datetime.datetime(2024, 2, 29, 12, tzinfo=UTC),
                   datetime.datetime(2024, 2, 29, tzinfo=UTC), datetime.datetime(1969, 12, 31, 23, 59, 59, 999999, UTC), None]),
    "timestamp_ntz": ("timestamp_ntz", ["2024-02-29T12:00:00.5", "1600-01-01 00:00:00", None], ["2024-02-29T12:00:00.500000", "1600-01-01T00:00:00.000000", None],
                      [datetime.datetime(2024, 2, 29, 12, 0, 0, 500000), datetime.datetime(1600, 1, 1), None]),
    "struct": ({"type": "struct", "fields": [{"name": "a", "type": "long", "nullable": True, "metadata": {}}, {"name": "żb", "type": "string", "nullable": True, "metadata": {}}]},
               [{"a": 1, "żb": "x"}, {"żb": "y"}, {}, None], [{"a": 1, "żb": "x"}, {"a": None, "żb": "y"}, {"a": None, "żb": None}, None],
               [{"a": 1, "żb": "x"}, {"a": None, "żb": "y"}, {"a": None, "żb": None}, None]),
    "array": ({"type": "array", "elementType": "date", "containsNull": True}, [["2024-02-29", None], [], None], None, [[datetime.date(2024, 2, 29), None], [], None]),
    "map": ({"type": "map", "keyType": "string", "valueType": "long", "valueContainsNull": True}, [{"k": 1, "ż": None}, {}, None, [{"key": "a", "value": 2}]],
            [{"k": 1, "ż": None}, {}, None, {"a": 2}], [[("k", 1), ("ż", None)], [], None, [("a", 2)]]),
    "map_of_integers": ({"type": "map", "keyType": "integer", "valueType": {"type": "array", "elementType": "boolean", "containsNull": True}, "valueContainsNull": True},
                        [[{"key": 1, "value": [True, None]}, {"key": 2, "value": None}], [], None], None, [[(1, [True, None]), (2, None)], [], None]),
    "deep": ({"type": "array", "elementType": {"type": "struct", "fields": [{"name": "m", "type": {
        "type": "map", "keyType": "string", "valueType": {"type": "array", "elementType": "decimal(4,1)", "containsNull": True}, "valueContainsNull": True}, "nullable": True,
        "metadata": {}}]}, "containsNull": True}, [[{"m": {"k": [1.5, None]}}, None], [], None], None, [[{"m": [("k", [decimal.Decimal("1.5"), None])]}, None], [], None]),
}


def same(found, expected):
    """Equal, where NaN equals itself and zeros have signs."""
    if isinstance(expected, float) and isinstance(found, float):
        return math.isnan(found) if math.isnan(expected) else (found, math.copysign(1, found)) == (expected, math.copysign(1, expected))
    if isinstance(expected, list) and isinstance(found, list):
        return len(found) == len(expected) and all(map(same, found, expected))
    return found == expected


def arrow_rows(server, sql, table, **headers):
    """The answer as Arrow, asked for by parameter, or by Accept when `headers` has it."""
    parameters = {"query": sql} if headers else {"query": sql, "format": "arrow"}
    answer = requests.get(f"{server.api}/local/{table}", params=parameters, headers=headers, timeout=60)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/vnd.apache.arrow.stream"
    return pa.ipc.open_stream(answer.content).read_all()


@pytest.mark.parametrize("name", GOOD)
def test_values_come_out_as_they_went_in(server, name):
    kind, values, out, arrow = GOOD[name]
    name = f"good_{name}"
    server.create(name, {"n": "long", "v": kind})
    numbers = list(range(len(values)))
    assert server.append(name, {"n": numbers, "v": values}).json()["version"] == 1
    assert server.append(name, [{"v": value, "n": number} for number, value in zip(numbers, values)]).json()["version"] == 2
    expected = values if out is None else out
    for version in (1, 2):  # as columns, as rows
        sql = f"SELECT v FROM {name} AT (VERSION => {version}) ORDER BY n"
        assert same(server.columns(sql, name)["v"][::version], expected)
    found = arrow_rows(server, f"SELECT v FROM {name} AT (VERSION => 1) ORDER BY n", name).column("v").to_pylist()
    assert same(found, arrow), found


def test_decimals_keep_all_their_digits_in_the_text(server):
    server.create("digits", {"d": "decimal(38,10)"})
    server.append("digits", {"d": ["1234567890123456789012345678.0123456789"]})
    assert "1234567890123456789012345678.0123456789" in server.query("SELECT d FROM digits", "digits").text


def test_partition_values_come_back_typed(server):
    server.create("parted", {"p": "date", "q": "string", "v": "long"}, partition_columns=["p", "q"])
    sent = {"p": ["2024-02-29", None, "2024-02-29"], "q": ["a/b=ż", None, ""], "v": [1, 2, 3]}
    assert server.append("parted", sent).status_code == 200
    # An empty text as a partition value is null: the log cannot tell them apart.
    assert server.rows("SELECT p, q, v FROM parted ORDER BY v", "parted") == [("2024-02-29", "a/b=ż", 1), (None, None, 2), ("2024-02-29", None, 3)]
    assert server.rows("SELECT v FROM parted WHERE q = 'a/b=ż' AND p = DATE '2024-02-29'", "parted") == [(1,)]


def test_names_of_columns_match_without_case_and_in_any_order(server):
    server.create("cases", {"Id": "long", "naïveName": "string"})
    assert server.append("cases", [{"naïvename": "x", "ID": 1}, {"id": 2}]).status_code == 200
    assert server.rows('SELECT * FROM cases ORDER BY "Id"', "cases") == [(1, "x"), (2, None)]


def test_an_overwrite_replaces_all_rows_in_one_version(server):
    server.create("replaced", {"id": "long"})
    server.append("replaced", {"id": [1, 2]})
    answer = requests.put(f"{server.api}/local/replaced", json={"recordBatchList": [{"id": 7}]}, timeout=60)
    assert answer.json() == {"table": "replaced", "version": 2, "rows": 1, "committed": True}
    assert server.rows("SELECT id FROM replaced", "replaced") == [(7,)]
    assert server.rows("SELECT id FROM replaced ORDER BY id", "replaced", tableVersion=1) == [(1,), (2,)]
    answer = requests.put(f"{server.api}/local/replaced", json={"recordBatchList": []}, timeout=60)
    assert answer.json()["version"] == 3, "an overwrite by nothing empties the table"
    assert server.rows("SELECT count(*) FROM replaced", "replaced") == [(0,)]


def test_a_dry_run_checks_all_and_writes_nothing(typed):
    before = data_and_commits(typed.places["local"] / "typed")
    for arguments in ({"json": {"record_batch_dict": {"id": [1]}, "dry_run": True}}, {"json": {"recordBatchDict": {"id": [1]}, "dryRun": True}},
                      {"json": {"record_batch_dict": {"id": [1]}}, "params": {"dry_run": "true"}}, {"json": {"record_batch_dict": {"id": [1]}}, "params": {"dryRun": "true"}}):
        answer = requests.post(f"{typed.api}/local/typed", timeout=60, **arguments)
        assert answer.status_code == 200, answer.text
        assert (answer.json()["rows"], answer.json()["committed"]) == (1, False)
    assert requests.post(f"{typed.api}/local/typed", json={"record_batch_dict": {"id": ["x"]}, "dry_run": True}, timeout=60).status_code == 400
    assert requests.post(f"{typed.api}/local/typed", json={"record_batch_dict": {"id": [1]}, "dry_run": "yes"}, timeout=60).status_code == 400
    assert requests.post(f"{typed.api}/local/typed", params={"dry_run": "1"}, json={"record_batch_dict": {"id": [1]}}, timeout=60).status_code == 400
    assert data_and_commits(typed.places["local"] / "typed") == before


# Arrow.
def stream(table, **options):
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema, **options) as writer:
        writer.write_table(table)
    return sink.getvalue()


ARROW_TABLE = pa.table({
    "id": pa.array([1, 2], pa.int64()), "b": pa.array([1, None], pa.int8()), "h": pa.array([1, None], pa.int16()), "i": pa.array([1, None], pa.int32()),
    "f": pa.array([0.5, math.nan], pa.float64()), "g": pa.array([0.5, None], pa.float32()), "d": pa.array([decimal.Decimal("1.25"), None], pa.decimal128(10, 2)),
    "day": pa.array([datetime.date(2024, 2, 29), None]), "t": pa.array([datetime.datetime(2024, 2, 29, 12), None], pa.timestamp("us", "UTC")),
    "n": pa.array([datetime.datetime(2024, 2, 29, 12), None], pa.timestamp("us")), "bin": pa.array([b"\0\xff", None]), "s": pa.array(["ż", None]), "ok": pa.array([True, None]),
    "list": pa.array([[1], None], pa.list_(pa.int32())), "st": pa.array([{"a": 1, "z": "x"}, None], pa.struct([("a", pa.int8()), ("z", pa.string())])),
    "m": pa.array([[("k", 1)], None], pa.map_(pa.string(), pa.int64())), "mi": pa.array([[(1, None)], None], pa.map_(pa.int32(), pa.date32()))})


def test_arrow_goes_in_and_comes_out_equal(server):
    server.create("arrow_all", COLUMNS)
    answer = requests.post(f"{server.api}/local/arrow_all", data=stream(ARROW_TABLE), headers=ARROW, timeout=60)
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"table": "arrow_all", "version": 1, "rows": 2, "committed": True}
    for found in (arrow_rows(server, "SELECT * FROM arrow_all ORDER BY id", "arrow_all"),
                  arrow_rows(server, "SELECT * FROM arrow_all ORDER BY id", "arrow_all", Accept="image/png, application/vnd.apache.arrow.stream;q=0.5")):
        assert same([list(row.values()) for row in found.to_pylist()], [list(row.values()) for row in ARROW_TABLE.to_pylist()]), found.to_pylist()
        assert found.schema.field("t").type == pa.timestamp("us", "UTC")
    answer = requests.put(f"{server.api}/local/arrow_all", data=stream(ARROW_TABLE.slice(1)), headers=ARROW, timeout=60)
    assert (answer.json()["version"], answer.json()["rows"]) == (2, 1)


LONGER = list(range(100)) * 50
ARROW_GOOD = {  # other Arrow types that hold the same values
    "narrower": pa.table({"id": pa.array([1, 2], pa.int32())}), "large strings": pa.table({"id": [1, 2], "s": pa.array(["a", "b"], pa.large_string())}),
    "string views": pa.table({"id": [1, 2], "s": pa.array(["a", "b"], pa.string_view())}), "dictionary": pa.table({"id": [1, 2], "s": pa.array(["a", "a"]).dictionary_encode()}),
    "milliseconds": pa.table({"id": [1, 2], "t": pa.array([1, 2], pa.timestamp("ms", "UTC"))}), "another zone": pa.table({"id": [1, 2], "t": pa.array([1, 2], pa.timestamp("us", "Europe/Warsaw"))}),
    "another order": pa.table({"s": ["a", "b"], "ID": [1, 2]}), "in pieces": pa.table({"id": pa.chunked_array([[1], [], [2]], pa.int64())}), "extra metadata": pa.table({"id": [1, 2]}).replace_schema_metadata({"a": "b"}),
}


@pytest.mark.parametrize("name", ARROW_GOOD)
def test_other_arrow_types_of_the_same_values_are_taken(server, name):
    server.create("arrow_good", COLUMNS, mode="ignore")
    answer = requests.put(f"{server.api}/local/arrow_good", data=stream(ARROW_GOOD[name]), headers=ARROW, timeout=60)
    assert answer.status_code == 200, answer.text
    assert server.rows("SELECT id FROM arrow_good ORDER BY id", "arrow_good") == [(1,), (2,)]


@pytest.mark.parametrize("compression", ["lz4", "zstd"])
def test_compressed_arrow_is_taken(server, compression):
    server.create("arrow_packed", {"id": "long"}, mode="ignore")
    body = stream(pa.table({"id": LONGER}), options=pa.ipc.IpcWriteOptions(compression=compression))
    answer = requests.put(f"{server.api}/local/arrow_packed", data=body, headers=ARROW, timeout=60)
    assert answer.status_code == 200, answer.text
    assert server.rows("SELECT count(*), sum(id) FROM arrow_packed", "arrow_packed") == [(len(LONGER), sum(LONGER))]


GOOD_STREAM = stream(pa.table({"id": LONGER, "s": [str(i) for i in LONGER]}))
ARROW_BAD = {
    "nothing": b"", "no Arrow": b"hello, this is no Arrow stream", "JSON": b'{"record_batch_dict": {"id": [1]}}', "cut in the schema": GOOD_STREAM[:50],
    "cut in a batch": GOOD_STREAM[:-2000], "a file, not a stream": b"ARROW1\0\0" + GOOD_STREAM, "a huge length": b"\xff\xff\xff\xff\xff\xff\xff\x7f" + GOOD_STREAM[8:],
    "a negative length": b"\xff\xff\xff\xff\xff\xff\xff\x8f" + GOOD_STREAM[8:], "bytes turned": GOOD_STREAM[:200] + bytes(255 - byte for byte in GOOD_STREAM[200:600]) + GOOD_STREAM[600:],
    "an unknown column": stream(pa.table({"id": [1], "zz": [1]})), "no NOT NULL column": stream(pa.table({"s": ["a"]})),
    "a null in a NOT NULL column": stream(pa.table({"id": pa.array([1, None], pa.int64())})), "a text for a number": stream(pa.table({"id": ["1"]})),
    "a column twice": stream(pa.table([pa.array([1]), pa.array([1])], names=["id", "id"])), "a column twice but for case": stream(pa.table([pa.array([1]), pa.array([1])], names=["id", "ID"])),
    "a long that is no byte": stream(pa.table({"id": [1], "b": pa.array([300], pa.int64())})), "a double for a long": stream(pa.table({"id": pa.array([1.5])})),
    "too many digits": stream(pa.table({"id": [1], "d": pa.array([decimal.Decimal("1.234")], pa.decimal128(10, 3))})),
    "a null element": stream(pa.table({"id": [1], "list": pa.array([[1, None]], pa.list_(pa.int32()))})),
    "a null in a NOT NULL field": stream(pa.table({"id": [1], "st": pa.array([{"a": None, "z": "x"}], pa.struct([("a", pa.int8()), ("z", pa.string())]))})),
    "text that is no UTF-8": stream(pa.table({"id": [1], "s": pa.Array.from_buffers(pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\1\0\0\0"), pa.py_buffer(b"\xff")])})),
    "a zone for timestamp_ntz": stream(pa.table({"id": [1], "n": pa.array([1], pa.timestamp("us", "UTC"))})),
}


@pytest.mark.parametrize("name", ARROW_BAD)
def test_bad_arrow_is_refused(typed, name):
    check_refused(typed, ARROW_BAD[name], None, ARROW)
    assert typed.alive()


def test_a_bad_row_late_in_an_arrow_stream_writes_nothing(server):
    server.create("late", {"id": ("long", False)})
    good = pa.table({"id": list(range(100000))})
    bad = pa.table({"id": pa.array([None], pa.int64())})
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, good.schema) as writer:
        writer.write_table(good)
        writer.write_table(bad)
    problem = check_refused(server, sink.getvalue(), "SCHEMA_MISMATCH", ARROW, "late")
    assert problem["column"] == "id" and problem["row"] == 100000, problem
    assert server.rows("SELECT count(*) FROM late", "late") == [(0,)]
    assert not (server.places["local"] / "late").paths("*.parquet"), "staged files were left"


def test_unknown_formats_are_refused(server):
    server.create("formats", {"id": "long"}, mode="ignore")
    answer = server.query("SELECT 1", "formats", format="xml")
    assert (answer.status_code, answer.json()["reason"]) == (400, "INVALID_PARAMETER")
    assert "json" in answer.json()["detail"] and "arrow" in answer.json()["detail"]


def test_braces_may_be_left_out(server):
    server.create("braces", {"id": "long"}, mode="ignore")
    requests.put(f"{server.api}/local/braces", json={"record_batch_dict": {"id": [1, 2]}}, timeout=60)
    assert server.query("SELECT id FROM braces ORDER BY id", "braces", braces="false").text.strip() == '{"id":[1,2]}'
    assert server.query("SELECT id FROM braces ORDER BY id", "braces", braces="true").json() == [{"id": [1, 2]}]
    assert server.query("SELECT id FROM braces", "braces", braces="maybe").status_code == 400
