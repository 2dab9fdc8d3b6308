"""The command line: exit codes and messages; the configuration's mistakes."""

import os
import socket
import subprocess

import pyarrow as pa
import pytest
from deltalake import write_deltalake


def yummy(*arguments, **options):
    return subprocess.run([os.environ["YUMMY_PROGRAM"], *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False, **options)


@pytest.fixture
def config(tmp_path):
    write_deltalake(str(tmp_path / "lake" / "t"), pa.table({"id": pa.array([1, 2], pa.int64()), "s": ["a,b", None]}))
    file = tmp_path / "config.yaml"
    file.write_text(f"stores:\n  - name: local\n    path: {tmp_path}/lake\n")
    return file


@pytest.mark.parametrize("arguments", [["--nope"], [], ["sql"], ["serve", "-f"], ["serve", "-f", "x", "--port", "99999"], ["serve", "-f", "x", "--log-level", "loud"],
                                       ["sql", "SELECT 1", "-f", "absent.yaml"], ["sql", "SELECT 1", "-f", "/"]])
def test_bad_usage_is_2(arguments):
    done = yummy(*arguments)
    assert done.returncode == 2
    assert done.stderr or "Usage" in done.stdout


def test_help_teaches():
    for arguments in (["--help"], ["serve", "--help"], ["delta", "server", "--help"], ["sql", "--help"]):
        done = yummy(*arguments)
        assert done.returncode == 0
        assert "--help" in done.stdout
    assert yummy("--version").stdout.startswith("yummy ")


def test_sql_in_three_formats(config):
    query = "SELECT * FROM t ORDER BY id"
    assert yummy("sql", query, "-f", config).stdout.splitlines()[0].split() == ["id", "s"]
    assert yummy("sql", query, "-f", config, "--format", "json").stdout == '[\n{"id":1,"s":"a,b"},\n{"id":2,"s":null}\n]\n'
    done = subprocess.run([os.environ["YUMMY_PROGRAM"], "sql", query, "-f", config, "--format", "csv"], capture_output=True, check=True)
    assert done.stdout == b'id,s\r\n1,"a,b"\r\n2,\r\n'


def test_json_keeps_columns_of_equal_names(config):
    done = yummy("sql", "SELECT 1 AS a, 2 AS a, 3 AS a_1, 4 AS a", "-f", config, "--format", "json")
    assert done.stdout == '[\n{"a":1,"a_2":2,"a_1":3,"a_3":4}\n]\n'


def test_csv_tells_numbers_that_are_not_finite_from_nulls(config):
    query = ("SELECT d::DOUBLE AS d, f::FLOAT AS f, s FROM (VALUES (1, 'nan', 'inf', NULL), (2, 'inf', NULL, ''), (3, '-inf', 'nan', 'null'), (4, NULL, '-inf', 'NaN'), "
             "(5, '1.5', '0.5', '')) v(n, d, f, s) ORDER BY n")
    done = subprocess.run([os.environ["YUMMY_PROGRAM"], "sql", query, "-f", config, "--format", "csv"], capture_output=True, check=True)
    assert done.stdout == b'd,f,s\r\nNaN,Infinity,\r\nInfinity,,""\r\n-Infinity,NaN,null\r\n,-Infinity,NaN\r\n1.5,0.5,""\r\n'


def test_exit_codes(config):
    assert yummy("sql", "SELECT * FROM absent", "-f", config).returncode == 3
    assert yummy("sql", "SELEC", "-f", config).returncode == 1
    assert yummy("sql", "SELECT * FROM read_csv('/etc/passwd')", "-f", config).returncode == 5


def test_a_full_or_closed_output_is_an_error(config):
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run([os.environ["YUMMY_PROGRAM"], "sql", "SELECT * FROM range(100000)", "-f", config], stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 5 and b"cannot write" in done.stderr
    piped = subprocess.run(["bash", "-c", f"set -o pipefail; {os.environ['YUMMY_PROGRAM']} sql 'SELECT * FROM range(1000000)' --format csv -f {config} | head -1"],
                           capture_output=True, check=False)
    assert piped.stdout == b"range\r\n" and piped.returncode not in (0, 134, 139)


def test_an_empty_host_is_2(config):
    done = yummy("serve", "-f", config, "-p", 0, "--host", "")
    assert done.returncode == 2
    assert "--host" in done.stderr and "empty" in done.stderr


def test_a_port_in_use_is_1(config):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = yummy("serve", "-f", config, "-p", taken.getsockname()[1])
    assert done.returncode == 1
    assert "cannot listen on" in done.stderr and "Address already in use" in done.stderr


@pytest.mark.parametrize("text,says", [("", "empty"), ("stores: {}", "list"), ("stores:\n\t- x", "2:"), ("stores: [{name: a, path: /x, pth: 1}]", "did you mean 'path'?"),
                                       ("stores: [{name: a, path: '${UNSET_VARIABLE}'}]", "UNSET_VARIABLE is not set"), ("stores: [{name: a, path: 'ftp://b/k'}]", "not supported"),
                                       ("stores: [{name: a, path: /x}]\nlimits: {query_seconds: 9223372036}", "query_seconds"),
                                       ("stores: [{name: a, path: /x}, {name: b, path: /x/y}]", "nested"), ("kind: foo", "expected one of")])
def test_configuration_mistakes_are_2_and_name_their_place(tmp_path, text, says):
    file = tmp_path / "bad.yaml"
    file.write_text(text)
    done = yummy("serve", "-f", file)
    assert done.returncode == 2
    assert done.stderr.startswith(f"yummy: {file}:") and says in done.stderr
