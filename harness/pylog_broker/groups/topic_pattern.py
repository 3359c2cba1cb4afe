"""Subscriptions by pattern (KIP-848, version 1): RE2 syntax, matched against whole names in linear time.

Patterns come from strangers, so the engine is RE2 itself: no backtracking, hence no look-around and no
back-references, and a bound on the memory of a compiled pattern.
"""

from __future__ import annotations

from collections.abc import Iterable

PATTERN_CHARACTERS_MAX = 4_096
COMPILED_BYTES_MAX = 1 << 20


class InvalidPattern(ValueError):
    """Not a pattern of RE2, or one that is too large; the message says which."""


def matching_names(pattern: str, names: Iterable[str]) -> frozenset[str]:
    """Return the names that the whole of `pattern` matches. Raises InvalidPattern."""
    if len(pattern) > PATTERN_CHARACTERS_MAX:
        raise InvalidPattern(f"a pattern of {len(pattern)} characters; at most {PATTERN_CHARACTERS_MAX} are taken")
    import re2  # needed by few brokers: a cold start does without it

    options = re2.Options()
    options.max_mem = COMPILED_BYTES_MAX
    options.log_errors = False
    try:
        compiled = re2.compile(pattern, options)
    except (re2.error, UnicodeEncodeError) as error:
        raise InvalidPattern(_text(error)) from None
    return frozenset(name for name in names if compiled.fullmatch(name))


def _text(error: Exception) -> str:
    cause = error.args[0] if error.args else ""
    return cause.decode("utf-8", "replace") if isinstance(cause, bytes) else str(error)
