"""Messages: codes with facts, put into words where somebody reads them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from nightround.model.errors import StudyFilesWrong
from nightround.model.language import LANGUAGES
from nightround.texts import catalogue
from nightround.texts.catalogue import in_language, own_texts, redcap_texts, wording
from redcap_sync.messages import Message, fill

PLACE = re.compile(r"\{(\w+)")


def test_a_message_is_stored_and_read_back_as_it_was() -> None:
    """Facts, messages among them, and several of them at once survive the JSON form."""
    inner = Message.of("kept.text", text="a")
    message = Message.of("error.shown", what=inner, why=(inner, inner), remedy=3)
    assert Message.read(message.document()) == message


def test_a_number_takes_the_word_that_fits_it() -> None:
    """One record is no plural."""
    text = "{n:record|records} of {name}"
    said = [fill(text, {"n": n, "name": "x"}, str, "; ") for n in (0, 1, 2)]
    assert said == ["0 records of x", "1 record of x", "2 records of x"]


def test_no_text_says_a_number_twice() -> None:
    """A number with its word brings itself: `{n} {n:record|records}` would be `2 2 records`."""
    texts = [*own_texts().items(), *redcap_texts("en").items()]
    assert [code for code, said in texts if re.search(r"\{(\w+)\} \{\1:", f"{said}")] == []


def test_messages_inside_a_message_are_said_in_its_language() -> None:
    """Each is put into the words of the reader, several are listed."""
    inner = Message.of("kept.text", text="a")
    outer = Message.of("error.shown", what=inner, why=(inner, inner), remedy="b")
    assert in_language(outer, "zh") == "a\n  原因：a；a\n  处理：b"
    assert in_language(outer, "en") == "a\n  Why: a; a\n  What to do: b"


def test_a_code_without_a_text_is_an_error_that_names_it() -> None:
    """Nobody is shown a blank or a bare code in place of a sentence."""
    with pytest.raises(StudyFilesWrong, match=r"no\.such\.code"):
        in_language(Message.of("no.such.code"), "zh")


@pytest.mark.parametrize("code", sorted({**own_texts(), **redcap_texts("en"), **redcap_texts("zh")}))
def test_each_code_has_its_text_in_both_languages_with_the_same_places(code: str) -> None:
    """A text that is added in one language, or that drops a fact in one, is found here."""
    chinese, english = (wording(language).texts[code] for language in LANGUAGES)
    assert set(PLACE.findall(chinese)) == set(PLACE.findall(english))


def test_no_code_stands_in_two_files() -> None:
    """A code of one file would silently replace the same code of another."""
    folder = Path(catalogue.__file__).parent
    codes = [
        code
        for path in sorted(folder.glob("*.toml"))
        if path.name != catalogue.REDCAP_CHINESE
        for code, _ in catalogue.entries_of(path.read_text(encoding="utf-8"))
    ]
    assert len(codes) == len(set(codes))
    assert not set(codes) & set(redcap_texts("en"))
