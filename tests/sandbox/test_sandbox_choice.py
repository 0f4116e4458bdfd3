import pytest

from softfactory.errors import SandboxUnavailable
from softfactory.sandbox import Command, RunResult, choose_sandbox


class Broken:
    isolation = "broken"
    offers_loopback = False

    async def run(self, command: Command) -> RunResult:
        raise SandboxUnavailable("it is not installed")


class Leaky:
    """Runs the probe's words without any wall: it prints what it could read."""

    isolation = "leaky"
    offers_loopback = False

    def __init__(self, said: str) -> None:
        self.said = said
        self.asked: list[Command] = []

    async def run(self, command: Command) -> RunResult:
        self.asked.append(command)
        return RunResult(0, self.said, "", False, "exit", 0.1, 0, self.isolation)


async def test_the_first_sandbox_that_holds_is_taken() -> None:
    good = Leaky("works\n")
    assert await choose_sandbox(candidates=[Broken(), good, Leaky("works")]) is good


async def test_a_sandbox_that_does_not_hold_is_not_taken() -> None:
    with pytest.raises(SandboxUnavailable, match="can read what it must not"):
        await choose_sandbox(candidates=[Leaky("can read what it must not")])


async def test_the_refusal_is_one_line_that_names_every_way_out() -> None:
    with pytest.raises(SandboxUnavailable) as caught:
        await choose_sandbox(candidates=[Broken()])
    text = str(caught.value)
    assert "\n" not in text
    for words in ("broken: it is not", "apt-get install bubblewrap", "Landlock", "--unsafe-local"):
        assert words in text


async def test_doing_without_isolation_must_be_asked_for_and_probes_nothing() -> None:
    other = Leaky("works")
    chosen = await choose_sandbox(unsafe_local=True, candidates=[other])
    assert chosen.isolation == "none"
    assert not other.asked
