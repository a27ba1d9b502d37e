"""Runs all tests of the deployed stacks."""

import concurrent.futures
import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

from deployed import account, contract, deploy, grants, latency, logs, poison

ROOT = pathlib.Path(__file__).resolve().parents[3]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
TEMPLATE = ROOT / "infra" / "template.yaml"
# An account handles one request after the other: two let tests wait at the same time.
ACCOUNTS = 2
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


def deployed(emulated, code, binaries):
    """Deploys the stack in an account, with the tenants of the tests."""
    stack = contract.Stack(emulated, deploy.deploy(emulated, TEMPLATE, code))
    poison.send(emulated, stack.outputs)
    stack.seed(binaries)
    return stack


def run_tests(stacks, filters):
    """Runs the contract tests against all stacks, and the canary against the first. Returns what the
    canary sent: `marks`, which no log may contain, and `runs`, which the logs must contain."""
    step("contract tests against the deployed APIs")
    contract.run(stacks, "contract", filters)
    first = stacks[0]
    step("latency of imports of one user")
    median, late = latency.measure(first.tenants())
    print(f"   {latency.IMPORTS} imports in sequence: p50 {median:.0f} ms, p99 {late:.0f} ms")
    step("marked personal data on every path")
    contract.run([first], "canary")
    return json.loads(first.canary.read_text())


def verify(stacks, canary, filters):
    """Returns a list of faults in queues, logs, roles and changes of the stacks."""
    step("dead letters")
    faults = [fault for stack in stacks for fault in poison.verify(stack.emulated, stack.outputs)]
    step("logs")
    canary["marks"].append(poison.BODY)
    lines = logs.merged([logs.collect(stack.emulated) for stack in stacks])
    faults += logs.verify(lines, canary)
    if filters:
        print("   roles are not compared with requests, since not all tests ran")
    else:
        step("roles compared with requests")
        faults += grants.compare(deploy.read(TEMPLATE), [stack.outputs for stack in stacks], lines)
    step("change of a parameter")
    return faults + deploy.verify_parameter_change(stacks[0].emulated, stacks[0].outputs)


def main(filters):
    step("function binaries")
    binaries = build_binaries()
    code = deploy.packed(deploy.read(TEMPLATE), binaries)
    step("emulated accounts")
    with contextlib.ExitStack() as running:
        accounts = [running.enter_context(account.running()) for _ in range(ACCOUNTS)]
        try:
            step("deployment of infra/template.yaml")
            with concurrent.futures.ThreadPoolExecutor() as pool:
                stacks = list(pool.map(lambda one: deployed(one, code, binaries), accounts))
            faults = verify(stacks, run_tests(stacks, filters), filters)
        except BaseException:
            for emulated in accounts:
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
