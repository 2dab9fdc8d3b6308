"""The services that hand out credentials, and stores that check them, in one server on loopback.

Every list of a bucket is answered with an empty one if the request is signed, or bears a token, as `accounts` and
`tokens` say; else with 403 and a body that repeats the request, secrets and all, as some stores do. `requests` has what
was asked, and with which key or token.
"""

import contextlib
import datetime
import hashlib
import hmac
import http.server
import json
import re
import select
import socket
import ssl
import threading
import time
import urllib.parse

LIFETIME_SECONDS = 3600
METADATA_TOKEN = "imds-session-token-CANARY"


def rfc3339(seconds_from_now):
    moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds_from_now)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body, kind="application/json"):
        data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(data)))
        for name, value in self.server.cloud.extra_headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def refuse(self, code):
        """Repeats everything."""
        self.server.cloud.note(f"refused {code}")
        echo = f"{self.requestline}\n{self.headers}\n{self.body.decode(errors='replace')}"
        echo = echo.replace("&", "&amp;").replace("<", "&lt;")
        self.answer(403, f"<Error><Code>{code}</Code><Message>{echo}</Message></Error>", "application/xml")

    def handle_any(self):
        self.body = self.rfile.read(int(self.headers.get("content-length", 0)))
        self.url = urllib.parse.urlsplit(self.path)
        self.query = dict(urllib.parse.parse_qsl(self.url.query, keep_blank_values=True))
        self.form = dict(urllib.parse.parse_qsl(self.body.decode(errors="replace")))
        cloud = self.server.cloud
        if self.path.split("?")[0] in cloud.broken:
            return cloud.broken[self.path.split("?")[0]](self)
        for pattern, method in self.routes:
            if found := re.fullmatch(pattern, self.url.path):
                return method(self, *found.groups())
        return self.answer(404, {"error": "not_found"})

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_any

    # --- Stores -----------------------------------------------------------------------------------------------------

    def s3(self, _rest):
        key_id = self.signer("s3")
        if key_id is None:
            return self.refuse("SignatureDoesNotMatch")
        self.server.cloud.note(f"s3 {key_id}")
        return self.answer(200, "<ListBucketResult><Name>b</Name><KeyCount>0</KeyCount><IsTruncated>false</IsTruncated>"
                                "</ListBucketResult>", "application/xml")

    def signer(self, service):
        """The id of the key that signed the request by Signature Version 4, when the account has it."""
        found = re.match(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d+)/([^/]+)/([^/]+)/aws4_request, "
                         r"SignedHeaders=([^,]+), Signature=(\w+)", self.headers.get("authorization", ""))
        if not found:
            return None
        key_id, date, region, signed_service, names, signature = found.groups()
        secret, token = self.server.cloud.accounts.get(key_id, (None, None))
        if secret is None or token != self.headers.get("x-amz-security-token") or signed_service != service:
            return None
        pairs = sorted((urllib.parse.quote(k, safe="-_.~"), urllib.parse.quote(v, safe="-_.~"))
                       for k, v in urllib.parse.parse_qsl(self.url.query, keep_blank_values=True))
        lines = "".join(f"{name}:{' '.join(self.headers[name].split())}\n" for name in names.split(";"))
        canonical = "\n".join((self.command, self.url.path, "&".join(f"{k}={v}" for k, v in pairs), lines, names,
                               self.headers["x-amz-content-sha256"]))
        scope = f"{date}/{region}/{service}/aws4_request"
        to_sign = "\n".join(("AWS4-HMAC-SHA256", self.headers["x-amz-date"], scope,
                             hashlib.sha256(canonical.encode()).hexdigest()))
        key = f"AWS4{secret}".encode()
        for word in scope.split("/"):
            key = hmac.digest(key, word.encode(), "sha256")
        is_right = hmac.compare_digest(hmac.digest(key, to_sign.encode(), "sha256").hex(), signature)
        return key_id if is_right else None

    def azure(self, account, _rest):
        cloud = self.server.cloud
        bearer = self.headers.get("authorization", "").removeprefix("Bearer ")
        if bearer in cloud.tokens:
            cloud.note(f"azure {bearer}")
        elif self.query.get("sig") in cloud.tokens:
            cloud.note(f"azure sas {self.query['sig']}")
        elif self.headers.get("authorization", "").startswith(f"SharedKey {account}:"):
            cloud.note("azure key")  # Azurite checks the signature
        else:
            return self.refuse("AuthenticationFailed")
        return self.answer(200, "<EnumerationResults><Blobs/><NextMarker/></EnumerationResults>", "application/xml")

    def gcs(self, _rest):
        bearer = self.headers.get("authorization", "").removeprefix("Bearer ")
        if bearer not in self.server.cloud.tokens:
            return self.refuse("AccessDenied")
        self.server.cloud.note(f"gcs {bearer}")
        return self.answer(200, "<ListBucketResult><KeyCount>0</KeyCount><IsTruncated>false</IsTruncated>"
                                "</ListBucketResult>", "application/xml")

    # --- AWS --------------------------------------------------------------------------------------------------------

    def sts(self):
        cloud = self.server.cloud
        action, role = self.form.get("Action"), self.form.get("RoleArn", "")
        if action == "AssumeRoleWithWebIdentity":
            if self.form.get("WebIdentityToken") not in cloud.web_identity_tokens:
                return self.refuse("InvalidIdentityToken")
            cloud.note(f"sts web {role} {self.form['RoleSessionName']}")
        else:
            key_id = self.signer("sts")
            if key_id is None or role in cloud.forbidden_roles:
                return self.refuse("AccessDenied")
            cloud.note(f"sts {key_id} {role} {self.form['RoleSessionName']} {self.form.get('ExternalId')} "
                       f"{self.form.get('DurationSeconds')}")
        name = role.rpartition("/")[2]
        key_id, secret, token = cloud.new_account(name)
        return self.answer(200, f"<{action}Response><{action}Result><Credentials><AccessKeyId>{key_id}</AccessKeyId>"
                                f"<SecretAccessKey>{secret}</SecretAccessKey><SessionToken>{token}</SessionToken>"
                                f"<Expiration>{rfc3339(cloud.lifetime_seconds)}</Expiration></Credentials>"
                                f"</{action}Result></{action}Response>", "application/xml")

    def give_keys(self, name):
        key_id, secret, token = self.server.cloud.new_account(name)
        self.answer(200, {"Code": "Success", "AccessKeyId": key_id, "SecretAccessKey": secret, "Token": token,
                          "Expiration": rfc3339(self.server.cloud.lifetime_seconds)})

    def container(self, name):
        wanted = self.server.cloud.container_tokens.get(name)
        self.server.cloud.note(f"container {name}")
        if wanted is not None and self.headers.get("authorization") != wanted:
            return self.refuse("AccessDenied")
        time.sleep(self.server.cloud.delay_seconds)
        return self.give_keys(name)

    def imds_token(self):
        if self.command != "PUT" or not self.headers.get("x-aws-ec2-metadata-token-ttl-seconds"):
            return self.refuse("BadRequest")
        return self.answer(200, METADATA_TOKEN, "text/plain")

    def imds(self, role):
        if self.headers.get("x-aws-ec2-metadata-token") != METADATA_TOKEN:
            return self.refuse("Unauthorized")
        if not role:
            return self.answer(200, "instance-role\n", "text/plain")
        self.server.cloud.note(f"imds {role}")
        return self.give_keys(role)

    # --- Azure and Google -------------------------------------------------------------------------------------------

    def give_token(self, name, **more):
        cloud = self.server.cloud
        token = cloud.new_token(name)
        self.answer(200, {"token_type": "Bearer", "access_token": token, "expires_in": cloud.lifetime_seconds, **more})

    def entra(self, tenant):
        cloud = self.server.cloud
        proof = self.form.get("client_secret") or self.form.get("client_assertion")
        if proof not in cloud.client_proofs or self.form.get("grant_type") != "client_credentials":
            cloud.note("refused invalid_client")
            return self.answer(401, {"error": "invalid_client", "error_description": self.body.decode()})
        how = "secret" if "client_secret" in self.form else "assertion"
        cloud.note(f"entra {tenant} {self.form['client_id']} {how}")
        return self.give_token(f"entra-{how}")

    def managed_identity(self):
        if self.headers.get("metadata") != "true" or "storage.azure.com" not in self.query.get("resource", ""):
            return self.refuse("BadRequest")
        self.server.cloud.note(f"msi {self.query.get('client_id')} {self.headers.get('x-identity-header')}")
        return self.give_token("msi", expires_on=str(int(time.time()) + self.server.cloud.lifetime_seconds))

    def google_metadata(self):
        if self.headers.get("metadata-flavor") != "Google":
            return self.refuse("BadRequest")
        self.server.cloud.note("google metadata")
        return self.give_token("google-metadata")

    def google_token(self):
        if self.form.get("refresh_token") not in self.server.cloud.client_proofs:
            return self.answer(400, {"error": "invalid_grant", "error_description": self.body.decode()})
        self.server.cloud.note(f"google user {self.form['client_id']}")
        return self.give_token("google-user")

    routes = (
        (r"/s3/?(.*)", s3), (r"/azure/([^/]+)/?(.*)", azure), (r"/gcs/?(.*)", gcs), (r"/sts/?", sts),
        (r"/container/(.+)", container), (r"/latest/api/token", imds_token),
        (r"/latest/meta-data/iam/security-credentials/(.*)", imds), (r"/entra/([^/]+)/oauth2/v2.0/token", entra),
        (r"/msi", managed_identity), (r"/computeMetadata/v1/instance/service-accounts/default/token", google_metadata),
        (r"/token", google_token),
    )


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_):
        pass  # a client that is gone


class FakeCloud:
    def __init__(self, certificate=None):
        """`certificate` is a pair of files, for https."""
        self.accounts = {}  # key id: (secret, session token)
        self.tokens = set()
        self.web_identity_tokens = set()
        self.container_tokens = {}
        self.client_proofs = set()
        self.forbidden_roles = set()
        self.broken = {}  # path: a function of the handler
        self.extra_headers = {}
        self.lifetime_seconds = LIFETIME_SECONDS
        self.delay_seconds = 0
        self.requests = []
        self.lock = threading.Lock()
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.cloud = self
        scheme = "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
            scheme = "https"
        self.port = self.server.server_address[1]
        self.url = f"{scheme}://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def note(self, text):
        with self.lock:
            self.requests.append(text)

    def seen(self, beginning):
        with self.lock:
            return [text for text in self.requests if text.startswith(beginning)]

    def number(self):
        with self.lock:
            self.made = getattr(self, "made", 0) + 1
            return self.made

    def new_account(self, name):
        """Keys that the S3 here takes: AKIA-name-1 the first time."""
        number = self.number()
        made = (f"AKIA-{name}-{number}", f"secret-of-{name}-{number}-CANARY", f"session-of-{name}-{number}-CANARY")
        self.accounts[made[0]] = made[1:]
        return made

    def new_token(self, name):
        token = f"token-of-{name}-{self.number()}-CANARY"
        self.tokens.add(token)
        return token


class Proxy:
    """An HTTP proxy that sends every CONNECT to `target`, and forwards plain requests to whom they name."""

    def __init__(self, target=None):
        self.target = target
        self.requests = []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        with client, contextlib.suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head:
                chunk = client.recv(65536)
                if not chunk:
                    return
                head += chunk
            method, where, _ = head.split(b"\r\n")[0].decode().split(" ", 2)
            self.requests.append(f"{method} {where}")
            if method == "CONNECT":
                upstream = socket.create_connection(self.target)
                client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            else:
                url = urllib.parse.urlsplit(where)
                upstream = socket.create_connection((url.hostname, url.port or 80))
                upstream.sendall(head.replace(where.encode(), where.partition(url.netloc)[2].encode(), 1))
            with upstream:
                pump(client, upstream)


def pump(one, other):
    ends = {one: other, other: one}
    while True:
        for ready in select.select(list(ends), [], [])[0]:
            data = ready.recv(65536)
            if not data:
                return
            ends[ready].sendall(data)
