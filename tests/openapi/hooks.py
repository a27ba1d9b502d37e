"""Authentication for schemathesis: an operator's session for the operators' API, a robot's token for
all other requests. The operation that ends its session gets a new session of another operator each
time: sign-ins of the first operator are throttled, because schemathesis sends many wrong passwords."""

import json
import os
import urllib.error
import urllib.request

import schemathesis

URL = os.environ["MUSTER_URL"]
TENANT = json.loads(os.environ["MUSTER_TENANT"])
SECOND_OPERATOR = {"name": "second", "password": "a password of its own"}


def post(path, body, token=None):
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    request = urllib.request.Request(URL + path, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request) as response:
        return json.load(response)


def session(operator):
    return post("/admin/v1/sessions", operator)["token"]


operator = {
    "name": TENANT["operator"]["username"],
    "password": TENANT["operator"]["password"],
}
operator_session = session(operator)
robot_token = post("/authenticate", TENANT["robot"])["token"]
post("/admin/v1/operators", SECOND_OPERATOR | {"role": "read"}, operator_session)


@schemathesis.auth(refresh_interval=None)
class Bearer:
    def get(self, case, context):
        if case.method == "DELETE" and case.path == "/admin/v1/session":
            try:
                return session(SECOND_OPERATOR)
            except urllib.error.HTTPError:
                return "the operator was disabled by another request"
        return operator_session if case.path.startswith("/admin/") else robot_token

    def set(self, case, data, context):
        case.headers = case.headers or {}
        # A generated header would take precedence, and no body would be read.
        case.headers.pop("X-Cbr-Authorization", None)
        case.headers["Authorization"] = f"Bearer {data}"
