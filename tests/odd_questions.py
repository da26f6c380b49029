"""Questions that nobody should ask and somebody does: each gets an answer or a sentence that says why not."""

SYNTAX = {
    "sql": '"; DROP TABLE passage; --',
    "html": "<script>alert(1)</script>",
    "regular expression": "(a+)+$ [^]]{9,}",
    "query language": 'title:foo AND (bar OR "baz',
    "field of the index": "words:glove course:* [a TO z]",
    "star": "*",
    "tilde": "~",
    "boost": "^2",
    "format": "%s %(x)d {0} ${HOME}",
    "path": "../../etc/passwd",
    "operators": " AND OR NOT ",
    "markdown": "[x](javascript:alert(1)) **b**",
}
"""Means something to some program, and nothing here."""

SIGNS = {
    "emoji": "😀🔥👩‍👩‍👧‍👦🏳️‍🌈",
    "mixed scripts": "Where 在哪里 där пожар الحريق ฉัน 火事 불?",
    "NUL and controls": "near\x00 miss\x01\x02\x1b[31m\x7f",
    "turned to run from right to left": "\u202essim raen a si tahw\u202c",
    "half a surrogate pair": "near \ud83d miss \udc00",
    "combining marks": "p" + "\u0301" * 1000,
    "no width": "\u200d" * 500 + "\ufeff",
    "no characters": "\uffff\ufffe near miss",
    "letters in disguise": "𝕟𝕖𝕒𝕣 𝕞𝕚𝕤𝕤",
}

FORMS = {
    "one word": "canteen",
    "only small words": "what is it that they were to be or not",
    "no known language": "xyzzy qwrtp plugh zzyzx frobnicate",
    "one word without end": "a" * 2000,
    "one word again and again": "glove " * 333,
    "many different words": " ".join(f"w{at}" for at in range(405)),
    "many different signs": "".join(chr(0x4E00 + at) for at in range(2000)),
    "signs that unfold": "\ufdfa" * 2000,
    "digits": "9" * 2000,
    "numbers": "12345 " * 333,
    "spelled out": "n. f. l. " * 200,
    "apostrophes": "'" * 2000,
    "newlines": "near miss\r\n" * 180,
}
"""As long as is read, and as hard to take apart as can be."""

ODD = {**SYNTAX, **SIGNS, **FORMS}
