"""Files in, timed clips out, through the real sandbox."""

from pathlib import Path

import pytest

from assistant.hearing.heard import HeardFile, SpeechClip
from assistant.hearing.listening import hear

ORIGINALS = Path(__file__).parents[4] / "shared" / "data" / "speech" / "originals"


@pytest.mark.shared
@pytest.mark.skipif(not ORIGINALS.is_dir(), reason="the measuring sets in ../shared are not here")
def test_a_sentence_is_heard_in_every_real_container() -> None:
    for path in sorted(ORIGINALS.glob("p001.*")):
        *heard, last = hear(path)
        clips = [piece for piece in heard if isinstance(piece, SpeechClip)]

        assert isinstance(last, HeardFile), path
        assert last.duration_s == pytest.approx(9.0, abs=0.1), path
        assert [clip.start_s for clip in clips] == pytest.approx([0.4, 2.6], abs=0.15), path
        assert all(len(clip.samples) == round((clip.end_s - clip.start_s) * 16_000) for clip in clips), path
