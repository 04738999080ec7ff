"""Dockerfile, docker-compose.yml and the commands that our texts name, held against the code: nobody runs containers in these tests."""

import fnmatch
import json
import re
import shlex
import tomllib
from collections.abc import Iterator
from typing import Any, cast

import pytest
import typer
import yaml

from service import cli
from service.ops import health
from service.settings import Settings
from tests.unit.house import settings_page, sources

DOCKERFILE = (sources.ROOT / "Dockerfile").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((sources.ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service.get("image") == "morning-memo"}
VARIABLES = {settings_page.variable(name) for name in Settings.model_fields} | {"MEMO_SECRETS_DIR"}
PORT = 8300
# `memo …` in back quotes, or at the beginning of a line of a code block.
SHOWN = re.compile(r"`memo ([a-z][^`]*)`|^(?:\$ )?memo ([a-z].*)$", re.MULTILINE)


def instructions(name: str) -> list[str]:
    joined = re.sub(r"\\\n\s*", " ", DOCKERFILE)
    return [
        line.removeprefix(f"{name} ").strip() for line in joined.splitlines() if line.startswith(f"{name} ")
    ]


def problem_with(words: list[str]) -> str | None:
    """What is wrong with a command line of `memo`, judged by the command line's own definition."""
    command: Any = typer.main.get_command(cli.app)
    while words and getattr(command, "commands", None):
        if words[0] not in command.commands:
            return f"there is no command {words[0]}"
        command, words = command.commands[words[0]], words[1:]
    options = {option for parameter in command.params for option in parameter.opts}
    unknown = [word for word in words if word.startswith("--") and word.partition("=")[0] not in options]
    return f"{command.name} does not know {unknown[0]}" if unknown else None


def commands_shown() -> Iterator[tuple[str, str]]:
    for path, text in sources.texts().items():
        if path.endswith(".md") or path in {".ci/run", "Makefile", "docker-compose.yml"}:
            for found in SHOWN.finditer(text.replace("\\\n", " ")):
                yield path, (found[1] or found[2]).partition("#")[0].strip()


def test_the_image_copies_what_exists_and_is_not_ignored() -> None:
    allowed = {
        line[1:] for line in (sources.ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")
    }
    copied = {
        name for line in instructions("COPY") if not line.startswith("--from") for name in line.split()[:-1]
    }
    assert copied == allowed
    assert all((sources.ROOT / name).exists() for name in copied)


def test_the_image_holds_all_that_the_build_ships() -> None:
    project = tomllib.loads((sources.ROOT / "pyproject.toml").read_text())
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    wanted = {*wheel["packages"], *wheel["force-include"], project["project"]["readme"]}
    copied = {name for line in instructions("COPY") for name in line.split()[:-1]}
    assert wanted <= copied


def test_the_image_runs_our_command_without_rights_on_our_port() -> None:
    assert instructions("USER")[-1] not in {"root", "0"}
    command = cast(list[str], json.loads(instructions("CMD")[-1]))
    assert command[0] == "memo"
    assert problem_with(command[1:]) is None
    assert instructions("EXPOSE") == [str(PORT)]
    assert f"MEMO_PORT={PORT}" in DOCKERFILE
    assert Settings.model_fields["port"].default == PORT


def test_the_health_check_asks_an_address_that_is_there() -> None:
    asked = re.search(r"http://127\.0\.0\.1:(\d+)(/\w+)", DOCKERFILE)
    assert asked
    assert int(asked[1]) == PORT
    assert asked[2] in {getattr(route, "path", "") for route in health.router.routes}


def test_both_files_name_only_settings_that_exist() -> None:
    named = sources.variables(DOCKERFILE) | sources.variables(
        (sources.ROOT / "docker-compose.yml").read_text()
    )
    assert len(named) > 5
    assert named <= VARIABLES


def test_the_parts_are_there() -> None:
    assert {"app", "worker", "migrate", "postgres", "mailpit"} == set(SERVICES)
    assert set(OURS) == {"app", "worker", "migrate"}
    assert SERVICES["postgres"]["image"] == "postgres:18", "the version that the tests run on"


@pytest.mark.parametrize("name", sorted(OURS))
def test_a_part_of_ours_runs_a_command_that_exists(name: str) -> None:
    command = OURS[name]["command"]
    assert command[0] == "memo"
    assert problem_with(command[1:]) is None
    assert OURS[name]["read_only"]
    assert OURS[name]["cap_drop"] == ["ALL"]


def test_secrets_are_files_that_the_settings_read() -> None:
    declared = set(COMPOSE["secrets"])
    assert {secret for part in SERVICES.values() for secret in part.get("secrets", [])} == declared
    fields = {f"memo_{name}" for name in Settings.model_fields}
    for part in OURS.values():
        assert set(part["secrets"]) <= fields
        assert part["environment"]["MEMO_SECRETS_DIR"] == "/run/secrets"
    for name, secret in COMPOSE["secrets"].items():
        assert secret["file"] == f"./secrets/{name}"
    assert "secrets/" in (sources.ROOT / ".gitignore").read_text().splitlines()


def test_parts_depend_on_parts_and_keep_declared_volumes() -> None:
    for part in SERVICES.values():
        assert set(part.get("depends_on", {})) <= set(SERVICES)
        named = {volume.partition(":")[0] for volume in part.get("volumes", [])}
        assert named <= set(COMPOSE["volumes"])
    assert "healthcheck" in SERVICES["postgres"]


def test_ports_open_on_this_computer_only() -> None:
    assert SERVICES["app"]["ports"] == [f"127.0.0.1:{PORT}:{PORT}"]
    assert all(port.startswith("127.0.0.1:") for part in SERVICES.values() for port in part.get("ports", []))


def test_every_command_that_a_text_shows_exists() -> None:
    shown = list(commands_shown())
    assert len(shown) > 5
    problems = [(path, line, problem_with(shlex.split(line))) for path, line in shown]
    assert not [problem for problem in problems if problem[2]]


@pytest.mark.parametrize("line", ["sevre", "serve --no-wroker", "account remove"])
def test_a_wrong_command_is_noticed(line: str) -> None:
    assert problem_with(line.split())


def test_the_ignored_tree_hides_no_secret_from_review() -> None:
    patterns = (sources.ROOT / ".dockerignore").read_text().splitlines()
    assert patterns[0] == "*", "all is left out but what is named"
    assert not [
        name
        for name in ("secrets", "var", ".venv", ".git")
        if any(fnmatch.fnmatch(f"!{name}", p) for p in patterns[1:])
    ]
