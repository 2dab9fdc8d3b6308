"""The other engines, and the matrix of what they and this one did with each other's tables."""

import functools
import os
import shutil
import sys
from pathlib import Path

import pytest
from compare import by_deltalake, by_duckdb, by_spark
from engines import open_duckdb

MATRICES = {}


@pytest.fixture(scope="module")
def duck():
    return open_duckdb()


@pytest.fixture(scope="session")
def spark(tmp_path_factory):
    """One local Spark with Delta Lake, on the loopback interface only."""
    home = Path(os.environ["YUMMY_SOURCE_DIR"]) / "build" / "spark"
    if not (home / "deps" / "jars").is_dir():
        pytest.skip("skipped: Spark is not here, `make setup-interop` brings it")
    if not shutil.which("java"):
        pytest.skip("skipped: there is no java, `make setup-interop` brings it")
    sys.path[:0] = sorted(str(archive) for archive in (home / "lib").glob("*.zip"))
    os.environ.update(SPARK_HOME=str(home / "deps"), SPARK_LOCAL_IP="127.0.0.1", PYSPARK_PYTHON=sys.executable)
    from pyspark.sql import SparkSession

    folder = tmp_path_factory.mktemp("spark")
    settings = {
        "spark.driver.memory": "1g", "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1",
        "spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false", "spark.local.dir": folder / "local",
        "spark.sql.warehouse.dir": folder / "warehouse", "spark.sql.session.timeZone": "UTC",
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        # The tables are small: without these most of the time goes into empty tasks, and into compiling what runs once.
        "spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        "spark.sql.shuffle.partitions": 1, "spark.databricks.delta.snapshotPartitions": 1,
        "spark.driver.extraJavaOptions": f"-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Dderby.system.home={folder}",
    }
    builder = SparkSession.builder.master("local[2]").appName("interop")
    for name, value in settings.items():
        builder = builder.config(name, str(value))
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()


@pytest.fixture(scope="module")
def readers(request, duck):
    """{name: how it reads a folder, with a condition and a version}; Spark is among them where it is installed."""
    found = {"deltalake": by_deltalake, "DuckDB": functools.partial(by_duckdb, duck)}
    try:
        found["Spark"] = functools.partial(by_spark, request.getfixturevalue("spark"))
    except pytest.skip.Exception as reason:
        print(reason)
    return found


@pytest.fixture(scope="module")
def matrix(request):
    """Notes what was seen of each row and column; printed when the tests are over."""
    rows = MATRICES.setdefault(request.module.__doc__.splitlines()[0].rstrip("."), {})

    def note(row, column, text):
        rows.setdefault(row, {})[column] = text

    return note


def pytest_terminal_summary(terminalreporter):
    for title, rows in MATRICES.items():
        if not rows:
            continue
        columns = list(dict.fromkeys(column for cells in rows.values() for column in cells))
        lines = [["", *columns], *([row, *(cells.get(column, "-") for column in columns)] for row, cells in rows.items())]
        widths = [max(map(len, texts)) for texts in zip(*lines)]
        terminalreporter.section(title)
        for texts in lines:
            terminalreporter.line("  ".join(text.ljust(width) for text, width in zip(texts, widths)).rstrip())
