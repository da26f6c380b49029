"""A run, kept: what became of each question and what ran, as one JSON document with ids and numbers only.

The text of data and questions is not in it: some sources state no licence. But for its date the same run over the
same data gives the same file.
"""

import datetime as dt
import gzip
import hashlib
import json
import shutil
import subprocess
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from assistant.errors import BadInput
from earmark import __version__
from earmark.bench.outcomes import Outcome
from knowledge.finding.moment import Verdict

FORMAT = 1
COLUMNS = (
    "id",
    "answerable",
    "ranks",
    "relevant",
    "start_error_s",
    "covered",
    "probability",
    "verdict",
    "near",
    "language",
    "kind",
    "wer",
)
DIGITS = 6
PACKED = ".gz"


class Task(StrEnum):
    RETRIEVAL = "retrieval"
    LECTURES = "lectures"


@dataclass(frozen=True, slots=True)
class Data:
    """What was measured with. `files`: file name → SHA-256 of its bytes, hex."""

    name: str
    files: Mapping[str, str]

    @property
    def digest(self) -> str:
        lines = "".join(f"{name} {digest}\n" for name, digest in sorted(self.files.items()))
        return hashlib.sha256(lines.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Run:
    """`made_at`: RFC 3339. `commit`: of the source that ran, None where it is no checkout.

    `embedder`, `embedder_digest`: "" and None where words and sounds found alone; `reranker`, `reranker_digest`: where
    there was none. `passages`: searched ones.
    """

    task: Task
    made_at: str
    version: str
    commit: str | None
    data: Data
    embedder: str
    embedder_digest: str | None
    passages: int
    outcomes: tuple[Outcome, ...]
    reranker: str = ""
    reranker_digest: str | None = None


def run_of(
    task: Task,
    data: Data,
    outcomes: Sequence[Outcome],
    *,
    passages: int,
    embedder: str = "",
    embedder_digest: str | None = None,
    reranker: str = "",
    reranker_digest: str | None = None,
    now: dt.datetime | None = None,
) -> Run:
    made_at = (now or dt.datetime.now(dt.UTC)).isoformat(timespec="seconds")
    commit = source_commit(Path(__file__).parents[2])
    return Run(
        task,
        made_at,
        __version__,
        commit,
        data,
        embedder,
        embedder_digest,
        passages,
        tuple(outcomes),
        reranker,
        reranker_digest,
    )


def data_of(name: str, files: Iterable[Path]) -> Data:
    """Files that are not there have no part in it."""
    present = [path for path in files if path.is_file()]
    return Data(name, {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in present})


def source_commit(checkout: Path) -> str | None:
    """The commit, `-dirty` behind it where files were changed since; None without git or a checkout."""
    git = shutil.which("git")
    if git is None or not (checkout / ".git").exists():
        return None
    told = subprocess.run(
        [git, "-C", str(checkout), "describe", "--always", "--dirty", "--exclude=*", "--abbrev=40"],
        capture_output=True,
        text=True,
        check=False,
    )
    return told.stdout.strip() or None


def write_run(path: Path, run: Run) -> None:
    """One question a line, so that two runs can be laid side by side; packed where the name ends in .gz."""
    head = {
        "format": FORMAT,
        "task": run.task.value,
        "made_at": run.made_at,
        "version": run.version,
        "commit": run.commit,
        "data": {"name": run.data.name, "digest": run.data.digest, "files": dict(run.data.files)},
        "embedder": {"name": run.embedder, "digest": run.embedder_digest},
        "reranker": {"name": run.reranker, "digest": run.reranker_digest},
        "passages": run.passages,
        "columns": COLUMNS,
    }
    rows = ",\n".join(json.dumps(_row(each), ensure_ascii=False, separators=(",", ":")) for each in run.outcomes)
    text = json.dumps(head, ensure_ascii=False, indent=1).removesuffix("\n}")
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = f'{text},\n "questions": [\n{rows}\n ]\n}}\n'.encode()
    path.write_bytes(gzip.compress(whole, mtime=0) if path.suffix == PACKED else whole)


def read_run(path: Path) -> Run:
    """Raises BadInput naming the file, and the question where one is broken."""
    way_out = "give a file that `earmark bench retrieval --keep` or `earmark bench lectures --keep` wrote"
    try:
        whole = path.read_bytes()
        document = json.loads(gzip.decompress(whole) if path.suffix == PACKED else whole)
    except (OSError, ValueError, EOFError, zlib.error) as error:
        raise BadInput(f"{path}: cannot be read ({error})", way_out) from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise BadInput(f"{path}: is no kept run of format {FORMAT}", way_out)
    try:
        return _run(document)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadInput(f"{path}: is no whole run ({type(error).__name__}: {error})", way_out) from error


def _run(document: Mapping[str, Any]) -> Run:
    data, embedder = document["data"], document["embedder"]
    reranker = document.get("reranker", {"name": "", "digest": None})  # older runs had none
    outcomes = tuple(_outcome(dict(zip(document["columns"], row, strict=True))) for row in document["questions"])
    twice = len(outcomes) - len({each.id for each in outcomes})
    if twice:
        raise ValueError(f"{twice} questions stand there twice")
    return Run(
        task=Task(document["task"]),
        made_at=str(document["made_at"]),
        version=str(document["version"]),
        commit=document["commit"],
        data=Data(str(data["name"]), {str(name): str(digest) for name, digest in data["files"].items()}),
        embedder=str(embedder["name"]),
        embedder_digest=embedder["digest"],
        passages=int(document["passages"]),
        outcomes=outcomes,
        reranker=str(reranker["name"]),
        reranker_digest=reranker["digest"],
    )


def _row(outcome: Outcome) -> list[object]:
    values = {name: getattr(outcome, name) for name in COLUMNS}
    values |= {name: round(values[name], DIGITS) for name in ("covered", "probability")}
    return list(values.values())


def _outcome(row: Mapping[str, Any]) -> Outcome:
    start_error_s, wer = row["start_error_s"], row["wer"]
    return Outcome(
        id=str(row["id"]),
        answerable=_flag(row["answerable"]),
        ranks=tuple(int(rank) for rank in row["ranks"]),
        relevant=int(row["relevant"]),
        start_error_s=None if start_error_s is None else float(start_error_s),
        covered=float(row["covered"]),
        probability=float(row["probability"]),
        verdict=Verdict(row["verdict"]),
        near=_flag(row["near"]),
        language=str(row["language"]),
        kind=str(row["kind"]),
        wer=None if wer is None else float(wer),
    )


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{value!r} is neither true nor false")
    return value
