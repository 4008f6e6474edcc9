"""Reading the rows of a Parquet file, which needs pyarrow (not a dependency)."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from videomind.errors import DataError


def parquet_rows(path: Path) -> list[dict[str, Any]]:
    """All rows, with plain Python values.

    Raises:
        DataError: pyarrow is not installed, or the file is not Parquet.
    """
    try:
        parquet = import_module("pyarrow.parquet")
    except ImportError:
        raise DataError(f"{path} is Parquet: pip install pyarrow, or give the annotations as JSON") from None
    try:
        rows: list[dict[str, Any]] = parquet.read_table(path).to_pylist()
    except (OSError, ValueError) as error:
        raise DataError(f"cannot read {path} as Parquet: {error}; give the file as it was published") from None
    return rows
