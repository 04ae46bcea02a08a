"""Makes schemas/python from schemas/proto. Run `python -m schemas.generate`; with `--check` it only looks for drift.

The generated modules are imported as ``schemas.python.chainflow.<domain>.v1.<file>_pb2``: protoc writes imports that
start at the folder it was given, and they are rewritten to start at the repository, so that no program has to alter its
path. Deliberately lacks: the rules of style and compatibility (buf.yaml).
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
PROTO = HERE / "proto"
PYTHON = HERE / "python"
_IMPORT = re.compile(r"^(from|import) chainflow\.", re.MULTILINE)


def main(arguments: list[str]) -> int:
    """Writes the modules, or with ``--check`` compares them; gives the exit code."""
    if arguments not in ([], ["--check"]):
        print("usage: python -m schemas.generate [--check]", file=sys.stderr)
        return 2
    wanted = generated()
    present = {path.relative_to(PYTHON).as_posix(): path.read_text() for path in PYTHON.rglob("*_pb2.py*")}
    odd = sorted(name for name in wanted.keys() | present.keys() if wanted.get(name) != present.get(name))
    if arguments == ["--check"]:
        for name in odd:
            print(f"schemas/python/{name} is not what schemas/proto gives", file=sys.stderr)
        if odd:
            print("run: make generate", file=sys.stderr)
        return 1 if odd else 0
    for name in odd:
        path = PYTHON / name
        if name in wanted:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted[name])
        else:
            path.unlink()
    return 0


def generated() -> dict[str, str]:
    """Path below schemas/python to the text of each module and stub. Raises CalledProcessError after protoc's words."""
    protos = sorted(path.relative_to(PROTO).as_posix() for path in PROTO.rglob("*.proto"))
    plugin = Path(sys.executable).parent / "protoc-gen-mypy"
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{PROTO}", f"--python_out={folder}"]
        command += [f"--plugin=protoc-gen-mypy={plugin}", f"--mypy_out=quiet:{folder}"]
        subprocess.run([*command, *protos], check=True)
        made = Path(folder)
        return {
            path.relative_to(made).as_posix(): _IMPORT.sub(r"\1 schemas.python.chainflow.", path.read_text())
            for path in sorted(made.rglob("*_pb2.py*"))
        }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
