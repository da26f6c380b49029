"""Words that only ask, taken out of a question before it is matched.

People ask 什么 and 是谁, recordings rarely say them, and so what is rare counted for more than what the question is
about: without them simplified Chinese rose from 96.2 to 98.7 at rank 1. English ones stay: half a point gained on
written text, two questions of thirty-six lost on short recordings.
"""

import re

_CHINESE = re.compile(
    "请问|請問|为什么|為什麼|为何|為何|是什么|是什麼|什么|什麼|甚么|甚麼|是谁|是誰|谁|誰|"
    "哪一个|哪一個|哪一|哪个|哪個|哪些|哪里|哪裡|哪裏|哪|怎么样|怎麼樣|怎么|怎麼|怎样|怎樣|如何|"
    "多少|几|幾|何时|何時|何地|何处|何處|何人|何种|何種|何|吗|嗎|呢|叫做|属于|屬於"
)


def without_asking_words(text: str, language: str) -> str:
    """What the question is about; the whole question where nothing else is in it."""
    if language != "zh":
        return text
    about = _CHINESE.sub(" ", text)
    return about if any(sign.isalnum() for sign in about) else text
