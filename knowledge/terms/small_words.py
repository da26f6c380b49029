"""Words that are in every talk and name nothing, and what tells a noun from a verb by the word before it."""

import re

from knowledge.finding.languages import is_small

_ENGLISH_WORDS = """
a an the this that these those some any each every no another such other others same own both either neither all
most many much more less least few lot lots bit several enough else one ones two three four five six seven eight
nine ten hundred thousand million first second third last next zero half
i me my mine myself we us our ours ourselves you your yours yourself he him his himself she her hers they them their
theirs themselves it its itself who whom whose which what where when why how there here then than now ever never
always often sometimes usually again already still yet soon later once twice today tomorrow yesterday
of to in on at by for with from into onto about over under after before between through during against within
without toward towards across behind above below up down out off away back around along per via upon until till
since because so if unless though although while whereas whether as like and or but nor not only just also too very
really quite rather pretty almost even maybe perhaps probably actually basically essentially literally simply
obviously certainly definitely especially exactly finally generally hopefully immediately instead together
kind sort type types kinds sorts thing things stuff something anything everything nothing somebody someone anybody
anyone everybody everyone nobody way ways case cases example examples instance time times moment point points
part parts side sides end start beginning place places fact reason reasons sense idea ideas question questions
answer people person guy guys folks man men woman women kid world life home day days week weeks month months year
years hour hours minute minutes number numbers couple bunch ton whole rest
be am is are was were been being isn't aren't wasn't weren't ain't i'm i've i'd i'll we're we've we'd we'll you're
you've you'd you'll he's he'd he'll she's she'd she'll they're they've they'd they'll it's it'd it'll that's that'd
that'll there's there'll here's what's who's where's how's let's let
have has had having haven't hasn't hadn't do does did done doing don't doesn't didn't can cannot can't could
couldn't will would won't wouldn't shall should shouldn't may might must ought need needs needed needing
go goes going went gone gonna get gets getting got gotten make makes making made take takes taking took taken come
comes coming came see sees seeing saw seen look looks looking looked know knows knowing knew known think thinks
thinking thought say says saying said tell tells telling told talk talks talking talked want wants wanted wanting
wanna use uses used using try tries tried trying give gives giving gave given put puts putting keep keeps keeping
kept find finds finding found show shows showing showed shown mean means meaning meant call calls called calling
happen happens happened happening work works worked working seem seems seemed feel feels felt ask asks asked asking
leave leaves left leaving become becomes became turn turns turned turning run runs ran running start starts started
starting stop stops stopped begin begins began help helps helped hear heard play plays move moves moved live lives
believe hold holds bring brings brought happens write writes wrote written sit stand lose pay meet include includes
including set sets setting learn learns learned learning change changes changed add adds added read reads
understand understands follow follows follows followed create creates created creating allow allows allowed send
sends sent expect remember consider wait explain explained remind guess suppose figure figured care matter matters
depend depends depending based cause cover covers covered check contain contains remain remains require requires
required provide provides provided describe described deal decide refer refers define defined compute end
good better best bad worse worst great nice cool big bigger small smaller large larger little long longer short
old new high low different similar important possible available able easy easier hard harder difficult simple
specific particular certain sure right wrong true real full ready interesting interested useful common normal okay
ok yeah yes yep no nope oh ah uh um uhm er hmm hey hi hello welcome thanks thank please sorry well alright anyway
however therefore thus hence moreover bye goodbye course lesson lessons lecture lectures video videos slide slides
module modules section chapter topic talk presentation episode show
problem problems trick tricks version versions understanding exist exists existed issue issues
nearest beside besides whenever wherever whatever whoever whichever close closes closed walk walks walking receive
receives paid past clean mind minds fun hand hands safe
word mister mr mrs ms dr etc vs e.g i.e ie eg bla blah wow laughs laughter music applause inaudible
"""
_ENGLISH = frozenset(_ENGLISH_WORDS.split())
_BEFORE_NOUNS_WORDS = """
a an the this these those my your our their his her its some any each every no another of in on at for with from by
about into between without within through per via against under over
"""
_BEFORE_NOUNS = frozenset(_BEFORE_NOUNS_WORDS.split())
_BEFORE_VERBS_WORDS = """
to i you we they he she it who can can't could couldn't will won't would wouldn't shall should shouldn't must may
might don't doesn't didn't do does did let's i'll you'll we'll they'll he'll she'll it'll i'd you'd we'd please
never always gonna wanna then just not
"""
_BEFORE_VERBS = frozenset(_BEFORE_VERBS_WORDS.split())
_ENGLISH_DONE = re.compile(r"..[^e]ed$")
"""Stored, called: `seed` and `speed` are none."""
_BETWEEN = {
    "en": {"of"},
    "fr": {"de", "du", "des", "d'"},
    "es": {"de", "del"},
    "pt": {"de", "do", "da"},
    "it": {"di", "del", "della"},
}

_CHINESE_STARTS = frozenset(
    "的了着过吗呢吧啊呀嘛哦嗯么我你您他她它们这那哪谁啥些每某之与和及或且但而若如虽因为所以于把被让给跟是在也都就才只还又再"
    "很太更最挺没别未将已曾去来从向往比想说看叫请问讲做个样种会能可要该到里有做当此其某各另使并则即却均共该本您"
)
_CHINESE_ENDS = frozenset(
    "的了着过吗呢吧啊呀嘛哦嗯么我你您他她它们这那哪谁啥些每某之与和及或且但而若如虽因为所以于把被让给跟是在也都就才只还又再"
    "很太更最挺没别未将已曾去来从向往比想说看叫请问讲做个样种会能可要该到里有上下中内外前后时一二三四五六七八九十两几多第"
    "其此并则即却均不将使用当作成做得地"
)
"""No Chinese term begins, and none ends, with one."""
_CHINESE_COUNT = re.compile("^[一二三四五六七八九十百千万两几多半][个种次件位样点些条段行组类块层步项句张份名]")
_CHINESE_NEVER = frozenset("的了吗呢吧啊呀嘛哦嗯么呃哎唉我你您他她它这那哪谁啥们是也都就很不没")
"""No Chinese term has one inside."""
_CHINESE_WORDS = """
东西 事情 问题 方法 方式 部分 情况 例子 地方 时间 时候 今天 明天 昨天 现在 以后 之后 之前 然后 因此 因为 所以
如果 虽然 但是 可是 不过 而且 并且 或者 还是 只是 只有 只要 除了 关于 根据 通过 由于 为了 对于 首先 其次 最后
其实 实际 当然 一般 通常 基本 大概 可能 必须 需要 应该 可以 能够 已经 正在 曾经 开始 结束 继续 完成 进行 发生
出现 存在 包括 属于 成为 变成 得到 获得 使用 利用 采用 提供 表示 显示 说明 解释 介绍 讨论 考虑 理解 认为 觉得
知道 看到 听到 想到 找到 希望 喜欢 愿意 准备 决定 选择 尝试 试图 确保 允许 要求 帮助 告诉 记住 注意 意味
非常 特别 十分 比较 相当 完全 绝对 真正 确实 简单 复杂 容易 困难 重要 主要 具体 特定 一些 有些 许多 很多 大量
所有 全部 整个 任何 每个 某个 各种 不同 相同 类似 其他 其它 另外 另一 自己 别人 大家 人们 朋友 同学 老师
我们 你们 他们 它们 这个 那个 这些 那些 这里 那里 这样 那样 这种 什么 怎么 怎样 如何 为什么 多少 哪里 哪些
事实 事实上 实际上 基本上 本质 本质上 换句话 换句话说 也就是说 例如 比如 比如说 举例 举个例子 接下来 与此同时
感谢 谢谢 观看 再见 欢迎 课程 视频 讲座 章节 模块 幻灯片 世界 公司 工作 生活 意义 原因 结果 目的 目标
按照 针对 正确 相关 重复 信息 等等 执行 运行 返回 创建 检查 实现 包含 触发 设置 处理 删除
尝试 查看 增加 减少 改变 分享 记得 打开 关闭 带来 来说 起来
不会 不是 不能 不要 没有 不再 不同 有效 之间 内容 结构 类型 大小 长度 数量 过程 东西 位置 总是 本身 多个 单个 整个
第一 第二 第三 一次 一下 一起 一直 一样 一旦 一点 立即 马上 直接 随后 同时 仍然 依然 几乎 甚至 尤其 至少 最终
"""
_CHINESE = frozenset(_CHINESE_WORDS.split())


def is_bare(unit: str, language: str) -> bool:
    """Names nothing by itself, so that no term begins or ends with it."""
    if language in ("en", "und"):
        return unit in _ENGLISH or unit.endswith("ly") or _ENGLISH_DONE.search(unit) is not None
    return unit in _ENGLISH or is_small(unit, language)


def may_join(unit: str, language: str) -> bool:
    """May stand between a term's words: point *of* sale."""
    return unit in _BETWEEN.get(language, ())


def before_a_noun(unit: str) -> bool:
    return unit in _BEFORE_NOUNS


def before_a_verb(unit: str) -> bool:
    return unit in _BEFORE_VERBS


def bounds_chinese(phrase: str) -> bool:
    """Whether a term may begin and end so."""
    starts, ends = phrase[0] not in _CHINESE_STARTS, phrase[-1] not in _CHINESE_ENDS
    return starts and ends and _CHINESE_COUNT.match(phrase) is None


def is_in_no_chinese_term(sign: str) -> bool:
    return sign in _CHINESE_NEVER


def is_bare_chinese(word: str) -> bool:
    return word in _CHINESE
