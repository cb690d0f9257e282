"""Downloading, against a server on the loopback interface that misbehaves on request."""

import gzip
import io
import re
import tarfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from bsds_utils import BSDSError
from bsds_utils.data import archive as archive_module
from bsds_utils.data import download as download_module
from bsds_utils.data.archive import BadArchiveError, unpack
from bsds_utils.data.download import ADDRESSES, download_bsds500
from bsds_utils.data.manifest import Manifest, sha256

FILES = {
    "images/train/8.jpg": b"eight" * 50_000,
    "groundTruth/train/8.mat": b"8",
    "images/test/9.jpg": bytes(range(256)) * 300,
    "groundTruth/test/9.mat": b"nine",
}
MANIFEST = Manifest({path: sha256(content) for path, content in FILES.items()})

Change = Callable[[tarfile.TarFile], None]


def tar(
    files: dict[str, bytes] = FILES,
    change: Change | None = None,
    prefix: str = "BSR/BSDS500/data/",
) -> bytes:
    """Return an archive of the files, not compressed."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        if change:
            change(archive)
        for path, content in {"Thumbs.db": b"stray", **files}.items():
            member(prefix + path, content)(archive)
    return stream.getvalue()


def flipped(content: bytes) -> bytes:
    """Return the content with a byte in its middle changed."""
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 255]) + content[middle + 1 :]


def member(name: str, content: bytes = b"evil", **fields: object) -> Change:
    """Return what adds a member to an archive."""

    def add(archive: tarfile.TarFile) -> None:
        info = tarfile.TarInfo(name)
        info.size = len(content)
        for key, value in fields.items():
            setattr(info, key, value)
        archive.addfile(info, io.BytesIO(content))

    return add


@dataclass
class Site:
    """What the server serves, how it fails, and what it was asked."""

    content: bytes = b""
    status: int = 200
    breaks: list[int] = field(default_factory=list)
    ranges: bool = True
    chunked: bool = False
    shift: int = 0
    stalls: bool = False
    asked: list[str | None] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)
    url: str = ""


@pytest.fixture
def site() -> Iterator[Site]:
    """Return a web site of one file at its url."""
    state = Site()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

        def do_GET(self) -> None:
            asked = self.headers.get("Range")
            state.asked.append(asked)
            self.close_connection = True
            start, status = 0, state.status
            if asked and state.ranges and status == 200:
                start = int(asked.removeprefix("bytes=").rstrip("-"))
                status = 206 if start < len(state.content) else 416
            body = state.content[start:] if status in (200, 206) else b"error"
            self.send_response(status)
            if status == 206:
                size = len(state.content)
                shown = start + state.shift
                self.send_header("Content-Range", f"bytes {shown}-{size - 1}/{size}")
            if not state.chunked:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if state.stalls:
                state.released.wait(10)
            limit = state.breaks.pop(0) if state.breaks else len(body)
            self.wfile.write(body[:limit])

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_port}/BSR_bsds500.tgz"
    try:
        yield state
    finally:
        state.released.set()
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class Disk:
    """The folders of one download."""

    target: Path
    downloads: Path

    def download(self, *urls: str, replace: bool = False) -> None:
        """Download from the addresses."""
        download_bsds500(
            self.target,
            self.downloads,
            addresses=urls,
            manifest=MANIFEST,
            pause=0.0,
            replace=replace,
        )

    def fail(self, *urls: str) -> str:
        """Download from the addresses, which must fail; return the line, check the leftovers."""
        with pytest.raises(BSDSError) as caught:
            self.download(*urls)
        assert not self.target.exists()
        assert "\n" not in str(caught.value)
        assert list(self.target.parent.glob(".*")) == []
        return str(caught.value)

    def content(self) -> dict[str, bytes]:
        """Return the files at the target by relative path."""
        return {
            path.relative_to(self.target).as_posix(): path.read_bytes()
            for path in self.target.rglob("*")
            if path.is_file()
        }


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    """Return folders to download to."""
    return Disk(tmp_path / "data" / "bsds500", tmp_path / "downloads")


def test_addresses_are_the_official_ones() -> None:
    """Berkeley comes first, then the mirror at a fixed commit."""
    assert ADDRESSES[0].startswith("http://www.eecs.berkeley.edu/")
    assert "BIDS/BSDS500" in ADDRESSES[1]
    assert "a04b7c6c3a9f0ace74bf205c72a43d32e1c72722" in ADDRESSES[1]


@pytest.mark.parametrize("prefix", ["BSR/BSDS500/data/", "BSDS500-a04b7c6/BSDS500/data/", ""])
def test_downloads_exactly_the_manifest(site: Site, disk: Disk, prefix: str) -> None:
    """Only the manifest's files arrive, the archive's other files do not, nor does it remain."""
    site.content = tar(prefix=prefix)
    disk.download(site.url)
    assert disk.content() == FILES
    assert list(disk.downloads.iterdir()) == []


def test_downloads_a_compressed_archive(site: Site, disk: Disk) -> None:
    """The real archives are compressed with gzip."""
    site.content = gzip.compress(tar())
    disk.download(site.url)
    assert disk.content() == FILES


def test_resumes_within_a_call(site: Site, disk: Disk) -> None:
    """A connection that breaks off twice is taken up where it broke off."""
    site.content = tar()
    site.breaks = [100_000, 70_000]
    disk.download(site.url)
    assert disk.content() == FILES
    starts = [int((asked or "bytes=0-")[6:-1]) for asked in site.asked]
    assert len(starts) == 3
    assert 90_000 < starts[1] <= 100_000 < 150_000 < starts[2] <= 170_000


def test_resumes_in_a_later_call(site: Site, disk: Disk) -> None:
    """What came before the program was stopped is not fetched again."""
    site.content = tar()
    site.breaks = [100_000, 0, 0, 0, 0, 0]
    assert "broke off at" in disk.fail(site.url)
    site.breaks = []
    site.asked = []
    disk.download(site.url)
    (asked,) = site.asked
    assert asked is not None
    assert 90_000 < int(asked[6:-1]) <= 100_000
    assert disk.content() == FILES


def test_starts_again_where_the_server_cannot_resume(site: Site, disk: Disk) -> None:
    """A server that ignores Range sends all of it, and nothing is doubled."""
    site.content = tar()
    site.ranges = False
    site.breaks = [100_000]
    disk.download(site.url)
    assert disk.content() == FILES


def test_part_of_another_file_is_dropped(site: Site, disk: Disk) -> None:
    """If an old part does not fit the archive, the download starts again by itself."""
    site.content = tar()
    disk.downloads.mkdir()
    (disk.downloads / "BSR_bsds500.tgz.part").write_bytes(b"\x01" * 5000)
    disk.download(site.url)
    assert disk.content() == FILES
    assert site.asked == ["bytes=5000-", None]


def test_part_that_is_whole_already(site: Site, disk: Disk) -> None:
    """A part that lacks nothing is unpacked without more ado."""
    site.content = tar()
    disk.downloads.mkdir()
    (disk.downloads / "BSR_bsds500.tgz.part").write_bytes(site.content)
    disk.download(site.url)
    assert disk.content() == FILES


def test_server_that_resumes_elsewhere(site: Site, disk: Disk) -> None:
    """A server that answers another range than asked for is not believed."""
    site.content = tar()
    site.breaks = [100_000]
    site.shift = 7
    assert "Content-Range" in disk.fail(site.url)


def test_server_that_falls_silent(site: Site, disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection without a byte for too long is given up."""
    monkeypatch.setattr(download_module, "_TIMEOUT", (5.0, 0.1))
    site.content = tar()
    site.stalls = True
    assert "timed out" in disk.fail(site.url)


def test_endless_file_is_refused(site: Site, disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file larger than any archive of BSDS500 does not fill the disk, announced or not."""
    monkeypatch.setattr(download_module, "_MOST_BYTES", 50_000)
    site.content = tar()
    assert "more than any archive" in disk.fail(site.url)
    site.chunked = True
    assert "no end" in disk.fail(site.url)
    assert sum(path.stat().st_size for path in disk.downloads.iterdir()) < 100_000


def test_second_address_is_tried(site: Site, disk: Disk) -> None:
    """If the first address fails, the second gives the data."""
    site.content = tar()
    disk.download("http://127.0.0.1:9/BSR_bsds500.tgz", site.url)
    assert disk.content() == FILES


def test_failure_names_every_address_and_the_way_out(site: Site, disk: Disk) -> None:
    """Without network the line names both addresses, both reasons, and what to do instead."""
    site.status = 404
    text = disk.fail("http://127.0.0.1:9/x.tgz", site.url)
    for part in ("http://127.0.0.1:9/x.tgz", site.url, "refused", "HTTP 404", "--root",
                 "BSDS500_ROOT", "--source deadleaves"):  # fmt: skip
        assert part in text


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"<!DOCTYPE html><html>Please log in</html>", "a web page instead"),
        (tar()[:-9000][:300_000], "truncated"),
        (tar(FILES | {"images/test/9.jpg": b"other"}), "0 are missing and 1 have other"),
        (tar({"images/test/9.jpg": FILES["images/test/9.jpg"]}), "3 are missing and 0 have"),
        (tar({}), "4 are missing"),
        (b"PK\x03\x04" + bytes(500), "not a tar archive"),
        (b"\x1f\x8b" + bytes(500), "archive"),
        (gzip.compress(tar())[:-3000], "truncated"),
        (flipped(gzip.compress(tar())), "damaged|truncated|missing|sums"),
        (b"", "not a tar archive"),
    ],
)
def test_wrong_file(site: Site, disk: Disk, content: bytes, expected: str) -> None:
    """What is not the archive is refused, and the next call starts from nothing."""
    site.content = content
    assert re.search(expected, disk.fail(site.url))
    assert list(disk.downloads.iterdir()) == []
    site.content = tar()
    disk.download(site.url)
    assert disk.content() == FILES


def test_truncated_without_announced_length(site: Site, disk: Disk) -> None:
    """A file cut short by a server that does not say its length is noticed all the same."""
    site.content = tar()
    site.chunked = True
    site.breaks = [200_000]
    assert "truncated" in disk.fail(site.url)


@pytest.mark.parametrize(
    "name",
    ["../evil.jpg", "BSR/../../evil", "/tmp/evil", "..\\evil", "C:\\evil", "C:/evil", "\\evil",
     "BSR/BSDS500/data/images/train/../../../../../../evil.jpg"],
)  # fmt: skip
def test_path_traversal_is_refused(site: Site, disk: Disk, tmp_path: Path, name: str) -> None:
    """An archive that names a place outside the folder is refused as a whole."""
    site.content = tar(change=member(name))
    before = sorted(tmp_path.rglob("*"))
    assert "refused" in disk.fail(site.url)
    new = {path.name for path in set(tmp_path.rglob("*")) - set(before)}
    assert new <= {"data", "downloads"}


@pytest.mark.parametrize(
    "fields",
    [
        {"type": tarfile.SYMTYPE, "linkname": "/etc"},
        {"type": tarfile.SYMTYPE, "linkname": "../../../.."},
        {"type": tarfile.LNKTYPE, "linkname": "/etc/passwd"},
        {"type": tarfile.CHRTYPE, "devmajor": 1},
        {"type": tarfile.FIFOTYPE},
    ],
)
def test_links_outside_and_devices_are_refused(tmp_path: Path, fields: dict[str, object]) -> None:
    """Members that are no files and lead outside make the archive unacceptable."""
    path = tmp_path / "a.tar"
    path.write_bytes(tar(change=member("BSR/x", b"", **fields)))
    with pytest.raises(BadArchiveError, match="refused"):
        unpack(path, tmp_path / "out", MANIFEST)


def test_link_in_place_of_a_file_is_not_followed(tmp_path: Path) -> None:
    """A link inside the archive is never made, even where a file should be."""
    files = {name: content for name, content in FILES.items() if name != "images/test/9.jpg"}
    link = member("data/images/test/9.jpg", b"", type=tarfile.SYMTYPE, linkname="../train/8.jpg")
    path = tmp_path / "a.tar"
    path.write_bytes(tar(files, link, prefix="data/"))
    with pytest.raises(BadArchiveError, match="1 are missing"):
        unpack(path, tmp_path / "out", MANIFEST)
    assert not (tmp_path / "out/images/test").exists()


def test_absurd_sizes_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An archive of too many or too large members is given up before it fills the disk."""
    path = tmp_path / "a.tar"
    path.write_bytes(tar())
    monkeypatch.setattr(archive_module, "_MOST_BYTES", 1000)
    with pytest.raises(BadArchiveError, match="absurd"):
        unpack(path, tmp_path / "out", MANIFEST)
    monkeypatch.undo()
    monkeypatch.setattr(archive_module, "_MOST_MEMBERS", 3)
    with pytest.raises(BadArchiveError, match="absurd"):
        unpack(path, tmp_path / "out", MANIFEST)


def test_replaces_only_when_told_to(site: Site, disk: Disk) -> None:
    """A folder with something in it is kept, unless it is to be replaced."""
    site.content = tar()
    disk.target.mkdir(parents=True)
    (disk.target / "mine").write_text("precious")
    with pytest.raises(BSDSError, match="empty"):
        disk.download(site.url)
    assert (disk.target / "mine").read_text() == "precious"
    disk.download(site.url, replace=True)
    assert disk.content() == FILES


def test_disk_that_refuses(site: Site, disk: Disk) -> None:
    """Folders that cannot be written are named, and the next address is not blamed."""
    site.content = tar()
    disk.downloads.write_text("in the way")
    text = disk.fail(site.url, site.url)
    assert str(disk.downloads) in text
    assert site.asked == []
    disk.downloads.unlink()
    disk.target.parent.write_text("in the way")
    with pytest.raises(BSDSError, match="cannot be written"):
        disk.download(site.url)
    # What was downloaded is still there for when the disk is mended.
    disk.target.parent.unlink()
    site.asked.clear()
    disk.download(site.url)
    assert disk.content() == FILES
    assert site.asked == []
