"""Service request numbers: what people type finds the number; what they mistype is noticed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from city311.store import numbers
from city311.store.base import writing

serials = st.integers(numbers.FIRST_SERIAL, 99_999_999)


@given(serials)
def test_a_number_is_read_back(serial):
    number = numbers.make(serial)
    assert numbers.parse(number) == number
    assert not numbers.is_mistyped(number)
    assert number.startswith(f"SR-{serial}")


@given(serials, st.data())
def test_every_wrong_digit_is_noticed(serial, data):
    digits = numbers.make(serial).removeprefix("SR-")
    at = data.draw(st.integers(0, len(digits) - 1))
    other = data.draw(st.sampled_from([digit for digit in "0123456789" if digit != digits[at]]))
    wrong = f"SR-{digits[:at]}{other}{digits[at + 1 :]}"
    assert numbers.parse(wrong) is None
    assert numbers.is_mistyped(wrong)


@given(serials, st.data())
def test_every_swap_of_neighbours_is_noticed(serial, data):
    digits = numbers.make(serial).removeprefix("SR-")
    at = data.draw(st.integers(0, len(digits) - 2))
    swapped = digits[:at] + digits[at + 1] + digits[at] + digits[at + 2 :]
    if swapped != digits:
        assert numbers.parse(swapped) is None
        assert numbers.is_mistyped(f"SR-{swapped}")


@given(st.text(max_size=200))
def test_any_text_is_a_number_or_not(text):
    number = numbers.parse(text)
    assert number is None or (numbers.parse(number) == number and not numbers.is_mistyped(text))


@pytest.mark.parametrize(
    "typed",
    [
        "SR-104215",
        "sr104215",
        "SR 104 215",
        "S.R. 104215",
        "s r 1 0 4 2 1 5",
        "104215",
        "#104215",
        "SR #104215",
        "SR: 104215",
        "104-215",
        " sr–104215. ",
        "“SR‑104215”".strip("“”"),
        "(SR-104215)",
        "SR-１０４２１５",
        "１０４２１５",
        "١٠٤٢١٥",
        "\u200fSR-104215\u200e",
        "SR\u00a0104\u2009215",
    ],
)
def test_spellings(typed):
    assert numbers.parse(typed) == "SR-104215"
    assert not numbers.is_mistyped(typed)


@pytest.mark.parametrize("typed", ["SR-104217", "104217", "SR-10421", "SR-1042155", "SR-004215", "sr 104 251"])
def test_mistyped(typed):
    assert numbers.parse(typed) is None
    assert numbers.is_mistyped(typed)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "SR",
        "SR-",
        "pothole",
        "617-555-0123",
        "555-0124",
        "02139",
        "2026-11-24",
        "SR-104215 and more",
        "SR-12",
        "½",
        "²³",
        "9" * 500,
        "SR-104215\x00",
        "SR-104215; DROP TABLE",
        "104215.5",
    ],
)
def test_no_number_at_all(typed):
    assert numbers.parse(typed) is None
    assert not numbers.is_mistyped(typed)


def test_serials_start_at_six_digits():
    assert numbers.make(numbers.FIRST_SERIAL) == "SR-100009"
    with pytest.raises(ValueError, match="9999"):
        numbers.make(9999)


def test_allocated_in_order_and_never_twice(engine):
    with writing(engine) as session:
        first = [numbers.allocate(session) for _ in range(3)]
    with pytest.raises(ZeroDivisionError), writing(engine) as session:
        numbers.allocate(session)
        raise ZeroDivisionError
    with writing(engine) as session:
        later = numbers.allocate(session)
    assert first == [numbers.make(serial) for serial in (10_000, 10_001, 10_002)]
    assert later not in first
    assert numbers.parse(later) == later
