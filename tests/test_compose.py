"""docker-compose.yaml: valid by the compose specification, complete, and in step with what the code reads."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import pydantic
import pytest
import yaml
from compose_pydantic import ComposeSpecification

ROOT = Path(__file__).resolve().parent.parent
AIRFLOW = {"api-server", "scheduler", "dag-processor", "triggerer", "worker-1", "worker-2"}
SECRET = re.compile(r"PASSWORD|SECRET|FERNET|DSN|CONN$|BROKER_URL|RESULT_BACKEND")


@pytest.fixture
def compose() -> dict[str, Any]:
    """The file, anchors resolved, without `x-` extensions: the specification allows any and an engine reads none."""
    loaded = yaml.safe_load((ROOT / "docker-compose.yaml").read_text())
    return {key: value for key, value in loaded.items() if not key.startswith("x-")}


def test_is_valid_by_the_specification(compose: dict[str, Any]) -> None:
    ComposeSpecification.model_validate(compose)


@pytest.mark.parametrize("mistake", [("imagee", "redis:8"), ("healthcheck", {"retries": ["3"]}), ("ports", "8080")])
def test_a_mistake_is_not_valid(compose: dict[str, Any], mistake: tuple[str, Any]) -> None:
    wrong = copy.deepcopy(compose)
    wrong["services"]["redis"][mistake[0]] = mistake[1]
    with pytest.raises(pydantic.ValidationError):
        ComposeSpecification.model_validate(wrong)


def test_has_every_service_with_a_health_check(compose: dict[str, Any]) -> None:
    assert set(compose["services"]) == AIRFLOW | {"postgres", "redis", "init", "superset"}
    without = [name for name, service in compose["services"].items() if "healthcheck" not in service]
    assert without == ["init"]


def test_services_wait_for_what_they_need(compose: dict[str, Any]) -> None:
    services = compose["services"]
    for name, service in services.items():
        for needed, condition in service.get("depends_on", {}).items():
            assert needed in services, f"{name} waits for {needed}"
            if condition["condition"] == "service_healthy":
                assert "healthcheck" in services[needed], f"{name} waits for the health of {needed}"
    for name in AIRFLOW - {"api-server"}:
        assert services[name]["depends_on"]["api-server"]["condition"] == "service_healthy"


def test_secrets_come_from_the_environment(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        for key, value in service.get("environment", {}).items():
            if SECRET.search(key) and value is not None:
                assert re.search(r"\$\{[A-Z_]+:\?[^}]+\}", str(value)), f"{name}: {key}"


def test_what_reaches_an_object_store_is_handed_on(compose: dict[str, Any]) -> None:
    example = (ROOT / ".env.example").read_text()
    for name in AIRFLOW:
        handed_on = {key for key, value in compose["services"][name]["environment"].items() if value is None}
        assert {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"} <= handed_on, name
        assert all(key in example for key in handed_on)


def test_settings_and_queries_of_the_shop_are_mounted(compose: dict[str, Any]) -> None:
    for name in AIRFLOW:
        assert "./config:/config:ro" in compose["services"][name]["volumes"], name
    assert "RECSYS_CONFIG=/config/" in (ROOT / ".env.example").read_text()


def test_commands_leave_variables_to_the_container(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        given = set(service.get("environment", {})) | {"HOSTNAME"}
        words = [*service.get("command", []), *service.get("healthcheck", {}).get("test", [])]
        for text in map(str, words):
            assert not re.search(r"(?<!\$)\$(?!\$)", text), (
                f"{name}: a single $ is replaced before the container sees it"
            )
            assert set(re.findall(r"\$\$\{?([A-Z_]+)", text)) <= given, name


def test_no_check_shows_a_secret_in_the_list_of_processes(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        for text in map(str, service.get("healthcheck", {}).get("test", [])):
            # A variable that is set for a command is no argument of it.
            told = re.sub(r'\b[A-Z_]+="\$\$[A-Z_]+" ', "", text)
            assert not any(SECRET.search(used) for used in re.findall(r"\$\$\{?([A-Z_]+)", told)), name


def test_ports_are_on_loopback(compose: dict[str, Any]) -> None:
    ports = [port for service in compose["services"].values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_variables_are_those_that_the_code_reads(compose: dict[str, Any]) -> None:
    files = [path for folder in ("recsys", "plugins", "dags") for path in (ROOT / folder).rglob("*.py")]
    read = {name for path in files for name in re.findall(r"RECSYS_[A-Z_]+", path.read_text())}
    for name in AIRFLOW:
        given = {key for key in compose["services"][name]["environment"] if key.startswith("RECSYS_")}
        assert given == read, name


def test_superset_gets_what_its_settings_and_preparation_read(compose: dict[str, Any]) -> None:
    text = "".join((ROOT / "bi" / name).read_text() for name in ("superset_config.py", "prepare.py"))
    read = set(re.findall(r"environ(?:\[|\.get\()\"([A-Z_]+)\"", text))
    image = set(re.findall(r"^(?:ENV|   ) ([A-Z_]+)=", (ROOT / "bi" / "Dockerfile").read_text(), re.MULTILINE))
    given = set(compose["services"]["superset"]["environment"])
    assert read == given | {"SUPERSET_HOME"} and "SUPERSET_HOME" in image
    build = ROOT / compose["services"]["superset"]["build"]
    assert (build / "Dockerfile").exists()
    assert "--require-hashes --requirement /opt/recsys/bi/requirements.txt" in (build / "Dockerfile").read_text()
    assert all("--hash=sha256:" in line for line in _requirements(build / "requirements.txt"))


def _requirements(file: Path) -> list[str]:
    """Each locked package with what belongs to it, on one line."""
    lines = (line for line in file.read_text().splitlines() if not line.lstrip().startswith("#"))
    return re.split(r"\n(?=\S)", "\n".join(lines).strip())


@pytest.mark.airflow
def test_airflow_settings_exist(compose: dict[str, Any]) -> None:
    from airflow.configuration import conf

    dockerfile = re.findall(r"AIRFLOW__[A-Z_]+__[A-Z_]+", (ROOT / "Dockerfile").read_text())
    for key in {*compose["services"]["worker-1"]["environment"], *dockerfile}:
        if key.startswith("AIRFLOW__"):
            _, section, option = key.split("__")
            known = conf.configuration_description.get(section.lower(), {}).get("options", {})
            assert option.lower() in known, f"Airflow has no setting [{section.lower()}] {option.lower()}"


def test_image_holds_the_locked_packages_and_the_code() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert "pip install --no-cache-dir --require-hashes --requirement /opt/recsys/requirements.txt" in dockerfile
    admitted = set(re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE))
    copied = set(re.findall(r"^COPY (\S+) ", dockerfile, re.MULTILINE))
    assert copied == admitted
    assert all((ROOT / name).exists() for name in copied)


def test_the_example_environment_lists_every_variable() -> None:
    text = (ROOT / "docker-compose.yaml").read_text()
    example = (ROOT / ".env.example").read_text()
    assert set(re.findall(r"^([A-Z_]+)=$", example, re.MULTILINE)) == set(re.findall(r"\$\{([A-Z_]+):\?", text))
    optional = set(re.findall(r"\$\{([A-Z_]+):-", text))
    assert set(re.findall(r"^# ([A-Z_]+)=", example, re.MULTILINE)) == optional
