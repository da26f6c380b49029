"""Imports point one way: web and indexer above assistant, assistant above knowledge; only the front door sees all."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAY_IMPORT = {
    "knowledge": {"knowledge"},
    "assistant": {"assistant", "knowledge"},
    "indexer": {"indexer", "assistant", "knowledge"},
    "web": {"web", "assistant", "knowledge"},
    "earmark": {"earmark", "web", "indexer", "assistant", "knowledge"},
}
FASTAPI_ROOMS = ("web/", "assistant/engine/front", "assistant/engine/service.py")
KNOWN_TO = {
    "faiss": ["knowledge/index/faiss_vectors.py"],
    "tantivy": ["knowledge/index/tantivy_words.py"],
    "sentence_transformers": ["knowledge/cross_encoder.py", "knowledge/sentence_embedder.py"],
    "pocketsphinx": ["assistant/recognising/pocketsphinx.py"],
    "authlib": ["assistant/access/oidc.py"],
    "joserfc": ["assistant/access/oidc.py"],
    "smtplib": ["assistant/notices/smtp.py"],
    "networkx": ["assistant/topics/publishing.py", "web/views/term_drawing.py"],
    "fsrs": ["assistant/learning/fsrs_recall.py"],
    "reportlab": ["web/reports/charts.py", "web/reports/pdf.py", "web/reports/typesetting.py"],
    "xlsxwriter": ["web/reports/spreadsheets.py"],
}
"""One file for each kind of model, for what checks tokens, sends mail, lays out drawings, says when a card is due; a
drawing, its page and their fonts."""


def imports_of(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module


def sources(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_a_package_imports_only_what_lies_below_it(package: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in sources(package)
        for name in imports_of(path)
        if name.split(".")[0] in MAY_IMPORT and name.split(".")[0] not in MAY_IMPORT[package]
    ]
    assert not wrong


def test_only_the_pages_and_the_engines_front_know_fastapi() -> None:
    wrong = [
        str(path.relative_to(ROOT))
        for package in MAY_IMPORT
        for path in sources(package)
        if any(name.split(".")[0] in {"fastapi", "starlette"} for name in imports_of(path))
        and not str(path.relative_to(ROOT)).startswith(FASTAPI_ROOMS)
    ]
    assert not wrong


@pytest.mark.parametrize("engine", KNOWN_TO)
def test_an_engine_is_known_to_no_other_file(engine: str) -> None:
    knowing = [
        str(path.relative_to(ROOT))
        for package in MAY_IMPORT
        for path in sources(package)
        if any(name.split(".")[0] == engine for name in imports_of(path))
    ]
    assert sorted(knowing) == KNOWN_TO[engine]


def test_torch_is_imported_only_where_a_device_child_runs() -> None:
    knowing = {
        str(path.relative_to(ROOT))
        for package in MAY_IMPORT
        for path in sources(package)
        if any(name.split(".")[0] in {"torch", "transformers"} for name in imports_of(path))
    }
    others = {path for path in knowing if not path.startswith("assistant/recognising/fun_asr/")}
    assert others == {
        "knowledge/cross_encoder.py",
        "knowledge/model_export.py",
        "knowledge/sentence_embedder.py",
        "assistant/recognising/qwen_aligner.py",
    }
