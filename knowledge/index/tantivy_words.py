"""Token streams of many passages on disk, ranked by BM25. The only file that knows tantivy.

Written once, then only read. Tokens are numbers (`knowledge.index.tokens`), here in eight hexadecimal digits: a base
is written from another one without its texts. Queries are built from terms; no query language ever sees a person's
text.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tantivy import (
    Document,
    Index,
    Occur,
    Query,
    Schema,
    SchemaBuilder,
    TextAnalyzerBuilder,
    Tokenizer,
)

from knowledge.errors import IndexNotWritten
from knowledge.index.view import Hashes, TokenField

_HEAP_BYTES = 128_000_000
_ANALYSED = "analysed"
_WITH_COUNTS = "freq"


@dataclass(frozen=True, slots=True)
class WordsDocument:
    """`row`: the passage's place in the base; `course`, `recording`: what results are filtered by."""

    row: int
    course: str
    recording: str
    tokens: Mapping[TokenField, Hashes]


def write_words(folder: Path, documents: Iterable[WordsDocument]) -> None:
    """Write all documents into an empty folder. Raises IndexNotWritten."""
    try:
        index = Index(_schema(), path=str(folder))
        _know_tokens(index)
        writer = index.writer(heap_size=_HEAP_BYTES, num_threads=1)
    except (ValueError, OSError) as error:
        raise IndexNotWritten(f"{folder}: {error}", "free some disk") from error
    for document in documents:
        prepared = _document(document)
        try:
            writer.add_document(prepared)
        except (ValueError, OSError) as error:
            raise IndexNotWritten(f"{folder}: {error}", "free some disk") from error
    try:
        writer.commit()
        writer.wait_merging_threads()
    except (ValueError, OSError) as error:
        raise IndexNotWritten(f"{folder}: {error}", "free some disk") from error


class TantivyWords:
    """A written folder, opened. Thread-safe; goes on working when the folder is deleted meanwhile."""

    def __init__(self, folder: Path) -> None:
        index = Index.open(str(folder))
        index.config_reader("manual", 0)
        _know_tokens(index)
        self._schema = index.schema
        self._searcher = index.searcher()

    def __len__(self) -> int:
        return int(self._searcher.num_docs)

    def holding(self, field: TokenField, token: int) -> int:
        """How many passages hold this token."""
        return int(self._searcher.doc_freq(field.value, _written(token)))

    def best(
        self,
        field: TokenField,
        weights: Mapping[int, float],
        *,
        courses: Collection[str] | None,
        without: Collection[str],
        n: int,
    ) -> list[tuple[int, float]]:
        """Rows and BM25 scores, best first, each token's share multiplied by its weight.

        `courses`: the only ones that may be returned, None for all; `without`: recordings that may not.
        """
        if not weights or n <= 0:
            return []
        query = self._any_of(field, weights)
        if courses is not None or without:
            query = self._filtered(query, courses=courses, without=without)
        hits = self._searcher.search(query, n, count=False).hits
        rows = self._searcher.fast_field_values("row", [address for _, address in hits])
        return [(int(row), float(score)) for row, (score, _) in zip(rows, hits, strict=True) if row is not None]

    def _any_of(self, field: TokenField, weights: Mapping[int, float]) -> Query:
        return Query.boolean_query(
            [
                (Occur.Should, Query.boost_query(self._term(field.value, _written(token)), weight))
                for token, weight in weights.items()
            ]
        )

    def _filtered(self, query: Query, *, courses: Collection[str] | None, without: Collection[str]) -> Query:
        parts = [(Occur.Must, query)]
        if courses is not None:
            permitted = Query.term_set_query(self._schema, "course", sorted(courses))
            parts.append((Occur.Must, Query.const_score_query(permitted, 0.0)))
        if without:
            parts.append((Occur.MustNot, Query.term_set_query(self._schema, "recording", sorted(without))))
        return Query.boolean_query(parts)

    def _term(self, field: str, value: str) -> Query:
        return Query.term_query(self._schema, field, value, _WITH_COUNTS)


def _schema() -> Schema:
    builder = SchemaBuilder()
    for field in TokenField:
        builder.add_text_field(field.value, tokenizer_name=_ANALYSED, index_option=_WITH_COUNTS)
    for name in ("course", "recording"):
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic")
    builder.add_unsigned_field("row", fast=True)
    return builder.build()


def _know_tokens(index: Index) -> None:
    index.register_tokenizer(_ANALYSED, TextAnalyzerBuilder(Tokenizer.whitespace()).build())


def _document(document: WordsDocument) -> Document:
    prepared = Document()
    for field in TokenField:
        prepared.add_text(field.value, document.tokens[field].astype(">u4").tobytes().hex(" ", 4))
    prepared.add_text("course", document.course)
    prepared.add_text("recording", document.recording)
    prepared.add_unsigned("row", document.row)
    return prepared


def _written(token: int) -> str:
    return f"{token:08x}"
