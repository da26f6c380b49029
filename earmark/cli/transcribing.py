"""`earmark transcribe`: sound files to text, subtitles or JSON, without keeping anything."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from assistant.engine.client import EngineClient, HeardSpeech, Priority
from assistant.errors import BadInput, EarmarkError, PartDown
from assistant.recognising.hotwords import clean_hotwords
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
    itn: Annotated[bool, typer.Option(help="Write numbers as figures, or as they are spoken.")] = True,
    term: Annotated[list[str] | None, typer.Option(help="A term likely to be said; may be given often.")] = None,
    format_: Annotated[Format, typer.Option("--format", help="What to write.")] = "txt",
    output: Annotated[Path | None, typer.Option(help="Folder for one file each; stdout if absent.")] = None,
) -> int:
    """Write down what is said in sound files; nothing is indexed or kept.

    earmark transcribe talk.mp4 --format srt --output subtitles/
    """
    settings = settings_of(context)
    options = ClipOptions(language=language, itn=itn, hotwords=clean_hotwords(term or ()))
    documents: list[dict[str, Any]] = []
    failed = 0
    with open_engine(settings) as engine:
        for path in audio:
            try:
                heard = _transcribe(engine, path, options, shown=format_ == "txt" and output is None)
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


def _transcribe(engine: EngineClient, path: Path, options: ClipOptions, *, shown: bool) -> HeardSpeech:
    """`shown`: each piece of text as soon as it is there; a long file is not waited for."""
    if not path.is_file():
        raise BadInput(f"{path}: no such file")
    return engine.transcribe(
        path,
        filename=path.name,
        options=options,
        priority=Priority.INDEX,
        on_segments=_show if shown else None,
    )


def _show(segments: Sequence[Segment]) -> None:
    if text := _plain([segment for segment in segments if segment.searchable]).rstrip("\n"):
        tell(text)


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
        "hard_to_hear": segment.hard_to_hear,
    }


def _plain(segments: Sequence[Segment]) -> str:
    return "".join(f"{segment.text}\n" for segment in segments)


def _said(heard: HeardSpeech) -> tuple[Segment, ...]:
    """Without what by rule nobody said; JSON has it all, marked."""
    return tuple(segment for segment in heard.segments if segment.searchable)


WRITERS: dict[Format, Callable[[tuple[Segment, ...]], str]] = {"txt": _plain, "srt": write_srt, "vtt": write_vtt}


def _write(path: Path, heard: HeardSpeech, format_: Format, output: Path | None) -> None:
    if output is None:
        tell(WRITERS[format_](_said(heard)).rstrip("\n"))
        return

    output.mkdir(parents=True, exist_ok=True)
    target = output / f"{path.stem}.{format_}"
    text = (
        json.dumps(as_document(path.name, heard), ensure_ascii=False)
        if format_ == "json"
        else WRITERS[format_](_said(heard))
    )
    target.write_text(text, encoding="utf-8")
    say(f"{path.name} → {target}")
