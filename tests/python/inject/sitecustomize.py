# SPDX-License-Identifier: Apache-2.0
"""Makes ``import pyarrow.flight`` give cflight; for running pyarrow's own tests against it."""

import importlib.machinery
import sys


class _Replacement:
    """Finds and loads pyarrow.flight: puts cflight in its place."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name != "pyarrow.flight":
            return None
        return importlib.machinery.ModuleSpec(name, _Replacement)

    @staticmethod
    def create_module(spec):
        return None

    @staticmethod
    def exec_module(module):
        import cflight

        sys.modules["pyarrow.flight"] = cflight


sys.meta_path.insert(0, _Replacement)
