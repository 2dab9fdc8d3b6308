"""Which credentials sign a request, what is refused, and that no secret shows: the program against fake_cloud.py.

Every secret here has CANARY in it. Whatever the program writes or answers in any of these tests is searched for that
word when the test ends.
"""

import base64
import concurrent.futures
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests
from fake_cloud import FakeCloud, Proxy

START_SECONDS_MAX = 30
CANARY = "CANARY"
AZURE_KEY = base64.b64encode(b"the key of an account: CANARY").decode()
SECRETS = (CANARY, AZURE_KEY)


class Program:
    """Runs the program with an environment of its own, and keeps all that it says."""

    def __init__(self, folder, environment=None):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), **(environment or {})}
        self.said = []

    def configure(self, stores):
        """`stores`: {name: (path, storage_options)}."""
        entries = [{"name": name, "path": path, "storage_options": options} for name, (path, options) in stores.items()]
        file = self.folder / "config.yaml"
        file.touch(mode=0o600)
        file.write_text(f"stores: {json.dumps(entries)}")
        return str(file)

    def run(self, *arguments, timeout=60):
        done = subprocess.run([os.environ["YUMMY_PROGRAM"], *arguments], env=self.environment, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=timeout, check=False)
        self.said += [done.stdout, done.stderr]
        return done

    def ask(self, path, options, timeout=60):
        """Looks for a table that is not there: with an empty store that is exit code 3, if the store lets us in."""
        config = self.configure({"cloud": (path, options)})
        return self.run("sql", "SELECT * FROM cloud.absent", "-f", config, timeout=timeout)

    @contextlib.contextmanager
    def serve(self, stores):
        log_file = self.folder / "server.log"
        with open(log_file, "wb") as log:
            process = subprocess.Popen(
                [os.environ["YUMMY_PROGRAM"], "serve", "--config", self.configure(stores), "--port", "0", "--log-level",
                 "trace"], env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            yield Served(self, process, log_file)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(40)
            self.said.append(log_file.read_text())

    def check_canaries(self):
        for text in self.said:
            for secret in SECRETS:
                assert secret not in text, text


class Served:
    def __init__(self, program, process, log_file):
        self.program = program
        self.process = process
        deadline = time.monotonic() + START_SECONDS_MAX
        while not (found := re.search(r"listening on (http://[^ ]*:\d+)", log_file.read_text())):
            assert process.poll() is None and time.monotonic() < deadline, log_file.read_text()
            time.sleep(0.02)
        self.url = found.group(1)

    def get(self, path):
        answer = requests.get(f"{self.url}/api/1.0/delta{path}", timeout=60)
        self.program.said += [answer.text, str(answer.headers)]
        return answer

    def process_title(self):
        folder = Path(f"/proc/{self.process.pid}")
        return "".join((folder / name).read_text().replace("\0", " ") for name in ("cmdline", "comm", "status"))


@pytest.fixture
def cloud():
    with FakeCloud() as running:
        running.accounts["AKIA-static"] = ("secret-of-static-CANARY", None)
        yield running


@pytest.fixture
def program(tmp_path):
    made = []

    def make(environment=None):
        made.append(Program(tmp_path / f"program{len(made)}", environment))
        return made[-1]

    yield make
    for each in made:
        each.check_canaries()


STATIC = {"access_key_id": "AKIA-static", "secret_access_key": "secret-of-static-CANARY"}


def s3(cloud, **options):
    return "s3://bucket/lake", {"endpoint": f"{cloud.url}/s3", "endpoint_url_sts": f"{cloud.url}/sts",
                                "metadata_endpoint": cloud.url, "max_retries": "1", **options}


def azure(cloud, **options):
    return "az://files/lake", {"account_name": "acc", "endpoint": f"{cloud.url}/azure/acc", "max_retries": "1",
                               "authority_host": f"{cloud.url}/entra/", "msi_endpoint": f"{cloud.url}/msi", **options}


def gcs(cloud, **options):
    return "gs://bucket/lake", {"base_url": f"{cloud.url}/gcs", "max_retries": "1", **options}


def write_aws(folder, config, credentials=""):
    (folder / ".aws").mkdir(parents=True, exist_ok=True)
    (folder / ".aws" / "config").write_text(config)
    (folder / ".aws" / "credentials").write_text(credentials)


def write_script(file, text):
    file.write_text(f"#!{sys.executable}\n{text}")
    file.chmod(0o700)


AWS_CONFIG = """\
[profile keys]
aws_access_key_id = AKIA-static
aws_secret_access_key = secret-of-static-CANARY
[profile one]
role_arn = arn:aws:iam::1:role/one
source_profile = keys
external_id = the-external-id
duration_seconds = 1800
[profile two]
role_arn = arn:aws:iam::1:role/two
source_profile = one
role_session_name = a-session
[profile of-instance]
role_arn = arn:aws:iam::1:role/of-instance
credential_source = Ec2InstanceMetadata
[profile web]
role_arn = arn:aws:iam::1:role/web
web_identity_token_file = WEB_TOKEN
[profile program]
credential_process = 'SCRIPT' --name "two words" $HOME |ls
"""


def test_every_source_signs_with_its_own_credentials(cloud, program, tmp_path):
    running = program()
    token_file = tmp_path / "web-token"
    token_file.write_text("web-token-CANARY\n")
    cloud.web_identity_tokens.add("web-token-CANARY")
    cloud.client_proofs |= {"client-secret-CANARY", "web-token-CANARY"}
    cloud.container_tokens["eks"] = "web-token-CANARY"
    cloud.tokens |= {"bearer-CANARY", "sas+CANARY="}
    script = tmp_path / "give credentials"
    write_script(script, "import json, sys\nassert sys.argv[1:] == ['--name', 'two words', '$HOME', '|ls'], sys.argv\n"
                 "print('CANARY', file=sys.stderr)\n"
                 "print(json.dumps({'Version': 1, 'AccessKeyId': 'AKIA-program', 'SecretAccessKey': 'program-CANARY',"
                 "'SessionToken': 'session-CANARY', 'Expiration': '2999-01-01T00:00:00Z'}))")
    cloud.accounts["AKIA-program"] = ("program-CANARY", "session-CANARY")
    write_aws(running.folder, AWS_CONFIG.replace("WEB_TOKEN", str(token_file)).replace("SCRIPT", str(script)))
    (tmp_path / "bin").mkdir()
    write_script(tmp_path / "bin" / "az", "import json, sys\n"
                 "assert sys.argv[1:3] == ['account', 'get-access-token'], sys.argv\n"
                 "print(json.dumps({'accessToken': 'bearer-CANARY', 'expires_on': 4102444800, 'tokenType': 'Bearer'}))")
    running.environment["PATH"] = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    principal = {"client_id": "client", "tenant_id": "tenant"}
    role = "arn:aws:iam::1:role/"
    stores = {  # what is asked on the way, and who asks the store in the end
        "static": (s3(cloud, **STATIC), ["s3 AKIA-static"]),
        "profile": (s3(cloud, profile="keys"), ["s3 AKIA-static"]),
        "chain": (s3(cloud, AWS_PROFILE="two"), [
            f"sts AKIA-static {role}one yummy the-external-id 1800", f"sts AKIA-one-\\d+ {role}two a-session None None",
            "s3 AKIA-two-"]),
        "of-instance": (s3(cloud, profile="of-instance"), [
            "imds instance-role", f"sts AKIA-instance-role-\\d+ {role}of-instance yummy None None", "s3 AKIA-of-instance-"]),
        "profile-web": (s3(cloud, profile="web"), [f"sts web {role}web yummy", "s3 AKIA-web-"]),
        "program": (s3(cloud, profile="program"), ["s3 AKIA-program"]),
        "assume": (s3(cloud, **STATIC, AWS_IAM_ROLE_ARN=f"{role}assumed", role_session_name="mine"), [
            f"sts AKIA-static {role}assumed mine None None", "s3 AKIA-assumed-"]),
        "web": (s3(cloud, web_identity_token_file=str(token_file), role_arn=f"{role}eks"), [
            f"sts web {role}eks yummy", "s3 AKIA-eks-"]),
        "ecs": (s3(cloud, container_credentials_full_uri=f"{cloud.url}/container/ecs"), ["container ecs", "s3 AKIA-ecs-"]),
        "eks": (s3(cloud, container_credentials_full_uri=f"{cloud.url}/container/eks",
                   container_authorization_token_file=str(token_file)), ["container eks", "s3 AKIA-eks-"]),
        "instance": (s3(cloud), ["imds instance-role", "s3 AKIA-instance-role-"]),
        "az-key": (azure(cloud, account_key=AZURE_KEY), ["azure key"]),
        "az-sas": (azure(cloud, AZURE_STORAGE_SAS_TOKEN="?sv=2023&sig=sas%2BCANARY%3D"), ["azure sas"]),
        "az-bearer": (azure(cloud, bearer_token="bearer-CANARY"), ["azure bearer"]),
        "az-secret": (azure(cloud, **principal, client_secret="client-secret-CANARY"), [
            "entra tenant client secret", "azure token-of-entra-secret"]),
        "az-workload": (azure(cloud, **principal, federated_token_file=str(token_file)), [
            "entra tenant client assertion", "azure token-of-entra-assertion"]),
        "az-managed": (azure(cloud, client_id="mine"), ["msi mine None", "azure token-of-msi"]),
        "az-command": (azure(cloud, use_azure_cli="true"), ["azure bearer"]),
        "gcs-bearer": (gcs(cloud, bearer_token="bearer-CANARY"), ["gcs bearer"]),
    }
    # Below different places, as stores must not overlap.
    placed = {name: (f"{path}/{name}", options) for name, ((path, options), _) in stores.items()}
    with running.serve(placed) as server:
        for name, (_, expected) in stores.items():
            cloud.requests.clear()
            answer = server.get(f"/{name}")
            assert answer.status_code == 200, f"{name}: {answer.text}"
            assert answer.json()["tables"] == []
            found = list(dict.fromkeys(cloud.requests))
            for line in expected:
                assert any(re.match(line, text) for text in found), (name, line, found)
        running.said += [server.get("").text, server.process_title()]


def exit_of_success(done):
    assert done.returncode == 3, done.stderr
    assert "absent" in done.stderr, done.stderr


@pytest.mark.parametrize("source", ["keys", "profile", "container", "msi", "google"])
def test_the_environment_alone_is_enough(cloud, program, source):
    port = cloud.url.removeprefix("http://")
    aws = {"AWS_ENDPOINT_URL": f"{cloud.url}/s3", "AWS_REGION": "eu-west-1"}
    environments = {
        "keys": {**aws, "AWS_ACCESS_KEY_ID": "AKIA-static", "AWS_SECRET_ACCESS_KEY": "secret-of-static-CANARY"},
        "profile": {**aws, "AWS_PROFILE": "keys", "AWS_SESSION_TOKEN": "of-no-use-CANARY"},
        "container": {**aws, "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{cloud.url}/container/x",
                      "AWS_CONTAINER_AUTHORIZATION_TOKEN": "container-CANARY"},
        "msi": {"AZURE_STORAGE_ACCOUNT_NAME": "acc", "AZURE_STORAGE_ENDPOINT": f"{cloud.url}/azure/acc",
                "IDENTITY_ENDPOINT": f"{cloud.url}/msi", "IDENTITY_HEADER": "identity-header-" "of-this-app"},
        "google": {"GCE_METADATA_HOST": port, "GOOGLE_BASE_URL": f"{cloud.url}/gcs"},
    }
    cloud.container_tokens["x"] = "container-CANARY"
    running = program(environments[source])
    write_aws(running.folder, "", "[keys]\naws_access_key_id = AKIA-static\naws_secret_access_key = secret-of-static-CANARY\n")
    path = {"msi": "az://files/x", "google": "gs://bucket/x"}.get(source, "s3://bucket/x")
    exit_of_success(running.ask(path, {}))
    expected = {"keys": "s3 AKIA-static", "profile": "s3 AKIA-static", "container": "s3 AKIA-x-",
                "msi": "msi None identity-header-of-this-app", "google": "gcs token-of-google-metadata"}[source]
    assert cloud.seen(expected), cloud.requests


def test_the_configuration_beats_the_environment(cloud, program):
    running = program({"AWS_ACCESS_KEY_ID": "AKIA-other", "AWS_SECRET_ACCESS_KEY": "other-CANARY",
                       "AWS_SESSION_TOKEN": "other-CANARY", "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
                       "AWS_PROFILE": "no-such-profile", "AWS_REGION": "mars-1"})
    path, options = s3(cloud, **STATIC)
    exit_of_success(running.ask(path, options))
    assert cloud.seen("s3 AKIA-static"), cloud.requests


REFUSED_AWS = """\
[profile sso]
sso_session = CANARY
[profile mfa]
role_arn = R
source_profile = sso
mfa_serial = CANARY
[profile circle]
role_arn = R
source_profile = circle2
[profile circle2]
role_arn = R
source_profile = circle
[profile half]
aws_secret_access_key = CANARY
"""


@pytest.mark.parametrize("vendor, options, says", [
    ("s3", {"AWS_S3_LOCKING_PROVIDER": "dynamodb"}, "AWS_S3_LOCKING_PROVIDER"),
    ("s3", {"aws_conditional_put": "disabled"}, "conditional_put"),
    ("s3", {"access_key_id": CANARY}, "secret_access_key"),
    ("s3", {"timeout": CANARY}, "timeout"),
    ("s3", {"region": "a", "AWS_REGION": CANARY}, "AWS_REGION"),
    ("s3", {"endpoint": f"https://user:{CANARY}@host.example"}, "endpoint"),
    ("s3", {"endpoint": "http://10.1.2.3"}, "allow_http"),
    ("s3", {"ca_bundle": f"/no/such/{CANARY}"}, "ca_bundle"),
    ("s3", {"proxy_url": CANARY}, "proxy_url"),
    ("s3", {"profile": "absent"}, "absent"),
    ("s3", {"profile": "sso"}, "sso_session"),
    ("s3", {"profile": "mfa"}, "mfa_serial"),
    ("s3", {"profile": "circle"}, "circle"),
    ("s3", {"profile": "half"}, "aws_access_key_id"),
    ("az", {"account_key": f"{CANARY}!"}, ""),
    ("az", {"sas_token": CANARY}, ""),
    ("az", {"client_secret": CANARY}, "tenant_id"),
    ("az", {"fabric_session_token": CANARY}, "fabric_session_token"),
    ("gs", {"service_account_key": json.dumps({"type": "external_account", "x": CANARY})}, "external_account"),
    ("gs", {"service_account_key": json.dumps({"type": "impersonated_service_account"})}, "impersonated_service_account"),
    ("gs", {"service_account_key": json.dumps({"client_email": "a", "private_key": CANARY, "private_key_id": "b"})}, ""),
    ("gs", {"service_account_key": CANARY}, "service_account_key"),
])
def test_what_cannot_work_is_refused_when_the_store_is_opened(program, vendor, options, says):
    running = program()
    write_aws(running.folder, REFUSED_AWS)
    if vendor == "az":
        options = {"account_name": "acc", **options}
    done = running.ask(f"{vendor}://bucket/x", options)
    assert done.returncode in (1, 2) and says in done.stderr and "cloud" in done.stderr, done


@pytest.mark.parametrize("path", [
    f"s3://key:{CANARY}@bucket/x", f"s3://{CANARY}@bucket/x", f"az://files/x?sv=1&sig={CANARY}",
    f"https://acc.blob.core.windows.net/files?sig={CANARY}", f"ftp://user:{CANARY}@host/x", f"s3://bucket/%zz{CANARY}",
])
def test_a_path_with_secrets_is_refused(program, path):
    assert program().ask(path, {}).returncode == 2


def test_unknown_options_are_warned_of(cloud, program):
    path, options = s3(cloud, **STATIC, aws_regoin=CANARY, azure_storage_account_key=CANARY, concurrency_limit="7")
    done = program().ask(path, options)
    exit_of_success(done)
    for words in ("'aws_regoin'", "'region'", "'azure_storage_account_key' is for Azure", "'concurrency_limit' has no effect"):
        assert words in done.stderr, done.stderr


def test_secrets_in_a_file_that_others_can_read_are_warned_of(cloud, program):
    running = program({"MY_SECRET": "secret-of-static-CANARY"})
    path, options = s3(cloud, **STATIC)
    config = running.configure({"cloud": (path, options)})
    question = ("sql", "SELECT * FROM cloud.absent", "-f", config)
    assert "chmod" not in running.run(*question).stderr
    os.chmod(config, 0o644)
    assert running.run(*question).stderr.count("chmod 600") == 1
    running.configure({"cloud": (path, {**options, "secret_access_key": "${MY_SECRET}"})})
    assert "chmod" not in running.run(*question).stderr


def test_wrong_credentials_are_named_errors_without_secrets(cloud, program, tmp_path):
    """The stores repeat the request in their answers, as some do."""
    running = program()
    (tmp_path / "web-token").write_text("wrong-CANARY")
    cloud.forbidden_roles.add("arn:aws:iam::1:role/no")
    write_aws(running.folder, "[profile fails]\ncredential_process = sh -c 'echo CANARY; echo CANARY >&2; exit 9'\n"
                              "[profile nonsense]\ncredential_process = echo CANARY\n")
    user = {"type": "authorized_user", "client_id": "c", "client_secret": CANARY, "refresh_token": CANARY}
    principal = {"client_id": "client", "tenant_id": "tenant"}
    stores = {
        "secret": s3(cloud, access_key_id="AKIA-static", secret_access_key="wrong-CANARY"),
        "session": s3(cloud, **STATIC, session_token="wrong-session-CANARY"),
        "role": s3(cloud, **STATIC, iam_role_arn="arn:aws:iam::1:role/no"),
        "web": s3(cloud, web_identity_token_file=str(tmp_path / "web-token"), role_arn="R"),
        "absent": s3(cloud, web_identity_token_file=str(tmp_path / "absent"), role_arn="R"),
        "instance": s3(cloud, metadata_endpoint="http://127.0.0.1:1"),
        "disabled": s3(cloud, ec2_metadata_disabled="true"),
        "fails": s3(cloud, profile="fails"),
        "nonsense": s3(cloud, profile="nonsense"),
        "az-key": azure(cloud, bearer_token="wrong-bearer-CANARY"),
        "az-sas": azure(cloud, sas_token="sv=1&sig=wrong%2BCANARY%3D"),
        "az-secret": azure(cloud, **principal, client_secret="wrong-CANARY"),
        "az-msi": azure(cloud, msi_endpoint="http://127.0.0.1:1"),
        "gcs": gcs(cloud, bearer_token="wrong-bearer-CANARY"),
        "gcs-user": gcs(cloud, service_account_key=json.dumps(user), proxy_url="http://user:CANARY@127.0.0.1:1",
                        proxy_excludes="127.0.0.1"),
    }
    unreachable = {"instance", "az-msi", "gcs-user", "absent", "nonsense"}
    with running.serve({name: (f"{path}/{name}", options) for name, (path, options) in stores.items()}) as server:
        for name in stores:
            for route in (f"/{name}", f"/{name}/table/details", f"/{name}/table?query=SELECT+1+FROM+table"):
                answer = server.get(route)
                problem = answer.json()
                assert answer.status_code == 502, (name, answer.text)
                assert problem["code"] in (("Unavailable",) if name in unreachable else ("Unauthenticated", "PermissionDenied")), (name, problem)
                assert problem["reason"] in ("STORE_CREDENTIALS", "STORE_ACCESS_DENIED"), (name, answer.text)
        running.said.append(server.process_title())


def test_credentials_are_renewed_before_they_expire_and_once_for_all_who_wait(cloud, program):
    cloud.lifetime_seconds = 4
    cloud.delay_seconds = 0.3
    stores = {"ecs": s3(cloud, container_credentials_full_uri=f"{cloud.url}/container/ecs")}
    with program().serve(stores) as server, concurrent.futures.ThreadPoolExecutor(16) as pool:
        def ask_many(number):
            return [answer.status_code for answer in pool.map(lambda _: server.get("/ecs"), range(number))]

        assert set(ask_many(16)) == {200}
        assert len(cloud.seen("container")) == 1
        deadline = time.monotonic() + 8
        while time.monotonic() < deadline:
            assert set(ask_many(4)) == {200}  # also while they are renewed
            time.sleep(0.05)
    assert 3 <= len(cloud.seen("container")) <= 4, cloud.seen("container")
    assert not cloud.seen("refused"), cloud.seen("refused")


def test_credentials_are_kept_while_they_hold_when_a_renewal_fails(cloud, program):
    cloud.lifetime_seconds = 8
    stores = {"ecs": s3(cloud, container_credentials_full_uri=f"{cloud.url}/container/ecs")}
    with program().serve(stores) as server:
        assert server.get("/ecs").status_code == 200
        cloud.broken["/container/ecs"] = lambda handler: handler.answer(500, {"error_description": CANARY})
        time.sleep(6.1)
        assert server.get("/ecs").status_code == 200  # due for renewal, and still good
        time.sleep(2)
        assert server.get("/ecs").status_code == 502
        cloud.broken.clear()
        assert server.get("/ecs").status_code == 200


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """Files of an authority, of a leaf that it signed, and of a certificate that signed itself."""
    folder = tmp_path_factory.mktemp("certificates")

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2")
    names = "subjectAltName=IP:127.0.0.1,DNS:oauth2.googleapis.com"
    openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=authority of a test", "-addext",
            "basicConstraints=critical,CA:TRUE")
    openssl("req", *key[:-2], "-keyout", "leaf.key", "-out", "leaf.csr", "-subj", "/CN=leaf")
    (folder / "leaf.txt").write_text(f"{names}\nbasicConstraints=CA:FALSE\n")
    openssl("x509", "-req", "-in", "leaf.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", "leaf.pem",
            "-days", "2", "-extfile", "leaf.txt")
    openssl("req", "-x509", *key, "-keyout", "self.key", "-out", "self.pem", "-subj", "/CN=self", "-addext", names)
    return folder


def pair(folder, name):
    return folder / f"{name}.pem", folder / f"{name}.key"


def test_tls_trusts_the_system_and_what_is_given(program, certificates):
    with FakeCloud(pair(certificates, "leaf")) as private, FakeCloud(pair(certificates, "self")) as own:
        for each in (private, own):
            each.accounts["AKIA-static"] = (STATIC["secret_access_key"], None)
        bundle = str(certificates / "ca.pem")
        running = program()

        def ask(cloud, **options):
            path, options = s3(cloud, **STATIC, **options)
            return running.ask(path, options)

        refused = ask(private)
        assert refused.returncode == 5 and "certificate" in refused.stderr, refused
        exit_of_success(ask(private, ca_bundle=bundle))
        exit_of_success(ask(private, ca_bundle=bundle, disable_system_certificates="true"))
        refused = ask(own, ca_bundle=bundle)
        assert refused.returncode == 5 and "certificate" in refused.stderr, refused
        warned = ask(own, allow_invalid_certificates="true")
        exit_of_success(warned)
        assert "not checked" in warned.stderr
        running.environment["AWS_CA_BUNDLE"] = bundle
        exit_of_success(ask(private))
        del running.environment["AWS_CA_BUNDLE"]
        running.environment["SSL_CERT_FILE"] = bundle
        exit_of_success(ask(private))


def test_a_proxy_is_used_for_the_store_and_never_for_metadata(cloud, program, certificates):
    with FakeCloud(pair(certificates, "leaf")) as private, Proxy(("127.0.0.1", private.port)) as proxy:
        running = program({"HTTP_PROXY": "http://127.0.0.1:1", "http_proxy": "http://127.0.0.1:1"})
        path, options = s3(cloud)
        exit_of_success(running.ask(path, options))  # the environment's proxy is not for this machine
        exit_of_success(running.ask(path, {**options, "proxy_url": proxy.url.replace("//", "//user:CANARY@")}))
        assert proxy.requests and all("/s3/bucket" in line for line in proxy.requests), proxy.requests
        proxy.requests.clear()
        exit_of_success(running.ask(path, {**options, "proxy_url": proxy.url, "proxy_excludes": "127.0.0.1"}))
        assert not proxy.requests
        # A user's token comes from Google over TLS, through the proxy; the store is asked directly.
        private.client_proofs.add("refresh-CANARY")
        cloud.tokens = private.tokens
        user = {"type": "authorized_user", "client_id": "me", "client_secret": "CANARY", "refresh_token": "refresh-CANARY"}
        file = running.folder / "user.json"
        file.write_text(json.dumps(user))
        path, options = gcs(cloud, GOOGLE_APPLICATION_CREDENTIALS=str(file), proxy_url=proxy.url, proxy_excludes="127.0.0.1",
                            ca_bundle=str(certificates / "ca.pem"))
        exit_of_success(running.ask(path, options))
        assert proxy.requests == ["CONNECT oauth2.googleapis.com:443"]
        assert private.seen("google user me") and cloud.seen("gcs token-of-google-user")


def test_a_redirect_is_not_followed(cloud, program):
    with FakeCloud() as other:
        def redirect(handler):
            cloud.extra_headers = {"location": f"{other.url}/s3/bucket"}
            handler.answer(307, "")

        cloud.broken["/s3/bucket"] = redirect
        path, options = s3(cloud, **STATIC)
        assert program().ask(path, options).returncode != 3
        assert not other.requests
