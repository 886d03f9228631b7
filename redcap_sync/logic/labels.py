"""What fields, options and events are called in one language, from the labels of the dictionary."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape

from redcap_sync.dictionary import Dictionary, Field
from redcap_sync.logic.syntax import Reference
from redcap_sync.logic.wording_phrases import Language, phrase_of, phrases

_CHINESE = "\u3000-\u303f\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef"
_BOTH = re.compile(rf"(?P<zh>.*[{_CHINESE}]\S*)\s+(?P<en>[^{_CHINESE}]*[A-Za-z][^{_CHINESE}]*)", re.DOTALL)


def label_in(label: str, language: Language) -> str:
    """A label without its markup; of one that reads `中文 English`, the part in the language."""
    plain = " ".join(unescape(re.sub(r"<[^>]*>", " ", label)).split()).rstrip(":\uff1a ")
    both = _BOTH.fullmatch(plain)
    return both[language].strip() if both else plain


@dataclass(frozen=True)
class Labels:
    """Names in one language; what the dictionary does not know keeps its own name."""

    dictionary: Dictionary
    language: Language

    def field(self, reference: Reference) -> str:
        """The label of a reference's field, with its event and instance, but without an option."""
        if reference.is_smart:
            code = f"smart_variable.{reference.field}"
            return phrase_of(code, self.language) if code in phrases() else f"[{reference.field}]"
        return self._instance(self._event(self._plain(reference.field), reference.event), reference.instance)

    def known(self, reference: Reference) -> Field | None:
        """The field in the dictionary."""
        return self.dictionary.by_name.get(reference.field)

    def option(self, reference: Reference, code: str) -> str | None:
        """The quoted label of a code of a choice field, or of a completion status; None where there is none."""
        field = self.known(reference)
        if field is None and self._instrument_of_status(reference.field):
            return self.quoted(phrase_of(f"status.{code}", self.language)) if code in ("0", "1", "2") else None
        choice = next((choice for choice in field.choices if choice.code == code), None) if field else None
        if field is None or choice is None:
            return None
        if field.type in ("yesno", "truefalse"):
            return self.quoted(phrase_of(f"answer.{choice.label}", self.language))
        return self.quoted(label_in(choice.label, self.language) or code)

    def quoted(self, text: str) -> str:
        """A text in the language's quotation marks."""
        return phrase_of("joining.quoted", self.language, text)

    def _plain(self, name: str) -> str:
        field = self.dictionary.by_name.get(name)
        if field is not None:
            return label_in(field.label, self.language) or name
        instrument = self._instrument_of_status(name)
        if not instrument:
            return name
        return phrase_of("value.status_of", self.language, label_in(instrument, self.language))

    def _instrument_of_status(self, name: str) -> str:
        labels = {f"{instrument.name}_complete": instrument.label for instrument in self.dictionary.instruments}
        return labels.get(name, "")

    def _event(self, label: str, event: str) -> str:
        if not event:
            return label
        labels = {known.unique_name: label_in(known.in_both, self.language) for known in self.dictionary.events}
        code = f"event.{event}"
        name = phrase_of(code, self.language) if code in phrases() else labels.get(event, event)
        return phrase_of("place.at_event", self.language, label, name)

    def _instance(self, label: str, instance: str) -> str:
        if not instance:
            return label
        code = f"instance.{instance}"
        return phrase_of(code if code in phrases() else "place.instance", self.language, label, instance)
