#!/usr/bin/env python3
"""Compares random statements over random tables with plain DuckDB over the same rows.

    tests/differential/run.py --program build/yummy --count 20000 --seed 7

Prints the seed of each statement that is answered otherwise, shrunk to a program that shows it, and keeps the program in --folder. The
seed `7.3.41` is statement 41 over tables 3 of seed 7: `--only 7.3.41` runs it alone. Exits with 1 when there was a difference.
"""

import argparse
import multiprocessing
import os
import queue
import random
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from verdict import difference
from oracle import Oracle, for_server
from reproduction import program
from server import Refusal, Server
from shrink import Shrinker
from statements import statement
from tables import random_tables
from writers import write

TABLES = 6
STATEMENTS_PER_SET = 400
DIFFERENCES_SHRUNK_PER_SET = 3
WORKER_CHECK_SECONDS = 5


@dataclass
class Tally:
    """What one set of tables gave."""
    counts: Counter = field(default_factory=Counter)
    differences: list = field(default_factory=list)  # (seed, text, program or None)


def run_set(server, seed, numbers, shrinks=True):
    """Runs these statements over the tables of the seed."""
    tables = random_tables(random.Random(seed), TABLES)
    oracle = Oracle(tables)
    try:
        for table in tables:
            write(table, server, "tables")
        return run_statements(server, oracle, tables, seed, numbers, shrinks)
    finally:
        oracle.close()
        server.drop("tables")


def run_statements(server, oracle, tables, seed, numbers, shrinks):
    tally = Tally()
    for number in numbers:
        made = statement(tables, random.Random(f"{seed}.{number}"))
        expected = oracle.query(made.sql, made.parameters)
        found = server.query(for_server(made.sql, f"{server.store}.tables"), made.parameters)
        tally.counts["statements"] += 1
        tally.counts["failed in both" if isinstance(found, Refusal) else "rows" if found.num_rows else "no rows"] += 1
        differs = difference(made, expected, found)
        if differs:
            shrunk = Shrinker(server, tables, made).run() if shrinks and len(tally.differences) < DIFFERENCES_SHRUNK_PER_SET else None
            text = f"{differs}\n  {made.sql}\n  {made.parameters}"
            tally.differences.append((f"{seed}.{number}", text, program(shrunk) if shrunk else None))
    return tally


def work(program_path, tasks, answers):
    """One worker with a server of its own."""
    with Server(program_path) as server:
        for seed, numbers in iter(tasks.get, None):
            try:
                answers.put(run_set(server, seed, numbers))
            except Exception as error:  # told with its seed, and the others go on
                answers.put(Tally(Counter(), [(seed, f"the run failed: {error!r}", None)]))


def run(program_path, count, seed, workers):
    """Yields a Tally for each set of tables."""
    context = multiprocessing.get_context("spawn")
    tasks, answers = context.Queue(), context.Queue()
    sets = [(f"{seed}.{start // STATEMENTS_PER_SET}", range(min(STATEMENTS_PER_SET, count - start)))
            for start in range(0, count, STATEMENTS_PER_SET)]
    for task in [*sets, *[None] * workers]:
        tasks.put(task)
    processes = [context.Process(target=work, args=(program_path, tasks, answers)) for _ in range(workers)]
    for process in processes:
        process.start()
    for _ in sets:
        yield next_answer(answers, processes)
    for process in processes:
        process.join()


def next_answer(answers, processes):
    while True:
        try:
            return answers.get(timeout=WORKER_CHECK_SECONDS)
        except queue.Empty:
            dead = [process.exitcode for process in processes if process.exitcode]
            if dead:
                raise RuntimeError(f"a worker ended with {dead[0]}: DuckDB may have ended it") from None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=os.environ.get("YUMMY_PROGRAM"), help="the program `yummy`; default: YUMMY_PROGRAM")
    parser.add_argument("--count", type=int, default=2000, help="how many statements")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6), help="default: another one each time")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--only", help="the seed of one statement")
    parser.add_argument("--folder", type=Path, default=Path("build/differential"), help="where programs are kept that show a difference")
    options = parser.parse_args()
    begin, total = time.monotonic(), Counter()
    if options.only:
        seed, _, number = options.only.rpartition(".")
        with Server(options.program) as server:
            tallies = [run_set(server, seed, [int(number)])]
    else:
        print(f"seed {options.seed}: {options.count} statements by {options.program}", flush=True)
        tallies = run(options.program, options.count, options.seed, options.workers)
    for tally in tallies:
        total.update(tally.counts)
        for seed, text, shown in tally.differences:
            total["differences"] += 1
            print(f"DIFFERENCE {seed}: {text}\n{shown or '  not shrunk'}", flush=True)
            if shown:
                options.folder.mkdir(parents=True, exist_ok=True)
                (options.folder / f"{seed}.py").write_text(shown, encoding="utf-8")
    print(f"{dict(total)} in {time.monotonic() - begin:.0f} s")
    return 1 if total["differences"] else 0


if __name__ == "__main__":
    sys.exit(main())
