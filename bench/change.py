#!/usr/bin/env python3
"""Rows that change: this program beside deltalake, on TPC-H lineitem at SF1 (6.0 M rows).

    bench/change.py [--only delete,update,merge-1,merge-1%,merge-10%,insert]

Runs with the Python of build/bench-venv, in turn, ROUNDS rounds, each on a fresh copy of the table. Every statement is a process of
its own: `yummy sql`, or Python with deltalake. Each line: seconds of wall time (median), CPU seconds, the peak memory, and the bytes
that were written; then the ratio of the times (above 1: ours is faster).
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import run

ROUNDS = 3
SCATTERED = "l_orderkey % 5977 = 3"  # 1,004 orders' lines, in all parts of the table
SOURCE = "bench-source"

# {name: (ours, what deltalake runs on the table `dt`, with the source rows in `source`)}
MERGE = "MERGE INTO local.t t USING local.\"{source}\" s ON t.l_orderkey = s.l_orderkey AND t.l_linenumber = s.l_linenumber "
THEIR_MERGE = ("dt.merge(source, 't.l_orderkey = s.l_orderkey AND t.l_linenumber = s.l_linenumber', source_alias='s', target_alias='t')")
UPSERT = (MERGE + "WHEN MATCHED THEN UPDATE SET l_quantity = s.l_quantity WHEN NOT MATCHED THEN INSERT BY POSITION",
          THEIR_MERGE + ".when_matched_update({'l_quantity': 's.l_quantity'}).when_not_matched_insert_all().execute()")
CASES = {
    "delete": (f"DELETE FROM local.t WHERE {SCATTERED}", f"dt.delete('{SCATTERED}')", None),
    "update": (f"UPDATE local.t SET l_quantity = 0 WHERE {SCATTERED}", f"dt.update(predicate='{SCATTERED}', updates={{'l_quantity': '0'}})", None),
    "merge-1": (*UPSERT, "l_orderkey = 3 AND l_linenumber = 1"),
    "merge-1%": (*UPSERT, "l_orderkey % 101 = 7"),
    "merge-10%": (*UPSERT, "l_orderkey % 10 = 3"),
    "insert": (MERGE + "WHEN NOT MATCHED THEN INSERT BY POSITION", THEIR_MERGE + ".when_not_matched_insert_all().execute()", "l_orderkey % 101 = 8"),
}


def measured(command):
    """Wall and CPU seconds, and the peak memory in MiB, of one process."""
    begin = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    text = process.stderr.read().decode()
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        raise RuntimeError(f"{command[-1][:200]}: {text[-500:]}")
    return time.perf_counter() - begin, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def sizes(folder):
    return {path: path.stat().st_size for path in folder.rglob("*") if path.suffix in (".parquet", ".bin")}


def copy_of(table, folder, vectors):
    """The table in `folder`/t; data files are hard links. With vectors, its protocol says so from the beginning."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(table, folder / "t", copy_function=os.link)
    if vectors:
        first = folder / "t" / "_delta_log" / f"{0:020}.json"
        actions = [json.loads(text) for text in first.read_text().splitlines()]
        for action in actions:
            if "protocol" in action:
                action["protocol"] = {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": ["deletionVectors"], "writerFeatures": ["deletionVectors"]}
            if "metaData" in action:
                action["metaData"]["configuration"]["delta.enableDeletionVectors"] = "true"
        first.unlink()  # the file is a link of the source's
        first.write_text("\n".join(map(json.dumps, actions)) + "\n")
    return folder


def make_source(condition, name):
    """Rows of lineitem with other quantities, half of them with keys that are new."""
    folder = run.DATA / name
    shutil.rmtree(folder, ignore_errors=True)
    connection = run.duckdb_with("delta")
    lineitem = run.make_tpch(1) / "lineitem"
    columns = [row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM delta_scan('{lineitem}')").fetchall()]
    half = ", ".join({"l_quantity": "(l_quantity + 1)::DECIMAL(15,2) AS l_quantity",
                      "l_orderkey": "CASE WHEN l_orderkey % 2 = 0 THEN l_orderkey + 10000000 ELSE l_orderkey END AS l_orderkey"}.get(c, c) for c in columns)
    rows = connection.execute(f"SELECT {half} FROM delta_scan('{lineitem}') WHERE {condition}").to_arrow_table()
    run.write_deltalake(str(folder), rows)
    return folder, rows.num_rows


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--only", default=",".join(CASES))
    options.add_argument("--program", default=run.PROGRAM)
    chosen = options.parse_args()
    run.DATA.mkdir(parents=True, exist_ok=True)
    table = run.make_tpch(1) / "lineitem"
    for name in chosen.only.split(","):
        ours, theirs, condition = CASES[name]
        source, rows = make_source(condition, SOURCE) if condition else (None, 0)
        results = {}
        for _ in range(ROUNDS):
            for who, vectors in (("ours, vectors", True), ("ours", False), ("deltalake", False)):
                folder = copy_of(table, run.DATA / "change", vectors)
                if source:
                    shutil.copytree(source, folder / SOURCE, copy_function=os.link)
                before = sizes(folder)
                if who == "deltalake":
                    code = (f"from deltalake import DeltaTable; dt = DeltaTable({str(folder / 't')!r}); "
                            f"source = DeltaTable({str(folder / SOURCE)!r}).to_pyarrow_table() if {bool(source)} else None; {theirs}")
                    figures = measured([sys.executable, "-c", code])
                else:
                    config = folder / "config.yaml"
                    config.write_text(f"stores:\n  - {{name: local, path: {json.dumps(str(folder))}}}\n")
                    figures = measured([str(chosen.program), "sql", "-f", str(config), ours.format(source=SOURCE)])
                written = sum(size for path, size in sizes(folder).items() if path not in before)
                results.setdefault(who, []).append((*figures, written / 1e6))
        for who, rounds in results.items():
            wall, cpu, memory, written = (statistics.median(values) for values in zip(*rounds))
            ratio = statistics.median(theirs[0] / own[0] for own, theirs in zip(rounds, results["deltalake"]))
            print(f"{name:10} {rows:8} source rows  {who:14} {wall:8.3f} s  {cpu:8.3f} CPU s  {memory:8.0f} MiB  {written:9.3f} MB written"
                  + ("" if who == "deltalake" else f"  ratio {ratio:6.1f} x"), flush=True)
    shutil.rmtree(run.DATA / "change", ignore_errors=True)


if __name__ == "__main__":
    main()
