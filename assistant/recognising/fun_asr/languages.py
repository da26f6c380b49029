"""The 31 languages of Fun-ASR-MLT-Nano-2512, as its prompt names them. Pure.

Source: the model card's list, in its order. The prompt wants the Chinese name; "auto" is no value, it is left out.
"""

from collections.abc import Mapping

NAMES: Mapping[str, str] = {
    "zh": "中文",
    "en": "英文",
    "yue": "粤语",
    "ja": "日文",
    "ko": "韩文",
    "vi": "越南语",
    "id": "印尼语",
    "th": "泰语",
    "ms": "马来语",
    "fil": "菲律宾语",
    "ar": "阿拉伯语",
    "hi": "印地语",
    "bg": "保加利亚语",
    "hr": "克罗地亚语",
    "cs": "捷克语",
    "da": "丹麦语",
    "nl": "荷兰语",
    "et": "爱沙尼亚语",
    "fi": "芬兰语",
    "el": "希腊语",
    "hu": "匈牙利语",
    "ga": "爱尔兰语",
    "lv": "拉脱维亚语",
    "lt": "立陶宛语",
    "mt": "马耳他语",
    "pl": "波兰语",
    "pt": "葡萄牙语",
    "ro": "罗马尼亚语",
    "sk": "斯洛伐克语",
    "sl": "斯洛文尼亚语",
    "sv": "瑞典语",
}
OTHER_CODES: Mapping[str, str] = {"cmn": "zh", "tl": "fil", "in": "id", "zh-yue": "yue", "zh-hk": "yue"}
"""What people and browsers also call them."""


def code_of(language: str) -> str | None:
    """Our code for a BCP 47 tag (`en-GB`), one of OTHER_CODES or the model's own name (`英文`); None if unknown."""
    plain = language.strip().lower()
    for name in (plain, plain.split("-")[0]):
        if name in OTHER_CODES:
            return OTHER_CODES[name]
        if name in NAMES:
            return name
    return next((code for code, name in NAMES.items() if name == language.strip()), None)
