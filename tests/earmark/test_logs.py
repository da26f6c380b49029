"""What a line of the log must not hold."""

import json
import subprocess
import sys
from pathlib import Path

FAILING_TWICE = """
import logging, sys
from pathlib import Path
from assistant.access.tables import GroupRow
from earmark.logs import configure_logging
from earmark.migrations import migrate
from knowledge.database import Database, new_id, utc_now

configure_logging()
database = Database(sys.argv[1])
migrate(database, Path(sys.argv[2]))
try:
    for _ in range(2):
        with database.write() as session:
            session.add(GroupRow(id=new_id(), name="Quokka", name_key="quokka", created_at=utc_now()))
except Exception:
    logging.getLogger("uvicorn.error").exception("Exception in ASGI application")
"""


def test_a_traceback_names_nobody_who_stood_in_the_row(database_url: str, tmp_path: Path) -> None:
    """PostgreSQL tells the values of a row that it refuses; in a process of its own, for it sets up logging."""
    ran = subprocess.run(
        [sys.executable, "-c", FAILING_TWICE, database_url, str(tmp_path)], capture_output=True, text=True, check=True
    )
    [line] = [each for each in ran.stderr.splitlines() if "ASGI" in each]
    told = json.loads(line)
    assert "IntegrityError" in told["exception"]
    assert "quokka" not in line.lower()
