"""A real cross-encoder, only small and untaught: the library's own classes, saved as a company's model would be."""

import string
from pathlib import Path
from typing import Any


def small_cross_encoder(folder: Path, *, scores: int = 1, longest: int = 64) -> Path:
    """`folder`, filled. Reads a letter a token and no more than `longest`; what it says is chance, but always the
    same."""
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

    signs = string.ascii_lowercase + string.digits
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *signs, *(f"##{each}" for each in signs)]
    vocabulary = {word: number for number, word in enumerate(words)}
    tokeniser = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokeniser.normalizer = normalizers.Lowercase()
    tokeniser.pre_tokenizer = pre_tokenizers.Whitespace()
    tokeniser.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    named: dict[str, Any] = {
        name: f"[{name[:3].upper()}]" for name in ("pad_token", "unk_token", "cls_token", "sep_token")
    }
    torch.manual_seed(1)
    model = BertForSequenceClassification(
        BertConfig(
            vocab_size=len(words),
            hidden_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=32,
            max_position_embeddings=longest,
            initializer_range=0.5,
            num_labels=scores,
        )
    )
    model.save_pretrained(folder)
    PreTrainedTokenizerFast(tokenizer_object=tokeniser, **named).save_pretrained(folder)
    return folder
