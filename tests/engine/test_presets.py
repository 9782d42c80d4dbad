import pytest

from cnnfix_core.engine import depth_of
from cnnfix_core.errors import CnnfixError


def test_depths_as_people_write_them() -> None:
    assert [depth_of(text) for text in ("all", "32", "1")] == ["all", 32, 1]
    for text in ("", "0", "-4", "8.0", "most", "123456", "²"):
        with pytest.raises(CnnfixError, match="is not a depth; choose all"):
            depth_of(text)
