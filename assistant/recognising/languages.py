"""What people call a language, as a BCP 47 tag: the one place that reads what somebody wrote. Pure."""

import re

from assistant.recognising.fun_asr.languages import code_of

_TAG = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")


def language_tag(written: str) -> str | None:
    """Our own code for a tag, another code or a name (`EN-gb`, `cmn`, `英文`); another tag as it is; else None."""
    plain = written.strip()
    known = code_of(plain)
    if known is not None:
        return known
    return plain if _TAG.fullmatch(plain) else None
