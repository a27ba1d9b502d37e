"""The proof from beginning to end."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time

from deployed import account, deploy, grants, latency, logs, poison

ROOT = pathlib.Path(__file__).resolve().parents[3]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
TEMPLATE = ROOT / "infra" / "template.yaml"
started = time.monotonic()


def step(text):
    print(f"-- {text} ({time.monotonic() - started:.0f} s)", flush=True)


def built():
    """Where the binaries are. The local stack and the command line are built along with the
    functions, as everywhere else, so that all share their dependencies."""
    if given := os.environ.get("MUSTER_BINARIES"):
        return pathlib.Path(given).resolve()
    functions = [binary for _, binary in deploy.functions(deploy.read(TEMPLATE))]
    packages = [*functions, "muster-local", "samplecli"]
    wanted = [flag for package in packages for flag in ("-p", package)]
    subprocess.run(["cargo", "build", "--locked", "--release", *wanted], cwd=ROOT, check=True)
    return TARGET / "release"


def contract(emulated, outputs, binaries, filters):
    """Runs the contract tests and the canary against the deployed API. Returns what the
    canary sent: `marks`, none of which may be in a log, and `runs`, all of which must be."""
    api = emulated.client("apigatewayv2").get_apis()["Items"][0]["ApiId"]
    ready = emulated.folder / "ready.json"
    canary = emulated.folder / "canary.json"
    # Nothing of the caller's own accounts and stacks.
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "MUSTER_"))
    }
    env = kept | emulated.environment() | {
        "MUSTER_TABLE_DIRECTORY": outputs["DirectoryTableName"],
        "MUSTER_TABLE_CONTROL": outputs["ControlTableName"],
        "MUSTER_BUCKET": outputs["ImportsBucketName"],
        "MUSTER_QUEUE_IMPORTS": outputs["ImportsQueueUrl"],
        "MUSTER_QUEUE_CHUNKS": outputs["ChunksQueueUrl"],
        "MUSTER_READY_FILE": str(ready),
        "MUSTER_GATEWAY": "yes",
        "MUSTER_CANARY_FILE": str(canary),
        "NO_PROXY": "127.0.0.1",
    }
    url = f"{emulated.url}/_aws/execute-api/{api}/$default"
    seed = [binaries / "muster-local", "seed", "--ready-file", ready, "--url", url]
    if subprocess.run(seed, env=env).returncode != 0:
        sys.exit("the tables of the deployed stack take no tenants")

    def test(name, *arguments):
        command = ["cargo", "test", "--locked", "--workspace", "--test", name, "--", *arguments]
        listed = subprocess.run([*command, "--list"], cwd=ROOT, env=env, capture_output=True, text=True)
        if ": test" not in listed.stdout:
            sys.exit(f"no test of {name} has such a name: {' '.join(arguments)}\n{listed.stderr}")
        ended = subprocess.run([*command, "--test-threads=1"], cwd=ROOT, env=env)
        if ended.returncode != 0:
            sys.exit(f"the deployed stack does not pass the tests of {name}")

    step("contract tests against the deployed API")
    test("contract", *filters)
    step("imports of one user")
    median, late = latency.measure(json.loads(ready.read_text()))
    print(f"   {latency.TIMES} times one after the other: p50 {median:.0f} ms, p99 {late:.0f} ms")
    step("marked data through every path")
    test("canary")
    return json.loads(canary.read_text())


def main(filters):
    step("function binaries")
    binaries = built()
    step("an empty account")
    with account.running() as emulated:
        try:
            step("infra/template.yaml into it")
            outputs = deploy.deploy(emulated, TEMPLATE, binaries)
            poison.send(emulated, outputs)
            canary = contract(emulated, outputs, binaries, filters)
            step("dead letters")
            faults = poison.judge(emulated, outputs)
            step("logs")
            canary["marks"].append(poison.BODY)
            lines = logs.collect(emulated)
            faults += logs.judge(lines, canary)
            if filters:
                print("   roles are not compared: not all tests ran")
            else:
                step("roles against calls")
                faults += grants.compare(deploy.read(TEMPLATE), outputs, lines)
            step("a parameter, changed")
            faults += deploy.change_a_parameter(emulated, outputs)
        except BaseException:
            print((emulated.folder / "account.log").read_text()[-5000:], file=sys.stderr)
            raise
    for fault in faults:
        print(f"   {fault}", file=sys.stderr)
    proven = "these tests pass" if filters else "the deployed stack keeps the contract"
    step("failed" if faults else f"done: {proven}")
    sys.exit(1 if faults else 0)


def end(number, _frame):
    sys.exit(128 + number)


# So that the account and its functions are stopped then, too.
for number in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, end)
main(sys.argv[1:])
