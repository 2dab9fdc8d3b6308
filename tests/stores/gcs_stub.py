#!/usr/bin/env python3
"""A store in memory that speaks Google's XML API, as far as the crate object_store uses it.

    gcs_stub.py PORT

Objects with generations and x-goog-if-generation-match; ranges; lists with prefix, delimiter, start-after,
continuation-token and max-keys; multipart uploads; copies. Signatures are not looked at.
"""

import bisect
import dataclasses
import email.utils
import hashlib
import itertools
import re
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, unquote, urlsplit
from xml.sax.saxutils import escape

KEYS_MAX = 1000  # a page of a list
RANGE = re.compile(r"bytes=(\d*)-(\d*)")
PART_NUMBER = re.compile(rb"<PartNumber>(\d+)</PartNumber>")


@dataclasses.dataclass(frozen=True)
class Blob:
    body: bytes
    generation: int
    seconds: float

    @property
    def etag(self):
        return f'"{hashlib.md5(self.body).hexdigest()}"'

    def headers(self):
        return {"ETag": self.etag, "x-goog-generation": str(self.generation),
                "Last-Modified": email.utils.formatdate(self.seconds, usegmt=True)}


class Refusal(Exception):
    def __init__(self, status, code):
        super().__init__(code)
        self.status = status
        self.code = code


class Buckets:
    """All objects and unfinished uploads. A request holds the lock only to look or to change."""

    def __init__(self):
        self.lock = threading.Lock()
        self.numbers = itertools.count(1)
        self.blobs = {}  # {bucket: {key: Blob}}
        self.keys = {}  # {bucket: its keys, sorted}
        self.uploads = {}  # {id: {part number: bytes}}

    def make(self, bucket):
        with self.lock:
            self.blobs.setdefault(bucket, {})
            self.keys.setdefault(bucket, [])

    def of(self, bucket):
        if bucket not in self.blobs:
            raise Refusal(404, "NoSuchBucket")
        return self.blobs[bucket]

    def get(self, bucket, key):
        with self.lock:
            found = self.of(bucket).get(key)
        if not found:
            raise Refusal(404, "NoSuchKey")
        return found

    def put(self, bucket, key, body, generation=None):
        """`generation`: what must be there now, 0 for nothing."""
        with self.lock:
            blobs = self.of(bucket)
            present = blobs.get(key)
            if generation is not None and generation != (present.generation if present else 0):
                raise Refusal(412, "PreconditionFailed")
            if not present:
                bisect.insort(self.keys[bucket], key)
            blobs[key] = Blob(body, next(self.numbers), time.time())
            return blobs[key]

    def delete(self, bucket, key):
        with self.lock:
            if not self.of(bucket).pop(key, None):
                raise Refusal(404, "NoSuchKey")
            del self.keys[bucket][bisect.bisect_left(self.keys[bucket], key)]

    def start_upload(self):
        with self.lock:
            name = f"upload{next(self.numbers)}"
            self.uploads[name] = {}
            return name

    def parts(self, name):
        if name not in self.uploads:
            raise Refusal(404, "NoSuchUpload")
        return self.uploads[name]

    def page(self, bucket, prefix, delimiter, after, limit):
        """Returns ([(key, Blob)], [prefix], the last entry if there are more)."""
        blobs_found, prefixes, last = [], [], None
        with self.lock:
            blobs, keys = self.of(bucket), self.keys[bucket]
            place = max(bisect.bisect_left(keys, prefix), bisect.bisect_right(keys, after))
            while place < len(keys) and keys[place].startswith(prefix):
                key = keys[place]
                inner = key.find(delimiter, len(prefix)) if delimiter else -1
                group = key[: inner + len(delimiter)] if inner >= 0 else None
                if group and after.startswith(group):  # the page before ended with this group
                    place = bisect.bisect_left(keys, group[:-1] + chr(ord(group[-1]) + 1))
                    continue
                if len(blobs_found) + len(prefixes) == limit:
                    return blobs_found, prefixes, last
                if group:
                    prefixes.append(group)
                    place = bisect.bisect_left(keys, group[:-1] + chr(ord(group[-1]) + 1))
                else:
                    blobs_found.append((key, blobs[key]))
                    place += 1
                last = group or key
        return blobs_found, prefixes, None


BUCKETS = Buckets()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # one write an answer

    def log_message(self, *_words):
        pass

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        # The length of a HEAD is the object's.
        self.send_header("Content-Length", headers.pop("length", None) or str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def answer_xml(self, name, text, **headers):
        body = f'<?xml version="1.0" encoding="UTF-8"?><{name}>{text}</{name}>'.encode()
        self.answer(200, body, **{"Content-Type": "application/xml", **headers})

    def handle_request(self):
        address = urlsplit(self.path)
        bucket, _, key = address.path.lstrip("/").partition("/")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            query = dict(parse_qsl(address.query, keep_blank_values=True))
            verb = getattr(self, f"{self.command.lower()}_{'object' if key else 'bucket'}")
            verb(unquote(bucket), unquote(key), query, body)
        except Refusal as refusal:
            self.answer(refusal.status, f"<Error><Code>{refusal.code}</Code></Error>".encode())

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_request

    def put_bucket(self, bucket, _key, _query, _body):
        BUCKETS.make(bucket)
        self.answer(200)

    def get_bucket(self, bucket, _key, query, _body):
        # A page goes on behind its last entry, whichever way that is said.
        after = max(query.get("start-after", ""), query.get("continuation-token", ""))
        limit = min(int(query.get("max-keys", KEYS_MAX)), KEYS_MAX)
        blobs, prefixes, more = BUCKETS.page(bucket, query.get("prefix", ""), query.get("delimiter", ""), after, limit)
        text = [f"<Name>{escape(bucket)}</Name><IsTruncated>{'true' if more else 'false'}</IsTruncated>"]
        if more:
            text.append(f"<NextContinuationToken>{escape(more)}</NextContinuationToken>")
        for key, blob in blobs:
            modified = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(blob.seconds))
            text.append(f"<Contents><Key>{escape(key)}</Key><Generation>{blob.generation}</Generation>"
                        f"<LastModified>{modified}.{int(blob.seconds % 1 * 1000):03}Z</LastModified>"
                        f"<ETag>{escape(blob.etag)}</ETag><Size>{len(blob.body)}</Size></Contents>")
        text += (f"<CommonPrefixes><Prefix>{escape(prefix)}</Prefix></CommonPrefixes>" for prefix in prefixes)
        self.answer_xml("ListBucketResult", "".join(text))

    def get_object(self, bucket, key, _query, _body):
        blob = BUCKETS.get(bucket, key)
        wanted = RANGE.fullmatch(self.headers.get("Range", ""))
        size = len(blob.body)
        if not wanted or wanted.group(0) == "bytes=-":
            return self.answer(200, blob.body, **blob.headers(), length=str(size))
        first, last = wanted.groups()
        start = int(first) if first else max(0, size - int(last))
        end = min(int(last) + 1, size) if first and last else size
        if start >= end:
            raise Refusal(416, "InvalidRange")
        headers = {**blob.headers(), "Content-Range": f"bytes {start}-{end - 1}/{size}"}
        return self.answer(206, blob.body[start:end], **headers, length=str(end - start))

    head_object = get_object

    def put_object(self, bucket, key, query, body):
        if "uploadId" in query:
            BUCKETS.parts(query["uploadId"])[int(query["partNumber"])] = body
            return self.answer(200, ETag=f'"{hashlib.md5(body).hexdigest()}"')
        if source := self.headers.get("x-goog-copy-source"):
            from_bucket, _, from_key = unquote(source).lstrip("/").partition("/")
            body = BUCKETS.get(from_bucket, from_key).body
        generation = self.headers.get("x-goog-if-generation-match")
        blob = BUCKETS.put(bucket, key, body, None if generation is None else int(generation))
        return self.answer(200, **blob.headers())

    def post_object(self, bucket, key, query, body):
        named = f"<Bucket>{escape(bucket)}</Bucket><Key>{escape(key)}</Key>"
        if "uploads" in query:
            BUCKETS.of(bucket)
            return self.answer_xml("InitiateMultipartUploadResult",
                                   f"{named}<UploadId>{BUCKETS.start_upload()}</UploadId>")
        parts = BUCKETS.parts(query.get("uploadId"))
        numbers = [int(number) for number in PART_NUMBER.findall(body)]
        if not numbers or any(number not in parts for number in numbers):
            raise Refusal(400, "InvalidPart")
        blob = BUCKETS.put(bucket, key, b"".join(parts[number] for number in numbers))
        del BUCKETS.uploads[query["uploadId"]]
        return self.answer_xml("CompleteMultipartUploadResult", f"{named}<ETag>{escape(blob.etag)}</ETag>",
                               **blob.headers())

    def delete_object(self, bucket, key, query, _body):
        if "uploadId" in query:
            BUCKETS.parts(query["uploadId"])
            del BUCKETS.uploads[query["uploadId"]]
        else:
            BUCKETS.delete(bucket, key)
        self.answer(204)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256


if __name__ == "__main__":
    Server(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
