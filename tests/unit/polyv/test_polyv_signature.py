"""The vendor's rule for signing."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from signature_vectors import V2, V3

from fetcher.polyv.signature import sign, sign_v2

_TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@pytest.mark.parametrize(("secret", "params", "expected"), V3.values(), ids=V3.keys())
def test_signs_as_polyv_does(secret: str, params: dict[str, str], expected: str) -> None:
    assert expected == sign(params, secret)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(params=st.dictionaries(_TEXT, _TEXT), secret=_TEXT, data=st.data())
def test_the_order_of_parameters_does_not_matter(params: dict[str, str], secret: str, data: st.DataObject) -> None:
    shuffled = dict(data.draw(st.permutations(list(params.items()))))

    assert sign(params, secret) == sign(shuffled, secret)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(params=st.dictionaries(_TEXT, _TEXT), secret=_TEXT, name=_TEXT)
def test_empty_values_do_not_matter(params: dict[str, str], secret: str, name: str) -> None:
    params.pop(name, None)

    assert sign(params, secret) == sign({**params, name: ""}, secret)


def test_the_older_rule_signs_the_vendors_own_vector() -> None:
    secret, params, expected = V2

    assert expected == sign_v2(params, secret)
    assert expected == sign_v2({**dict(reversed(params.items())), "x": ""}, secret)
