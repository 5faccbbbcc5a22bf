# SPDX-License-Identifier: Apache-2.0
"""What cflight.pth does where cflight is installed, for a cflight that is found by PYTHONPATH."""

import os

if os.environ.get("CFLIGHT_AS_PYARROW_FLIGHT", "") not in ("", "0"):
    __import__("_cflight_replacement").begin()
