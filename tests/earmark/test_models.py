"""Fetching a model over real HTTP, from a server that plays both hubs: broken off, wrong, hostile."""

import hashlib
import json
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from assistant.errors import BadInput, Busy
from bench.random_fun_asr import build_small_model
from earmark.models import FUN_ASR, REPOSITORIES, Hub, HubTrouble, Pull, list_models, model_folder
from knowledge.model_files import recorded_digest
from tests.product.running import earmark

REPOSITORY = REPOSITORIES[FUN_ASR]


class HubServer:
    """`files`: what it has. `breaks_after`: bytes of an answer after which it hangs up, once. `lies`: digests."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.breaks_after: int | None = None
        self.lies: dict[str, str] = {}
        self.asked: list[tuple[str, str | None]] = []
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                hub.answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        url = urlsplit(request.path)
        if url.path == f"/api/models/{REPOSITORY}/tree/main":
            return self._send(request, json.dumps([self._of_huggingface(name) for name in self.files]).encode())
        if url.path == f"/api/v1/models/{REPOSITORY}/repo/files":
            listed = [self._of_modelscope(name) for name in self.files]
            return self._send(request, json.dumps({"Code": 200, "Data": {"Files": listed}}).encode())
        name = url.path.removeprefix(f"/{REPOSITORY}/resolve/main/")
        if url.path == f"/api/v1/models/{REPOSITORY}/repo":
            [name] = parse_qs(url.query)["FilePath"]
        if name not in self.files:
            request.send_error(404)
            return None
        self.asked.append((name, request.headers.get("Range")))
        return self._send_file(request, self.files[name])

    def _send_file(self, request: BaseHTTPRequestHandler, content: bytes) -> None:
        begin = int((request.headers.get("Range") or "bytes=0-").removeprefix("bytes=").rstrip("-"))
        request.send_response(206 if begin else 200)
        request.send_header("Content-Length", str(len(content) - begin))
        request.end_headers()
        if self.breaks_after is not None and len(content) - begin > self.breaks_after:
            request.wfile.write(content[begin : begin + self.breaks_after])
            self.breaks_after = None
            return
        request.wfile.write(content[begin:])

    def _send(self, request: BaseHTTPRequestHandler, content: bytes) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)

    def _sha256(self, name: str) -> str:
        return self.lies.get(name) or hashlib.sha256(self.files[name]).hexdigest()

    def _of_huggingface(self, name: str) -> dict[str, object]:
        content = self.files[name]
        git = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
        listed: dict[str, object] = {"type": "file", "path": name, "size": len(content), "oid": git}
        return listed | ({"lfs": {"oid": self._sha256(name)}} if name.endswith(".pt") else {})

    def _of_modelscope(self, name: str) -> dict[str, object]:
        return {"Path": name, "Size": len(self.files[name]), "Sha256": self._sha256(name), "Type": "blob"}


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = build_small_model(tmp_path_factory.mktemp("published") / "small")
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    extra = {"MODEL_LICENSE": b"Use it kindly.", "README.md": b"# Model", "example/zh.mp3": b"no", "model.py": b"no"}
    return files | extra


@pytest.fixture
def hub(published: dict[str, bytes]) -> Iterator[HubServer]:
    server = HubServer(dict(published))
    yield server
    server.close()


def quiet(_path: str, _size: int) -> None:
    pass


@pytest.mark.parametrize("kind", Hub)
def test_a_model_comes_whole_with_its_licence_and_without_code(
    hub: HubServer, published: dict[str, bytes], tmp_path: Path, kind: Hub
) -> None:
    came: dict[str, int] = {}
    with closing(Pull(tmp_path, FUN_ASR, kind, endpoint=hub.url)) as pull:
        assert pull.licence() == "Use it kindly."
        folder = pull.fetch(on_progress=lambda path, size: came.update({path: came.get(path, 0) + size}))
    assert folder == model_folder(tmp_path, FUN_ASR)
    there = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert there == {name: published[name] for name in published if name not in ("example/zh.mp3", "model.py")}
    assert came == {name: len(content) for name, content in there.items()}
    [known] = list_models(tmp_path)
    assert known.complete
    assert str(folder.resolve()) in json.loads((tmp_path / "models" / "digests.json").read_text())


def test_a_fetch_that_broke_off_goes_on_from_there(hub: HubServer, published: dict[str, bytes], tmp_path: Path) -> None:
    hub.breaks_after = len(published["model.pt"]) // 2
    with closing(Pull(tmp_path, FUN_ASR, Hub.MODELSCOPE, endpoint=hub.url)) as pull:
        with pytest.raises(HubTrouble, match=r"model\.pt did not come"):
            pull.fetch(on_progress=quiet)
        assert not list_models(tmp_path)[0].complete
        assert list_models(tmp_path)[0].size_bytes > 0
        hub.asked.clear()
        folder = pull.fetch(on_progress=quiet)
    resumed = dict(hub.asked)["model.pt"]
    assert resumed is not None
    assert int(resumed.removeprefix("bytes=").rstrip("-")) > 0
    assert (folder / "model.pt").read_bytes() == published["model.pt"]


@pytest.mark.parametrize("kind", Hub)
def test_what_is_not_what_was_announced_never_gets_a_name(hub: HubServer, tmp_path: Path, kind: Hub) -> None:
    hub.lies["model.pt"] = "0" * 64
    with closing(Pull(tmp_path, FUN_ASR, kind, endpoint=hub.url)) as pull:
        for _ in range(2):
            with pytest.raises(HubTrouble, match=r"model\.pt: what came is not what the hub announced"):
                pull.fetch(on_progress=quiet)
    assert not list(tmp_path.rglob("model.pt*"))
    assert not model_folder(tmp_path, FUN_ASR).exists()


@pytest.mark.parametrize("name", ["../evil.json", "/etc/evil.json", "a\\..\\evil.json"])
def test_a_hub_s_names_lead_nowhere(hub: HubServer, tmp_path: Path, name: str) -> None:
    hub.files[name] = b"{}"
    with pytest.raises(HubTrouble, match="no name of a file in a model"):
        Pull(tmp_path, FUN_ASR, Hub.MODELSCOPE, endpoint=hub.url)


UNREACHABLE: dict[str, Callable[[HubServer], str]] = {
    "nobody there": lambda _: "http://127.0.0.1:9",
    "another server": lambda hub: f"{hub.url}/elsewhere",
}


@pytest.mark.parametrize("kind", UNREACHABLE)
def test_a_hub_that_cannot_be_asked_is_named(hub: HubServer, tmp_path: Path, kind: str) -> None:
    endpoint = UNREACHABLE[kind](hub)
    with pytest.raises(HubTrouble, match=endpoint):
        Pull(tmp_path, FUN_ASR, Hub.HUGGINGFACE, endpoint=endpoint)


def test_a_model_that_was_removed_and_changed_at_the_hub_is_fetched_anew(hub: HubServer, tmp_path: Path) -> None:
    for text in (b"old", b"new"):
        hub.files["configuration.txt"] = text
        with closing(Pull(tmp_path, FUN_ASR, Hub.MODELSCOPE, endpoint=hub.url)) as pull:
            folder = pull.fetch(on_progress=quiet)
        recorded_digest(folder, tmp_path / "models" / "digests.json")
        assert (folder / "configuration.txt").read_bytes() == text
        shutil.rmtree(folder)


def test_two_fetches_of_one_model_never_share_a_file(hub: HubServer, tmp_path: Path) -> None:
    first, second = (Pull(tmp_path, FUN_ASR, Hub.MODELSCOPE, endpoint=hub.url) for _ in range(2))

    def meanwhile(_path: str, _size: int) -> None:
        with pytest.raises(Busy, match="is being fetched already"):
            second.fetch(on_progress=quiet)

    with closing(first), closing(second):
        first.fetch(on_progress=meanwhile)


def test_an_unknown_model_and_one_that_is_there_are_refused(hub: HubServer, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="known: fun-asr-mlt-nano-2512"):
        Pull(tmp_path, "whisper", Hub.MODELSCOPE, endpoint=hub.url)
    model_folder(tmp_path, FUN_ASR).mkdir(parents=True)
    with pytest.raises(BadInput, match="is there already"):
        Pull(tmp_path, FUN_ASR, Hub.MODELSCOPE, endpoint=hub.url)


@pytest.mark.slow
def test_by_command_the_licence_comes_first_and_then_one_setting_runs_it(hub: HubServer, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shown = earmark(home, "models", "pull", "--endpoint", hub.url)
    assert (shown.code, "Use it kindly." in shown.out, "--accept-licence" in shown.err) == (2, True, True)
    assert not (home / "models").exists()
    assert earmark(home, "models", "pull", "--endpoint", hub.url, "--accept-licence").code == 0
    assert earmark(home, "models", "list", "--json").json[0]["complete"]
    recording = min((Path(__file__).parents[2] / "data" / "questions").glob("*.flac"))
    heard = earmark(home, "transcribe", recording, EARMARK_RECOGNIZER="funasr")
    assert heard.code == 0, heard.err
