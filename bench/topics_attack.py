"""Tries to find out what single people asked, as HR, through pages and files, of many random companies.

    .venv/bin/python -m bench.topics_attack --companies 10000

Prints what was found out, by the number of the company, and at the end how much there was to see.
"""

import argparse
import logging
import random
import tempfile
import time
from collections import Counter
from pathlib import Path

import structlog

from tests.web.house import open_web_house
from tests.web.spied_on import Office, Story


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("--companies", type=int, default=10_000)
    given.add_argument("--first", type=int, default=0, help="the number of the first, to go on or to look at one again")
    wanted = given.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    seen: Counter[str] = Counter()
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        house = open_web_house(Path(folder))
        office = Office(house)
        for number in range(wanted.first, wanted.first + wanted.companies):
            story = Story(office, random.Random(number))
            story.run()
            for claim in story.found_out():
                print(f"company {number}: {claim}", flush=True)
                seen["found out"] += 1
            seen.update(_seen_of(story))
            if seen["companies"] % 500 == 0:
                print(f"{dict(seen)}, {time.perf_counter() - began:.0f} s", flush=True)
        office.leave()
        house.database.close()
    print(f"{dict(seen)}, {time.perf_counter() - began:.0f} s")


def _seen_of(story: Story) -> dict[str, int]:
    looks = story.spy.looks
    return {
        "companies": 1,
        "with figures": any(look.grid for look in looks),
        "people": len(story.company.people),
        "weeks": len(story.behind),
        "looks": len(looks),
        "pages and files": sum(len(look.words) for look in looks),
        "cells": len({cell for look in looks for cell in look.grid}),
    }


if __name__ == "__main__":
    main()
