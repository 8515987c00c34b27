"""S3 for tests: moto's server on loopback. It checks signatures and policies, and can be stopped and started again."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from typing import Any, Callable

import boto3
from moto import settings
from moto.core import DEFAULT_ACCOUNT_ID
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from moto.s3.models import s3_backends
from werkzeug.serving import make_server

REGION = "eu-central-1"
Answer = Callable[..., Any]


class S3:
    """Buckets, and a user `reader` who may read some of what is in them."""

    def __init__(self, *denied: str) -> None:
        self.app = DomainDispatcherApplication(create_backend_app)
        # What happens to requests for keys that end so.
        self.faults: dict[str, Answer] = {}
        self.port = 0
        self.start()
        self.key, self.secret = self._reader(*denied)
        # From now on, who asks has to be somebody.
        settings.INITIAL_NO_AUTH_ACTION_COUNT = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        options: dict[str, Any] = {"threaded": True, "request_handler": MotoRequestHandler}
        self.server = make_server("127.0.0.1", self.port, self._answer, **options)
        self.server.log = lambda *_: None  # type: ignore[attr-defined]
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def _answer(self, environ: dict[str, Any], start_response: Answer) -> Iterable[bytes]:
        for key, fault in self.faults.items():
            if environ["PATH_INFO"].endswith(key):
                answer: Iterable[bytes] = fault(start_response)
                return answer
        asked: Iterable[bytes] = self.app(environ, start_response)
        return asked

    def _reader(self, *denied: str) -> tuple[str, str]:
        """Key and secret of a user who may read all buckets but these, and objects but those."""
        of = {"region_name": REGION, "aws_access_key_id": "root", "aws_secret_access_key": "root"}
        iam = boto3.client("iam", endpoint_url=self.url, **of)
        iam.create_user(UserName="reader")
        allow = {"Effect": "Allow", "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": "*"}
        deny = {"Effect": "Deny", "Action": "s3:*", "Resource": [f"arn:aws:s3:::{name}" for name in denied]}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allow, deny]})
        iam.put_user_policy(UserName="reader", PolicyName="reads", PolicyDocument=policy)
        key = iam.create_access_key(UserName="reader")["AccessKey"]
        return key["AccessKeyId"], key["SecretAccessKey"]

    @property
    def _backend(self) -> Any:
        return s3_backends[DEFAULT_ACCOUNT_ID]["aws"]

    def bucket(self, name: str) -> None:
        self._backend.create_bucket(name, REGION)

    def put(self, bucket: str, key: str, content: bytes) -> None:
        self._backend.put_object(bucket, key, content)

    def delete(self, bucket: str, key: str) -> None:
        self._backend.delete_object(bucket, key)

    def empty(self, bucket: str) -> None:
        self._backend.head_bucket(bucket).keys.clear()


def refuses(status: str, code: str) -> Answer:
    body = f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()

    def fault(start_response: Answer) -> list[bytes]:
        start_response(status, [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
        return [body]

    return fault


def has_size(size: int) -> Answer:
    """So many bytes, it says, and sends the first."""

    def fault(start_response: Answer) -> list[bytes]:
        start_response("200 OK", [("Content-Length", str(size))])
        return [b"\x89"]

    return fault
