"""Voices the demo course: texts and course.toml in, sound and questions.jsonl out. Run by hand, never by the product.

    apt-get install flite sox
    .venv/bin/python data/make_course.py            # writes courses/, questions/, questions.jsonl
    .venv/bin/python data/make_course.py --heard    # says how well the trial recogniser hears each recording

The same input gives the same samples: pauses and room tone come from a generator seeded by the recording's name.
"""

# ruff: noqa: T201  (a script run by hand speaks on stdout)

import argparse
import json
import subprocess
import tempfile
import tomllib
import wave
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import jiwer
import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]
"""float32, shape (n_samples,), in [-1, 1], at RATE_HZ."""

HERE = Path(__file__).parent
RATE_HZ = 16_000
OPUS_BIT_RATE = 24_000
LEVEL_DBFS = -20.0
ROOM_TONE_DBFS = -64.0
EDGE_S = 0.4
SENTENCE_PAUSE_S = (0.35, 0.7)
PARAGRAPH_PAUSE_S = (0.9, 1.3)
QUESTION_PAUSE_S = (0.25, 0.35)


@dataclass(frozen=True, slots=True)
class Voice:
    """A flite voice; `stretch` makes it slower, `pitch_cents` moves it up or down."""

    flite: str
    stretch: float = 1.0
    pitch_cents: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """A sentence on its recording's clock."""

    text: str
    start_s: float
    end_s: float


def paragraphs(text: str) -> list[list[str]]:
    return [block.splitlines() for block in text.strip().split("\n\n")]


def speak(text: str, voice: Voice) -> Samples:
    """One sentence, silence cut off at both ends, at LEVEL_DBFS."""
    with tempfile.TemporaryDirectory() as folder:
        spoken, ready = Path(folder, "spoken.wav"), Path(folder, "ready.wav")
        stretch = f"duration_stretch={voice.stretch}"
        run("flite", "-voice", voice.flite, "--setf", stretch, "-t", text, "-o", str(spoken))
        pitch = ["pitch", str(voice.pitch_cents)] if voice.pitch_cents else []
        run("sox", "-D", str(spoken), "-r", str(RATE_HZ), "-c", "1", "-b", "16", str(ready), *pitch)
        return levelled(trimmed(read_wav(ready)))


def run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


def read_wav(path: Path) -> Samples:
    with wave.open(str(path)) as sound:
        frames = sound.readframes(sound.getnframes())
    return np.frombuffer(frames, dtype=np.int16).astype(np.float32) / np.float32(32768)


def trimmed(samples: Samples, *, threshold: float = 0.004, keep_s: float = 0.03) -> Samples:
    loud = np.flatnonzero(np.abs(samples) > threshold)
    keep = int(keep_s * RATE_HZ)
    return samples[max(0, int(loud[0]) - keep) : int(loud[-1]) + keep]


def levelled(samples: Samples) -> Samples:
    gain = 10 ** (LEVEL_DBFS / 20) / np.sqrt(np.mean(samples**2))
    return np.asarray(samples * min(gain, 0.97 / np.abs(samples).max()), dtype=np.float32)


def joined(
    blocks: Iterable[Sequence[str]], voice: Voice, *, chance: np.random.Generator, pause_s: tuple[float, float]
) -> tuple[Samples, list[Line]]:
    """Sentences with pauses between them over a quiet room, and where each one lies."""
    pieces: list[Samples] = [silence(EDGE_S)]
    lines: list[Line] = []
    for block in blocks:
        for text in block:
            start_s = sum(map(len, pieces)) / RATE_HZ
            pieces.append(speak(text, voice))
            lines.append(Line(text, start_s, sum(map(len, pieces)) / RATE_HZ))
            pieces.append(silence(chance.uniform(*pause_s)))
        pieces[-1] = silence(chance.uniform(*PARAGRAPH_PAUSE_S))
    pieces[-1] = silence(EDGE_S)
    speech = np.concatenate(pieces)
    return speech + room_tone(len(speech), chance), lines


def silence(length_s: float) -> Samples:
    return np.zeros(int(length_s * RATE_HZ), dtype=np.float32)


def room_tone(n_samples: int, chance: np.random.Generator) -> Samples:
    """Noise that falls off towards high frequencies, as a quiet room's does."""
    spectrum = np.fft.rfft(chance.normal(size=n_samples))
    spectrum /= np.sqrt(np.maximum(np.fft.rfftfreq(n_samples, 1 / RATE_HZ), 50.0))
    noise = np.fft.irfft(spectrum, n_samples)
    gain = 10 ** (ROOM_TONE_DBFS / 20) / np.sqrt(np.mean(noise**2))
    return np.asarray(noise * gain, dtype=np.float32)


def write_opus(path: Path, samples: Samples) -> None:
    _encode(path, samples, codec="libopus", sample_format="s16", bit_rate=OPUS_BIT_RATE)


def write_flac(path: Path, samples: Samples) -> None:
    _encode(path, samples, codec="flac", sample_format="s16", bit_rate=None)


def _encode(path: Path, samples: Samples, *, codec: str, sample_format: str, bit_rate: int | None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pcm = (samples.clip(-1, 1) * 32767).astype(np.int16)[None, :]
    with av.open(str(path), "w", options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream(codec, rate=RATE_HZ, layout="mono", format=sample_format)
        if bit_rate:
            stream.bit_rate = bit_rate
        frame = av.AudioFrame.from_ndarray(pcm, format=sample_format, layout="mono")
        frame.sample_rate = RATE_HZ
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)


def chance_of(name: str) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(name.encode()))


def make_recordings(plan: Mapping[str, Any], voices: Mapping[str, Voice]) -> dict[str, list[Line]]:
    where = {}
    for recording in plan["recordings"]:
        name = recording["name"]
        samples, where[name] = joined(
            paragraphs((HERE / "truth" / f"{name}.txt").read_text(encoding="utf-8")),
            voices[recording["voice"]],
            chance=chance_of(name),
            pause_s=SENTENCE_PAUSE_S,
        )
        write_opus(HERE / "courses" / recording["course"] / f"{name}.opus", samples)
        print(f"{name}: {len(samples) / RATE_HZ:.1f} s, {len(where[name])} sentences")
    return where


def make_questions(
    plan: Mapping[str, Any], voices: Mapping[str, Voice], where: Mapping[str, Sequence[Line]]
) -> Iterator[dict[str, Any]]:
    for question in plan["questions"]:
        row: dict[str, Any] = {"id": question["id"]}
        if "voice" in question:
            row |= {"audio": f"questions/{question['id']}.flac", "said": question["ask"]}
            samples, _ = joined(
                [[question["ask"]]],
                voices[question["voice"]],
                chance=chance_of(question["id"]),
                pause_s=QUESTION_PAUSE_S,
            )
            write_flac(HERE / row["audio"], samples)
        else:
            row["text"] = question["ask"]
        yield row | {"words": question["words"], "expect": expected(question, where)}


def expected(question: Mapping[str, Any], where: Mapping[str, Sequence[Line]]) -> dict[str, Any] | None:
    if "recording" not in question:
        return None
    lines = where[question["recording"]]
    first = sentence(lines, question["from"])
    last = sentence(lines, question.get("to", question["from"]))
    return {
        "recording": f"{question['recording']}.opus",
        "start_s": round(first.start_s, 3),
        "end_s": round(last.end_s, 3),
    }


def sentence(lines: Sequence[Line], beginning: str) -> Line:
    found = [line for line in lines if line.text.startswith(beginning)]
    if len(found) != 1:
        raise SystemExit(f"{beginning!r} begins {len(found)} sentences; it must begin exactly one")
    return found[0]


def make() -> None:
    plan = tomllib.loads((HERE / "course.toml").read_text(encoding="utf-8"))
    voices = {name: Voice(**fields) for name, fields in plan["voices"].items()}
    where = make_recordings(plan, voices)
    rows = [json.dumps(row, ensure_ascii=False) for row in make_questions(plan, voices, where)]
    (HERE / "questions.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")


def tell_heard() -> None:
    """Each recording's word error rate with plain pocketsphinx, cut at pauses: no product code takes part."""
    for path in sorted((HERE / "courses").rglob("*.opus")):
        truth = plain((HERE / "truth" / f"{path.stem}.txt").read_text(encoding="utf-8"))
        print(f"{path.stem}: {100 * jiwer.wer(truth, plain(hear(decode(path)))):.1f} % of words wrong")
    for line in (HERE / "questions.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if "audio" in row:
            heard = plain(hear(decode(HERE / row["audio"])))
            print(f"{row['id']}: {100 * jiwer.wer(plain(row['said']), heard):.0f} %: {heard}")


def plain(text: str) -> str:
    kept = "".join(letter if letter.isalpha() or letter == "'" else " " for letter in text.lower())
    return " ".join(kept.split())


def decode(path: Path) -> Samples:
    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE_HZ)
    with av.open(str(path)) as container:
        frames = [piece for frame in container.decode(audio=0) for piece in resampler.resample(frame)]
    pcm = np.concatenate([frame.to_ndarray()[0] for frame in frames])
    return pcm.astype(np.float32) / np.float32(32768)


def hear(samples: Samples) -> str:
    from pocketsphinx import Decoder

    decoder = Decoder(loglevel="FATAL")
    heard = []
    for stretch in np.split(samples, pauses(samples)):
        decoder.start_utt()
        decoder.process_raw((stretch * 32767).astype(np.int16).tobytes(), no_search=False, full_utt=True)
        decoder.end_utt()
        guess = decoder.hyp()
        heard.append(guess.hypstr if guess else "")
    return " ".join(heard)


def pauses(samples: Samples, *, frame_s: float = 0.02, shortest_s: float = 0.3) -> list[int]:
    """Sample numbers in the middle of each pause."""
    size = int(frame_s * RATE_HZ)
    frames = samples[: len(samples) // size * size].reshape(-1, size)
    quiet = np.concatenate([[False], np.sqrt((frames**2).mean(axis=1)) < 0.004, [False]])
    edges = np.flatnonzero(np.diff(quiet.astype(np.int8))).reshape(-1, 2)
    inner = [(a, b) for a, b in edges if a > 0 and b < len(frames) and (b - a) * frame_s >= shortest_s]
    return [int((a + b) / 2 * size) for a, b in inner]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--heard", action="store_true", help="measure instead of making")
    if parser.parse_args().heard:
        tell_heard()
    else:
        make()
