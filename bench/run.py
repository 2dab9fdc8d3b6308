#!/usr/bin/env python3
"""`make bench`: this program beside its peers, pairs in one run, medians of five or more.

    bench/run.py [--only open,rest,append,tpch,remote]

Runs with the Python of build/bench-venv (deltalake, duckdb with its delta and tpch extensions, roapi). Yummy Delta 0.0.9 runs
in build/bench-old when there is a Python 3.9; else that peer is skipped in words. Data is made once in build/bench-data.
Each line: what, ours, the peer's, the ratio (above 1: ours is faster), the ratio that is wanted.
"""

import argparse
import json
import os
import random
import re
import shutil
import socket
import statistics
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import http.client
import uuid
from pathlib import Path

import pyarrow as pa
from pyarrow import fs
from deltalake import DeltaTable, QueryBuilder, write_deltalake
from deltalake.exceptions import CommitFailedError

ROOT = Path(__file__).resolve().parent.parent
sys.path += [str(ROOT / "tools"), str(ROOT / "tests" / "stores")]
DATA = ROOT / "build" / "bench-data"
RELEASE = ROOT / "build" / "release" / "yummy"
PROGRAM = ROOT / "build" / "yummy"
OLD_PYTHON = ROOT / "build" / "bench-old" / "bin" / "python"
REPEATS = 5
COMMITS = 2000


def line(what, ours, peer, peer_value, wanted=None, unit="ms", higher_is_better=False):
    ratio = ours / peer_value if higher_is_better else peer_value / ours
    verdict = "" if wanted is None else f"  wanted {wanted:g} x {'ok' if ratio >= wanted else 'SHORT'}"
    print(f"{what:66} ours {ours:10.3f} {unit}  {peer:24} {peer_value:10.3f} {unit}  ratio {ratio:8.2f} x{verdict}", flush=True)


def skip(what, why):
    print(f"{what:66} skipped: {why}", flush=True)


# --- Data -----------------------------------------------------------------------------------------------------------


def make_long_log(name, checkpoint):
    """2,000 commits of one small file each, about 3.5 MB of JSON as deltalake writes it; the files are hard links of one."""
    folder = DATA / "logs" / name
    if folder.exists():
        return folder
    scratch = DATA / "scratch"
    shutil.rmtree(scratch, ignore_errors=True)
    row = pa.table({"id": pa.array([1], pa.int64()), "name": ["n"], "v": [1.5]})
    write_deltalake(str(scratch), row)
    write_deltalake(str(scratch), row, mode="append")
    text = (scratch / "_delta_log" / f"{1:020}.json").read_text()
    data_file = re.search(r'"path":"([^"]+)"', text).group(1)
    for version in range(1, COMMITS):
        path = f"part-00000-{uuid.uuid4()}-c000.snappy.parquet"
        if version > 1:
            os.link(scratch / data_file, scratch / path)
            padding = "x" * 1000  # so that all commits together have 3.5 MB
            (scratch / "_delta_log" / f"{version:020}.json").write_text(
                text.replace(data_file, path).replace('"operation":', f'"padding":"{padding}","operation":', 1))
    if checkpoint:
        DeltaTable(str(scratch)).create_checkpoint()
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch.rename(folder)
    return folder


def make_small():
    """A table of 25 rows in one file."""
    folder = DATA / "small"
    if not folder.exists():
        write_deltalake(str(folder / "p25"), pa.table({"id": pa.array(range(25), pa.int64()), "s": [f"s{i}" for i in range(25)],
                                                       "v": [i * 1.5 for i in range(25)]}))
    return folder


def duckdb_with(*extensions):
    import duckdb
    import importlib.util
    connection = duckdb.connect(config={"allow_unsigned_extensions": "true", "threads": "2"})
    for name in extensions:
        package = importlib.util.find_spec(f"duckdb_extension_{name}").submodule_search_locations[0]
        connection.execute(f"LOAD '{next(Path(package).rglob('*.duckdb_extension'))}'")
    return connection


# --- Measuring ------------------------------------------------------------------------------------------------------


def wall_ms(body):
    begin = time.perf_counter()
    body()
    return (time.perf_counter() - begin) * 1e3


def timed(body):
    """Wall milliseconds of the median of REPEATS runs after one warm-up."""
    body()
    return statistics.median(wall_ms(body) for _ in range(REPEATS))


def in_process(program, *arguments):
    """What a benchmark program of this checkout, or one at an absolute path, prints."""
    out = subprocess.run([RELEASE / program, *map(str, arguments)], check=True, capture_output=True, text=True).stdout
    return [json.loads(text) for text in out.splitlines()]


def median(result, kind="wall_ms"):
    return statistics.median(result[kind][1:])


class Service:
    """A server process of ours or a peer's on a port of this machine."""

    def __init__(self, command, port, probe):
        self.port = port
        self.process = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 30
        while True:
            try:
                self.get(probe)
                return
            except OSError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise
                time.sleep(0.05)

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    def get(self, path):
        with urllib.request.urlopen(self.url(path), timeout=60) as answer:
            return answer.read()

    def post(self, path, body):
        request = urllib.request.Request(self.url(path), data=body, headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{path}: {error.code} {error.read().decode()[:300]}") from None

    def wrk(self, path, connections, seconds=4, method=()):
        """(p50 in ms, requests a second)."""
        out = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}", "--latency", *method, self.url(path)],
                             check=True, capture_output=True, text=True).stdout
        value, unit = re.search(r"50%\s+([\d.]+)(us|ms|s)", out).groups()
        p50 = float(value) * {"us": 1e-3, "ms": 1, "s": 1e3}[unit]
        assert "Non-2xx" not in out, f"{path} is not answered 200"
        return p50, float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1))

    def stop(self):
        self.process.terminate()
        self.process.wait()


def start_ours(folder, port, limits="", program=PROGRAM):
    config = DATA / f"ours-{port}.yaml"
    config.write_text(f"stores:\n  - name: local\n    path: {json.dumps(str(folder))}\n{limits}")
    return Service([program, "serve", "-f", config, "-p", port, "--log-level", "warn"], port, "/health")


def start_old(folder, port):
    if not OLD_PYTHON.exists():
        return None
    config = DATA / f"old-{port}.yaml"
    config.write_text(f"stores:\n  - name: local\n    path: {json.dumps(str(folder) + '/')}\n")
    code = f"import yummy_delta; yummy_delta.run({str(config)!r}, '127.0.0.1', {port}, 'error')"
    return Service([OLD_PYTHON, "-c", code], port, "/health")


def sql(table, query):
    return f"/api/1.0/delta/local/{table}?" + urllib.parse.urlencode({"query": query})


# --- Scenarios ------------------------------------------------------------------------------------------------------


def open_table():
    for name, checkpoint, wanted in (("plain", False, (10, 8)), ("checkpointed", True, (3, None))):
        folder = make_long_log(name, checkpoint)
        ours = in_process("delta/delta_benchmark", "cold-open", folder.parent, name, 11)[0]
        what = f"cold open, {COMMITS} commits" + (", checkpoint" if checkpoint else "")
        line(what + " (wall)", median(ours), "deltalake", timed(lambda: DeltaTable(str(folder))), wanted[0])

        def by_duckdb():
            connection = duckdb_with("delta")
            connection.execute(f"SELECT count(*) FROM (SELECT 1 FROM delta_scan('{folder}') WHERE false)").fetchall()

        line(what + " (wall)", median(ours), "DuckDB delta", timed(by_duckdb), wanted[1])
        table = DeltaTable(str(folder))
        refresh = in_process("delta/delta_benchmark", "refresh", folder.parent, name, 101)[0]
        line(f"refresh, nothing new{', checkpoint' if checkpoint else ''}", median(refresh), "deltalake update_incremental",
             timed(table.update_incremental), 20)


KEEP_NOTHING = "limits: {result_cache_bytes: 0}\n"
OURS = {"ours": "", "no kept results": ", no kept results"}


def in_turn(loads, connections):
    """(p50 in ms, requests a second) for each load: medians of rounds in which the services take turns."""
    rounds = {name: [] for name in loads}
    for _ in range(REPEATS):
        for name, (service, path, *method) in loads.items():
            rounds[name].append(service.wrk(path, connections, 2, *method))
    return {name: tuple(statistics.median(figures) for figures in zip(*values)) for name, values in rounds.items()}


def rest_reads():
    folder = make_long_log("plain", False).parent
    small = make_small()
    ours, anew, old = start_ours(folder, 18301), start_ours(folder, 18303, KEEP_NOTHING), start_old(folder, 18302)
    for what, path, mine in (("details", "/api/1.0/delta/local/plain/details", {"ours": ours}),
                             ("count(*)", sql("plain", "SELECT count(*) c FROM plain"), {"ours": ours, "no kept results": anew})):
        figures = in_turn({name: (service, path) for name, service in (mine | ({"0.0.9": old} if old else {})).items()}, 1)
        for name in mine:
            label = OURS[name]
            if not old:
                skip(f"{what} of that table over REST{label}", f"no Python 3.9 for 0.0.9; ours {figures[name][0]:.3f} ms")
                continue
            line(f"{what} of that table over REST, p50{label}", figures[name][0], "0.0.9", figures["0.0.9"][0], 200)
    for service in filter(None, (ours, anew, old)):
        service.stop()
    query = "SELECT * FROM p25 WHERE id = 7"
    ours, anew, old = start_ours(small, 18303), start_ours(small, 18308, KEEP_NOTHING), start_old(small, 18304)
    roapi = Service([Path(sys.executable).parent / "roapi", "--addr-http", "127.0.0.1:18305", "--addr-postgres", "127.0.0.1:18306",
                     "--addr-flight-sql", "127.0.0.1:18307", "--table", f"p25={small / 'p25'},format=delta"], 18305, "/health")
    script = DATA / "roapi.lua"
    script.write_text(f'wrk.method = "POST"\nwrk.body = "{query}"\n')
    path = sql("p25", query)
    peers = {"ROAPI": (roapi, "/api/sql", ("-s", str(script))), **({"0.0.9": (old, path)} if old else {})}
    for connections in (1, 16):
        figures = in_turn({"ours": (ours, path), "no kept results": (anew, path), **peers}, connections)
        for peer in peers:
            for name, label in OURS.items():
                if connections == 1:
                    line(f"point query, 25 rows, 1 connection, p50{label}", figures[name][0], peer, figures[peer][0], 4)
                else:
                    line(f"point query, 25 rows, 16 connections{label}", figures[name][1], peer, figures[peer][1], 3, "1/s", True)
    for service in filter(None, (ours, anew, old, roapi)):
        service.stop()


def fresh_copy(name):
    folder = DATA / "writes" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def append_from(port, table, clients, appends):
    """Seconds, and how many were refused."""
    refused = []

    def run(client):
        connection = http.client.HTTPConnection("127.0.0.1", port)
        for number in range(appends):
            body = json.dumps({"recordBatchDict": {"id": [client * appends + number], "name": ["n"], "v": [1.5]}})
            connection.request("POST", f"/api/1.0/delta/local/{table}", body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                refused.append(answer.status)

    threads = [threading.Thread(target=run, args=(client,)) for client in range(clients)]
    begin = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - begin, len(refused)


SCHEMA = [{"name": "id", "type": "long", "nullable": True}, {"name": "name", "type": "string", "nullable": True},
          {"name": "v", "type": "double", "nullable": True}]


def rest_writes():
    source = make_long_log("plain", False)
    figures = {}
    many = json.dumps({"recordBatchDict": {"id": list(range(45000)), "name": ["name"] * 45000, "v": [1.5] * 45000}}).encode()
    one = json.dumps({"recordBatchDict": {"id": [1], "name": ["n"], "v": [1.5]}}).encode()
    for name, start, port in (("ours", start_ours, 18311), ("0.0.9", start_old, 18312)):
        folder = fresh_copy(name)
        shutil.copytree(source, folder / "long", copy_function=os.link)
        first = folder / "long" / "_delta_log" / f"{0:020}.json"
        text = first.read_text()
        first.unlink()  # the file is a link of the source's
        first.write_text(text.replace('"minWriterVersion":2', '"minWriterVersion":1'))  # 0.0.9 writes no other tables
        service = start(folder, port)
        if service is None:
            skip("appends", "no Python 3.9 for 0.0.9")
            continue
        for table in ("many", "clients"):
            service.post("/api/1.0/delta/local", json.dumps({"table": table, "schema": SCHEMA}).encode())
        figures[name] = {"one": timed(lambda: service.post("/api/1.0/delta/local/long", one)),
                         "many": timed(lambda: service.post("/api/1.0/delta/local/many", many))}
        seconds, refused = append_from(port, "clients", 8, 25)
        figures[name].update(rate=(200 - refused) / seconds, refused=refused)
        service.stop()
    ours, old = figures["ours"], figures.get("0.0.9")
    if old:
        line(f"append 1 row over REST, {COMMITS} commits", ours["one"], "0.0.9", old["one"], 5)
        line("append 45,000 rows in one JSON body", ours["many"], "0.0.9", old["many"], 10)
        line(f"8 clients x 25 appends, refused: ours {ours['refused']}, 0.0.9 {old['refused']}", ours["rate"], "0.0.9", old["rate"], 2, "1/s", True)
    folder = fresh_copy("deltalake") / "t"
    row = pa.table({"id": pa.array([1], pa.int64()), "name": ["n"], "v": [1.5]})
    write_deltalake(str(folder), row)

    def write():
        for _ in range(25):
            try:
                write_deltalake(str(folder), row, mode="append")
            except CommitFailedError:  # it gives up after 15 tries: the rate counts what was committed
                pass

    threads = [threading.Thread(target=write) for _ in range(8)]
    begin = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    line("8 clients x 25 appends", ours["rate"], "deltalake", (DeltaTable(str(folder)).version()) / (time.perf_counter() - begin), 2, "1/s", True)


def make_tpch(files):
    folder = DATA / f"tpch-{files}"
    if folder.exists():
        return folder
    scratch = DATA / f"tpch-{files}-making"
    shutil.rmtree(scratch, ignore_errors=True)
    connection = duckdb_with("tpch")
    connection.execute("CALL dbgen(sf = 1)")
    for (table,) in connection.execute("SELECT table_name FROM information_schema.tables").fetchall():
        arrow = connection.execute(f'SELECT * FROM "{table}"').to_arrow_table()
        parts = files if table == "lineitem" else 1
        rows = -(-arrow.num_rows // parts)
        for part in range(parts):
            write_deltalake(str(scratch / table), arrow.slice(part * rows, rows), mode="append", target_file_size=1 << 32)
    scratch.rename(folder)
    return folder


def write_tpch_queries(connection):
    """The 22 queries, and the file that has one on each line."""
    queries = [" ".join(text.replace(";", "").split()) for (text,) in
               connection.execute("SELECT query FROM tpch_queries() ORDER BY query_nr").fetchall()]
    file = DATA / "tpch.sql"
    file.write_text("\n".join(queries) + "\n")
    return queries, file


def tpch():
    connection = duckdb_with("tpch", "delta")
    queries, file = write_tpch_queries(connection)
    for files in (1, 100):
        folder = make_tpch(files)
        ours = in_process("duck/duck_benchmark", "ours", folder, file, REPEATS + 1)
        raw = in_process("duck/duck_benchmark", "raw", folder, file, REPEATS + 1)
        assert [q["rows"] for q in ours] == [q["rows"] for q in raw], "the two give other rows"
        label = f"TPC-H SF1, 22 queries, lineitem in {files} file{'s' if files > 1 else ''}"
        wall = sum(median(q) for q in ours)
        cpu = sum(median(q, "cpu_ms") for q in ours)
        line(label + " (wall)", wall, "raw read_parquet", sum(median(q) for q in raw), 0.95)
        line(label + " (CPU)", cpu, "raw read_parquet", sum(median(q, "cpu_ms") for q in raw), 0.95)
        for name in os.listdir(folder):
            connection.execute(f"CREATE OR REPLACE VIEW \"{name}\" AS SELECT * FROM delta_scan('{folder / name}')")
        line(label + " (wall)", wall, "DuckDB + delta", sum(timed(lambda q=q: connection.execute(q).fetchall()) for q in queries),
             1.5 if files > 1 else None)
        builder = QueryBuilder()
        for name in os.listdir(folder):
            builder.register(name, DeltaTable(str(folder / name)))
        total, refused = 0, 0
        for query in queries:
            try:
                total += timed(lambda q=query: builder.execute(q).read_all())
            except Exception:  # a query that the peer cannot run does not count for it
                refused += 1
        line(label + f" (wall; peer refuses {refused})", wall, "deltalake", total, 1.5)


# --- A store across a network -----------------------------------------------------------------------------------------

LATENCY_SECONDS = 0.04
REMOTE_ROUNDS = 3  # a scan by a peer takes seconds
STORE = "seaweedfs"  # answers more quickly than the clients ask: moto's 160 requests a second would be what is measured
RANGE = "SELECT count(v) AS n, sum(id) AS ids FROM {} WHERE id BETWEEN 50000 AND 50999"  # 10 files of many
SCAN = "SELECT count(*) AS n, sum(v) AS v, sum(w) AS w FROM {}"
NOTHING = "SELECT count(*) FROM (SELECT 1 FROM {} WHERE false)"  # what DuckDB reads of a table to know its version


def make_files(name, files, rows):
    """A table of files with ascending ids, each in a commit of its own, with a checkpoint."""
    folder = DATA / "remote" / name
    if folder.exists():
        return folder
    scratch = DATA / "scratch"
    shutil.rmtree(scratch, ignore_errors=True)
    generator = random.Random(1)
    table = None
    for number in range(files):
        write_deltalake(table or str(scratch), pa.table({"id": pa.array(range(number * rows, (number + 1) * rows), pa.int64()),
                                                         "v": [generator.random() for _ in range(rows)],
                                                         "w": [generator.random() for _ in range(rows)]}), mode="append")
        table = table or DeltaTable(str(scratch))
    DeltaTable(str(scratch)).create_checkpoint()
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch.rename(folder)
    return folder


class Remote:
    """Tables in a store behind a proxy that holds every request up, and who asks for them: `ours`, `deltalake` and `duckdb` start
    afresh, and give what is to be measured cold and again, and the end."""

    def __init__(self, facts, proxy):
        self.options = proxy.through(facts["storage_options"])
        self.root, self.endpoint, self.proxy = facts["root"], facts["endpoint"], proxy

    def upload(self, folder, part=""):
        keys = {"access_key": self.options["AWS_ACCESS_KEY_ID"], "secret_key": self.options["AWS_SECRET_ACCESS_KEY"]}
        store = fs.S3FileSystem(**keys, endpoint_override=self.endpoint, region=self.options["AWS_REGION"])
        fs.copy_files(str(folder / part), f"{self.root.removeprefix('s3://')}/{folder.name}/{part}".rstrip("/"),
                      destination_filesystem=store)

    def ours(self, name, query=None):
        config = DATA / "remote.yaml"
        config.write_text(json.dumps({"stores": [{"name": "local", "path": self.root, "storage_options": self.options}]}))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        service = Service([PROGRAM, "serve", "-f", config, "-p", port, "--log-level", "warn"], port, "/health")
        path = sql(name, query.format(name)) if query else f"/api/1.0/delta/local/{name}/details"
        return [lambda: service.get(path)] * 2, service.stop

    def deltalake(self, name, query=None):
        held = []

        def run():
            if held:
                held[0].update_incremental()
            else:
                held.append(DeltaTable(f"{self.root}/{name}", storage_options=self.options))
            if query:
                QueryBuilder().register(name, held[0]).execute(query.format(name)).read_all()

        return [run, run], lambda: None

    def duckdb(self, name, query=NOTHING):
        """Cold by delta_scan, and again in a database that is attached and knows the table: each is what asks less."""
        cold, again = self.duckdb_connection(), self.duckdb_connection()
        again.execute(f"ATTACH '{self.root}/{name}' AS attached (TYPE delta)")
        again.execute(query.format("attached")).fetchall()

        def end():
            cold.close()
            again.close()

        return [lambda: cold.execute(query.format(f"delta_scan('{self.root}/{name}')")).fetchall(),
                lambda: again.execute(query.format("attached")).fetchall()], end

    def duckdb_connection(self):
        connection = duckdb_with("httpfs", "delta")
        connection.execute(f"""CREATE SECRET (TYPE s3, KEY_ID '{self.options["AWS_ACCESS_KEY_ID"]}', USE_SSL false, URL_STYLE 'path',
            SECRET '{self.options["AWS_SECRET_ACCESS_KEY"]}', REGION '{self.options["AWS_REGION"]}',
            ENDPOINT '{self.options["AWS_ENDPOINT_URL"].removeprefix("http://")}')""")
        return connection

    def measure(self, *question):
        """Medians of (milliseconds, requests), cold and again, by who asks: everything made anew in each round, in turn."""
        runs = {asker: [] for asker in (self.ours, self.deltalake, self.duckdb)}
        for _ in range(REMOTE_ROUNDS):
            for asker, figures in runs.items():
                steps, end = asker(*question)
                figures.append([self.count_and_time(step) for step in steps])
                end()
        return [[tuple(statistics.median(each) for each in zip(*step)) for step in zip(*figures)] for figures in runs.values()]

    def count_and_time(self, step):
        self.proxy.forget()
        begin = time.perf_counter()
        step()
        return (time.perf_counter() - begin) * 1e3, len(self.proxy.requests())


def remote():
    import stores
    from fault_proxy import FaultProxy
    logs = [make_long_log("plain", False), make_long_log("checkpointed", True)]
    tables = [make_files("many", 1000, 100), make_files("hundred", 100, 20000)]
    with stores.running_stores([STORE]) as facts, FaultProxy(facts[STORE]["endpoint"], latency_seconds=LATENCY_SECONDS) as proxy:
        place = Remote(facts[STORE], proxy)
        for folder in logs:
            place.upload(folder, "_delta_log")
        for folder in tables:
            place.upload(folder)
        for what, *question in ((f"open a table of {COMMITS} commits", "plain"),
                                (f"open a table of {COMMITS} commits, checkpoint", "checkpointed"),
                                ("query that touches 10 of 1,000 files", "many", RANGE),
                                ("scan of 100 files", "hundred", SCAN)):
            ours, *peers = place.measure(*question)
            for peer, theirs in zip(("deltalake", "DuckDB httpfs + delta"), peers):
                for step, mine, other, wanted in zip(("cold", "again"), ours, theirs, (2, None)):
                    line(f"40 ms away, {what}, {step} (wall)", mine[0], peer, other[0], wanted)
                    line(f"40 ms away, {what}, {step} (requests)", mine[1], peer, other[1], 1, unit="  ")


SCENARIOS = {"open": open_table, "rest": rest_reads, "append": rest_writes, "tpch": tpch, "remote": remote}


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--only", default=",".join(SCENARIOS), help="scenarios, with commas between them")
    DATA.mkdir(parents=True, exist_ok=True)
    for name in options.parse_args().only.split(","):
        print(f"--- {name}", flush=True)
        SCENARIOS[name]()


if __name__ == "__main__":
    main()
