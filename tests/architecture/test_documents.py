"""What the documents say is complete, and what they point to exists."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from db_provisioners.errors import ProvisionerError
from db_provisioners.postgresql.settings import PostgresqlSettings
from idp_providers.self_hosted.settings import SelfHostedSettings
from tenant_api.kernel.errors import TenantApiError
from tenant_api.operations import engine
from tenant_api.settings import Settings
from tenant_api.settings.environment import Catalogue, variable_of
from tenant_api.settings.tree import BootstrapClient
from tenant_api.web.problems import URN

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
ROW = re.compile(r"^\| `(?P<name>[A-Za-z_]+)` \| (?P<default>[^|]+) \| (?P<meaning>.+) \|$", re.MULTILINE)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?P<target>[^)\s]+)\)")
EXAMPLE = re.compile(r"^```(\w+)\n(#) ([\w./]+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
# Where this was written is nobody's business; a home folder or a scratch folder in an example would not exist either.
MACHINE_PATHS = re.compile(r"(?<![\w.])/(?:work|root|home|tmp)/")
COMPUTED = {"TENANT_API_EMBEDDED__FOLDER", "TENANT_API_IDENTITY__CLIENTS"}


def tracked(*patterns: str) -> list[Path]:
    """Files of the repository, those that are not yet committed included."""
    command = ["git", "ls-files", "-co", "--exclude-standard", *patterns]
    listed = subprocess.check_output(command, cwd=ROOT, text=True).splitlines()
    return [ROOT / name for name in listed if (ROOT / name).is_file()]


def documents() -> list[Path]:
    return tracked("*.md")


def rows() -> dict[str, str]:
    """The settings that the document lists, with what it says about their defaults."""
    return {row["name"]: row["default"].strip() for row in ROW.finditer((DOCS / "settings.md").read_text())}


def written(default: Any) -> str:
    """A default as the document shows it."""
    if default is PydanticUndefined:
        return "required"
    if default is None:
        return "none"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if default == ():
        return "empty list"
    return f"`{default}`" if default != "" else "empty"


def defaults_of(model: type[BaseModel], above: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """Every setting below a model by variable, with its default."""
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from defaults_of(field.annotation, (*above, name))
        elif field.default_factory is None:
            yield variable_of((*above, name)), written(field.default)


def service_settings() -> dict[str, str]:
    return {name: shown for name, shown in defaults_of(Settings) if name not in COMPUTED}


def plugin_settings() -> dict[str, str]:
    chosen: dict[str, type[BaseModel]] = {"idp": SelfHostedSettings, "provisioner": PostgresqlSettings}
    return {name: shown for family, model in chosen.items() for name, shown in defaults_of(model, (family, "settings"))}


def codes_of(base: type[Exception]) -> set[str]:
    """The codes of a family of errors."""
    return {base.code, *(code for kind in base.__subclasses__() for code in codes_of(kind))}  # type: ignore[attr-defined]


def test_every_setting_is_documented_and_no_other() -> None:
    catalogue = Catalogue.of(Settings)
    known = set(catalogue.paths) | set(plugin_settings())
    assert {name for name in rows() if name.startswith("TENANT_API_")} == known


@pytest.mark.parametrize(("variable", "default"), sorted((service_settings() | plugin_settings()).items()))
def test_a_documented_default_is_the_real_one(variable: str, default: str) -> None:
    assert rows()[variable] == default


def test_every_member_of_a_bootstrap_client_is_documented() -> None:
    assert set(BootstrapClient.model_fields) <= set(rows())


def test_an_example_of_bootstrap_clients_is_valid() -> None:
    (example,) = re.findall(r"TENANT_API_IDENTITY__CLIENTS='(\[.*?\])'", (DOCS / "settings.md").read_text(), re.DOTALL)
    assert Settings.model_validate({"identity": {"clients": json.loads(example)}}).identity.clients


@pytest.mark.parametrize("code", sorted(codes_of(TenantApiError)))
def test_every_problem_type_is_documented(code: str) -> None:
    assert f"`{URN}{code}`" in (DOCS / "errors.md").read_text()


def test_every_code_of_a_failed_job_is_documented() -> None:
    own = set(re.findall(r'operation_error\(\s*"([a-z-]+)"', Path(engine.__file__).read_text()))
    assert {"unknown-kind", "deadline-exceeded", "unexpected"} <= own
    text = (DOCS / "errors.md").read_text()
    assert [code for code in sorted(own | codes_of(ProvisionerError)) if f"| `{code}` |" not in text] == []


def test_the_plugins_that_the_guide_shows_keep_the_contracts(tmp_path: Path) -> None:
    for language, comment, name, body in EXAMPLE.findall((DOCS / "plugins.md").read_text()):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(body)
        assert (language, comment) in {("toml", "#"), ("python", "#")}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    ran = subprocess.run(command, cwd=tmp_path, env=environment, check=False, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout
    assert re.search(r"^\d\d passed", ran.stdout, re.MULTILINE)


def anchors(document: Path) -> set[str]:
    """The headings of a document as links name them."""
    headings = re.findall(r"^#+ (.+)$", FENCED.sub("", document.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_within_the_repository_leads_somewhere(document: Path) -> None:
    targets = [found["target"] for found in LINK.finditer(FENCED.sub("", document.read_text()))]
    for target in [target for target in targets if not re.match(r"[a-z]+:", target)]:
        place, _, anchor = target.partition("#")
        file = (document.parent / place).resolve() if place else document
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), target


def test_the_readme_says_where_every_part_of_the_service_is() -> None:
    said = (ROOT / "README.md").read_text().partition("## Where things are")[2]
    packages = [folder.name for folder in (ROOT / "tenant_api").iterdir() if (folder / "__init__.py").exists()]
    assert sorted(name for name in packages if not re.search(rf"`(?:tenant_api/)?{name}`", said)) == []


def test_every_document_can_be_reached_from_the_readme() -> None:
    seen: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        document = waiting.pop()
        if document in seen:
            continue
        seen.add(document)
        targets = (found["target"].partition("#")[0] for found in LINK.finditer(document.read_text()))
        linked = [(document.parent / target).resolve() for target in targets if target and ":" not in target]
        waiting += [place for place in linked if place.suffix == ".md" and place.exists()]
        waiting += [page for place in linked if place.is_dir() for page in place.glob("*.md")]
    assert sorted(str(path.relative_to(ROOT)) for path in set(documents()) - seen) == []


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_documents_name_no_place_of_one_machine(document: Path) -> None:
    assert MACHINE_PATHS.findall(document.read_text()) == []
