"""`python -m harness.pylog_broker`: the same as `pylog`."""

from __future__ import annotations

import sys

from harness.pylog_broker.cli import main

if __name__ == "__main__":
    sys.exit(main())
