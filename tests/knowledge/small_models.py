"""Sentence-transformers models of a few thousand numbers, made by chance and saved as a trained one would be."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

DIMENSIONS = 16
WORDS = "the same words again and again where is fire extinguisher travel costs are one sentence x ? , . !"
LONGEST_TOKENS = 40


def save_small_model(
    folder: Path,
    *,
    seed: int = 1,
    pooling: str = "mean",
    normalised: bool = True,
    dense: bool = False,
    prompts: Mapping[str, str] | None = None,
    half_precision: bool = False,
) -> Path:
    """A two-layer BERT that knows a few words, behind it what was asked for."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Dense, Normalize, Transformer
    from sentence_transformers.sentence_transformer.modules import Pooling
    from transformers import BertConfig, BertModel

    torch.manual_seed(seed)
    bare = folder.with_name(f"{folder.name}-bare")
    tokeniser, words = _tokeniser()
    sizes = {"hidden_size": DIMENSIONS, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    bert = BertModel(BertConfig(vocab_size=words, max_position_embeddings=64, **sizes))
    (bert.to(torch.bfloat16) if half_precision else bert).save_pretrained(bare)
    tokeniser.save_pretrained(bare)
    modules: list[Any] = [
        Transformer(str(bare), max_seq_length=LONGEST_TOKENS),
        Pooling(DIMENSIONS, pooling_mode=pooling),
    ]
    if dense:
        modules.append(Dense(DIMENSIONS, DIMENSIONS))
    if normalised:
        modules.append(Normalize())
    model = SentenceTransformer(modules=modules, device="cpu", prompts=dict(prompts or {}))
    model.save(str(folder), create_model_card=False)
    return folder


def _tokeniser() -> tuple[Any, int]:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    special: Sequence[str] = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
    known = {word: at for at, word in enumerate(dict.fromkeys([*special, *WORDS.split()]))}
    tokeniser = Tokenizer(models.WordLevel(known, unk_token="[UNK]"))
    tokeniser.normalizer = normalizers.BertNormalizer()
    tokeniser.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokeniser.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[(word, known[word]) for word in ("[CLS]", "[SEP]")]
    )
    names = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    return PreTrainedTokenizerFast(tokenizer_object=tokeniser, model_max_length=64, **names), len(known)
