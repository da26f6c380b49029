"""Fun-ASR model folders of random weights in funasr's own classes, laid out as published: a small one for tests, larger
ones up to the true size for benchmarks. They say nonsense, but always the same nonsense."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import yaml
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast, Qwen3Config

SPECIALS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|object_ref_start|>")
SAID = (
    "You are a helpful assistant. system user assistant",
    "请结合上下文信息，更加准确地完成语音转写任务。如果没有相关信息，我们会留空。上下文信息：热词列表：",
    "语音转写成中文英文粤语，不进行文本规整：",
    "report the near miss the same day",
)


@dataclass(frozen=True, slots=True)
class Sizes:
    """`vocabulary`: rows of the embedding, that of the tokeniser where absent. The rest as in the model's files."""

    width: int
    heads: int
    units: int
    blocks: int
    timestamp_blocks: int
    projector: int
    hidden: int
    layers: int
    text_heads: int
    key_heads: int
    head_dim: int
    intermediate: int
    vocabulary: int | None = None
    tied: bool = False


SMALL = Sizes(32, 4, 64, 3, 2, 64, 64, 2, 4, 2, 16, 128)
MEDIUM = Sizes(128, 4, 512, 12, 4, 512, 256, 6, 4, 2, 64, 768, 32_000)
FULL = Sizes(512, 4, 2048, 50, 20, 2048, 1024, 28, 16, 8, 128, 3072, 151_936, tied=True)
"""Counted 829.8 million weights: the true model's."""
SIZES = {"small": SMALL, "medium": MEDIUM, "full": FULL}


def build_small_model(folder: Path, *, seed: int = 7) -> Path:
    """1 MB, loads in a second."""
    return build_model(folder, SMALL, seed=seed)


def build_model(folder: Path, sizes: Sizes, *, seed: int = 7) -> Path:
    """Write the folder."""
    language_model = folder / "Qwen3-tiny"
    language_model.mkdir(parents=True)
    tokenizer = _tokenizer()
    tokenizer.save_pretrained(language_model)
    ends = tokenizer.convert_tokens_to_ids("<|im_end|>")
    config = Qwen3Config(
        vocab_size=sizes.vocabulary or len(tokenizer), hidden_size=sizes.hidden, num_hidden_layers=sizes.layers,
        num_attention_heads=sizes.text_heads, num_key_value_heads=sizes.key_heads, head_dim=sizes.head_dim,
        intermediate_size=sizes.intermediate, eos_token_id=ends, pad_token_id=tokenizer.pad_token_id,
        tie_word_embeddings=sizes.tied, initializer_range=0.4 if sizes is SMALL else 0.02,
        architectures=["Qwen3ForCausalLM"],
    )  # fmt: skip
    config.save_pretrained(language_model)
    _write(folder / "config.yaml", yaml.safe_dump(_config(sizes, str(language_model)), allow_unicode=True))
    links = {"init_param": "model.pt", "config": "config.yaml"}
    inside = {"init_param_path": language_model.name}
    _write(
        folder / "configuration.json",
        json.dumps({"file_path_metas": {**links, "tokenizer_conf": inside, "llm_conf": inside}}),
    )
    torch.save({"state_dict": _weights(_config(sizes, str(language_model)), seed)}, folder / "model.pt")
    return folder


def _tokenizer() -> PreTrainedTokenizerFast:
    plain = Tokenizer(models.BPE())
    plain.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    plain.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=list(SPECIALS), initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    plain.train_from_iterator(SAID, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=plain, eos_token="<|im_end|>", pad_token="<|endoftext|>", padding_side="left"
    )


def _config(sizes: Sizes, language_model: str) -> dict[str, Any]:
    return {
        "model": "FunASRNano",
        "audio_encoder": "SenseVoiceEncoderSmall",
        "audio_encoder_conf": {
            "output_size": sizes.width, "attention_heads": sizes.heads, "linear_units": sizes.units,
            "num_blocks": sizes.blocks, "tp_blocks": sizes.timestamp_blocks,
            "dropout_rate": 0.0, "positional_dropout_rate": 0.0, "attention_dropout_rate": 0.0, "input_layer": "pe",
            "normalize_before": True, "kernel_size": 11, "sanm_shfit": 0, "selfattention_layer_type": "sanm",
            "freeze": True,
        },
        "llm": "Qwen3-0.6b",
        "llm_conf": {"hub": "hf", "freeze": True, "llm_dtype": "fp32", "init_param_path": language_model},
        "audio_adaptor": "Transformer",
        "audio_adaptor_conf": {
            "downsample_rate": 1, "use_low_frame_rate": True, "ffn_dim": sizes.projector,
            "llm_dim": sizes.hidden, "encoder_dim": sizes.width, "n_layer": 2, "freeze": True,
        },
        "frontend": "WavFrontend",
        "frontend_conf": {
            "fs": 16000, "window": "hamming", "n_mels": 80, "frame_length": 25, "frame_shift": 10, "lfr_m": 7,
            "lfr_n": 6, "cmvn_file": None,
        },
        "tokenizer": "HuggingfaceTokenizer",
        "tokenizer_conf": {"init_param_path": language_model},
        "dataset_conf": {},
        "input_size": 560,
    }  # fmt: skip


def _weights(config: dict[str, Any], seed: int) -> dict[str, torch.Tensor]:
    from funasr.models.fun_asr_nano.model import FunASRNano
    from funasr.models.llm_asr import adaptor  # noqa: F401  (fills funasr's registry)
    from funasr.models.sense_voice import model  # noqa: F401

    torch.manual_seed(seed)
    whole = FunASRNano(**{name: value for name, value in config.items() if name != "model"})
    return {name: tensor.contiguous() for name, tensor in whole.state_dict().items()}


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
