# SPDX-License-Identifier: Apache-2.0
"""Puts the shared helpers in reach of the tests here."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
