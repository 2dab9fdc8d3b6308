"""Replays a table's log, apart from any engine, and compares it with what the writers were told."""

import json
import re
from dataclasses import dataclass, field

COMMIT_NAME = re.compile(r"_delta_log/(\d{20})\.json")


@dataclass
class Version:
    number: int
    txn_id: str
    operation: str
    ids: list = field(default_factory=list)  # of its rows: each file has one, or equal ones
    removes: int = 0


def replay(place):
    """The versions of the table. Each file's statistics must name one `id` for all of its rows, as these tests write it."""
    versions = []
    for path in place.paths("*.json"):
        if not (found := COMMIT_NAME.fullmatch(path)):
            continue
        actions = [json.loads(line) for line in place.read(path).splitlines()]
        info = next((action["commitInfo"] for action in actions if "commitInfo" in action), {})
        version = Version(int(found.group(1)), info.get("txnId", ""), info.get("operation", ""))
        for action in actions:
            if "add" in action:
                statistics = json.loads(action["add"]["stats"])
                assert statistics["minValues"]["id"] == statistics["maxValues"]["id"]
                version.ids.append(statistics["minValues"]["id"])
            version.removes += "remove" in action
        versions.append(version)
    assert [version.number for version in versions] == list(range(len(versions))), "the versions are not dense"
    txn_ids = [version.txn_id for version in versions if version.txn_id]
    assert len(set(txn_ids)) == len(txn_ids), "one transaction is there twice"
    return versions


def check_appends(versions, acknowledged, refused, unknown):
    """acknowledged: {id: version}; refused: the ids of writes that failed; unknown: {id: (version, txn id)}.
    Linear in the length of the log. Returns how many of the unknown ones are there."""
    where = {}
    for version in versions:
        for number in version.ids:
            where.setdefault(number, []).append(version.number)
    doubled = {number: places for number, places in where.items() if len(places) > 1}
    assert not doubled, f"written twice: {doubled}"
    lost = {number: version for number, version in acknowledged.items() if where.get(number) != [version]}
    assert not lost, f"acknowledged, and not in that version: {lost}"
    assert not refused & where.keys(), f"refused, and there: {refused & where.keys()}"
    assert where.keys() <= acknowledged.keys() | unknown.keys(), "rows that nobody wrote"
    for number, (version, txn_id) in unknown.items():
        is_ours = version < len(versions) and versions[version].txn_id == txn_id
        assert (number in where) == is_ours, f"{number} is there, but not as version {version}, or the other way round"
    return len(unknown.keys() & where.keys())
