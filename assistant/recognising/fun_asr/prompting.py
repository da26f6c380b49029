"""What Fun-ASR is asked: the words around the sound. Pure; knows no tokeniser.

Word for word those that the model was trained with (funasr 1.4.16, FunASRNano.get_prompt and data_load_speech).
"""

from dataclasses import dataclass

from assistant.recognising.fun_asr.languages import NAMES
from assistant.recognising.hotwords import clean_hotwords
from assistant.recognising.recognizer import ClipOptions

MOST_HOTWORDS = 100
MOST_CHARACTERS = 1_000
"""Too many shorten sentences, or appear in silence (FUNASR: known troubles)."""
_CONTEXT = "请结合上下文信息，更加准确地完成语音转写任务。如果没有相关信息，我们会留空。\n\n\n**上下文信息：**\n\n\n"


@dataclass(frozen=True, slots=True)
class Prompt:
    """The text before the sound and the text behind it."""

    before: str
    after: str


def prompt_of(options: ClipOptions, language: str | None) -> Prompt:
    """`language`: one of NAMES, None to let the model find out."""
    asked = "语音转写" if language is None else f"语音转写成{NAMES[language]}"
    if not options.itn:
        asked += "，不进行文本规整"
    terms = prompt_terms(options.hotwords)
    context = f"{_CONTEXT}热词列表：[{', '.join(terms)}]\n" if terms else ""
    return Prompt(
        before=f"<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n{context}{asked}：",
        after="<|im_end|>\n<|im_start|>assistant\n",
    )


def prompt_terms(hotwords: tuple[str, ...]) -> list[str]:
    """As many of the first as the model takes well; none can hold a bracket, a comma or a line break."""
    terms: list[str] = []
    left = MOST_CHARACTERS
    for term in clean_hotwords(hotwords, most=MOST_HOTWORDS):
        left -= len(term) + 2
        if left < 0:
            break
        terms.append(term)
    return terms
