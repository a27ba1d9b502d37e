"""Runs all tests of the deployed stack."""

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


def build_binaries():
    """Builds the binaries and returns their folder. The local stack and the command line are built with
    the functions, as everywhere else, so that all share their dependencies."""
    if given := os.environ.get("MUSTER_BINARIES"):
        return pathlib.Path(given).resolve()
    functions = [binary for _, binary in deploy.functions(deploy.read(TEMPLATE))]
    packages = [*functions, "muster-local", "samplecli"]
    flags = [flag for package in packages for flag in ("-p", package)]
    subprocess.run(["cargo", "build", "--locked", "--release", *flags], cwd=ROOT, check=True)
    return TARGET / "release"


def contract(emulated, outputs, binaries, filters):
    """Runs the contract tests and the canary against the deployed API. Returns what the
    canary sent: `marks`, which no log may contain, and `runs`, which the logs must contain."""
    api = emulated.client("apigatewayv2").get_apis()["Items"][0]["ApiId"]
    ready = emulated.folder / "ready.json"
    canary = emulated.folder / "canary.json"
    # Without the caller's own accounts and stacks.
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
        sys.exit("muster-local seed failed: the tenants were not written to the deployed tables")

    def test(name, *arguments):
        command = ["cargo", "test", "--locked", "--workspace", "--test", name, "--", *arguments]
        listed = subprocess.run([*command, "--list"], cwd=ROOT, env=env, capture_output=True, text=True)
        if ": test" not in listed.stdout:
            sys.exit(f"no test in {name} matches {' '.join(arguments)}\n{listed.stderr}")
        ended = subprocess.run([*command, "--test-threads=1"], cwd=ROOT, env=env)
        if ended.returncode != 0:
            sys.exit(f"tests in {name} failed against the deployed stack")

    step("contract tests against the deployed API")
    test("contract", *filters)
    step("latency of imports of one user")
    median, late = latency.measure(json.loads(ready.read_text()))
    print(f"   {latency.IMPORTS} imports in sequence: p50 {median:.0f} ms, p99 {late:.0f} ms")
    step("marked personal data on every path")
    test("canary")
    return json.loads(canary.read_text())


def main(filters):
    step("function binaries")
    binaries = build_binaries()
    step("emulated account")
    with account.running() as emulated:
        try:
            step("deployment of infra/template.yaml")
            outputs = deploy.deploy(emulated, TEMPLATE, binaries)
            poison.send(emulated, outputs)
            canary = contract(emulated, outputs, binaries, filters)
            step("dead letters")
            faults = poison.verify(emulated, outputs)
            step("logs")
            canary["marks"].append(poison.BODY)
            lines = logs.collect(emulated)
            faults += logs.verify(lines, canary)
            if filters:
                print("   roles are not compared with requests, since not all tests ran")
            else:
                step("roles compared with requests")
                faults += grants.compare(deploy.read(TEMPLATE), outputs, lines)
            step("change of a parameter")
            faults += deploy.verify_parameter_change(emulated, outputs)
        except BaseException:
            print((emulated.folder / "account.log").read_text()[-5000:], file=sys.stderr)
            raise
    for fault in faults:
        print(f"   {fault}", file=sys.stderr)
    result = "these tests passed" if filters else "the deployed stack fulfils the contract"
    step("failed" if faults else f"done: {result}")
    sys.exit(1 if faults else 0)


def exit_on_signal(number, _frame):
    sys.exit(128 + number)


# So that the account and its functions are stopped on these signals as well.
for number in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, exit_on_signal)
main(sys.argv[1:])
