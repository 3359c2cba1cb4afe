"""What to say of a name that does not exist."""

from __future__ import annotations

import difflib
from collections.abc import Collection


def hint(name: str, known: Collection[str], otherwise: str = "known:") -> str:
    """``did you mean 'size'?``, or all that there are where none is near."""
    nearest = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {nearest[0]!r}?" if nearest else f"{otherwise} {', '.join(known)}"
