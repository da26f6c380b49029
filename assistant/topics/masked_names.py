"""Names of people in a question: those that are known, and those that a title or "my name is" gives away. Pure.

A name is masked as ‹name›; the title stays, because "ask Dr ‹name›" still says what is meant.
"""

import re
from collections.abc import Callable, Collection, Iterator, Sequence

from knowledge.finding.languages import is_small

_MARK = "‹name›"
_INSIDE_A_SENTENCE = r"(?<=[\w,;)’'] )"
_HAN = "\u3400-\u4dbf\u4e00-\u9fff"
_LEAST_LETTERS = 2
ORDINARY = frozenset(
    [
        "will",
        "may",
        "mark",
        "grace",
        "hope",
        "rose",
        "bill",
        "art",
        "rich",
        "frank",
        "june",
        "april",
        "august",
        "summer",
        "dawn",
        "faith",
        "joy",
        "drew",
        "jack",
        "pat",
        "rob",
        "sue",
        "guy",
        "miles",
        "chip",
        "dean",
        "earl",
        "sky",
        "don",
        "gene",
        "ray",
        "jean",
        "lily",
        "iris",
        "ivy",
        "olive",
        "ruby",
        "pearl",
        "amber",
        "ginger",
        "heather",
        "holly",
        "jasmine",
        "violet",
        "daisy",
        "robin",
        "martin",
        "jay",
        "wren",
        "penny",
        "sandy",
        "stone",
        "young",
        "long",
        "short",
        "king",
        "page",
        "field",
        "hill",
        "wood",
        "woods",
        "brook",
        "brooks",
        "banks",
        "rivers",
        "lake",
        "day",
        "best",
        "good",
        "love",
        "price",
        "cash",
        "bond",
        "case",
        "cook",
        "baker",
        "smith",
        "carter",
        "mason",
        "walker",
        "hunter",
        "fisher",
        "potter",
        "taylor",
        "turner",
        "cooper",
        "butler",
        "gardener",
        "farmer",
        "miller",
        "porter",
        "parker",
        "shepherd",
        "bishop",
        "pope",
        "knight",
        "chance",
        "major",
        "white",
        "black",
        "green",
        "brown",
        "gray",
        "grey",
        "van",
        "von",
        "der",
        "den",
        "de",
        "la",
        "le",
        "du",
        "da",
        "dos",
        "san",
        "el",
        "al",
        "bin",
        "ben",
        "ist",
        "das",
        "die",
        "der",
        "und",
    ]
)
"""Names, or parts of them, that are words as well: masked only where they are written with a capital."""

_WORD = r"[^\W\d_][\w'’.-]*"
_CAPITAL = r"(?-i:[A-ZÄÖÜÀ-ÖØ-Þ])[\w'’-]+"
_NO_NAMES = (
    r"not|in|on|at|of|the|a|an|wrong|missing|misspel\w*|spel\w*|still|too|being|listed|shown|there|already|and|or|but|"
    r"changed|correct|right|written|used|known|no|never|also|now|here|different|unknown|hidden|visible|public|"
    r"confidential|required|needed|for|from|with|by|to|what|so|very|long|short|because|since|falsch|nicht|richtig|"
    r"noch|auch|und|oder|schon|immer|zu"
)
_AFTER_NAMES = rf"{_NO_NAMES}|please|i|we|my|how|can|could|where|when|do|does|ich|wie"
_A_NAME = rf"(?!(?:{_NO_NAMES})\b){_WORD}(?:[ ](?!(?:{_AFTER_NAMES})\b){_WORD}){{0,2}}"
_OFFICE = r"(?!(?:Word|Excel|Teams|Office|Project|Access|Outlook|Power\w*|Windows|Edge|Visio|Copilot)\b)"
_GIVEN_AWAY = (
    re.compile(
        rf"\b(?i:my name(?: is|['’]s)|i am called|call me|ich hei(?:ß|ss)e|mein name ist)[ ]+(?P<name>(?i:{_A_NAME}))"
    ),
    re.compile(rf"\b(?i:this is|i am|i'm|i’m|ich bin|hier ist)[ ]+(?P<name>{_CAPITAL}[ ]{_CAPITAL})"),
    re.compile(
        rf"\b(?i:mr|mrs|dr|prof|herrn?|frau|professor|doctor|doktor)\b\.?[ ]+(?:(?i:dr|prof)\b\.?[ ]+)*"
        rf"(?P<name>(?!(?:Dr|Prof)\b){_CAPITAL}(?:[ -]{_CAPITAL}){{0,2}})"
    ),
    re.compile(rf"\b(?i:mr|mrs|dr|prof)\b\.?[ ]+(?P<name>(?!(?:{_NO_NAMES}|who|that|is|s)\b)[a-zäöüß][\w'’-]+)"),
    re.compile(
        rf"\b(?:Ms|MS|ms|Miss|Mme|Mlle|Mx|Sir|Madam)\b\.?[ ]+{_OFFICE}(?P<name>{_CAPITAL}(?:[ ]{_CAPITAL}){{0,2}})"
    ),
)

_SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董潘袁蔡蒋余杜叶程魏苏吕丁任沈姚卢姜崔钟"
    "谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤温康施文牛樊葛邢"
    "安齐易乔伍庞颜倪庄聂章鲁岳翟殷詹申欧耿关兰焦俞左柳甘祝包宁尚符舒阮柯纪梅童凌毕单季裴霍涂成苗谷盛曲翁冉骆蓝"
    "路游辛靳管柴蒙鲍华喻祁蒲房滕屈饶解牟艾尤阳时穆农司卓古吉缪简车项连芦麦褚娄窦戚岑景党宫费卜冷晏席卫米柏宗瞿桂"
    "全佟应臧闵苟邬边卞姬师和仇栾隋商刁沙荣巫寇桑郎甄丛仲虞敖巩明佘池查麻苑迟邝高于熬"
)
_COMPOUND = "欧阳|司马|上官|诸葛|东方|皇甫|尉迟|公孙|慕容|令狐|宇文|长孙|司徒|夏侯|南宫|端木"
_ALSO_WORDS = frozenset(
    "任金石方白江史万严武向温康文安齐易章申关左甘单成尚谷盛路解时农司古简车连冷席全应和商明池查高于边师管房华阳"
    "包项党宗麻米景毛龙马牛钱田林水何余"
)
"""Surnames that end or begin ordinary words: masked before a title only where a word begins with them."""
_CHINESE_TITLES = (
    "董事长|副总|总经理|经理|老师|先生|女士|小姐|太太|总监|主任|主管|师傅|医生|大夫|教授|博士|同学|同事|部长|处长|科长|局长|厂长|院长|"
    "校长|组长|班长|队长|店长|站长|书记|律师|护士|警官|助理|秘书|顾问|会计|工程师|阿姨|叔叔|大哥|大姐|总|工|董|哥|姐|叔|姨"
)
_NO_TITLE = r"(?!作|资|具|程(?!师)|人|厂|会|伤|结|共|部)"
"""What makes another word of a title's last character: 工作, 总部."""
_LEAST_DOUBT = "".join(sorted(set(_SURNAMES) - _ALSO_WORDS))
_AFTER_OLD_OR_YOUNG = "".join(sorted(set(_SURNAMES) - set("时明和成高全安方解连查师商万单应文向白车")))
_NOT_SURNAMED = re.compile(
    r"(?:高级|高等|高中|高校|高管|安全|项目|任何|方案|方法|金融|关于|应急|时间|车间|水电|平台|广告|毛利|单位|行政|党委|温度|"
    r"司机|管理|计划|周围|于是|马上|解决|全体|全部|全职|商务|文员|成本|时任|何时|何处|何种|和|各|章程|查询|明天|今天|钱款|"
    r"田间|康复|农村|古代|池子|单个|万能|方向|任职|任课|应聘|师范|连队|边工|时工|史上|林业|华东|华南|华北|江苏|江西|石油|金属)"
)
_BEFORE = r"(?:(?<=^)|(?<=[\s，。,.!?！？、：:；;“”（(]|[找问跟给由请对向让与为归被见叫同替陪约])|(?<=[是把和及由以]))"
_TITLED = (
    re.compile(rf"(?P<name>(?:{_COMPOUND})[{_HAN}]{{0,2}}?)(?=(?:{_CHINESE_TITLES}))"),
    re.compile(rf"(?P<name>[{_LEAST_DOUBT}])(?=(?:{_CHINESE_TITLES}){_NO_TITLE}(?!是|和))"),
    re.compile(rf"{_BEFORE}(?P<name>[{_SURNAMES}])(?=(?:{_CHINESE_TITLES}){_NO_TITLE}(?!体|数))"),
    re.compile(
        rf"{_BEFORE}(?P<name>[{_SURNAMES}][{_HAN}]{{1,2}}?)"
        r"(?=(?:经理|老师|先生|女士|小姐|总监|主任|主管|师傅|医生|教授|博士|同学|部长|处长|工程师|总))"
    ),
    re.compile(rf"(?<![{_HAN}])(?P<name>[老小][{_AFTER_OLD_OR_YOUNG}])(?=$|[^{_HAN}]|[说在的那要请])"),
)
_ENDS = rf"(?=$|[^{_HAN}]|请|想|来自|来|在|的|要|我|是|有|今|刚|和|，)"
_CALLED = "(?:我叫|我的名字是|我的名字叫|名字叫|姓名是|姓名[:：])[ ]?(?!什么|不|做|啥|车|外卖|人|他|她|你|了)"
_CHINESE_GIVEN_AWAY = (
    re.compile(rf"{_CALLED}(?P<name>[{_HAN}]{{2,4}}?){_ENDS}"),
    re.compile(rf"{_CALLED}(?P<name>[{_HAN}]{{2,3}})"),
    re.compile(rf"(?:我叫|我的名字是|我的名字叫|我是)[ ]?(?P<name>{_CAPITAL}(?:[ ]{_CAPITAL})?)"),
    re.compile(rf"(?:我姓|免贵姓|贵姓)[ ]?(?P<name>[{_SURNAMES}]){_ENDS}"),
    re.compile(rf"我是(?:新来的|新员工|实习生)?(?P<name>[{_SURNAMES}][{_HAN}]{{1,2}}){_ENDS}"),
)
_NO_PERSON = re.compile(
    r".*(?:员|工|管|级|师|长|人|手|理|者|生|方|部|司|店|厂|门)$|.*(?:经理|主管|时间|全职|兼职|外包)"
)


def mask_given_names(text: str) -> str:
    """Names that what stands before or after them gives away."""
    for pattern in _GIVEN_AWAY:
        text = pattern.sub(_name_alone, text)
    for pattern in _TITLED:
        text = pattern.sub(lambda found: found[0] if _NOT_SURNAMED.match(_from(found)) else _name_alone(found), text)
    for pattern in _CHINESE_GIVEN_AWAY:
        text = pattern.sub(lambda found: found[0] if _NO_PERSON.fullmatch(found["name"]) else _name_alone(found), text)
    return text


def _from(found: re.Match[str]) -> str:
    return found.string[found.start("name") : found.start("name") + 3]


def _name_alone(found: re.Match[str]) -> str:
    start, end = (place - found.start() for place in found.span("name"))
    return found[0][:start] + _MARK + found[0][end:]


def mask_known_names(names: Collection[str]) -> Callable[[str], str]:
    """A rule that masks these names: whole, and each of their parts, as words of their own; Chinese ones anywhere.

    A part that nearly every question holds (You Jing, Can Yilmaz) alone only with a capital inside a sentence.
    """
    whole: set[str] = set()
    with_capital: set[str] = set()
    inside: set[str] = set()
    for name in names:
        parts = [part for part in re.split(r"[\s,;()@]+", name.strip()) if len(part) >= _LEAST_LETTERS]
        if len(name.split()) > 1:
            whole.add(" ".join(name.split()))
        for part in parts:
            small = is_small(part.casefold(), "en") or is_small(part.casefold(), "de")
            (inside if small else with_capital if part.casefold() in ORDINARY else whole).add(part)
    patterns = [
        re.compile(pattern, flags)
        for some, flags in ((whole, re.IGNORECASE), (with_capital, 0))
        for pattern in _as_patterns(sorted(some, key=lambda each: (-len(each), each)))
    ]
    patterns += [
        re.compile(_INSIDE_A_SENTENCE + pattern)
        for pattern in _as_patterns(sorted({each[0].upper() + each[1:] for each in inside}))
    ]

    def rule(text: str) -> str:
        for pattern in patterns:
            text = pattern.sub(_MARK, text)
        return text

    return rule


def _as_patterns(names: Sequence[str]) -> Iterator[str]:
    """Of Chinese names, and of others. Where a word begins is looked for once, not for each of thousands of names."""
    chinese = [each for each in names if re.search(rf"[{_HAN}]", each)]
    if chinese:
        yield "|".join(r"\s?".join(map(re.escape, each.replace(" ", ""))) for each in chinese)
    others = [_as_pattern(each) for each in names if not re.search(rf"[{_HAN}]", each)]
    if others:
        yield rf"(?<![^\W_])(?:{'|'.join(others)})(?![^\W_])"


def _as_pattern(name: str) -> str:
    spaced = r"\s+".join(map(re.escape, name.split()))
    if name.casefold() in ORDINARY:
        spaced = re.escape(name[0].upper() + name[1:])
    return spaced
