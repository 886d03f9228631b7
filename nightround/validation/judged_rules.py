"""A rule that was judged: all that its outcome is made of besides the keys of its rows, which are the snapshot's.

Kept from one night to the next as one file of its own form: JSON, then the marks of rows as bits, compressed, behind
the SHA-256 of it all. It contains patients' values.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa

from nightround.validation.cohort_checks import CohortSeen
from nightround.validation.evaluation import Bits, RuleResult
from nightround.validation.rule_inputs import Inputs

MAGIC = b"NRJ1"
DIGEST_BYTES, SIZE_BYTES = 32, 8
LARGEST_BYTES = 1 << 34
"""Of the content before it was compressed; a larger number is no size that was written here."""

Cells = tuple[tuple[str, tuple[str, ...]], ...]
"""The cells that a rule read in its failing rows: a name, and a text for each row."""


@dataclass(frozen=True, eq=False)
class JudgedRule:
    """The result of a rule in one run."""

    rule_id: str
    suite: str
    instruments: tuple[str, ...]
    """Those whose rows it looks at; the bits of the result follow their rows."""
    run: str
    """The run in which it was judged."""
    inputs: Inputs | None
    """What the result follows from; None where it has to be judged again."""
    result: RuleResult
    observed: Cells
    verdict: Mapping[str, Any]
    """Great Expectations' own description of the result."""


def written(judged: Iterable[JudgedRule], study: str) -> bytes:
    """The rules of a study that need not be judged again, as the content of a file."""
    marks: dict[bytes, int] = {}
    kept = [_document(one, marks) for one in judged if one.inputs is not None and not one.result.error]
    head = json.dumps({"study": study, "marks": [len(mark) for mark in marks], "rules": kept}, ensure_ascii=False)
    text = head.encode()
    content = b"".join([len(text).to_bytes(SIZE_BYTES, "little"), text, *marks])
    body = len(content).to_bytes(SIZE_BYTES, "little") + pa.Codec("zstd").compress(content, asbytes=True)
    return b"".join([MAGIC, hashlib.sha256(body).digest(), body])


def read(content: bytes, study: str) -> dict[str, JudgedRule]:
    """Read back what `written` wrote, by the rules' ids; raises ValueError for anything else."""
    digest, body = content[len(MAGIC) :][:DIGEST_BYTES], content[len(MAGIC) + DIGEST_BYTES :]
    if not content.startswith(MAGIC) or hashlib.sha256(body).digest() != digest:
        raise ValueError("it is damaged, or no such file")
    size = int.from_bytes(body[:SIZE_BYTES], "little")
    if size > LARGEST_BYTES:
        raise ValueError("it is damaged")
    try:
        plain = pa.Codec("zstd").decompress(body[SIZE_BYTES:], size, asbytes=True)
        length = SIZE_BYTES + int.from_bytes(plain[:SIZE_BYTES], "little")
        head = json.loads(plain[SIZE_BYTES:length])
        if head["study"] != study:
            raise ValueError("it belongs to another study")
        marks = _marks(plain[length:], head["marks"])
        return {one["rule_id"]: _judged(one, marks) for one in head["rules"]}
    except (KeyError, TypeError, IndexError, AttributeError, OSError, pa.ArrowException) as error:
        raise ValueError(f"its form is another one ({type(error).__name__})") from None


def _document(one: JudgedRule, marks: dict[bytes, int]) -> dict[str, Any]:
    result = one.result
    scope, judged = (marks.setdefault(bits.tobytes(), len(marks)) for bits in (result.scope, result.judged))
    return {
        "rule_id": one.rule_id,
        "suite": one.suite,
        "instruments": one.instruments,
        "run": one.run,
        "inputs": asdict(one.inputs) if one.inputs else None,
        "in_scope": result.in_scope,
        "checked": result.checked,
        "scope": scope,
        "judged": judged,
        "failing": result.failing.tolist(),
        "suggested": [[row, text] for row, text in result.suggested.items()],
        "others": [[row, rows] for row, rows in result.others.items()],
        "cohort": [asdict(one) for one in result.cohort],
        "observed": one.observed,
        "verdict": one.verdict,
    }


def _marks(content: bytes, lengths: Iterable[int]) -> list[Bits]:
    ends = np.cumsum([0, *lengths]).tolist()
    if ends[-1] != len(content):
        raise ValueError("it is damaged")
    every = np.frombuffer(content, dtype=np.uint8)
    return [every[start:end] for start, end in pairwise(ends)]


def _judged(document: Mapping[str, Any], marks: list[Bits]) -> JudgedRule:
    result = RuleResult(
        document["in_scope"],
        document["checked"],
        marks[document["scope"]],
        marks[document["judged"]],
        np.array(document["failing"], dtype=np.intp),
        suggested=dict(document["suggested"]),
        others={row: tuple(rows) for row, rows in document["others"]},
        cohort=tuple(CohortSeen.read(one) for one in document["cohort"]),
    )
    return JudgedRule(
        document["rule_id"],
        document["suite"],
        tuple(document["instruments"]),
        document["run"],
        Inputs(**document["inputs"]),
        result,
        tuple((name, tuple(texts)) for name, texts in document["observed"]),
        document["verdict"],
    )
