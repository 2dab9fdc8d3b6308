#!/usr/bin/env python3
"""This checkout beside another one of the same project: does anything take longer than it did?

    git worktree add /tmp/before COMMIT && make -C /tmp/before bench-programs
    bench/before.py /tmp/before [--only open,rest,append,tpch]

Runs with the Python of build/bench-venv, on the data of bench/run.py. Both programs do each piece of work in turn, once to warm up
and then ROUNDS times, so that a machine which changes its speed changes it for both. A line gives both medians and the median of
the ratios of the rounds (above 1: this checkout is faster) with their quartiles.
"""

import argparse
import json
import shutil
import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import run

ROUNDS = 11
ROWS = 45000
APPENDS = 20


def report(what, rounds, unit="ms", higher_is_better=False):
    """`rounds` holds a pair (now, before) for each round."""
    ratios = sorted(now / before if higher_is_better else before / now for now, before in rounds)
    lower, middle, upper = statistics.quantiles(ratios, n=4)
    now, before = (statistics.median(values) for values in zip(*rounds))
    print(f"{what:58} now {now:10.3f} {unit}  before {before:10.3f} {unit}  ratio {middle:5.2f} x ({lower:.2f} to {upper:.2f})",
          flush=True)


def in_turn(*bodies):
    """What the bodies give, round by round, after one round that does not count."""
    return [tuple(body() for body in bodies) for _ in range(ROUNDS + 1)][1:]


class Build:
    """The optimised programs of one checkout."""

    def __init__(self, root):
        self.release = Path(root).resolve() / "build" / "release" / "yummy"
        self.program = self.release / "cli" / "yummy"

    def benchmark(self, program, *arguments):
        return run.in_process(self.release / program, *arguments)

    def serve(self, folder, port, limits=""):
        return run.start_ours(folder, port, limits, self.program)


def open_table(*builds):
    for name, checkpoint in (("plain", False), ("checkpointed", True)):
        folder = run.make_long_log(name, checkpoint)
        for what, verb in (("cold open", "cold-open"), ("refresh, nothing new", "refresh")):
            report(f"{what}, {run.COMMITS} commits, {name}", in_turn(*(
                lambda build=build: run.median(build.benchmark("delta/delta_benchmark", verb, folder.parent, name, 11)[0])
                for build in builds)))


def rest(*builds):
    folder = run.make_long_log("plain", False).parent
    small = run.make_small()
    asked = [("details", folder, "/api/1.0/delta/local/plain/details", ""),
             ("count(*)", folder, run.sql("plain", "SELECT count(*) c FROM plain"), ""),
             ("count(*), no kept results", folder, run.sql("plain", "SELECT count(*) c FROM plain"), run.KEEP_NOTHING),
             ("point query", small, run.sql("p25", "SELECT * FROM p25 WHERE id = 7"), ""),
             ("point query, no kept results", small, run.sql("p25", "SELECT * FROM p25 WHERE id = 7"), run.KEEP_NOTHING)]
    for what, tables, path, limits in asked:
        services = [build.serve(tables, 18401 + number, limits) for number, build in enumerate(builds)]
        report(f"{what} over REST, p50", in_turn(*(lambda service=service: service.wrk(path, 1, 1)[0] for service in services)))
        report(f"{what} over REST, 16 connections",
               in_turn(*(lambda service=service: service.wrk(path, 16, 1)[1] for service in services)), "1/s", True)
        for service in services:
            service.stop()


def append(*builds):
    bodies = {rows: json.dumps({"recordBatchDict": {"id": list(range(rows)), "name": ["name"] * rows, "v": [1.5] * rows}}).encode()
              for rows in (1, ROWS)}
    services = []
    for number, build in enumerate(builds):
        folder = run.fresh_copy(f"before-{number}")
        services.append(build.serve(folder, 18411 + number))
        for table in ("one", "many", "clients"):
            services[-1].post("/api/1.0/delta/local", json.dumps({"table": table, "schema": run.SCHEMA}).encode())

    def milliseconds(service, table, body, times):
        return run.wall_ms(lambda: [service.post(f"/api/1.0/delta/local/{table}", body) for _ in range(times)]) / times

    report("append 1 row", in_turn(*(lambda s=s: milliseconds(s, "one", bodies[1], APPENDS) for s in services)))
    report(f"append {ROWS} rows in one JSON body", in_turn(*(lambda s=s: milliseconds(s, "many", bodies[ROWS], 1) for s in services)))
    report("8 clients x 25 appends", in_turn(*(lambda s=s: 200 / run.append_from(s.port, "clients", 8, 25)[0] for s in services)),
           "1/s", True)
    for service in services:
        service.stop()
    shutil.rmtree(run.DATA / "writes", ignore_errors=True)


def tpch(*builds):
    file = run.write_tpch_queries(run.duckdb_with("tpch"))[1]
    for files in (1, 100):
        folder = run.make_tpch(files)
        rounds = in_turn(*(lambda build=build: build.benchmark("duck/duck_benchmark", "ours", folder, file, 3) for build in builds))
        for kind in ("wall_ms", "cpu_ms"):
            report(f"TPC-H SF1, 22 queries, lineitem in {files} file{'s' if files > 1 else ''}, {kind[:-3]}",
                   [tuple(sum(run.median(query, kind) for query in queries) for queries in pair) for pair in rounds])


SCENARIOS = {"open": open_table, "rest": rest, "append": append, "tpch": tpch}


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("before", help="another checkout, in which `make bench-programs` was run")
    options.add_argument("--only", default=",".join(SCENARIOS), help="scenarios, with commas between them")
    arguments = options.parse_args()
    run.DATA.mkdir(parents=True, exist_ok=True)
    for name in arguments.only.split(","):
        print(f"--- {name}", flush=True)
        SCENARIOS[name](Build(run.ROOT), Build(arguments.before))


if __name__ == "__main__":
    main()
