"""What must hold for every service."""

from typing import Any


def test_the_service_starts_and_answers(service: Any) -> None:
    assert service.call("GET", "/").status < 500


def test_the_service_starts_again_with_its_data(service: Any) -> None:
    service.restart()
    assert service.call("GET", "/").status < 500
