"""Runs tests of the workspace against deployed stacks."""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import threading

ROOT = pathlib.Path(__file__).resolve().parents[3]


class Stack:
    """The stack that is deployed in one account, with its tenants."""

    def __init__(self, emulated, outputs):
        self.emulated = emulated
        self.outputs = outputs
        self.ready = emulated.folder / "ready.json"
        self.canary = emulated.folder / "canary.json"

    def environment(self):
        """Returns the environment of tests against this stack."""
        # Without the caller's own accounts and stacks.
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("AWS_", "MUSTER_"))
        }
        return kept | self.emulated.environment() | {
            "MUSTER_TABLE_DIRECTORY": self.outputs["DirectoryTableName"],
            "MUSTER_TABLE_CONTROL": self.outputs["ControlTableName"],
            "MUSTER_BUCKET": self.outputs["ImportsBucketName"],
            "MUSTER_QUEUE_IMPORTS": self.outputs["ImportsQueueUrl"],
            "MUSTER_QUEUE_CHUNKS": self.outputs["ChunksQueueUrl"],
            "MUSTER_READY_FILE": str(self.ready),
            "MUSTER_GATEWAY": "yes",
            "MUSTER_CANARY_FILE": str(self.canary),
            "NO_PROXY": "127.0.0.1",
        }

    def seed(self, binaries):
        """Writes the tenants of the tests to the deployed tables."""
        api = self.emulated.client("apigatewayv2").get_apis()["Items"][0]["ApiId"]
        url = f"{self.emulated.url}/_aws/execute-api/{api}/$default"
        command = [binaries / "muster-local", "seed", "--ready-file", self.ready, "--url", url]
        if subprocess.run(command, env=self.environment()).returncode != 0:
            sys.exit("muster-local seed failed: the tenants were not written to the deployed tables")

    def tenants(self):
        """Returns the URL of the API and the tenants."""
        return json.loads(self.ready.read_text())

    def start(self, target, names):
        """Starts these tests of a target, one after the other, since they share the tenants."""
        return subprocess.Popen(
            [*cargo_test(target), "--test-threads=1", "--exact", *names],
            cwd=ROOT,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )


def cargo_test(target):
    # Packages of the same features as `cargo test --workspace` builds, so that nothing is built again.
    return ["cargo", "test", "--locked", "--workspace", "--test", target, "--"]


def names(target, filters):
    """Returns the names of the tests that match one of the filters, or of all tests."""
    command = [*cargo_test(target), "--list", "--format", "terse", *filters]
    listed = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    if listed.returncode != 0:
        sys.exit(f"the tests in {target} cannot be listed")
    ending = ": test"
    found = [line.removesuffix(ending) for line in listed.stdout.splitlines() if line.endswith(ending)]
    if not found:
        sys.exit(f"no test in {target} matches {' '.join(filters)}")
    return found


def run(stacks, target, filters=()):
    """Runs the tests of a target that match a filter, a share against each stack at the same time.
    Exits if one fails."""
    matching = names(target, filters)
    started = []
    try:
        for number, stack in enumerate(stacks):
            # Neighbours are of one module and take about the same time.
            if share := matching[number :: len(stacks)]:
                process = stack.start(target, share)
                printer = threading.Thread(target=show, args=(number, process.stdout))
                printer.start()
                started.append((process, printer))
        for process, printer in started:
            printer.join()
            process.wait()
    finally:
        for process, _ in started:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    if any(process.returncode != 0 for process, _ in started):
        sys.exit(f"tests in {target} failed against the deployed stack")


def show(number, output):
    """Prints the lines of a process, each with the number of the stack."""
    for line in output:
        sys.stdout.write(f"   {number} {line}")
        sys.stdout.flush()
