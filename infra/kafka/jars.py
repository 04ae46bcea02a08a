"""The broker's jars: which ones (``jars.lock``), where they are cached, and fetching what is missing.

A jar is used only if its SHA-256 is the pinned one; everything else counts as missing and is fetched again, from the
local Maven repository if it is there, else from the registry. Deliberately lacks dependency resolution: `relock` does
that once, when the version changes, and its result is committed.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import ssl
import tempfile
import time
import urllib.request
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError

from infra.kafka.errors import JarsUnavailable, KafkaSetupError

__all__ = ["LOCK_FILE", "Jar", "cache_dir", "ensure_jars", "fetch", "is_intact", "read_lock", "registry_url"]

LOCK_FILE = Path(__file__).with_name("jars.lock")
_PARALLEL = 8
_TIMEOUT_SECONDS = 60
_TRIES = 3
_PAUSE_SECONDS = 0.3

BytesProgress = Callable[[int, int], None]
"""Called with (bytes now present and verified, bytes in all)."""


@dataclass(frozen=True, slots=True)
class Jar:
    """One pinned jar. ``size`` is in bytes; ``sha256`` is lower-case hex."""

    group: str
    artifact: str
    version: str
    size: int
    sha256: str

    @property
    def filename(self) -> str:
        """The name in the cache and on the class path."""
        return f"{self.artifact}-{self.version}.jar"

    @property
    def path(self) -> str:
        """The path below the root of any repository in Maven's layout."""
        return f"{self.group.replace('.', '/')}/{self.artifact}/{self.version}/{self.filename}"


def read_lock(path: Path = LOCK_FILE) -> tuple[Jar, ...]:
    """The pinned jars: one a line, ``group:artifact:version size sha256``; ``#`` starts a comment."""
    jars = []
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        text = line.partition("#")[0].split()
        if not text:
            continue
        try:
            (group, artifact, version), size, digest = text[0].split(":"), int(text[1]), text[2]
        except (ValueError, IndexError):
            raise KafkaSetupError(f"{path}:{number}: expected `group:artifact:version size sha256`") from None
        if len(digest) != 64:
            raise KafkaSetupError(f"{path}:{number}: a SHA-256 has 64 hex digits, this one {len(digest)}")
        jars.append(Jar(group, artifact, version, size, digest))
    return tuple(jars)


def cache_dir(environ: Mapping[str, str] | None = None) -> Path:
    """Where jars are kept: ``CHAINFLOW_CACHE``, else ``XDG_CACHE_HOME/chainflow``, else ``~/.cache/chainflow``."""
    env = os.environ if environ is None else environ
    if env.get("CHAINFLOW_CACHE"):
        return Path(env["CHAINFLOW_CACHE"])
    if env.get("XDG_CACHE_HOME"):
        return Path(env["XDG_CACHE_HOME"]) / "chainflow"
    return Path.home() / ".cache" / "chainflow"


def is_intact(path: Path, jar: Jar) -> bool:
    """True if ``path`` holds exactly the pinned bytes."""
    try:
        if path.stat().st_size != jar.size:
            return False
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == jar.sha256
    except OSError:
        return False


def _maven_mirror(settings: Path) -> str | None:
    """The mirror of the central repository that a Maven user has configured, if any."""
    try:
        root = ElementTree.parse(settings).getroot()
    except (OSError, ElementTree.ParseError):
        return None
    for mirror in root.iter():
        if mirror.tag.rpartition("}")[2] != "mirror":
            continue
        fields = {child.tag.rpartition("}")[2]: (child.text or "").strip() for child in mirror}
        if {"*", "central", "external:*"} & {part.strip() for part in fields.get("mirrorOf", "").split(",")}:
            return fields.get("url") or None
    return None


def registry_url(environ: Mapping[str, str] | None = None) -> str:
    """The repository to fetch from: ``CHAINFLOW_MAVEN_MIRROR``, Maven's configured mirror, else the public one."""
    env = os.environ if environ is None else environ
    chosen = env.get("CHAINFLOW_MAVEN_MIRROR") or _maven_mirror(Path.home() / ".m2" / "settings.xml")
    if not chosen:
        # Imported here: it is needed only when something is missing, and it is slow.
        from jgo.constants import MAVEN_CENTRAL_URL

        chosen = str(MAVEN_CENTRAL_URL)
    return chosen.rstrip("/")


def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    # A company's own certificate authority is often made known to one of these tools only.
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT"):
        bundle = os.environ.get(name)
        if bundle and Path(bundle).is_file():
            context.load_verify_locations(cafile=bundle)
    return context


def _local_repository() -> Path:
    return Path(os.environ.get("M2_REPO") or Path.home() / ".m2" / "repository")


def _place(jar: Jar, directory: Path, fill: Callable[[Path], None]) -> bool:
    """Fill a temporary file and move it into place if it is the pinned jar; a reader never sees a partial one."""
    handle, name = tempfile.mkstemp(prefix=f".{jar.artifact}-", suffix=".part", dir=directory)
    os.close(handle)
    partial = Path(name)
    try:
        fill(partial)
        if not is_intact(partial, jar):
            return False
        partial.chmod(0o644)
        partial.replace(directory / jar.filename)
        return True
    finally:
        partial.unlink(missing_ok=True)


def _fetch_one(jar: Jar, directory: Path, registry: str) -> str | None:
    """Bring one jar into ``directory``; None if it is there now, else why not."""
    local = _local_repository() / jar.path
    if is_intact(local, jar) and _place(jar, directory, lambda partial: _copy(local, partial)):
        return None
    reason = ""
    for attempt in range(_TRIES):
        time.sleep(attempt * _PAUSE_SECONDS)
        try:
            if _place(jar, directory, lambda partial: _download(f"{registry}/{jar.path}", partial)):
                return None
            reason = "what arrived has another SHA-256 than jars.lock says"
        except (URLError, TimeoutError, ConnectionError, OSError) as error:
            reason = str(error)
    return reason


def _copy(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)


def _download(url: str, target: Path) -> None:
    request = urllib.request.Request(url, headers={"User-Agent": "chainflow-setup"})
    with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS, context=_tls()) as answer, target.open("wb") as out:
        shutil.copyfileobj(answer, out, 1 << 16)


def fetch(
    jars: Sequence[Jar],
    directory: Path,
    *,
    registry: str | None = None,
    on_progress: BytesProgress | None = None,
) -> tuple[Path, ...]:
    """Make every jar present and intact in ``directory``; returns their paths in the order given.

    Raises JarsUnavailable, naming what is missing and what can be done.
    """
    directory.mkdir(parents=True, exist_ok=True)
    total, present = sum(jar.size for jar in jars), 0
    with ThreadPoolExecutor(_PARALLEL) as pool:
        intact = list(pool.map(lambda jar: is_intact(directory / jar.filename, jar), jars))
        missing = [jar for jar, good in zip(jars, intact, strict=True) if not good]
        present = total - sum(jar.size for jar in missing)
        failures: list[str] = []
        if missing:
            source = (registry or registry_url()).rstrip("/")
            if on_progress:
                on_progress(present, total)
            outcomes = pool.map(lambda jar: (jar, _fetch_one(jar, directory, source)), missing)
            for jar, reason in outcomes:
                if reason is not None:
                    failures.append(f"  {jar.group}:{jar.artifact}:{jar.version}: {reason}")
                    continue
                present += jar.size
                if on_progress:
                    on_progress(present, total)
    if failures:
        raise JarsUnavailable(_explain(failures, directory))
    return tuple(directory / jar.filename for jar in jars)


def _explain(failures: list[str], directory: Path) -> str:
    shown = "\n".join(failures[:5]) + (f"\n  … and {len(failures) - 5} more" if len(failures) > 5 else "")
    return (
        f"{len(failures)} of the broker's jars could not be fetched:\n{shown}\n"
        "What helps: check the network or the proxy (HTTPS_PROXY); name a mirror in Maven's layout with "
        f"CHAINFLOW_MAVEN_MIRROR; copy the jars into {directory} from another machine; or use a broker that runs "
        "already, with KAFKA_BOOTSTRAP_SERVERS=host:port."
    )


def ensure_jars(on_progress: BytesProgress | None = None) -> tuple[Path, ...]:
    """The class path of the pinned broker, fetched into the user's cache where needed."""
    jars = read_lock()
    version = next(jar.version for jar in jars if jar.artifact.startswith("kafka_"))
    return fetch(jars, cache_dir() / f"kafka-{version}", on_progress=on_progress)
