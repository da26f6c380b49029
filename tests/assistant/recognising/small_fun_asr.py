"""A Fun-ASR model folder small enough for a test: funasr's own classes with random weights, laid out as published."""

import json
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
WIDTH, HIDDEN = 32, 64


def build_small_model(folder: Path, *, seed: int = 7) -> Path:
    """Write the folder: 1 MB, loads in a second. Random weights: it says nonsense, but always the same nonsense."""
    language_model = folder / "Qwen3-tiny"
    language_model.mkdir(parents=True)
    tokenizer = _tokenizer()
    tokenizer.save_pretrained(language_model)
    ends = tokenizer.convert_tokens_to_ids("<|im_end|>")
    config = Qwen3Config(
        vocab_size=len(tokenizer), hidden_size=HIDDEN, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, head_dim=16, intermediate_size=128, eos_token_id=ends,
        pad_token_id=tokenizer.pad_token_id, tie_word_embeddings=False, initializer_range=0.4,
        architectures=["Qwen3ForCausalLM"],
    )  # fmt: skip
    config.save_pretrained(language_model)
    _write(folder / "config.yaml", yaml.safe_dump(_config(str(language_model)), allow_unicode=True))
    links = {"init_param": "model.pt", "config": "config.yaml"}
    inside = {"init_param_path": language_model.name}
    _write(
        folder / "configuration.json",
        json.dumps({"file_path_metas": {**links, "tokenizer_conf": inside, "llm_conf": inside}}),
    )
    torch.save({"state_dict": _weights(_config(str(language_model)), seed)}, folder / "model.pt")
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


def _config(language_model: str) -> dict[str, Any]:
    return {
        "model": "FunASRNano",
        "audio_encoder": "SenseVoiceEncoderSmall",
        "audio_encoder_conf": {
            "output_size": WIDTH, "attention_heads": 4, "linear_units": 64, "num_blocks": 3, "tp_blocks": 2,
            "dropout_rate": 0.0, "positional_dropout_rate": 0.0, "attention_dropout_rate": 0.0, "input_layer": "pe",
            "normalize_before": True, "kernel_size": 11, "sanm_shfit": 0, "selfattention_layer_type": "sanm",
            "freeze": True,
        },
        "llm": "Qwen3-0.6b",
        "llm_conf": {"hub": "hf", "freeze": True, "llm_dtype": "fp32", "init_param_path": language_model},
        "audio_adaptor": "Transformer",
        "audio_adaptor_conf": {
            "downsample_rate": 1, "use_low_frame_rate": True, "ffn_dim": 64, "llm_dim": HIDDEN, "encoder_dim": WIDTH,
            "n_layer": 2, "freeze": True,
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
