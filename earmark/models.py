"""Model folders fetched once from a hub: resumed where a fetch broke off, every file checked, put in place whole.

The one part of Earmark that goes to the network, and only when it is told to.
"""

import hashlib
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Any

import httpx

from assistant.errors import BadInput, Busy, DiskFull, PartDown
from knowledge.file_lock import file_lock
from knowledge.model_files import MODEL_CODE, recorded_digest

BLOCK_BYTES = 1 << 16
TIMEOUT = httpx.Timeout(60.0, connect=15.0)
NEEDED = frozenset({".yaml", ".yml", ".json", ".pt", ".txt", ".safetensors", ".model", ".jinja"})
"""Suffixes of what a model is read from; pictures and examples beside it are left at the hub, code always."""


class Hub(StrEnum):
    MODELSCOPE = "modelscope"
    HUGGINGFACE = "huggingface"


ENDPOINTS = {Hub.MODELSCOPE: "https://www.modelscope.cn", Hub.HUGGINGFACE: "https://huggingface.co"}
REPOSITORIES = {"fun-asr-mlt-nano-2512": "FunAudioLLM/Fun-ASR-MLT-Nano-2512"}
FUN_ASR = "fun-asr-mlt-nano-2512"


class HubTrouble(PartDown):
    """The hub could not be reached, or gave something else than it announced."""

    kind = "hub-trouble"


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """`sha256`: None where the hub tells none; then `git_sha1`, of the content as git stores it, is there."""

    path: str
    size_bytes: int
    sha256: str | None
    git_sha1: str | None = None

    @property
    def is_licence(self) -> bool:
        return "license" in PurePosixPath(self.path).name.lower() or "licence" in PurePosixPath(self.path).name.lower()


@dataclass(frozen=True, slots=True)
class Model:
    """A known model and its folder in this home. `complete`: it was fetched to its end."""

    name: str
    folder: Path
    complete: bool
    size_bytes: int


def model_folder(home: Path, name: str) -> Path:
    return home / "models" / name


def list_models(home: Path) -> list[Model]:
    """Every known model, there or not."""
    models = []
    for name in REPOSITORIES:
        folder = model_folder(home, name)
        staged = folder if folder.is_dir() else _staging(folder)
        models.append(Model(name, folder, folder.is_dir(), _bytes_in(staged)))
    return models


class Pull:
    """One model from one hub into a home. Raises HubTrouble, BadInput, DiskFull, Busy."""

    def __init__(self, home: Path, name: str, hub: Hub, *, endpoint: str | None = None) -> None:
        if name not in REPOSITORIES:
            raise BadInput(f"no model is called {name}", f"known: {', '.join(REPOSITORIES)}")
        self.folder = model_folder(home, name)
        if self.folder.exists():
            raise BadInput(f"{self.folder} is there already", "remove it first, to fetch the model anew")
        self._digests = home / "models" / "digests.json"
        self._repository, self._hub = REPOSITORIES[name], hub
        self._endpoint = (endpoint or ENDPOINTS[hub]).rstrip("/")
        self._http = httpx.Client(timeout=TIMEOUT, follow_redirects=True)
        self.files = [file for file in self._listed() if _is_wanted(file)]

    @property
    def size_bytes(self) -> int:
        return sum(file.size_bytes for file in self.files)

    def licence(self) -> str:
        """The text of the weights' licence, or where to look for it."""
        texts = [self._fetched_text(file) for file in self.files if file.is_licence]
        return "\n\n".join(texts) or f"{self._endpoint}/{self._repository} names it; no licence file lies beside it."

    def fetch(self, *, on_progress: Callable[[str, int], None]) -> Path:
        """Everything, then put in place. `on_progress`: a file's path and bytes that came now. Called again it goes
        on where it broke off."""
        staging = _staging(self.folder)
        staging.mkdir(mode=0o700, parents=True, exist_ok=True)
        with file_lock(staging.with_name(f"{staging.name}.lock"), wait_s=0) as had:
            if not had:
                raise Busy(f"{self.folder.name} is being fetched already", "wait until that is through")
            return self._fetch_into(staging, on_progress)

    def _fetch_into(self, staging: Path, on_progress: Callable[[str, int], None]) -> Path:
        there = _bytes_in(staging)
        free = shutil.disk_usage(staging).free
        if free < self.size_bytes - there:
            needed = (self.size_bytes - there) / 1e9
            raise DiskFull(f"{needed:.1f} GB are needed, {free / 1e9:.1f} GB are free", "free some disk space")
        for file in self.files:
            self._fetch_file(file, staging / file.path, on_progress)
        staging.rename(self.folder)
        recorded_digest(self.folder, self._digests, anew=True)
        return self.folder

    def close(self) -> None:
        self._http.close()

    def _fetch_file(self, file: RemoteFile, target: Path, on_progress: Callable[[str, int], None]) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists():
            on_progress(file.path, file.size_bytes)
            return
        partial = target.with_name(f"{target.name}.part")
        for block in self._blocks(file, partial, on_progress):
            with partial.open("ab") as sink:
                sink.write(block)
            on_progress(file.path, len(block))
        partial.touch()
        if not _is_whole(partial, file):
            partial.unlink()
            raise HubTrouble(f"{file.path}: what came is not what the hub announced", "try again, or the other hub")
        partial.rename(target)

    def _blocks(self, file: RemoteFile, partial: Path, on_progress: Callable[[str, int], None]) -> Iterator[bytes]:
        have = partial.stat().st_size if partial.exists() else 0
        if have >= file.size_bytes:
            on_progress(file.path, have)
            return
        headers = {"Range": f"bytes={have}-"} if have else {}
        try:
            with self._http.stream("GET", self._url(file.path), headers=headers) as reply:
                reply.raise_for_status()
                if have and reply.status_code != httpx.codes.PARTIAL_CONTENT:
                    partial.unlink()  # this hub begins anew
                else:
                    on_progress(file.path, have)
                yield from reply.iter_bytes(BLOCK_BYTES)
        except httpx.HTTPError as error:
            raise self._trouble(file.path, error) from error

    def _listed(self) -> list[RemoteFile]:
        if self._hub is Hub.HUGGINGFACE:
            listed = self._json(f"/api/models/{self._repository}/tree/main?recursive=true")
            return [_of_huggingface(each) for each in listed if each.get("type") == "file"]
        listed = self._json(f"/api/v1/models/{self._repository}/repo/files?Revision=master&Recursive=true")
        return [_of_modelscope(each) for each in listed["Data"]["Files"] if each.get("Type") != "tree"]

    def _url(self, path: str) -> str:
        if self._hub is Hub.HUGGINGFACE:
            return f"{self._endpoint}/{self._repository}/resolve/main/{path}"
        query = httpx.QueryParams({"Revision": "master", "FilePath": path})
        return f"{self._endpoint}/api/v1/models/{self._repository}/repo?{query}"

    def _json(self, path: str) -> Any:
        try:
            reply = self._http.get(self._endpoint + path)
            reply.raise_for_status()
            return reply.json()
        except (httpx.HTTPError, ValueError) as error:
            raise self._trouble("the list of files", error) from error

    def _fetched_text(self, file: RemoteFile) -> str:
        try:
            reply = self._http.get(self._url(file.path))
            reply.raise_for_status()
        except httpx.HTTPError as error:
            raise self._trouble(file.path, error) from error
        return reply.text

    def _trouble(self, what: str, error: Exception) -> HubTrouble:
        reason = str(error) or type(error).__name__
        return HubTrouble(f"{self._endpoint}: {what} did not come: {reason[:200]}", "try again: it goes on from there")


def _bytes_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _staging(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.coming")


def _is_wanted(file: RemoteFile) -> bool:
    path = PurePosixPath(file.path)
    if path.is_absolute() or ".." in path.parts or "\\" in file.path:
        raise HubTrouble(f"{file.path[:80]!r}: no name of a file in a model", "try the other hub")
    if path.suffix.lower() in MODEL_CODE or any(part.startswith(".") for part in path.parts):
        return False
    return path.suffix.lower() in NEEDED or file.is_licence or path.name == "README.md"


def _is_whole(path: Path, file: RemoteFile) -> bool:
    if path.stat().st_size != file.size_bytes:
        return False
    if file.sha256 is not None:
        with path.open("rb") as source:
            return hashlib.file_digest(source, "sha256").hexdigest() == file.sha256.lower()
    if file.git_sha1 is not None:
        content = path.read_bytes()
        # Git's own name of a content; it is what this hub tells of small files.
        return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest() == file.git_sha1
    return False


def _of_huggingface(listed: dict[str, Any]) -> RemoteFile:
    large = listed.get("lfs") or {}
    return RemoteFile(listed["path"], int(listed["size"]), large.get("oid"), listed.get("oid"))


def _of_modelscope(listed: dict[str, Any]) -> RemoteFile:
    return RemoteFile(listed["Path"], int(listed["Size"]), listed.get("Sha256"))
