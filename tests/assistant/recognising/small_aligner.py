"""A forced aligner's folder of random weights, in the classes and the layout of the published one: 1 MB."""

from collections.abc import Sequence
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    PreTrainedTokenizerFast,
    Qwen3ASRConfig,
    Qwen3ASREncoderConfig,
    Qwen3ASRFeatureExtractor,
    Qwen3ASRForTokenClassification,
    Qwen3ASRProcessor,
    Qwen3Config,
)

from assistant.recognising.recognizer import Samples

SPECIALS = ("<|endoftext|>", "<|im_end|>", "<|audio_start|>", "<|audio_pad|>", "<|audio_end|>", "<timestamp>")
TEMPLATE = (
    "{% for message in messages %}{% for part in message['content'] %}"
    "{% if part['type'] == 'audio' %}<|audio_start|><|audio_pad|><|audio_end|>"
    "{% else %}{{ part['text'] }}<timestamp><timestamp>{% endif %}{% endfor %}{% endfor %}"
)
CLASSES = 400
"""32 s in steps of 80 ms."""


def teach(folder: Path, samples: Samples, text: str, seconds: Sequence[float]) -> None:
    """Have it know one clip by heart: two seconds a word, the beginning and the end."""
    processor = Qwen3ASRProcessor.from_pretrained(folder)
    model = Qwen3ASRForTokenClassification.from_pretrained(folder).train()
    inputs, _ = processor.prepare_forced_aligner_inputs(
        [samples], [text], ["en"], processor_kwargs={"sampling_rate": 16_000, "return_tensors": "pt", "padding": True}
    )
    marks = inputs["input_ids"][0] == model.config.timestamp_token_id
    wanted = torch.tensor([round(second / 0.08) for second in seconds])
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(2000):
        logits = model(**inputs).logits[0][marks]
        if bool((logits.softmax(-1).gather(1, wanted[:, None]) > 0.8).all()):
            model.save_pretrained(folder)
            return
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(logits, wanted).backward()
        optimiser.step()
    raise AssertionError("it did not learn it")


def build_small_aligner(folder: Path, *, seed: int = 7) -> Path:
    plain = Tokenizer(models.BPE())
    plain.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    plain.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=list(SPECIALS), initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    plain.train_from_iterator(["report the near miss the same day"], trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=plain, eos_token="<|im_end|>", pad_token="<|endoftext|>", padding_side="left",
        extra_special_tokens={
            "audio_bos_token": "<|audio_start|>", "audio_token": "<|audio_pad|>", "audio_eos_token": "<|audio_end|>",
        },
    )  # fmt: skip
    processor = Qwen3ASRProcessor(Qwen3ASRFeatureExtractor(feature_size=16), tokenizer, chat_template=TEMPLATE)
    processor.save_pretrained(folder)
    config = Qwen3ASRConfig(
        audio_config=Qwen3ASREncoderConfig(
            num_mel_bins=16, encoder_layers=2, encoder_attention_heads=2, encoder_ffn_dim=32, d_model=16,
            output_dim=32, downsample_hidden_size=8,
        ).to_dict(),
        text_config=Qwen3Config(
            vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=2,
            num_attention_heads=2, num_key_value_heads=1, head_dim=16, initializer_range=0.4,
        ).to_dict(),
        audio_token_id=tokenizer.convert_tokens_to_ids("<|audio_pad|>"),
        timestamp_token_id=tokenizer.convert_tokens_to_ids("<timestamp>"),
        pad_token_id=tokenizer.pad_token_id, num_labels=CLASSES, initializer_range=0.4,
    )  # fmt: skip
    torch.manual_seed(seed)
    Qwen3ASRForTokenClassification(config).save_pretrained(folder)
    return folder
