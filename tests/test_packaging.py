"""What is shipped around the program: a whole wheel, nothing that runs as root, papers that name only what is there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import msgspec
import pytest
from typer.main import get_command
from typer.testing import CliRunner

from agentlocator.cli import app
from agentlocator.config import Settings
from agentlocator.server import KEEP_ALIVE_S

ROOT = Path(__file__).parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE = (ROOT / "compose.yaml").read_text()
UNITS = sorted((ROOT / "deploy").glob("*.service")) + sorted((ROOT / "deploy").glob("*.timer"))
PAPERS = [ROOT / "README.md", ROOT / "docs" / "going-live.md", ROOT / "docs" / "operations.md"]
NOT_OURS = {"PATH", "PYTHONUNBUFFERED"}


def test_the_wheel_holds_every_file_of_the_package(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    shipped = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("agentlocator/")}
    listed = subprocess.run(
        ["git", "ls-files", "src"], cwd=ROOT, check=False, capture_output=True, text=True
    ).stdout.split()
    if not listed:
        pytest.skip("not a checkout")
    assert {name.removeprefix("src/") for name in listed if (ROOT / name).exists()} <= shipped


def test_nothing_runs_as_root() -> None:
    for dockerfile in (DOCKERFILE, (ROOT / "whatsapp-bridge" / "Dockerfile").read_text()):
        assert re.findall(r"^USER (\w+)$", dockerfile, re.M)[-1] in ("agentlocator", "node")
    for unit in UNITS:
        if unit.suffix == ".service":
            assert "\nUser=agentlocator\n" in unit.read_text()


def test_every_variable_that_is_set_is_a_setting() -> None:
    known = {name.upper() for name in Settings.model_fields} | NOT_OURS
    image = " ".join(re.findall(r"^ENV (.*)$", DOCKERFILE.rpartition("\nFROM ")[2], re.M))
    service = COMPOSE.partition("    environment:\n")[2].partition("    volumes:")[0]
    named = {
        *re.findall(r"(\w+)=", image),
        *re.findall(r"^      (\w+):", service, re.M),
        *(name for unit in UNITS for name in re.findall(r"^Environment=(\w+)=", unit.read_text(), re.M)),
    }
    assert {"DATA_DIR", "HOST", "PORT", "DATABASE_URL", "PUBLIC_URL"} <= named
    assert named <= known


def test_the_image_gets_every_file_it_copies() -> None:
    let_in = re.findall(r"^!(\S+?)/?$", (ROOT / ".dockerignore").read_text(), re.M)
    copied = [
        word.rstrip("/") for line in re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, re.M) for word in line.split()
    ]
    assert sorted(copied) == sorted(let_in)
    assert all((ROOT / name).exists() for name in copied)


def test_a_proxy_of_ours_compresses_nothing() -> None:
    caddyfile = (ROOT / "deploy" / "Caddyfile").read_text()
    assert not re.search(r"^\s*encode\b", caddyfile, re.M)
    assert "header_up -Sec-WebSocket-Extensions" in caddyfile


def test_the_proxy_gives_up_an_idle_connection_before_the_server_does() -> None:
    (seconds,) = re.findall(r"^\s*keepalive (\d+)s$", (ROOT / "deploy" / "Caddyfile").read_text(), re.M)
    assert int(seconds) < KEEP_ALIVE_S


class _Health(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/healthz" else 404)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """The test's output is no log."""


@pytest.fixture
def healthy_port() -> Iterator[int]:
    server = HTTPServer(("127.0.0.1", 0), _Health)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_health_check_tells_a_living_server_from_a_closed_port(healthy_port: int) -> None:
    command = msgspec.json.decode(DOCKERFILE.partition("HEALTHCHECK")[2].partition("CMD ")[2].partition("\n")[0])
    assert command[0] == "python"

    def look(port: int) -> int:
        environment = {**os.environ, "PORT": str(port)}
        done = subprocess.run([sys.executable, *command[1:]], env=environment, capture_output=True, check=False)
        return done.returncode

    assert look(healthy_port) == 0
    assert look(9) != 0


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_takes_the_units(unit: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd is not here")
    said = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False).stderr
    # The program is not installed where the unit expects it, on a machine that only tests.
    faults = [line for line in said.splitlines() if unit.name in line and "is not executable" not in line]
    assert faults == []


@pytest.mark.parametrize("paper", PAPERS, ids=lambda paper: paper.name)
def test_no_paper_names_a_verb_or_an_option_that_is_not_there(paper: Path) -> None:
    commands = get_command(app).commands  # type: ignore[attr-defined]  # a group has some
    for line in paper.read_text(encoding="utf-8").splitlines():
        for written in re.findall(r"agentlocator ((?:[a-z]+ ?)+[^`|#]*)", line):
            words = written.split()
            verb = words[0]
            # "agentlocator agentlocator" is a user and a group, and other words are sentences.
            if verb not in commands:
                assert f"`agentlocator {verb}" not in line, line
                continue
            path = [verb]
            if hasattr(commands[verb], "commands") and len(words) > 1 and words[1] in commands[verb].commands:
                path.append(words[1])
            shown = CliRunner().invoke(app, [*path, "--help"], env={"COLUMNS": "200", "TERM": "dumb"}).output
            for option in re.findall(r"--[a-z-]+", written):
                assert option in shown, f"{paper.name}: {path} has no {option}"
