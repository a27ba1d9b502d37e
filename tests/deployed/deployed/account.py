"""An emulated AWS account: one process on 127.0.0.1, with a folder of its own."""

import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import boto3
from botocore.config import Config

REGION = "eu-central-1"
# Maximum time until the account is ready, also on a busy machine.
READY_SECONDS = 300


class Account:
    """A running account."""

    def __init__(self, url, folder):
        self.url = url
        self.folder = folder

    def client(self, service):
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"max_attempts": 1}, proxies={}),
        )

    def environment(self):
        """Returns the environment that an AWS SDK needs to use it."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ENDPOINT_URL_DYNAMODB": self.url,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }


@contextlib.contextmanager
def running():
    """Starts an empty account; stops it and everything that runs in it at the end."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="muster-account-"))
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    env = kept | {
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "AWS_ENDPOINT_URL": url,
        "MINISTACK_REGION": REGION,
        # Enforces roles: requests without permission are refused, as on AWS.
        "AUTH": "true",
        "LOG_LEVEL": "WARNING",
    }
    with open(folder / "account.log", "w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "ministack"],
            env=env,
            cwd=folder,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        wait_until_ready(process, url, folder)
        yield Account(url, folder)
    finally:
        stop(process)
        shutil.rmtree(folder, ignore_errors=True)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_until_ready(process, url, folder):
    deadline = time.monotonic() + READY_SECONDS
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while True:
        if process.poll() is not None:
            sys.exit("the emulated account did not start:\n" + (folder / "account.log").read_text())
        try:
            opener.open(f"{url}/_ministack/health", timeout=5).close()
            return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            if time.monotonic() > deadline:
                sys.exit(f"the emulated account is not ready after {READY_SECONDS} s")
            time.sleep(0.05)


def stop(process):
    """Stops the account and its functions, which are in its process group."""
    process.terminate()
    try:
        process.wait(timeout=15)
    except subprocess.TimeoutExpired:
        pass
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, 9)
    process.wait()
