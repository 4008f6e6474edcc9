"""What is wrong with an entry of a file, in words."""

from __future__ import annotations

from pydantic import ValidationError

from videomind.roles.spec_file import first_problem

NOT_AS_PUBLISHED = (LookupError, TypeError, ValueError, ArithmeticError, AttributeError, RecursionError)
"""What reading a malformed entry raises; a pydantic `ValidationError` is a ValueError."""


def problem(error: Exception) -> str:
    """What is wrong, in one line."""
    match error:
        case ValidationError():
            return _of_fields(error)
        case KeyError():
            return f"{error} is missing"
    return str(error)


def _of_fields(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    if first["type"] == "json_invalid":
        return f"it is no JSON: {first['ctx']['error'].replace(' at line 1', ' at')}"
    return first_problem(error).removeprefix("the file: ")
