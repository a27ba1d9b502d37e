"""How schemathesis signs in: an operator's session for the operator's API, a robot's token for the
rest. An operation that ends its session gets one of its own."""

import json
import os
import urllib.request

import schemathesis

URL = os.environ["MUSTER_URL"]
TENANT = json.loads(os.environ["MUSTER_TENANT"])
kept = {}


def token_of(path, body):
    request = urllib.request.Request(
        URL + path, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["token"]


def session():
    operator = TENANT["operator"]
    body = {"name": operator["username"], "password": operator["password"]}
    return token_of("/admin/v1/sessions", body)


def robot():
    return token_of("/authenticate", TENANT["robot"])


@schemathesis.auth(refresh_interval=None)
class Bearer:
    def get(self, case, context):
        if case.method == "DELETE" and case.path == "/admin/v1/session":
            return session()
        begin = session if case.path.startswith("/admin/") else robot
        if begin not in kept:
            kept[begin] = begin()
        return kept[begin]

    def set(self, case, data, context):
        case.headers = case.headers or {}
        case.headers["Authorization"] = f"Bearer {data}"
