from pathlib import Path

import pytest

from earmark.build import engine_spec
from earmark.settings import PREFIX, RecogniserName, SettingsError, read_settings


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in [name for name in os.environ if name.startswith("EARMARK_")]:
        monkeypatch.delenv(name)


def test_flags_win_over_the_environment_and_that_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "earmark.toml").write_text("port = 1001\nmax_hours = 3\nworkers = 2\n")
    monkeypatch.setenv("EARMARK_PORT", "1002")
    monkeypatch.setenv("EARMARK_MAX_HOURS", "4")
    settings = read_settings({"home": tmp_path, "port": 1003})
    assert (settings.port, settings.max_hours, settings.workers) == (1003, 4.0, 2)


def test_home_may_come_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EARMARK_HOME", str(tmp_path))
    assert read_settings().home == tmp_path
    assert read_settings().database == f"sqlite:///{tmp_path / 'earmark.db'}"


def test_a_misspelt_environment_name_is_refused_with_the_nearest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EARMARK_RECOGNISER", "remote")
    with pytest.raises(SettingsError, match="did you mean EARMARK_RECOGNIZER"):
        read_settings({"home": tmp_path})


def test_a_misspelt_name_in_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "earmark.toml").write_text("max_hour = 3\n")
    with pytest.raises(SettingsError, match=r"earmark\.toml: unknown setting max_hour; did you mean max_hours"):
        read_settings({"home": tmp_path})


@pytest.mark.parametrize("text", ["port = ", "\xff\xfe", "port = 'many'", "port = 70000", "recognizer = 'parrot'"])
def test_a_broken_file_or_value_is_refused_by_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "earmark.toml").write_bytes(text.encode("latin-1"))
    with pytest.raises(SettingsError, match=r"earmark\.toml|port|recognizer"):
        read_settings({"home": tmp_path})


def test_defaults_are_the_embedded_ones(tmp_path: Path) -> None:
    settings = read_settings({"home": tmp_path})
    assert settings.recognizer is RecogniserName.POCKETSPHINX
    assert settings.embedder == "all-MiniLM-L6-v2"
    assert settings.host == "127.0.0.1"


def test_what_is_made_of_the_embedder_lies_in_the_home(tmp_path: Path) -> None:
    assert engine_spec(read_settings({"home": tmp_path})).embedder.exports == str(tmp_path / "exported")


@pytest.mark.parametrize(("name", "given"), [("fewest_people", "4"), ("time_zone", "Berlin"), ("time_zone", "../etc")])
def test_figures_of_fewer_than_five_and_unknown_time_zones_are_refused(
    name: str, given: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"{PREFIX}{name.upper()}", given)
    with pytest.raises(SettingsError, match=name):
        read_settings()
