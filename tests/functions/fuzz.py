"""Calls every function, aggregate, window, table function and cast that SQL may have with extreme arguments, and says what happened.

A server must outlive all of it, without an internal error that ends the queries of others, answer within a second of its deadline, and
stay near its memory limit:

    YUMMY_PROGRAM=build/dev/yummy/cli/yummy build/venv/bin/python tests/functions/fuzz.py --seed 1 --calls 20000

Names and types of parameters come from the library that the Python package duckdb holds, which has the version of the server's. What
the server refuses is counted as such. Everything is drawn from the seed; with --sql it runs that one statement and says the same of it.
"""

import argparse
import collections
import os
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import duckdb
import requests

QUERY_SECONDS = 2
LATE_SECONDS = 1
MEMORY_BYTES = 1 << 30
# Values of one batch are not the engine's to count: beside its memory a query may take this much.
MEMORY_MARGIN_BYTES = 1 << 30
START_SECONDS_MAX = 60
ANSWER_SECONDS_MAX = 60
ANSWER_BYTES_MAX = 64 << 20

DEEP = "repeat('[', {n}) || repeat(']', {n})"
DEEP_OBJECT = "repeat('{{\"a\":', {n}) || '1' || repeat('}}', {n})"

TEXTS = [
    "NULL::VARCHAR", "''", "' '", "'a'", "'abc'", "'%'", "'%_%_%'", "'*a*b?[a-z]'", "'\\'", "'(a|b)*c{1,9}'", "'('", "'[['",
    "'-1'", "'1e400'", "'NaN'", "'Infinity'", "'99999999999999999999999999999999999999999'", "'2020-02-29'", "'290309-12-22 (BC)'",
    "'infinity'", "'12:34:56.789+15:59'", "'%Y-%m-%d %H:%M:%S.%f %z %Z %j %U %W %c'", "'%'", "'%s%s%s%n%*d'", "'{}{0}{:{}}'",
    "'{:1000000}'", "'%1000000d'", "chr(0)", "'a' || chr(0) || 'b'", "'ä€😀' || chr(769)", "repeat('👨‍👩‍👧', 1000)", "'{\"a\": [1, {\"b\": null}]}'",
    "'[1, 2, 3]'", "'$.a[*]..b'", "'/a/0/b'", "'$**'", "'null'", "'{'", "'[\"VARCHAR\"]'", "'{\"a\": \"INT\"}'", "'UTC'", "'Europe/Berlin'",
    "'de_DE'", "'day'", "'microseconds'", "'millennium'", "'isoyear'", "'P1Y2M'", "'1 year -1 day'", "'sum'", "'string_agg'", "'quantile'",
    "'gims'", "'VARIANT'", "'\\xFF\\x00'", "'deadbeef'", "'===='", "'%E4%'", "'101010'", "'6f9619ff-8b86-d011-b42d-00cf4fc964ff'",
    "repeat('a', 1000)", "repeat('a', 100000)", "repeat('a', 1000000)", "repeat('ab,', 100000)", "repeat('%a', 50)", "repeat('*a', 50)",
    "repeat('_', 1000)", "repeat('(', 1000)", "repeat('a?', 500) || repeat('a', 500)", "repeat('(a|b){0,100}', 20)", "repeat('9', 100000)",
    "repeat(' ', 100000)", "repeat(chr(0), 1000)", "repeat('ä', 100000)", "repeat('\\', 1001)", "repeat('\"', 1001)", "repeat('.', 70000)",
    "repeat('%d', 5000)", "repeat('{}', 5000)", "repeat('1,', 100000)", "repeat('a/', 100000)",
    DEEP.format(n=150), DEEP.format(n=20000), DEEP.format(n=200000), DEEP_OBJECT.format(n=150), DEEP_OBJECT.format(n=20000),
    DEEP_OBJECT.format(n=100000), "'[' || repeat('{\"a\":1},', 100000) || '1]'",
    "repeat('POINT(', 1000)", "repeat('$.a', 20000)", "'$' || repeat('.a', 20000)", "'$' || repeat('[*]', 3000)", "'$' || repeat('..a', 3000)",
]
INTEGERS = ["NULL::BIGINT", "0", "1", "-1", "2", "3", "7", "10", "64", "100", "1000", "2048", "100000", "1000000", "2147483647", "-2147483648",
            "4294967295", "9223372036854775807", "(-9223372036854775807 - 1)"]
DOUBLES = ["NULL::DOUBLE", "0::DOUBLE", "'-0'::DOUBLE", "1.5::DOUBLE", "-1::DOUBLE", "'nan'::DOUBLE", "'inf'::DOUBLE", "'-inf'::DOUBLE", "1e308::DOUBLE",
           "-1e308::DOUBLE", "5e-324::DOUBLE", "9.3e18::DOUBLE", "0.5::DOUBLE", "3.4e38::DOUBLE"]
LISTS = ["NULL::BIGINT[]", "[]", "[NULL]", "[1, NULL, 3]", "[1]", "range(1000)", "range(1000000)", "range(2000000)", "['a', NULL, '']",
         "list_transform(range(100), lambda x: repeat('a', x))", "[[1], [], NULL]", "[[[]]]", "[{'a': 1, 'b': NULL}]", "['nan'::DOUBLE, 1, 'inf'::DOUBLE]",
         "list_transform(range(3000), lambda x: x % 3)", "repeat([1, 2, NULL], 100000)", "[0.5::DOUBLE, 0.9, 2, -1]", "[NULL, NULL]", "['a', 'b']",
         "[NULL::INT[]]", "list_transform(range(1000), lambda x: range(1000))"]
TIMES = {
    "DATE": ["NULL::DATE", "DATE '1970-01-01'", "DATE '2020-02-29'", "'infinity'::DATE", "'-infinity'::DATE", "'5877642-06-25 (BC)'::DATE", "'5881580-07-10'::DATE"],
    "TIMESTAMP": ["NULL::TIMESTAMP", "TIMESTAMP '2020-02-29 23:59:59.999999'", "'infinity'::TIMESTAMP", "'-infinity'::TIMESTAMP",
                  "'290309-12-22 (BC) 00:00:00'::TIMESTAMP", "'294247-01-10 04:00:54.775806'::TIMESTAMP"],
    "TIMESTAMP WITH TIME ZONE": ["NULL::TIMESTAMPTZ", "TIMESTAMPTZ '2020-02-29 23:59:59.999999+02'", "'infinity'::TIMESTAMPTZ",
                                 "'290309-12-22 (BC) 00:00:00+00'::TIMESTAMPTZ", "'294247-01-10 04:00:54.775806+00'::TIMESTAMPTZ"],
    "TIMESTAMP_NS": ["NULL::TIMESTAMP_NS", "'2262-04-11 23:47:16.854775806'::TIMESTAMP_NS", "'1677-09-21 00:12:43.145225'::TIMESTAMP_NS"],
    "TIMESTAMP_S": ["'2020-01-01'::TIMESTAMP_S", "'infinity'::TIMESTAMP_S"], "TIMESTAMP_MS": ["'2020-01-01'::TIMESTAMP_MS", "'infinity'::TIMESTAMP_MS"],
    "TIME": ["NULL::TIME", "TIME '00:00:00'", "TIME '24:00:00'", "TIME '12:34:56.789'"],
    "TIME_NS": ["'12:34:56.123456789'::TIME_NS"],
    "TIME WITH TIME ZONE": ["NULL::TIMETZ", "'12:34:56+15:59'::TIMETZ", "'00:00:00-15:59'::TIMETZ"],
    "INTERVAL": ["NULL::INTERVAL", "INTERVAL 0 DAY", "INTERVAL 1 MICROSECOND", "INTERVAL '-1 month 40 days'", "to_months(2147483647)", "to_days(-2147483648)",
                 "to_microseconds(9223372036854775807)", "to_years(1000)"],
}
OTHERS = {
    "BOOLEAN": ["NULL::BOOLEAN", "true", "false"],
    "BLOB": ["NULL::BLOB", "''::BLOB", "'\\xFF\\xFE\\x00'::BLOB", "'\\xE2\\x82'::BLOB", "encode(repeat('ä', 100000))", "encode(repeat('a', 300000))"],
    "BIT": ["NULL::BIT", "'0'::BIT", "'1'::BIT", "repeat('10', 5000)::BIT", "bitstring('1', 100000)"],
    "UUID": ["NULL::UUID", "'6f9619ff-8b86-d011-b42d-00cf4fc964ff'::UUID"],
    "MAP": ["NULL::MAP(VARCHAR, INT)", "MAP {}", "MAP {'a': 1, 'b': NULL}", "MAP {1: 'a', 2: 'b'}", "MAP {[1]: {'a': 1}}", "map(range(100000), range(100000))"],
    "STRUCT": ["NULL::STRUCT(a INT)", "{'a': 1}", "{'a': NULL, 'b': {'c': [1]}}", "row(1, 'a')", "{'a': repeat('a', 100000)}"],
    "ARRAY": ["[1, 2, 3]::INT[3]", "[1, NULL, 3]::FLOAT[3]", "['nan', 1, 'inf']::DOUBLE[3]", "range(1000)::INT[1000]", "NULL::FLOAT[3]", "array_value(1.5, 2.5, 3.5)"],
    "ENUM": ["'a'::ENUM('a', 'b')", "NULL::ENUM('a')"],
    "UNION": ["union_value(x := 1)", "union_value(y := 'a')", "NULL::UNION(a INT, b VARCHAR)"],
    "DECIMAL": ["NULL::DECIMAL(4, 2)", "1.50::DECIMAL(4, 2)", "'99999999999999999999999999999999999999'::DECIMAL(38, 0)", "'0.00000000000000000000000000000000000001'::DECIMAL(38, 38)"],
    "HUGEINT": ["NULL::HUGEINT", "170141183460469231731687303715884105727::HUGEINT", "'-170141183460469231731687303715884105728'::HUGEINT", "1::HUGEINT"],
    "UHUGEINT": ["'340282366920938463463374607431768211455'::UHUGEINT"],
    "JSON": ["NULL::JSON", "'null'::JSON", "'{\"a\": [1, {\"b\": null}]}'::JSON", f"({DEEP.format(n=150)})::JSON", f"({DEEP.format(n=100000)})::JSON",
             f"({DEEP_OBJECT.format(n=20000)})::JSON", "('[' || repeat('1,', 50000) || '1]')::JSON"],
    "LAMBDA": ["lambda x: x", "lambda x: NULL", "lambda x: repeat('a', 100000)", "lambda x: range(10000)", "lambda x: levenshtein(repeat('a', 1000), repeat('b', 1000))",
               "lambda x, y: x", "lambda x, y: [x, y]", "lambda x, y: concat(x, y)", "lambda x: x IS NULL"],
    "NULL": ["NULL"],
}
FLOATS = [f"({value})::FLOAT" for value in DOUBLES]
ALL_TYPES = ["BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT", "FLOAT", "DOUBLE",
             "DECIMAL(4, 2)", "DECIMAL(18, 9)", "DECIMAL(38, 0)", "DECIMAL(38, 38)", "VARCHAR", "BLOB", "BIT", "UUID", "DATE", "TIME", "TIME_NS", "TIMETZ", "TIMESTAMP",
             "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "TIMESTAMPTZ", "INTERVAL", "JSON", "ENUM('a', 'b', '1')", "INTEGER[]", "VARCHAR[]", "DOUBLE[3]", "INTEGER[][]",
             "STRUCT(a INTEGER, b VARCHAR)", "STRUCT(a INTEGER[])", "MAP(VARCHAR, INTEGER)", "MAP(INTEGER, VARCHAR[])", "UNION(i INTEGER, s VARCHAR)",
             "VARIANT", "BIGNUM", "GEOMETRY"]
WINDOWS = ["()", "(ORDER BY k)", "(PARTITION BY k % 3 ORDER BY k)", "(ORDER BY k ROWS BETWEEN 3 PRECEDING AND 1 FOLLOWING)",
           "(ORDER BY k ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW EXCLUDE TIES)", "(ORDER BY k RANGE BETWEEN 5 PRECEDING AND 5 FOLLOWING)"]
OPERATORS = {"!~~", "!~~*", "%", "&", "&&", "*", "**", "+", "-", "->>", "/", "//", "<->", "<<", "<=>", "<@", ">>", "@>", "^", "^@", "|", "||", "~~", "~~*", "~~~"}
PREFIXES = {"@", "~"}

Function = collections.namedtuple("Function", "kind name parameters varargs")


def every_value():
    values = TEXTS + INTEGERS + DOUBLES + LISTS
    for group in (TIMES, OTHERS):
        for kind, some in group.items():
            if kind != "LAMBDA":
                values = values + some
    return values


EVERY_VALUE = every_value()


def values_for(kind):
    """Extreme expressions of a parameter's type."""
    if kind in TIMES:
        return TIMES[kind]
    if kind.endswith("]"):
        return OTHERS["ARRAY"] + LISTS if re.search(r"\[\d+\]$|\[ANY\]$", kind) else LISTS
    for name in ("MAP", "STRUCT", "DECIMAL", "UNION", "LAMBDA", "ENUM"):
        if kind.startswith(name):
            return OTHERS[name]
    if kind in OTHERS:
        return OTHERS[kind]
    if kind == "VARCHAR":
        return TEXTS
    if kind in ("DOUBLE",):
        return DOUBLES
    if kind == "FLOAT":
        return FLOATS
    if "INT" in kind:
        return INTEGERS
    return EVERY_VALUE


def functions():
    """Every function of the library, once for each of its forms."""
    rows = duckdb.connect().execute(
        "SELECT DISTINCT function_type, function_name, parameter_types, varargs FROM duckdb_functions() "
        "WHERE function_type IN ('scalar', 'aggregate', 'macro', 'table') AND NOT function_name LIKE '\\_\\_%' ESCAPE '\\' ORDER BY ALL").fetchall()
    known = [Function(kind, name, [p or "ANY" for p in parameters], varargs) for kind, name, parameters, varargs in rows]
    # COLLATE has a function for each of 150 languages, of one kind: a few stand for all.
    return [f for f in known if not f.name.startswith("icu_collate_") or f.name in ("icu_collate_de", "icu_collate_zh", "icu_collate_noaccent")]


class Draw:
    """Statements, each by the seed and its number alone."""

    def __init__(self, seed):
        self.seed = seed
        self.functions = functions()
        random.Random(seed).shuffle(self.functions)
        self.casts = [(value, kind) for kind in ALL_TYPES for value in EVERY_VALUE]

    def statement(self, number):
        chance = random.Random(f"{self.seed}/{number}")
        if number % 5 == 4:
            value, kind = chance.choice(self.casts)
            how = chance.choice(["CAST", "TRY_CAST"])
            return f"cast to {kind}", self.spread(chance, lambda one: f"{how}({one(value)} AS {kind})", [value], [EVERY_VALUE])
        function = self.functions[(number - number // 5) % len(self.functions)]
        return f"{function.kind} {function.name}", self.call(chance, function)

    def call(self, chance, function):
        kinds = list(function.parameters)
        if function.varargs:
            kinds += [function.varargs] * chance.choice([0, 1, 1, 2, 3])
        pools = [EVERY_VALUE if chance.random() < 0.08 else values_for(kind) for kind in kinds]
        arguments = [chance.choice(pool) for pool in pools]
        if function.kind == "table":
            return f"SELECT count(*) FROM (SELECT * FROM {quoted(function.name)}({', '.join(arguments)}) LIMIT 100000)"
        if function.kind == "aggregate":
            return self.aggregate(chance, function, arguments, pools)

        def make(one):
            return spelled(function.name, [one(argument) for argument in arguments])
        return self.spread(chance, make, arguments, pools)

    def aggregate(self, chance, function, arguments, pools):
        # A quantile, a count of bins, a separator must be constant; all else varies with the rows.
        constant = [i > 0 and chance.random() < 0.6 for i in range(len(arguments))]
        names = [argument if constant[i] else f"c{i}" for i, argument in enumerate(arguments)]
        columns = self.columns(chance, [(f"c{i}", argument, pools[i]) for i, argument in enumerate(arguments) if not constant[i]])
        rows = chance.choice([0, 1, 3, 100, 3000])
        source = f"(SELECT i AS k{columns} FROM range({rows}) t(i))"
        extra = chance.choice(["", "", " ORDER BY k DESC"]) if arguments else ""
        distinct = "DISTINCT " if arguments and not extra and chance.random() < 0.15 else ""
        call = f"{quoted(function.name)}({distinct}{', '.join(names)}{extra})"
        form = chance.random()
        if form < 0.4:
            return f"SELECT {call} AS r FROM {source}"
        if form < 0.7:
            return f"SELECT k % 7, {call} AS r FROM {source} GROUP BY 1"
        return f"SELECT {call} OVER {chance.choice(WINDOWS)} AS r FROM {source}"

    def columns(self, chance, entries):
        """Columns whose rows alternate between extreme values of one type."""
        text = ""
        for name, argument, pool in entries:
            other = chance.choice(pool)
            text += f", CASE i % 3 WHEN 0 THEN {argument} WHEN 1 THEN {other} END AS {name}" if chance.random() < 0.6 else f", {argument} AS {name}"
        return text

    def spread(self, chance, make, arguments, pools):
        """The call with constants, or with columns of a few rows or more than a batch of them."""
        form = chance.random()
        if form < 0.4:
            return f"SELECT {make(lambda one: one)} AS r"
        rows = chance.choice([1, 3, 100, 3000])
        names = {}
        entries = []
        for argument, pool in zip(arguments, pools):
            if argument.startswith("lambda") or chance.random() < 0.3 or argument in names:
                continue
            names[argument] = f"c{len(names)}"
            entries.append((names[argument], argument, pool))
        source = f"(SELECT i AS k{self.columns(chance, entries)} FROM range({rows}) t(i))"
        call = make(lambda one: names.get(one, one))
        outer = chance.random()
        if outer < 0.6:
            return f"SELECT {call} AS r FROM {source}"
        if outer < 0.8:
            return f"SELECT DISTINCT r FROM (SELECT {call} AS r FROM {source})"
        return f"SELECT r FROM (SELECT {call} AS r FROM {source}) ORDER BY r LIMIT 3"


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


def spelled(name, arguments):
    if name in OPERATORS and len(arguments) == 2:
        return f"({arguments[0]}) {name_of(name)} ({arguments[1]})"
    if name in PREFIXES and len(arguments) == 1:
        return f"{name} ({arguments[0]})"
    return f"{quoted(name)}({', '.join(arguments)})"


def name_of(operator):
    return {"~~": "LIKE", "!~~": "NOT LIKE", "~~*": "ILIKE", "!~~*": "NOT ILIKE", "~~~": "GLOB"}.get(operator, operator)


class Server:
    def __init__(self, program, folder):
        self.program = program
        self.folder = Path(folder)
        (self.folder / "lake").mkdir(exist_ok=True)
        self.config = self.folder / "config.yaml"
        self.config.write_text(f"stores: [{{name: local, path: {self.folder / 'lake'}}}]\n"
                               f"limits: {{query_seconds: {QUERY_SECONDS}, memory_bytes: {MEMORY_BYTES}}}\n")
        self.log = self.folder / "server.log"
        self.log_read = 0
        self.start()

    def start(self):
        with open(self.log, "ab") as log:
            begin = log.tell()
            self.process = subprocess.Popen([self.program, "serve", "--config", str(self.config), "--port", "0"],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < deadline and self.process.poll() is None:
            if found := re.search(rb"listening on http://[^ ]*:(\d+)", self.log.read_bytes()[begin:]):
                self.url = f"http://127.0.0.1:{int(found.group(1))}/api/1.0/sql"
                self.session = requests.Session()
                return
            time.sleep(0.02)
        raise RuntimeError(f"the server did not start: {self.log.read_text()[-2000:]}")

    def stop(self):
        self.process.kill()
        self.process.wait()

    def retired(self):
        """Whether the engine has ended all that runs in it, by an internal error, since it was asked last."""
        with open(self.log, "rb") as log:
            log.seek(self.log_read)
            lines = log.read()
        self.log_read += len(lines)
        return b"a DuckDB instance is retired" in lines

    def forget_peak(self):
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    def peak_bytes(self):
        return 1024 * int(re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{self.process.pid}/status").read_text()).group(1))

    def cpu_seconds(self):
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# late_seconds: of the processors, after the deadline. A machine that is busy with others makes answers late, but not these.
Outcome = collections.namedtuple("Outcome", "status reason detail seconds late_seconds")


def run(server, sql):
    """The answer, read to its end; status 0 when there is none."""
    begin = time.monotonic()
    at_deadline = []
    timer = threading.Timer(QUERY_SECONDS, lambda: at_deadline.append(server.cpu_seconds()))
    timer.start()
    problem = {}
    try:
        answer = server.session.post(server.url, json={"sql": sql}, timeout=ANSWER_SECONDS_MAX, stream=True)
        status, size = answer.status_code, 0
        if status != 200:
            problem = answer.json()
        for piece in answer.iter_content(1 << 20) if status == 200 else ():
            size += len(piece)
            if size > ANSWER_BYTES_MAX or time.monotonic() - begin > ANSWER_SECONDS_MAX:
                answer.close()
                break
    except (requests.exceptions.ConnectionError, requests.exceptions.ChunkedEncodingError):
        status = 599  # cut: a late error, or a death
    except requests.exceptions.Timeout:
        status = 0
    seconds = time.monotonic() - begin
    timer.cancel()
    try:
        late = server.cpu_seconds() - at_deadline[0] if at_deadline else 0
    except OSError:
        late = 0
    return Outcome(status, problem.get("reason") or problem.get("code") or "", problem.get("detail", ""), seconds, late)


class Report:
    def __init__(self):
        self.statuses = collections.Counter()
        self.reasons = collections.Counter()
        self.called = set()
        self.answered = set()
        self.failures = []

    def fail(self, kind, number, what, sql, note):
        self.failures.append((kind, number, what, sql, note))
        print(f"{kind}: number {number}, {what}, {note}\n  {sql}", flush=True)


def try_one(server, report, number, what, sql):
    server.forget_peak()
    outcome = run(server, sql)
    if outcome.status in (0, 599):
        time.sleep(0.2)
    if server.process.poll() is not None:
        report.fail("DEATH", number, what, sql, f"exit {server.process.returncode}")
        server.start()
        return
    if outcome.status == 0:
        report.fail("NO ANSWER", number, what, sql, f"{outcome.seconds:.1f} s, {outcome.late_seconds:.1f} s of the processor after the deadline")
        server.stop()
        server.start()
        return
    if outcome.late_seconds > LATE_SECONDS:
        again = run(server, sql)
        if again.late_seconds > LATE_SECONDS:
            note = f"{again.seconds:.1f} s, {again.late_seconds:.1f} s of the processor after the deadline"
            report.fail("LATE", number, what, sql, note)
    if (peak := server.peak_bytes()) > MEMORY_BYTES + MEMORY_MARGIN_BYTES:
        report.fail("MEMORY", number, what, sql, f"{peak >> 20} MiB")
        server.stop()
        server.start()
    if server.retired():
        report.fail("RETIRED", number, what, sql, outcome.detail[:200])
    elif outcome.status == 500:
        print(f"status 500: number {number}, {what}, {outcome.detail[:200]}\n  {sql}", flush=True)
    report.statuses[outcome.status] += 1
    report.reasons[outcome.reason] += 1
    if outcome.reason != "SQL_NOT_ALLOWED":
        report.called.add(what)
    if outcome.status == 200:
        report.answered.add(what)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--calls", type=int, default=1500)
    parser.add_argument("--first", type=int, default=0, help="the number of the first statement")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="end after this time, however many calls are left")
    parser.add_argument("--only", default="", help="a pattern for what is called: 'scalar levenshtein', 'cast to JSON'")
    parser.add_argument("--sql", help="one statement in place of those of the seed")
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    draw = Draw(options.seed)
    begin = time.monotonic()
    report = Report()
    tried = 0
    with tempfile.TemporaryDirectory() as folder:
        server = Server(os.environ["YUMMY_PROGRAM"], folder)
        try:
            for number in range(options.first, options.first + options.calls):
                if time.monotonic() - begin > options.seconds:
                    break
                what, sql = ("the statement", options.sql) if options.sql else draw.statement(number)
                if not re.search(options.only, what):
                    continue
                try_one(server, report, number, what, sql)
                tried += 1
                if options.sql:
                    break
        finally:
            server.stop()
    kinds = collections.Counter(kind for kind, *_ in report.failures)
    print(f"{tried} statements in {time.monotonic() - begin:.0f} s, seed {options.seed}; functions and casts: {len(report.called)} let pass, "
          f"{len(report.answered)} of them gave an answer")
    print(f"by status: {dict(report.statuses.most_common())}; by reason: {dict(report.reasons.most_common(12))}")
    print(f"deaths {kinds['DEATH']}, without an answer {kinds['NO ANSWER']}, late {kinds['LATE']}, beyond memory {kinds['MEMORY']}, "
          f"the engine retired {kinds['RETIRED']}")
    sys.exit(1 if report.failures else 0)


if __name__ == "__main__":
    main()
