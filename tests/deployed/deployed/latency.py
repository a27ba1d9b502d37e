"""Measures the latency of an import of one new user through the deployed API."""

import http.client
import json
import statistics
import time
import urllib.parse

IMPORTS = 100


def measure(ready):
    """Returns the median and the 99th percentile in milliseconds of imports in sequence."""
    address = urllib.parse.urlsplit(ready["url"])
    tenant = ready["tenants"][0]
    connection = http.client.HTTPConnection(address.hostname, address.port)

    def post(path, body, token=None):
        headers = {"Content-Type": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        began = time.perf_counter()
        connection.request("POST", address.path + path, json.dumps(body), headers)
        response = connection.getresponse()
        reply = json.loads(response.read())
        took = (time.perf_counter() - began) * 1e3
        if response.status != 200:
            raise SystemExit(f"{path}: {response.status} {reply}")
        return reply, took

    token = post("/authenticate", tenant["robot"])[0]["token"]
    times = []
    for number in range(IMPORTS):
        user = {
            "Username": f"latency.{number}",
            "Name": f"Latency {number}",
            "Role": "catman",
            "E-mail": f"latency.{number}@example.com",
        }
        times.append(post(f"/v1/import/user-data/{tenant['task_id']}", [user], token)[1])
    times.sort()
    return statistics.median(times), times[int(len(times) * 0.99) - 1]
