"""What can go wrong with topics, in the words that people read."""

from assistant.errors import Conflict

NO_SUCH_TOPIC = ("there is no such topic", "choose one from the list of topics")
NOT_YOURS_TO_SHAPE = ("you may not change topics", "ask somebody of HR")
NO_NAME = ("the topic has no name", "give it one")
NAME_TOO_LONG = ("the topic's name is longer than 200 characters", "give it a shorter one")
MERGED_ALREADY = ("the topic is merged already", "take that back first")
INTO_ITSELF = ("a topic cannot be merged into itself", "choose another topic")
NOT_MERGED = ("the topic is not merged", "choose one that is")
ALL_THE_SAME = ("the topic cannot be split: all of its questions mean the same", "choose another topic")
TOO_FEW_TO_SPLIT = (
    "the topic cannot be split: too few people stand behind one of its halves",
    "wait until more have asked",
)
CHANGED = ("the topic has changed meanwhile", "look at it again, then decide")


class ChangedMeanwhile(Conflict):
    """What somebody agreed to is not what would be done now."""

    def __init__(self) -> None:
        super().__init__(*CHANGED)
