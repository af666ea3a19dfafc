"""As much of PromQL as it takes to see which metrics and labels an expression goes by."""

import re
from collections.abc import Iterator
from typing import NamedTuple

FUNCTIONS = {"absent", "histogram_quantile", "increase", "max", "min", "rate", "sum", "time"}
KEYWORDS = {"by", "or", "and", "unless", "without"}

_NAME = re.compile(r"[a-zA-Z_:][\w:]*")
_SELECTOR = re.compile(r"(?P<name>[a-zA-Z_:][\w:]*)(?:\{(?P<matchers>[^}]*)\})?")
_MATCHER = re.compile(r'\s*(?P<label>\w+)\s*(?P<operator>=~|!~|!=|=)\s*"(?P<value>[^"]*)"\s*')
_GROUPING = re.compile(r"\b(?:by|without)\s*\(([^)]*)\)")
_RANGE = re.compile(r"\[\d+[smhd]\]")


class Matcher(NamedTuple):
    """A condition on a label."""

    label: str
    operator: str
    value: str

    def takes(self, value: str) -> bool:
        """Whether a label's value meets it."""
        equal = re.fullmatch(self.value, value) if "~" in self.operator else self.value == value
        return bool(equal) != self.operator.startswith("!")


class Selector(NamedTuple):
    """A metric, and which of its series."""

    name: str
    matchers: tuple[Matcher, ...]


def selectors(expression: str) -> Iterator[Selector]:
    """The series that an expression reads.

    Raises:
        ValueError: it is none, as far as can be seen from here.
    """
    if expression.count("(") != expression.count(")"):
        raise ValueError(f"parentheses do not match: {expression}")
    plain = _RANGE.sub("", _GROUPING.sub("", expression))
    for found in _SELECTOR.finditer(plain):
        called = plain[found.end() :].lstrip().startswith("(")
        if called and found["name"] not in FUNCTIONS | KEYWORDS:
            raise ValueError(f"{found['name']} is no function known here: {expression}")
        if not called and found["name"] not in KEYWORDS:
            yield Selector(found["name"], tuple(_read_matchers(found["matchers"] or "")))


def _read_matchers(text: str) -> Iterator[Matcher]:
    for part in filter(str.strip, text.split(",")):
        found = _MATCHER.fullmatch(part)
        if found is None:
            raise ValueError(f"{part} is no matcher")
        yield Matcher(found["label"], found["operator"], found["value"])


def groupings(expression: str) -> set[str]:
    """The labels that an expression groups by."""
    return {label for group in _GROUPING.findall(expression) for label in _NAME.findall(group)}
