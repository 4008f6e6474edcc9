"""Entry points of this source tree without installing it: `python -m benchmarks.gpu.register SITE`.

vLLM finds plug-ins by the entry points of installed distributions. This writes the metadata of ours to a folder on
Python's path, so that a source tree that is on the path too is found.
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

PROJECT = Path(__file__).parents[2] / "pyproject.toml"


def register(site: Path) -> None:
    """Write the metadata."""
    project = tomllib.loads(PROJECT.read_text())["project"]
    info = site / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    groups = [
        "\n".join([f"[{group}]", *(f"{name} = {target}" for name, target in points.items())])
        for group, points in project["entry-points"].items()
    ]
    (info / "entry_points.txt").write_text("\n\n".join(groups) + "\n")


if __name__ == "__main__":
    register(Path(sys.argv[1]))
