"""How schemathesis signs in: an operator's session for the operator's API, a robot's token for the
rest. The operation that ends its session gets one of another operator's each time: so many wrong
passwords are tried on the first one that its sign-ins are throttled."""

import json
import os
import urllib.error
import urllib.request

import schemathesis

URL = os.environ["MUSTER_URL"]
TENANT = json.loads(os.environ["MUSTER_TENANT"])
LEAVER = {"name": "leaver", "password": "a password of its own"}


def answer(path, body, token=None):
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    request = urllib.request.Request(URL + path, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def session(operator):
    return answer("/admin/v1/sessions", operator)["token"]


operator = {
    "name": TENANT["operator"]["username"],
    "password": TENANT["operator"]["password"],
}
operators = session(operator)
robots = answer("/authenticate", TENANT["robot"])["token"]
answer("/admin/v1/operators", LEAVER | {"role": "read"}, operators)


@schemathesis.auth(refresh_interval=None)
class Bearer:
    def get(self, case, context):
        if case.method == "DELETE" and case.path == "/admin/v1/session":
            try:
                return session(LEAVER)
            except urllib.error.HTTPError:
                return "one of these tests has disabled it"
        return operators if case.path.startswith("/admin/") else robots

    def set(self, case, data, context):
        case.headers = case.headers or {}
        # A made-up one would win, and no request would come to its body.
        case.headers.pop("X-Cbr-Authorization", None)
        case.headers["Authorization"] = f"Bearer {data}"
