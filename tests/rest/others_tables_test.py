"""Writing into tables that other engines made, over REST: what their features ask of a writer."""

import json
import shutil

import pyarrow as pa
import pytest
import requests


@pytest.fixture
def copy(server, shared):
    def copy_table(path, name):
        shutil.copytree(shared / "fixtures" / "delta" / path, server.stores["local"] / name)
        return server.stores["local"] / name / "_delta_log"
    return copy_table


def newest_commit(log):
    commit = max(log.glob("[0-9]" * 20 + ".json"))
    return [json.loads(line) for line in commit.read_text().splitlines()]


def overwrite(server, table, rows):
    answer = requests.put(f"{server.api}/local/{table}", json={"record_batch_list": rows}, timeout=60)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_an_overwrite_removes_files_with_their_deletion_vectors(server, copy):
    log = copy("dat/deletion_vectors/delta", "vectors")
    before = [json.loads(line) for file in sorted(log.glob("*.json")) for line in file.read_text().splitlines()]
    live = {(action["add"]["path"], json.dumps(action["add"]["deletionVector"])) for action in before
            if "deletionVector" in action.get("add", {})}
    assert live, "the table has deletion vectors"
    version = overwrite(server, "vectors", [{"letter": "z", "int": 1}])["version"]
    removed = {(action["remove"]["path"], json.dumps(action["remove"].get("deletionVector"))) for action in newest_commit(log)
               if "remove" in action}
    assert live <= removed
    assert server.rows("SELECT letter, int FROM vectors", "vectors") == [("z", 1)]
    assert len(server.rows("SELECT * FROM vectors", "vectors", tableVersion=version - 1)) > 0


def test_appends_and_overwrites_need_no_change_files(server, copy):
    deltalake = pytest.importorskip("deltalake")
    log = copy("dat/cdf/delta", "changes")
    columns = server.columns("SELECT * FROM changes LIMIT 1", "changes")
    row = {name: values[0] for name, values in columns.items()}
    rows = len(server.rows("SELECT * FROM changes", "changes"))
    assert server.append("changes", [row]).status_code == 200
    assert [action for action in newest_commit(log) if "cdc" in action] == []
    assert len(server.rows("SELECT * FROM changes", "changes")) == rows + 1
    version = overwrite(server, "changes", [row])["version"]
    assert [action for action in newest_commit(log) if "cdc" in action] == []
    changes = deltalake.DeltaTable(log.parent).load_cdf(starting_version=version - 1, ending_version=version).read_all()
    feed = pa.table(changes).to_pylist()
    kinds = sorted((change["_commit_version"], change["_change_type"]) for change in feed)
    assert kinds == [(version - 1, "insert")] + [(version, "delete")] * (rows + 1) + [(version, "insert")]
