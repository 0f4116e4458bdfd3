"""What must hold for every program with a window."""

import subprocess


def test_the_program_opens_and_stays(program: "subprocess.Popen[str]") -> None:
    if program.poll() is not None:
        assert program.stderr is not None
        raise AssertionError(f"it ended by itself: {program.stderr.read()[-2000:]}")
