"""`python -m harness.pylog_broker`: the same as `pylog`.

Nothing that is made while modules load is ever garbage, so the collector waits until they are there.
"""

from __future__ import annotations

import gc
import sys


def main() -> int:
    """Load the command line and run it."""
    gc.disable()
    from harness.pylog_broker import cli

    gc.freeze()
    gc.enable()
    return cli.main()


if __name__ == "__main__":
    sys.exit(main())
