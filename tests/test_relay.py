"""The relay between kernel and grader: bytes go through unchanged, and only so many."""

import asyncio
import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.sandbox.relay import Relay


async def _sent(folder: Path, parts: list[bytes], limit: int) -> tuple[bytes, int]:
    """Let a kernel send parts; return what comes through, and how often too much was told."""
    excesses: list[None] = []
    asked = bytearray()

    async def kernel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.extend(await reader.readexactly(5))
        with contextlib.suppress(ConnectionError):
            for part in parts:
                writer.write(part)
                await writer.drain()
        writer.close()

    relay = Relay(folder / "k", folder / "r", limit, lambda: excesses.append(None))
    await relay.open(range(1, 2))
    reader, writer = await asyncio.open_unix_connection(folder / "r-1")
    # The kernel may come later than its client.
    await asyncio.sleep(0.03)
    server = await asyncio.start_unix_server(kernel, folder / "k-1")
    writer.write(b"hello")
    found = b""
    with contextlib.suppress(ConnectionError):
        found = await asyncio.wait_for(reader.read(-1), 20)
    writer.close()
    await relay.close()
    server.close()
    await asyncio.sleep(0)
    assert bytes(asked) == b"hello"
    return found, len(excesses)


@given(parts=st.lists(st.binary(max_size=2000), max_size=8))
def test_bytes_come_through(parts: list[bytes], tmp_path_factory: pytest.TempPathFactory) -> None:
    """Everything that fits the limit arrives, in order."""
    sent = b"".join(parts)
    folder = tmp_path_factory.mktemp("relay")
    assert asyncio.run(_sent(folder, parts, len(sent))) == (sent, 0)


def test_no_more_than_the_limit(tmp_path: Path) -> None:
    """Beyond the limit nothing more comes through, and that is told once."""
    found, excesses = asyncio.run(_sent(tmp_path, [bytes(100_000)] * 50, 1_000_000))
    assert len(found) <= 1_000_000
    assert excesses == 1


def test_closing_while_somebody_waits(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A kernel that never comes leaves no word behind when the relay is closed."""

    async def wait() -> None:
        relay = Relay(tmp_path / "k", tmp_path / "r", 100, lambda: None)
        await relay.open(range(1, 2))
        _, writer = await asyncio.open_unix_connection(tmp_path / "r-1")
        await asyncio.sleep(0.05)
        await relay.close()
        writer.close()
        await asyncio.sleep(0.05)

    asyncio.run(wait())
    assert caplog.text == ""


def test_a_link_in_place_of_the_socket_is_not_followed(tmp_path: Path) -> None:
    """A kernel cannot have the grader connect to somewhere else."""

    async def connect() -> bytes:
        met = []
        elsewhere = await asyncio.start_unix_server(
            lambda reader, writer: met.append(writer), tmp_path / "elsewhere"
        )
        (tmp_path / "k-1").symlink_to(tmp_path / "elsewhere")
        relay = Relay(tmp_path / "k", tmp_path / "r", 100, lambda: None)
        await relay.open(range(1, 2))
        reader, writer = await asyncio.open_unix_connection(tmp_path / "r-1")
        answer = b""
        with contextlib.suppress(ConnectionError):
            answer = await asyncio.wait_for(reader.read(-1), 20)
        writer.close()
        await relay.close()
        elsewhere.close()
        await asyncio.sleep(0)
        assert not met
        return answer

    assert asyncio.run(connect()) == b""
