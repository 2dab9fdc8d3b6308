"""Tables in folders of any name: what is listed can be asked by URL and by SQL, and what is left out is named in the log."""

from urllib.parse import quote

import pyarrow as pa
import pytest
import requests
from deltalake import write_deltalake

FOLDERS = {"per%20cent": None, "100%": None, "semi;x": None, "q?x": None, "star*x": None, "a..b": None, "_staging": None, "[x]": None, "plus+x": None, "hash#x": None, "żółw": None,
           "dot.ted": None, "sch.dot/t": ("sch.dot", "t"), "sch/t.dot": ("sch", "t.dot"), "a.b.c/d.e": ("a.b.c", "d.e"), "sch%41/t": ("sch%41", "t")}


def put_table(server, folder):
    """Writes a table and gives it the name afterwards: writers take some names for URLs."""
    lake = server.stores["local"]
    write_deltalake(str(lake / "fresh"), pa.table({"v": [folder]}))
    (lake / folder).parent.mkdir(exist_ok=True)
    (lake / "fresh").rename(lake / folder)


@pytest.fixture(scope="module")
def named(server):
    for folder in FOLDERS:
        put_table(server, folder)
    return server


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


def test_what_is_listed_can_be_asked(named):
    listed = requests.get(f"{named.api}/local", timeout=60).json()["tables"]
    assert set(listed) >= {folder.replace("/", ".") for folder in FOLDERS}
    for name in listed:
        details = requests.get(f"{named.api}/local/{quote(name, safe='')}/details", timeout=60)
        assert details.status_code == 200, (name, details.text)
        folder = details.json()["path"].removeprefix(named.places["local"].url).strip("/")
        assert folder.replace("/", ".") == name
        table = quoted(folder.rpartition("/")[2])
        by_url = requests.get(f"{named.api}/local/{quote(name, safe='')}", params={"query": f"SELECT v FROM {table}"}, timeout=60)
        assert by_url.status_code == 200 and by_url.json() == [{"v": [folder]}], (name, by_url.text)
        answer = requests.post(f"{named.api}/local/{quote(name, safe='')}", json={"record_batch_list": []}, timeout=60)
        assert answer.status_code == 200, (name, answer.text)


@pytest.mark.parametrize("folder", FOLDERS)
def test_quoted_names_reach_it_in_sql(named, folder):
    schema, table = FOLDERS[folder] or ("main", folder)
    assert named.rows(f"SELECT v FROM local.{quoted(schema)}.{quoted(table)}") == [(folder,)]
    if schema == "main":
        assert named.rows(f"SELECT v FROM local.{quoted(table)}") == [(folder,)]
    shown = named.rows(f"SHOW TABLES FROM local.{quoted(schema)}")
    assert (table,) in shown


def test_what_is_left_out_is_named_in_the_log(named):
    for folder in ("enc%2Foded", "..odd", "main/t"):
        put_table(named, folder)
    tables = requests.get(f"{named.api}/local", timeout=60).json()["tables"]
    assert not {"enc%2Foded", "..odd", "t", "main.t"} & set(tables)
    log = named.log_file.read_text()
    for folder in ("enc%2Foded", "main"):
        assert any(folder in line and "left out" in line for line in log.splitlines()), log[-2000:]


@pytest.mark.parametrize("name", ["q?y", "semi;y", "star*y", "per%20y", "a.b"])
def test_a_new_table_has_a_plain_name(named, name):
    answer = requests.post(f"{named.api}/local", json={"table": f"x.{name}" if name == "a.b" else name, "schema": [{"name": "v", "type": "long", "nullable": True}]}, timeout=60)
    assert (answer.status_code, answer.json()["reason"]) == (400, "INVALID_NAME")
