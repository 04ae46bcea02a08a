"""Message classes from a .proto text, for tests of the codec that must not depend on a service's schema."""

import importlib.resources
import tempfile
from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from grpc_tools import protoc

ROOT = Path(__file__).parents[2]


def compile_proto(text: str) -> DescriptorPool:
    """A pool with the messages of one file; it may import chainflow's and Google's."""
    well_known = importlib.resources.files("grpc_tools") / "_proto"
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "given.proto"), Path(folder, "set.binpb")
        source.write_text(text)
        arguments = ["protoc", f"-I{folder}", f"-I{ROOT / 'schemas' / 'proto'}", f"-I{well_known}"]
        code = protoc.main([*arguments, "--include_imports", f"--descriptor_set_out={target}", str(source)])
        assert code == 0, text
        files = FileDescriptorSet.FromString(target.read_bytes())
    pool = DescriptorPool()
    for file in files.file:
        pool.AddSerializedFile(file.SerializeToString())
    return pool


def message_class(pool: DescriptorPool, full_name: str) -> type[Message]:
    """The class of one message of the pool."""
    return GetMessageClass(pool.FindMessageTypeByName(full_name))
