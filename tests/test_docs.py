"""The manual does not lie about names: settings, dependencies, make targets, links and commands are those there are."""

import json
import re
from pathlib import Path

import pytest
import typer

from earmark.cli import app
from earmark.settings import PREFIX, Settings

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "data" / "README.md", *sorted(DOCS.glob("*.md"))]
FILES_MADE_BY_TESTS = {"screenshot.png"}


def first_cells(page: Path) -> list[str]:
    """What stands in the first column of a page's tables."""
    return re.findall(r"^\| *`?([^|`]+?)`? *\|", page.read_text(encoding="utf-8"), flags=re.MULTILINE)


def required(name: str) -> set[str]:
    lines = (ROOT / "requirements" / name).read_text(encoding="utf-8").splitlines()
    return {re.split(r"[=<>\[ ]", line)[0] for line in lines if line and line[0] not in "#-"}


def npm_packages() -> set[str]:
    package = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))
    return {*package["dependencies"], *package["devDependencies"]}


def test_every_setting_is_documented_and_no_other() -> None:
    documented = {cell for cell in first_cells(DOCS / "admin.md") if cell.startswith(PREFIX)}
    assert documented == {PREFIX + field.upper() for field in Settings.model_fields}


@pytest.mark.parametrize(
    "field",
    [
        *("max_hours", "max_upload_mb", "least_free_mb", "host", "port", "workers", "sign_in"),
        *(name for name in Settings.model_fields if name.startswith("limit_")),
    ],
)
def test_documented_defaults_are_those_of_the_program(field: str) -> None:
    row = re.search(rf"^\| `{PREFIX}{field.upper()}` \| ([^|]+) \|", (DOCS / "admin.md").read_text(), re.MULTILINE)
    default = Settings.model_fields[field].default
    assert row
    assert row[1].strip("`") == (f"{default:g}" if isinstance(default, float) else str(default))


def dependencies() -> set[str]:
    """Of the reference the package itself; what it imports is not ours to weigh."""
    return required("base.in") | required("dev.in") | required("torch.txt") | {"funasr"} | npm_packages()


@pytest.mark.parametrize("name", sorted(dependencies()))
def test_every_dependency_has_its_line(name: str) -> None:
    assert first_cells(DOCS / "dependencies.md").count(name) == 1


def test_no_line_is_about_a_dependency_that_is_gone() -> None:
    listed = set(first_cells(DOCS / "dependencies.md")) - {"package", "---"}
    assert listed <= dependencies()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_make_target_that_is_named_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    assert set(re.findall(r"(?:^ {4}|`)make ([a-z]+)", page.read_text(encoding="utf-8"), flags=re.MULTILINE)) <= targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_that_is_named_exists(page: Path) -> None:
    command = typer.main.get_command(app)
    known = set(getattr(command, "commands", {}))
    text = page.read_text(encoding="utf-8")
    named = set(re.findall(r"(?:^ {4}|`|bin/)earmark (?:--home \S+ )?([a-z]+)", text, flags=re.MULTILINE))
    assert named <= known


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8"))
    gone = [link for link in links if not (page.parent / link).exists() and Path(link).name not in FILES_MADE_BY_TESTS]
    assert not gone


def test_the_licence_is_the_whole_apache_licence() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text
    assert "END OF TERMS AND CONDITIONS" in text
