"""Token streams of many passages on disk, ranked by BM25. The only file that knows tantivy.

Written once, then only read. Tokens are numbers (`knowledge.index.tokens`), here in eight hexadecimal digits: a base
is written from another one without its texts. Queries are built from terms; no query language ever sees a person's
text.

tantivy scores by the average length of whatever it holds, so that which passages of one course come out best would
tell of the others. Documents that nobody can ask for fill it up to a length that is always the same.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import log
from pathlib import Path

import numpy as np
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
from knowledge.index.candidates import USUAL_LENGTH, Found
from knowledge.index.view import Hashes, TokenField

_HEAP_BYTES = 128_000_000
_ANALYSED = "analysed"
_WITH_COUNTS = "freq"
_FILLING = "-"
"""No token: those are of eight digits."""
_LONGEST_FILLING = 1_000_000


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
    for prepared in _filled_up(documents):
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
        """Documents, those that fill up among them: what tantivy's own idf counts."""
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
    ) -> Found:
        """Best first, by BM25 with USUAL_LENGTH and stepped lengths. `weights`: how much each token tells, in place of
        how rare it is here.

        `courses`: the only ones that may be returned, None for all; `without`: recordings that may not.
        """
        if not weights or n <= 0:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        query = self._any_of(field, weights)
        if courses is not None or without:
            query = self._filtered(query, courses=courses, without=without)
        hits = self._searcher.search(query, n, count=False).hits
        rows = self._searcher.fast_field_values("row", [address for _, address in hits])
        return np.array(rows, np.int64), np.array([score for score, _ in hits], np.float32)

    def _any_of(self, field: TokenField, weights: Mapping[int, float]) -> Query:
        return Query.boolean_query(
            [
                (Occur.Should, Query.boost_query(self._term(field.value, _written(token)), told / self._idf(held)))
                for token, told in weights.items()
                if (held := self.holding(field, token))
            ]
        )

    def _idf(self, holding: int) -> float:
        """As tantivy multiplies by it."""
        return log(1 + (len(self) - holding + 0.5) / (holding + 0.5))

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


def _filled_up(documents: Iterable[WordsDocument]) -> Iterator[Document]:
    """All of them, then those that bring the average length to USUAL_LENGTH."""
    count, lengths = 0, dict.fromkeys(TokenField, 0)
    for document in documents:
        count += 1
        for field in TokenField:
            lengths[field] += len(document.tokens[field])
        yield _document(document)
    for filling in fillings(count, lengths):
        prepared = Document()
        for field, length in filling.items():
            prepared.add_text(field.value, " ".join([_FILLING] * length))
        prepared.add_unsigned("row", 0)
        yield prepared


def fillings(documents: int, lengths: Mapping[TokenField, int]) -> Iterator[dict[TokenField, int]]:
    """How long the documents are that make the average length of each field exactly its USUAL_LENGTH: `lengths` are
    those of all documents together. Empty ones where these are longer, else a few very long ones."""
    wanted = max(documents, *(-(-lengths[field] // USUAL_LENGTH[field]) for field in TokenField))
    lacking = max(USUAL_LENGTH[field] * wanted - lengths[field] for field in TokenField)
    wanted += 1 + lacking // _LONGEST_FILLING
    left = {field: USUAL_LENGTH[field] * wanted - lengths[field] for field in TokenField}
    for more in range(wanted - documents, 0, -1):
        part = {field: min(left[field], max(_LONGEST_FILLING, -(-left[field] // more))) for field in TokenField}
        left = {field: left[field] - part[field] for field in TokenField}
        yield part


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
