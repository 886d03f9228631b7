"""Lists of choices come back whatever their labels hold."""

from hypothesis import given
from hypothesis import strategies as st

from redcap_sync.choice_list import listed_choices, read_choices

CODES = st.one_of(
    st.integers(-99, 99).map(str), st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,3}", fullmatch=True), st.just("k>=9")
)
WORDS = st.text(alphabet="ab -,|\n'()é≥是", max_size=12)
PLAIN_WORDS = st.text(alphabet="ab -|\n'()é≥是", max_size=12)


def _label(text: str) -> str:
    """A label as no server keeps it: without spaces and bars around it."""
    return text.strip(" |\n")


@st.composite
def choices(draw: st.DrawFn, words: st.SearchStrategy[str]) -> list[tuple[str, str]]:
    """Some choices with codes of their own."""
    codes = draw(st.lists(CODES, min_size=1, max_size=6, unique=True))
    return [(code, _label(draw(words))) for code in codes]


def written(pairs: list[tuple[str, str]], mark: str) -> str:
    """The text of a list, as REDCap or a person joins it."""
    return mark.join(f"{code}, {label}" for code, label in pairs)


MARKS = st.sampled_from([" | ", "|", "\n", " \n ", "\r\n", "| "])


@given(choices(PLAIN_WORDS), MARKS)
def test_labels_with_bars_and_line_breaks_are_read_whole(pairs: list[tuple[str, str]], mark: str) -> None:
    """Without any other evidence a bar inside a label begins no choice unless a code and a comma follow."""
    assert read_choices(written(pairs, mark)) == tuple(pairs)


@given(choices(WORDS.filter(lambda text: not text.startswith("is"))), MARKS)
def test_a_list_is_read_by_the_codes_that_are_known(pairs: list[tuple[str, str]], mark: str) -> None:
    """With the codes at hand a label may hold commas behind its bars, too, unless it repeats the next code."""
    codes = [code for code, _ in pairs]
    safe = [
        (code, label)
        for code, label in pairs
        if not {piece.partition(",")[0].strip() for piece in label.replace("\n", "|").split("|")} & {*codes}
    ]
    found = listed_choices(written(safe, mark), [code for code, _ in safe])
    assert found == tuple(safe)


@given(choices(WORDS), MARKS)
def test_known_codes_are_those_of_the_field_whatever_the_text_says(pairs: list[tuple[str, str]], mark: str) -> None:
    """A text cannot take a code away or add one."""
    codes = [code for code, _ in pairs]
    for text in (written(pairs, mark), written(pairs[1:], mark), written([*pairs, ("or", "else")], mark), ""):
        assert [code for code, _ in listed_choices(text, codes)] == codes


@given(choices(PLAIN_WORDS), MARKS)
def test_an_order_of_its_own_does_not_move_labels(pairs: list[tuple[str, str]], mark: str) -> None:
    """Codes that are listed in another order than the text has them keep their labels."""
    safe = [
        (code, label)
        for code, label in pairs
        if not {part.strip() for part in label.replace("\n", "|").split("|")} & {c for c, _ in pairs}
    ]
    codes = [code for code, _ in reversed(safe)]
    assert dict(listed_choices(written(safe, mark), codes)) == dict(safe)


@given(
    st.lists(
        PLAIN_WORDS.map(_label).filter(lambda text: text != "" and "|" not in text and "\n" not in text), min_size=1
    )
)
def test_labels_alone_are_their_own_codes(labels: list[str]) -> None:
    """A list without codes is one of labels."""
    assert read_choices(" | ".join(labels)) == tuple((label, label) for label in labels)
