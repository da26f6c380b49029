"""A Fun-ASR model folder as it is published: read as data and checked, nothing in it is run. Knows no torch.

Its files: `config.yaml` (the sizes), `model.pt` (all weights), and a folder with the language model's `config.json`
and its tokeniser, which `configuration.json` or `config.yaml` names.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from knowledge.model_files import WrongModel

WAY_OUT = "fetch it whole (earmark models pull fun-asr-mlt-nano-2512), or name its folder"
MODEL_CLASS = "FunASRNano"
CONFIG, WEIGHTS, LINKS = "config.yaml", "model.pt", "configuration.json"
TOKENIZER_FILES = ("tokenizer.json", "vocab.json")
"""One of these is there, whichever form the tokeniser has."""


@dataclass(frozen=True, slots=True)
class FunAsrFolder:
    """`encoder`, `adaptor`: their sizes as `config.yaml` has them; `language_model`: its `config.json`.

    `trims_audio`: whether the language model is given an eighth of the adaptor's frames (`use_low_frame_rate`).
    """

    path: Path
    encoder: Mapping[str, Any]
    adaptor: Mapping[str, Any]
    language_model: Mapping[str, Any]
    language_model_folder: Path
    input_size: int
    trims_audio: bool

    @property
    def weights(self) -> Path:
        return self.path / WEIGHTS


def read_folder(path: Path) -> FunAsrFolder:
    """Raises WrongModel naming what is missing, broken or another model's."""
    if not path.is_dir():
        raise WrongModel(f"{path}: no such model folder", WAY_OUT)
    for name in (CONFIG, WEIGHTS):
        if not (path / name).is_file():
            raise WrongModel(f"{path / name}: missing", WAY_OUT)
    config = _mapping(path / CONFIG, yaml.safe_load, yaml.YAMLError)
    if config.get("model") != MODEL_CLASS:
        raise WrongModel(
            f"{path / CONFIG}: describes a {str(config.get('model'))[:60]}, not a {MODEL_CLASS}",
            "name the folder of Fun-ASR-MLT-Nano-2512",
        )
    frontend = _part(path, config, "frontend_conf")
    if (frontend.get("n_mels"), frontend.get("lfr_m"), frontend.get("lfr_n"), frontend.get("fs")) != (80, 7, 6, 16000):
        raise WrongModel(f"{path / CONFIG}: its features are not those that Earmark makes", WAY_OUT)
    if frontend.get("cmvn_file") is not None:
        raise WrongModel(f"{path / CONFIG}: wants normalised features, which Earmark does not make", WAY_OUT)
    language_model_folder = _language_model_folder(path, config)
    adaptor = _part(path, config, "audio_adaptor_conf")
    return FunAsrFolder(
        path=path,
        encoder=_part(path, config, "audio_encoder_conf"),
        adaptor=adaptor,
        language_model=_mapping(language_model_folder / "config.json", json.loads, ValueError),
        language_model_folder=language_model_folder,
        input_size=int(config.get("input_size", 560)),
        trims_audio=bool(adaptor.get("use_low_frame_rate", False)),
    )


def _language_model_folder(path: Path, config: Mapping[str, Any]) -> Path:
    """Inside the model's folder, whatever path the file was written with."""
    named = [_part(path, config, "tokenizer_conf").get("init_param_path")]
    if (path / LINKS).is_file():
        links = _mapping(path / LINKS, json.loads, ValueError)
        metas = links.get("file_path_metas")
        if isinstance(metas, dict) and isinstance(metas.get("tokenizer_conf"), dict):
            named.insert(0, metas["tokenizer_conf"].get("init_param_path"))
    for name in named:
        if not isinstance(name, str) or not name:
            continue
        folder = path / Path(name).name
        if not folder.is_dir():
            continue
        if not any((folder / file).is_file() for file in TOKENIZER_FILES):
            raise WrongModel(f"{folder}: holds no tokeniser ({' or '.join(TOKENIZER_FILES)})", WAY_OUT)
        return folder
    raise WrongModel(f"{path}: the folder of its tokeniser and language model is missing", WAY_OUT)


def _part(path: Path, config: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = config.get(name)
    if not isinstance(part, dict):
        raise WrongModel(f"{path / CONFIG}: has no {name}", WAY_OUT)
    return part


def _mapping(path: Path, read: Any, error: type[Exception]) -> Mapping[str, Any]:
    try:
        found = read(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, error) as failure:
        raise WrongModel(f"{path}: cannot be read ({type(failure).__name__})", WAY_OUT) from failure
    if not isinstance(found, dict):
        raise WrongModel(f"{path}: is no mapping", WAY_OUT)
    return found
