"""How long the page of topics takes, by how many cells are published: whole replies of the app, over SQLite.

    .venv/bin/python -m bench.topics_page

Ten thousand questions cannot make more than two thousand cells, since five people stand behind each; the larger grids
are what a company of tens of thousands would have after years.
"""

import random
import statistics
import tempfile
import time
from pathlib import Path

from starlette.testclient import TestClient

from assistant.topics.figures import Cell
from assistant.topics.report import week_before, weeks_between
from knowledge.recordings import store as recordings
from tests.web.asked_topics import LAST, publish, topic
from tests.web.conftest import browser_of
from tests.web.house import WebHouse, open_web_house

GRIDS = ((300, 12, 52, 2_000), (300, 12, 52, 10_000), (300, 12, 52, 50_000), (300, 12, 52, 187_200))
"""Topics, courses, weeks, and how many of their cells are shown."""
PATHS = {
    "12 weeks": "/topics",
    "52 weeks": "/topics?weeks=52",
    "one course": "/topics?weeks=52&course={course}",
    "one topic": "/topics/t7?weeks=52",
    "chart": "/topics/chart.svg?weeks=52",
    "CSV": "/topics/export.csv?weeks=52",
    "XLSX": "/topics/export.xlsx?weeks=52",
    "PDF": "/topics/export.pdf?weeks=52",
}
REPEATS = 5


def main() -> None:
    print(f"| cells | {' | '.join(PATHS)} |\n|---:|{'---:|' * len(PATHS)}")
    for topics, courses, weeks, cells in GRIDS:
        with tempfile.TemporaryDirectory() as folder:
            house = open_web_house(Path(folder))
            ids = fill(house, topics, courses, weeks, cells)
            with browser_of(house) as browser:
                times = [f"{milliseconds(browser, path.format(course=ids[0])):,.0f}" for path in PATHS.values()]
            house.database.close()
        print(f"| {cells:,} | {' | '.join(times)} |", flush=True)


def fill(house: WebHouse, topics: int, courses: int, weeks: int, cells: int) -> list[str]:
    """Ids of the courses. The cells lie anywhere in the grid, the same at each run."""
    chance = random.Random(7)
    with house.database.write() as session:
        ids = [recordings.course_by_name(session, f"Course {each}", create=True).id for each in range(courses)]
    span = weeks_between(week_before(LAST, weeks - 1), LAST)
    places = [(f"t{at}", course, week) for at in range(topics) for course in ids for week in span]
    publish(
        house.database,
        [topic(f"t{at}", f"How do I do the thing number {at}?") for at in range(topics)],
        [
            Cell(topic_id, course, week, chance.randint(6, 40), 5, answered=4, spoken=3)
            for topic_id, course, week in chance.sample(places, cells)
        ],
    )
    return ids


def milliseconds(browser: TestClient, path: str) -> float:
    """The median of some runs, after one that warms up."""
    took = []
    for _ in range(REPEATS + 1):
        began = time.perf_counter()
        assert browser.get(path).status_code == 200, path
        took.append(1000 * (time.perf_counter() - began))
    return statistics.median(took[1:])


if __name__ == "__main__":
    main()
