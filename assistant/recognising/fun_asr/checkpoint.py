"""The published weights in transformers' own class: sizes from the folder, tensors renamed one by one.

The two lay the same network out differently (transformers 5.23, `convert_fun_asr_nano_to_hf.py` upstream). Nothing
may be missing and nothing left over.
"""

import pickle
import re
import zipfile
from collections.abc import Iterator, Mapping

import torch
from transformers import (
    FunAsrNanoAdaptorConfig,
    FunAsrNanoConfig,
    FunAsrNanoEncoderConfig,
    FunAsrNanoForConditionalGeneration,
    Qwen3Config,
)

from assistant.recognising.fun_asr.folder import WAY_OUT, FunAsrFolder
from knowledge.model_files import WrongModel

ATTENTION = "sdpa"
"""Named outright: left to its default the adaptor does not mask padding, and clips change each other (FUNASR: 1)."""
_LAYER = (
    ("self_attn.linear_out", "self_attn.o_proj"),
    ("self_attn.linear_q.", "self_attn.q_proj."),
    ("self_attn.linear_k.", "self_attn.k_proj."),
    ("self_attn.linear_v.", "self_attn.v_proj."),
    ("self_attn.fsmn_block", "self_attn.fsmn.conv"),
    ("norm1", "input_layernorm"),
    ("norm2", "post_attention_layernorm"),
    ("feed_forward.w_1", "mlp.fc1"),
    ("feed_forward.w_2", "mlp.fc2"),
)


def config_of(folder: FunAsrFolder) -> FunAsrNanoConfig:
    """Raises WrongModel where the sizes make no model."""
    encoder, adaptor = folder.encoder, folder.adaptor
    try:
        text = Qwen3Config.from_dict(dict(folder.language_model))
        return FunAsrNanoConfig(
            audio_config=FunAsrNanoEncoderConfig(
                hidden_size=encoder["output_size"],
                num_attention_heads=encoder["attention_heads"],
                intermediate_size=encoder["linear_units"],
                num_hidden_layers=encoder["num_blocks"] + encoder["tp_blocks"],
                num_timestamp_prediction_layers=encoder["tp_blocks"],
                fsmn_kernel_size=encoder["kernel_size"],
            ),
            adaptor_config=FunAsrNanoAdaptorConfig(
                hidden_size=text.hidden_size,
                intermediate_size=text.hidden_size // 4,
                projector_hidden_size=adaptor["ffn_dim"],
                num_hidden_layers=adaptor["n_layer"],
                num_attention_heads=adaptor.get("attention_heads", 8),
            ),
            text_config=text,
            tie_word_embeddings=text.tie_word_embeddings,
        )
    except Exception as error:
        raise WrongModel(f"{folder.path}: its sizes make no model ({error})", WAY_OUT) from error


def load_model(folder: FunAsrFolder, *, device: torch.device, dtype: torch.dtype) -> FunAsrNanoForConditionalGeneration:
    """The model on its device, ready to be asked. Raises WrongModel; torch.OutOfMemoryError where it does not fit."""
    config = config_of(folder)
    with torch.device("meta"):
        model = FunAsrNanoForConditionalGeneration._from_config(config, attn_implementation=ATTENTION)
    weights = {name: tensor.to(dtype) for name, tensor in converted(_read(folder), config.audio_config)}
    if config.tie_word_embeddings:
        weights.setdefault("lm_head.weight", weights.get("model.language_model.embed_tokens.weight", torch.empty(0)))
    _check(folder, model, weights)
    model.load_state_dict(weights, strict=True, assign=True)
    model.tie_weights()
    _fill_buffers(model)
    return model.to(device).eval().requires_grad_(False)


def converted(
    state: Mapping[str, torch.Tensor], encoder: FunAsrNanoEncoderConfig
) -> Iterator[tuple[str, torch.Tensor]]:
    """funasr's tensors under transformers' names; those of a CTC head, which transformers has none of, are left out."""
    for name, tensor in state.items():
        if name.startswith("ctc"):
            continue
        renamed = _renamed(name, encoder)
        if ".linear_q_k_v." in renamed:
            for part, piece in zip("qkv", tensor.chunk(3), strict=True):
                yield renamed.replace("linear_q_k_v", f"{part}_proj"), piece.contiguous()
        else:
            yield renamed, tensor


def _renamed(name: str, encoder: FunAsrNanoEncoderConfig) -> str:
    if name.startswith("llm."):
        return name.removeprefix("llm.").replace("model.", "model.language_model.", 1)
    if name.startswith("audio_adaptor."):
        plain = re.sub(r"^blocks\.", "layers.", name.removeprefix("audio_adaptor."))
        plain = re.sub(r"^linear(\d)\.", r"linear_\1.", plain)
        return f"model.multi_modal_projector.{_layer(plain)}"
    if name.startswith("audio_encoder."):
        return f"model.audio_tower.{_layer(_encoder_layer(name.removeprefix('audio_encoder.'), encoder))}"
    return name


def _encoder_layer(name: str, encoder: FunAsrNanoEncoderConfig) -> str:
    blocks = encoder.num_hidden_layers - encoder.num_timestamp_prediction_layers
    for pattern, first in ((r"encoders0\.(\d+)\.", 0), (r"encoders\.(\d+)\.", 1), (r"tp_encoders\.(\d+)\.", blocks)):
        found = re.match(pattern, name)
        if found:
            return f"layers.{int(found[1]) + first}.{name[found.end() :]}"
    for norm, layer in (("after_norm.", blocks - 1), ("tp_norm.", encoder.num_hidden_layers - 1)):
        if name.startswith(norm):
            return f"layers.{layer}.final_layernorm.{name.removeprefix(norm)}"
    return name


def _layer(name: str) -> str:
    for theirs, ours in _LAYER:
        name = name.replace(theirs, ours)
    return name


def _read(folder: FunAsrFolder) -> Mapping[str, torch.Tensor]:
    """Tensors alone are unpickled: anything else in the file is refused by torch."""
    try:
        read = torch.load(folder.weights, map_location="cpu", weights_only=True, mmap=True)
    except (RuntimeError, EOFError, OSError, pickle.UnpicklingError, zipfile.BadZipFile) as error:
        reason = str(error).split("\n", 1)[0][:120]
        raise WrongModel(f"{folder.weights}: cannot be read, perhaps half downloaded ({reason})", WAY_OUT) from error
    state = read.get("state_dict", read) if isinstance(read, dict) else None
    if not isinstance(state, dict) or not all(isinstance(tensor, torch.Tensor) for tensor in state.values()):
        raise WrongModel(f"{folder.weights}: holds no weights", WAY_OUT)
    return state


def _check(
    folder: FunAsrFolder, model: FunAsrNanoForConditionalGeneration, weights: Mapping[str, torch.Tensor]
) -> None:
    wanted = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    for name, shape in wanted.items():
        if name not in weights:
            raise WrongModel(f"{folder.weights}: lacks {name}", WAY_OUT)
        if tuple(weights[name].shape) != shape:
            given = "x".join(map(str, weights[name].shape))
            raise WrongModel(f"{folder.weights}: {name} is {given}, not {'x'.join(map(str, shape))}", WAY_OUT)
    for name in weights:
        if name not in wanted:
            raise WrongModel(f"{folder.weights}: holds {name[:80]}, which is not part of this model", WAY_OUT)


def _fill_buffers(model: FunAsrNanoForConditionalGeneration) -> None:
    """What no checkpoint holds because it is computed: positions of the encoder and of the language model."""
    tower = model.model.audio_tower.position_embeddings
    tower.positional_embedding = tower.compute_default_singular_positional_embedding()
    rotary = model.model.language_model.rotary_emb
    model.model.language_model.rotary_emb = type(rotary)(config=model.config.text_config)
