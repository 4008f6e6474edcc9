"""Brings the tables to what this program expects."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from videomind.errors import InputError

MIGRATIONS = Path(__file__).parent / "migrations"
_ONE_AT_A_TIME = 0x5669_6465_6F4D
"""The advisory lock that holds off other servers on PostgreSQL; SQLite's transaction does so by itself."""


def upgrade(connection: Connection) -> None:
    """Run what is missing, within the transaction that the connection is in.

    Raises:
        InputError: a newer version of this program has been here.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _ONE_AT_A_TIME})
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    scripts = ScriptDirectory.from_config(config)
    there = set(MigrationContext.configure(connection).get_current_heads())
    if unknown := there - {script.revision for script in scripts.walk_revisions()}:
        raise InputError(
            f"the database has revision {sorted(unknown)[0]}, of a newer version of this program: "
            "install that, or give another database"
        )
    if there != set(scripts.get_heads()):
        command.upgrade(config, "head")
