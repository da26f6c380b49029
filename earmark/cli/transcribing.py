"""`earmark transcribe`: sound files to text, subtitles or JSON, without keeping anything."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from assistant.engine.client import EngineClient, HeardSpeech, Priority
from assistant.errors import BadInput, EarmarkError, PartDown
from assistant.recognising.recognizer import ClipOptions
from assistant.recognising.subtitles import write_srt, write_vtt
from earmark.build import open_engine
from earmark.cli.console import say, tell, tell_json
from earmark.cli.flags import settings_of
from knowledge.transcripts.segment import Segment

Format = Literal["json", "txt", "srt", "vtt"]


def hang(app: typer.Typer) -> None:
    app.command("transcribe")(transcribe)


def transcribe(
    context: typer.Context,
    audio: Annotated[list[Path], typer.Argument(help="Sound or video files.")],
    language: Annotated[str | None, typer.Option(help="Spoken language, such as en; detected if absent.")] = None,
    format_: Annotated[Format, typer.Option("--format", help="What to write.")] = "txt",
    output: Annotated[Path | None, typer.Option(help="Folder for one file each; stdout if absent.")] = None,
) -> int:
    """Write down what is said in sound files; nothing is indexed or kept.

    earmark transcribe talk.mp4 --format srt --output subtitles/
    """
    settings = settings_of(context)
    documents: list[dict[str, Any]] = []
    failed = 0
    with open_engine(settings) as engine:
        for path in audio:
            try:
                heard = _transcribe(engine, path, language, shown=format_ == "txt" and output is None)
            except PartDown:
                raise
            except EarmarkError as error:
                failed += 1
                say(f"earmark: {error}")
                documents.append({"recording": path.name, "error": str(error)})
                continue
            documents.append(as_document(path.name, heard))
            if output or format_ in ("srt", "vtt"):
                _write(path, heard, format_, output)
    if format_ == "json" and output is None:
        tell_json(documents[0] if len(documents) == 1 else documents)
    if not failed:
        return 0
    return 2 if len(audio) == 1 else 1


def _transcribe(engine: EngineClient, path: Path, language: str | None, *, shown: bool) -> HeardSpeech:
    """`shown`: each piece of text as soon as it is there; a long file is not waited for."""
    if not path.is_file():
        raise BadInput(f"{path}: no such file")
    return engine.transcribe(
        path,
        filename=path.name,
        options=ClipOptions(language=language),
        priority=Priority.INDEX,
        on_segments=_show if shown else None,
    )


def _show(segments: Sequence[Segment]) -> None:
    tell(_plain(segments).rstrip("\n"))


def as_document(name: str, heard: HeardSpeech) -> dict[str, Any]:
    """The document of `transcribe --format json`."""
    return {
        "recording": name,
        "language": heard.language,
        "duration_s": round(heard.duration_s, 3),
        "segments": [_segment_document(segment) for segment in heard.segments],
    }


def _segment_document(segment: Segment) -> dict[str, Any]:
    words = [
        {"start_s": round(word.start_s, 3), "end_s": round(word.end_s, 3), "text": word.text} for word in segment.words
    ]
    return {
        "start_s": round(segment.start_s, 3),
        "end_s": round(segment.end_s, 3),
        "text": segment.text,
        "time_source": segment.time_source.value,
        "words": words or None,
    }


def _plain(segments: Sequence[Segment]) -> str:
    return "".join(f"{segment.text}\n" for segment in segments)


WRITERS: dict[Format, Callable[[tuple[Segment, ...]], str]] = {"txt": _plain, "srt": write_srt, "vtt": write_vtt}


def _write(path: Path, heard: HeardSpeech, format_: Format, output: Path | None) -> None:
    if output is None:
        tell(WRITERS[format_](heard.segments).rstrip("\n"))
        return

    output.mkdir(parents=True, exist_ok=True)
    target = output / f"{path.stem}.{format_}"
    text = (
        json.dumps(as_document(path.name, heard), ensure_ascii=False)
        if format_ == "json"
        else WRITERS[format_](heard.segments)
    )
    target.write_text(text, encoding="utf-8")
    say(f"{path.name} → {target}")
