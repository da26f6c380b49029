"""How much of the stretch that answers a question was misheard, where the same segments were both written and heard."""

from collections.abc import Mapping, Sequence
from typing import Any

from earmark.bench.grouping import word_error_rate
from knowledge.transcripts.segment import UNDETERMINED

Row = Mapping[str, Any]


class Misheard:
    """`written`, `heard`: rows of segments. Where their bounds are not the same ones nothing can be said."""

    def __init__(self, recordings: Sequence[Row], written: Sequence[Row], heard: Sequence[Row]) -> None:
        self._languages = {str(row["recording"]): str(row.get("language") or UNDETERMINED) for row in recordings}
        texts = {_bounds(row): str(row["text"]) for row in heard}
        self._pairs: dict[str, list[tuple[float, float, str, str]]] = {}
        if {_bounds(row) for row in written} == texts.keys():
            for row in written:
                pair = (float(row["start_s"]), float(row["end_s"]), str(row["text"]), texts[_bounds(row)])
                self._pairs.setdefault(str(row["recording"]), []).append(pair)

    def rate(self, question: Row) -> float | None:
        """Word error rate of the first answer's stretch; None where there is none to count."""
        answers = question.get("answers") or []
        if not answers:
            return None
        name, start_s, end_s = str(answers[0]["recording"]), answers[0]["start_s"], answers[0]["end_s"]
        inside = [pair for pair in self._pairs.get(name, []) if pair[0] < end_s and pair[1] > start_s]
        if not inside:
            return None
        written, heard = " ".join(pair[2] for pair in inside), " ".join(pair[3] for pair in inside)
        return word_error_rate(written, heard, self._languages.get(name, UNDETERMINED))


def _bounds(row: Row) -> tuple[str, float, float]:
    return str(row["recording"]), float(row["start_s"]), float(row["end_s"])
