#!/usr/bin/env python3
"""moto as a store of S3, one change at a time.

    moto_store.py PORT

moto looks at the condition of a put first and keeps the object later: of sixteen clients that race, two win once in a few
hundred times. S3 does both at once, and so does this.
"""

import io
import sys
import threading

from moto import server
from moto.server import DomainDispatcherApplication

CHANGES = ("PUT", "POST", "DELETE")


class OneChangeAtATime(DomainDispatcherApplication):
    changing = threading.Lock()

    def __call__(self, environ, start_response):
        if environ["REQUEST_METHOD"] not in CHANGES:
            return super().__call__(environ, start_response)
        if length := environ.get("CONTENT_LENGTH"):  # nobody waits for a slow client
            environ["wsgi.input"] = io.BytesIO(environ["wsgi.input"].read(int(length)))
        with self.changing:
            return list(super().__call__(environ, start_response))


if __name__ == "__main__":
    server.DomainDispatcherApplication = OneChangeAtATime
    server.main(["-H", "127.0.0.1", "-p", sys.argv[1]])
