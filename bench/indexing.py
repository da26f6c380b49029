"""How fast recordings become findable on this machine, and where the time goes.

    .venv/bin/python -m bench.indexing ../shared/data/moments/recordings

Starts an engine and, in a home of its own, measures three ways through the same files: file → clips (decoding and
speech detection alone), clips → text (by the engine, as many at once as a worker sends), file → findable (everything,
`earmark index`). Prints seconds of sound a second and how busy the cores were, our processes alone.
"""

import argparse
import logging
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import psutil
import structlog

from assistant.engine.client import EngineClient
from assistant.hearing.heard import HeardFile, SpeechClip
from assistant.hearing.listening import hear, prewarm
from assistant.recognising.recognizer import Clip
from earmark.build import House, open_engine, open_house
from earmark.cli.indexing import index_paths
from earmark.settings import read_settings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    files = sorted(path for path in parser.parse_args().folder.iterdir() if path.is_file())
    with tempfile.TemporaryDirectory() as home, open_house(read_settings({"home": Path(home)})) as house:
        prewarm()
        with open_engine(house.settings) as engine:
            while engine.state().recogniser.state != "ready" or engine.state().embedder.state != "ready":
                time.sleep(0.1)
            measure_all(files, house, engine)


def measure_all(files: list[Path], house: House, engine: EngineClient) -> None:
    heard = [piece for path in files for piece in hear(path)]
    clips = [Clip(piece.samples) for piece in heard if isinstance(piece, SpeechClip)]
    sound_s = sum(piece.duration_s for piece in heard if isinstance(piece, HeardFile))
    speech_s = sum(clip.duration_s for clip in clips)
    print(f"{len(files)} files, {sound_s:.0f} s, {speech_s:.0f} s of speech in {len(clips)} clips")
    print("| | wall | times real time | cores busy |")
    print("|---|---:|---:|---:|")
    measure("file → clips", sound_s, lambda: [piece for path in files for piece in hear(path)])
    measure("clips → text", sound_s, partial(recognise_all, engine, clips))
    measure("file → findable", sound_s, lambda: index_paths(house, files, course="Bench", engine=engine, quiet=True))


def recognise_all(engine: EngineClient, clips: list[Clip]) -> None:
    with ThreadPoolExecutor(engine.state().clips_at_once) as at_once:
        list(at_once.map(engine.recognize_clip, clips))


def measure(name: str, sound_s: float, act: Callable[[], object]) -> None:
    began, cpu_s = time.perf_counter(), processor_s()
    act()
    wall_s = time.perf_counter() - began
    print(f"| {name} | {wall_s:.1f} s | {sound_s / wall_s:.1f} | {(processor_s() - cpu_s) / wall_s:.2f} |", flush=True)


def processor_s() -> float:
    """Of this process and everything it started, those that have ended included."""
    times = [process.cpu_times() for process in (psutil.Process(), *psutil.Process().children(recursive=True))]
    return sum(each.user + each.system + each.children_user + each.children_system for each in times)


if __name__ == "__main__":
    main()
