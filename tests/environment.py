#!/usr/bin/env python3
"""Installs the Python programs of the checks, each group into an environment of its own in the target
folder. An environment that has the requirements already is left as it is.

usage: tests/environment.py NAME ...     NAME: deployed, openapi or template
"""

import os
import pathlib
import subprocess
import sys
import venv

TESTS = pathlib.Path(__file__).resolve().parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", TESTS.parent / "target"))
REQUIREMENTS = {name: TESTS / name / "requirements.txt" for name in ("deployed", "openapi", "template")}


def install(name):
    """Installs the requirements of one environment and returns the folder of its programs."""
    folder = TARGET / f"{name}-tools"
    programs = folder / "bin"
    requirements = REQUIREMENTS[name]
    # Written last, so that an interrupted installation is repeated.
    mark = folder / "requirements.txt"
    if not mark.exists() or mark.read_text() != requirements.read_text():
        venv.create(folder, with_pip=True, clear=True)
        pip = [programs / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--requirement", requirements], check=True)
        mark.write_text(requirements.read_text())
    return programs


def main(names):
    unknown = set(names) - REQUIREMENTS.keys()
    if unknown or not names:
        sys.exit(__doc__.strip())
    for name in names:
        try:
            install(name)
        except subprocess.CalledProcessError as error:
            sys.exit(f"the environment {name} is not installed: pip exited with {error.returncode}")


if __name__ == "__main__":
    main(sys.argv[1:])
