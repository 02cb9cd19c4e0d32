"""The properties of a message, as another program reads and writes them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pamqp import commands, decode

from shared.messaging.batched_channel import properties

NAMES = st.text(min_size=1, max_size=40).filter(lambda text: len(text.encode()) < 256)


@given(st.dictionaries(NAMES, st.text(max_size=300), max_size=9), NAMES, NAMES)
def test_they_are_what_pamqp_makes_of_them(
    headers: dict[str, str], message_id: str, message_type: str
) -> None:
    by_pamqp = commands.Basic.Properties(
        content_type="application/jose+json",
        headers=dict(headers),
        delivery_mode=2,
        message_id=message_id,
        message_type=message_type,
    )
    ours = properties("application/jose+json", headers, message_id, message_type)

    _, flags = decode.short_uint(ours)
    read = commands.Basic.Properties()
    read.unmarshal(flags, ours[2:])
    assert dict(read) == dict(by_pamqp)
    assert len(ours) == len(by_pamqp.marshal())


def test_what_is_too_long_for_the_protocol_is_refused() -> None:
    with pytest.raises(ValueError, match="256"):
        properties("application/jose+json", {}, "x" * 256, "model.user.created")
