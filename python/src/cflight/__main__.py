# SPDX-License-Identifier: Apache-2.0
"""``python -m cflight --versions``: the versions of the module, of the libraries that it has loaded, and of the packages
that those in its wheel came from."""

import argparse
import importlib.metadata
import json

import cflight


def _components():
    """Name and version of each library in the wheel; nothing when the system's are used."""
    try:
        files = importlib.metadata.files("cflight") or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.match("*.dist-info/sboms/cflight.cdx.json"):
            for component in json.loads(file.read_text())["components"]:
                yield component["name"], component["version"]


def main():
    """Print what is asked for."""
    parser = argparse.ArgumentParser(prog="python -m cflight", description=__doc__)
    parser.add_argument("--versions", action="store_true", required=True, help="print the versions and end")
    parser.parse_args()
    for name, version in (*cflight.versions().items(), *_components()):
        print(name, version)


if __name__ == "__main__":
    main()
