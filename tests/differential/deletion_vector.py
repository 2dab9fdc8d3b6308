"""Writes deletion vectors: PROTOCOL.md, "Deletion Vector Format"."""

import struct
import uuid
import zlib

MAGIC = 1681511377
COOKIE_WITHOUT_RUNS = 12346
CONTAINER_ROWS = 1 << 16
ARRAY_ROWS_MAX = 4096
ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"


def z85(data):
    """Base 85 in ZeroMQ's alphabet; the data is filled up to a multiple of four bytes."""
    text = ""
    for start in range(0, len(data), 4):
        number = int.from_bytes(data[start:start + 4].ljust(4, b"\0"), "big")
        text += "".join(ALPHABET[number // 85**power % 85] for power in range(4, -1, -1))
    return text


def bitmap(rows):
    """A bitmap of row numbers below CONTAINER_ROWS, at most ARRAY_ROWS_MAX of them, as one array container."""
    assert 0 < len(rows) <= ARRAY_ROWS_MAX and max(rows) < CONTAINER_ROWS
    container = struct.pack("<II", COOKIE_WITHOUT_RUNS, 1) + struct.pack("<HH", 0, len(rows) - 1) + struct.pack("<I", 16)
    container += b"".join(struct.pack("<H", row) for row in sorted(rows))
    return struct.pack("<I", MAGIC) + struct.pack("<Q", 1) + struct.pack("<I", 0) + container


def write(folder, rows, inline):
    """Returns the descriptor of a vector that lies in the log, or in a file of its own in the table's folder."""
    payload = bitmap(rows)
    facts = {"sizeInBytes": len(payload), "cardinality": len(rows)}
    if inline:
        return {"storageType": "i", "pathOrInlineDv": z85(payload), **facts}
    id = uuid.uuid4()
    frame = struct.pack(">I", len(payload)) + payload + struct.pack(">I", zlib.crc32(payload))
    (folder / f"deletion_vector_{id}.bin").write_bytes(b"\x01" + frame)
    return {"storageType": "u", "pathOrInlineDv": z85(id.bytes), "offset": 1, **facts}
