"""What several tests do with answers."""

import socket

FIRST_SECONDS_MAX = 60  # a machine may be loaded


def concatenated(batches):
    """The columns of an answer, its batches put together."""
    columns = {}
    for batch in batches:
        for name, values in batch.items():
            columns.setdefault(name, []).extend(values)
    return columns


def raw(server, data, seconds=5):
    """All bytes that come back until the server closes, or is silent for so long after the first of them."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=FIRST_SECONDS_MAX) as connection:
        connection.sendall(data)
        received = b""
        try:
            while piece := connection.recv(65536):
                received += piece
                connection.settimeout(seconds)
        except socket.timeout:
            pass
        return received


def status(answer):
    assert answer.startswith(b"HTTP/1.1 "), answer[:100]
    return int(answer.split()[1])
