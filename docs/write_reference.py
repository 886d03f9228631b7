"""Write docs/settings.md and docs/plan.md from the models that read study.toml and plan.toml: `make reference`."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from enum import Enum
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from nightround.model.language import Words
from nightround.study.folder import find_content
from nightround.study.plan import Plan
from nightround.study.references import FieldRef
from nightround.study.settings import StudySettings
from nightround.study.two_languages import TwoLanguages

DOCS = Path(__file__).parent
TEXTS = (Words, TwoLanguages)
LONGEST_EXAMPLE = 60


class Page(NamedTuple):
    """One page: the model it is made from, its introduction, and the file of the shipped study with examples."""

    name: str
    file: str
    model: type[BaseModel]
    introduction: str


PAGES = (
    Page(
        "settings.md",
        "study.toml",
        StudySettings,
        """# Every key of study.toml

`study.toml` is the one file of settings of a study. `nightround init` writes a short one; everything that is left out
has the default below. A key that is not listed here is an error that names the nearest one. No secret is ever written
into it: keys that end with `_env` name a variable, `_file` a file, `_keyring` an entry of the system's keyring.
""",
    ),
    Page(
        "plan.md",
        "plan.toml",
        Plan,
        """# Every key of plan.toml

`plan.toml` is the statistical analysis plan: which number is computed from which field, and which test is made,
decided before any data are seen. `nightround init` drafts one from the dictionary. A field is named
`[event][field]`, `[event][field(code)]` for an option of a checkbox, or `field` in a project with one event; a text is
one string for both languages, or `{ zh = "…", en = "…" }`.
""",
    ),
)
END = """
This page is written from the models that read the file by `make reference`; a test compares the two. The examples are
those of [{shipped}](../{shipped}), else of [{sample}](samples/{sample}).
"""


def form_of(annotation: Any) -> str:
    """What may be written for a key."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return ", ".join(f"`{one.value}`" for one in annotation)
    if origin is Literal:
        return ", ".join(f"`{one}`" for one in arguments if one != "")
    if origin in (Union, UnionType):
        return " or ".join(
            filter(None, dict.fromkeys(map(form_of, (one for one in arguments if one is not type(None)))))
        )
    return form_of(arguments[0]) if origin is Annotated else _plain_form(annotation)


def _plain_form(annotation: Any) -> str:
    kind, arguments = get_origin(annotation) or annotation, get_args(annotation)
    if issubclass(kind, FieldRef):
        return "field"
    if issubclass(kind, TEXTS):
        return "text in one or two languages"
    if kind is tuple:
        inner = form_of(arguments[0])
        return {"table": "list of tables", "text": "list of texts"}.get(inner, f"list of: {inner}")
    if kind is dict or issubclass(kind, BaseModel):
        return "table"
    names = {bool: "true or false", int: "whole number", float: "number", date: "date", Path: "path"}
    return names.get(kind, "text")


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel) and not issubclass(annotation, TEXTS):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)


def _tables(model: type[BaseModel], path: str, written: Iterable[Any], seen: set[type]) -> Iterator[str]:
    """A table with the keys of a model, then those of the tables in it, each model once."""
    found = list(written)
    head = " ".join((model.__doc__ or "").split())
    yield f"## `{path}`\n\n{head}\n" if path else ""
    yield "| key | what is written | default | meaning | example |\n|---|---|---|---|---|"
    inner = []
    for key, field in model.model_fields.items():
        values = [one[key] for one in found if isinstance(one, Mapping) and key in one] or (field.examples or [])
        yield _row(key, field, values)
        for below in _models(field.annotation):
            if below not in seen:
                seen.add(below)
                tables = [part for value in values for part in (value if isinstance(value, list) else [value])]
                inner.append(_tables(below, f"{path}.{key}".lstrip("."), tables, seen))
    yield ""
    for tables in inner:
        yield from tables


def _row(key: str, field: FieldInfo, values: list[Any]) -> str:
    meaning = " ".join((field.description or "").split())
    cells = (f"`{key}`", form_of(field.annotation), _default(field), meaning, _example(values))
    return f"| {' | '.join(one.replace('|', chr(92) + '|') for one in cells)} |"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "must be given"
    value = field.get_default(call_default_factory=True)
    value = value.value if isinstance(value, Enum) else value
    if isinstance(value, (BaseModel, Words)) or value in (None, "", (), {}, PydanticUndefined):
        return ""
    return f"`{_toml(list(value) if isinstance(value, tuple) else value)}`" if not _is_model(value) else ""


def _is_model(value: Any) -> bool:
    return isinstance(value, tuple) and any(isinstance(one, BaseModel) for one in value)


def _example(values: list[Any]) -> str:
    shown = [_toml(one) for one in values if not _is_table(one)]
    return next((f"`{one}`" for one in shown if len(one) <= LONGEST_EXAMPLE), f"`{shown[0]}`" if shown else "")


def _is_table(value: Any) -> bool:
    if isinstance(value, list):
        return any(map(_is_table, value))
    return isinstance(value, dict) and not value.keys() <= {"zh", "en"}


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(one)}" for key, one in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, date):
        return value.isoformat()
    return json.dumps(" ".join(value.split()) if isinstance(value, str) else value, ensure_ascii=False)


def page(wanted: Page) -> str:
    """The whole text of a page."""
    folder = find_content({}).study_folder("venous_occlusion")
    sources = (folder / wanted.file, DOCS / "samples" / wanted.file)
    written = [tomllib.loads(file.read_text(encoding="utf-8")) for file in sources]
    shipped = f"expectations/{folder.name}/{wanted.file}"
    body = "\n".join(_tables(wanted.model, "", written, {wanted.model}))
    return f"{wanted.introduction}\n{body}{END.format(shipped=shipped, sample=wanted.file)}"


if __name__ == "__main__":
    for one in PAGES:
        (DOCS / one.name).write_text(page(one), encoding="utf-8")
