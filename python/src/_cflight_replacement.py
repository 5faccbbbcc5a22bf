# SPDX-License-Identifier: Apache-2.0
"""Lets the environment variable CFLIGHT_AS_PYARROW_FLIGHT put cflight in the place of pyarrow.flight.

``cflight.pth`` imports this when Python starts and the variable is set. Nothing else is imported until
somebody asks for pyarrow.flight."""

import importlib.machinery
import sys


class _Replacement:
    """Finds and loads pyarrow.flight and pyarrow._flight: cflight."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name not in ("pyarrow.flight", "pyarrow._flight"):
            return None
        return importlib.machinery.ModuleSpec(name, _Replacement)

    @staticmethod
    def create_module(spec):
        return None

    @staticmethod
    def exec_module(module):
        import cflight

        cflight.install_as_pyarrow_flight()


def begin():
    """Watch for the import, once."""
    if _Replacement not in sys.meta_path:
        sys.meta_path.insert(0, _Replacement)
