"""Reading boundary maps: PNG, NumPy and ucm2, good and bad."""

import io
import zlib

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from bsds_utils import BSDSError
from bsds_utils.benchmark import MapFolder, as_map, read_map

VALUES = np.array([[0, 51, 255], [7, 128, 254]], np.uint8)


def message(path):
    """Return the error of reading a file: one line that names it."""
    with pytest.raises(BSDSError) as caught:
        read_map(path)
    text = str(caught.value)
    assert "\n" not in text
    assert str(path) in text
    return text


def npy(array, **options):
    """Return the bytes of a .npy file."""
    stream = io.BytesIO()
    np.save(stream, array, **options)
    return stream.getvalue()


def test_grey_pictures(tmp_path):
    """8-bit, 16-bit and 1-bit PNG are scaled so that full scale is 1, exactly."""
    Image.fromarray(VALUES).save(tmp_path / "a.png")
    deep = VALUES.astype(np.uint16) * 257
    Image.fromarray(deep).save(tmp_path / "b.PNG")
    Image.fromarray(VALUES > 100).save(tmp_path / "c.png")
    np.testing.assert_array_equal(read_map(tmp_path / "a.png"), VALUES / 255)
    np.testing.assert_array_equal(read_map(tmp_path / "b.PNG"), deep / 65535)
    np.testing.assert_array_equal(read_map(tmp_path / "c.png"), (VALUES > 100) * 1.0)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ">f4"])
def test_arrays_of_floats(tmp_path, dtype):
    """Floats of any width are read as they are; axes of length one around them are dropped."""
    floats = (VALUES / 255).astype(dtype)
    for shape in ((2, 3), (2, 3, 1), (1, 2, 3, 1), (1, 2, 3)):
        (tmp_path / "a.npy").write_bytes(npy(floats.reshape(shape)))
        read = read_map(tmp_path / "a.npy")
        assert read.dtype == np.float64
        np.testing.assert_array_equal(read, floats.astype(np.float64))


def test_arrays_of_integers(tmp_path):
    """Whole numbers of 8 and 16 bits are read as pictures are, bool as 0 and 1."""
    for array, full in ((VALUES, 255), (VALUES.astype(np.uint16), 65535), (VALUES > 100, 1)):
        (tmp_path / "a.npy").write_bytes(npy(array))
        np.testing.assert_array_equal(read_map(tmp_path / "a.npy"), array / full)


def test_ucm2(tmp_path):
    """Of a doubled map every second row and column is read, from the third on."""
    doubled = np.random.default_rng(0).random((2 * 4 + 1, 2 * 5 + 1))
    savemat(tmp_path / "a.mat", {"ucm2": doubled})
    read = read_map(tmp_path / "a.mat")
    assert read.shape == (4, 5)
    np.testing.assert_array_equal(read, doubled[2::2, 2::2])


def header(text):
    """Return a .npy file with this header and little more."""
    padded = text.ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(padded).to_bytes(2, "little") + padded + bytes(64)


def claim(shape):
    """Return a .npy file that claims a shape."""
    return header(f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}}}".encode())


class Boom:
    """Would run code when unpickled."""

    def __reduce__(self):
        return (pytest.fail, ("a file was unpickled",))


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.png", b"", "empty"),
        ("a.png", b"hello", "no image"),
        ("a.png", b"<!doctype html>", "a web page"),
        ("a.png", npy(np.zeros((2, 2))), "no image"),
        ("a.npy", b"hello", "NumPy array"),
        ("a.npy", b"PK\x03\x04garbage", "NumPy array"),
        ("a.npy", header(b"{'descr': '<f8', ("), "NumPy array"),
        ("a.npy", header(b"{1: 2, 'a': 3}"), "NumPy array"),
        ("a.npy", claim("(True, 2)"), "NumPy array"),
        ("a.npy", claim("(10**30, 2)"), "NumPy array"),
        ("a.npy", claim("(99999, 99999)"), "NumPy array"),
        ("a.npy", npy(np.zeros((4097, 4097), np.uint8)), "at most 16,777,216 pixels"),
        ("a.npy", npy(np.zeros((9, 9)))[:200], "truncated"),
        ("a.npy", npy(np.zeros((2, 2, 3))), "shape (H, W), found shape (2, 2, 3)"),
        ("a.npy", npy(np.zeros((0, 3))), "at least one pixel"),
        ("a.npy", npy(np.full((2, 2), np.nan)), "value nan"),
        ("a.npy", npy(np.full((2, 2), np.inf)), "value inf"),
        ("a.npy", npy(np.full((2, 2), -0.5)), "value -0.5"),
        ("a.npy", npy(np.full((2, 2), 255.0)), "value 255.0"),
        ("a.npy", npy(np.zeros((2, 2), np.int64)), "float probabilities"),
        ("a.npy", npy(np.zeros((2, 2), complex)), "float probabilities"),
        ("a.npy", npy(np.array([["a"]])), "float probabilities"),
        ("a.npy", npy(np.array([[Boom()]], object), allow_pickle=True), "NumPy array"),
        ("a.mat", b"hello", "not a MATLAB 5 file"),
        ("a.mat", b"MATLAB 7.3" + bytes(115) + b"\x00\x02IM", "not a MATLAB 5 file"),
    ],
)  # fmt: skip
def test_files_that_are_no_map(tmp_path, name, content, expected):
    """Each gives one line with what was expected; nothing is unpickled."""
    (tmp_path / name).write_bytes(content)
    assert expected in message(tmp_path / name)


def compact(code, data):
    """Return a MATLAB file with a 3 × 3 ucm2 of class double, its whole numbers packed."""

    def element(kind, content):
        padding = bytes(-len(content) % 8)
        return kind.to_bytes(4, "little") + len(content).to_bytes(4, "little") + content + padding

    size = (3).to_bytes(4, "little") * 2
    flags = (6).to_bytes(8, "little")  # mxDOUBLE_CLASS
    matrix = element(6, flags) + element(5, size) + element(1, b"ucm2") + element(code, data)
    return b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM" + element(14, matrix)


@pytest.mark.parametrize(("code", "width"), [(2, 1), (4, 2), (3, 2)])
def test_whole_numbers_that_matlab_packs(tmp_path, code, width):
    """MATLAB packs doubles that are whole numbers; they are doubles all the same."""
    (tmp_path / "a.mat").write_bytes(compact(code, (1).to_bytes(width, "little") * 9))
    np.testing.assert_array_equal(read_map(tmp_path / "a.mat"), [[1.0]])


def test_logical_and_sparse_ucm2(tmp_path):
    """A logical map is 0 and 1; a sparse one is what it stands for."""
    from scipy.sparse import csc_array

    marked = np.zeros((5, 7), bool)
    marked[2, 4] = True
    for values in (marked, csc_array(marked.astype(float))):
        savemat(tmp_path / "a.mat", {"ucm2": values})
        np.testing.assert_array_equal(read_map(tmp_path / "a.mat"), marked[2::2, 2::2])


def test_a_large_matrix_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    """A file that would unpack to gigabytes is refused."""
    monkeypatch.setattr("bsds_utils.data.matfile._SMALL_BYTES", 1000)
    savemat(tmp_path / "a.mat", {"ucm2": np.zeros((8201, 8201), np.uint8)}, do_compression=True)
    assert (tmp_path / "a.mat").stat().st_size < 1e6
    assert "at most 67,108,864 elements" in message(tmp_path / "a.mat")


@pytest.mark.parametrize("name", ["a.jpg", "a", "a.npz"])
def test_other_names(tmp_path, name):
    """A file of another kind is refused by name."""
    (tmp_path / name).write_bytes(b"x")
    assert "ends in .png, .npy, .mat" in message(tmp_path / name)


def test_an_archive_of_arrays(tmp_path):
    """An .npz under the name .npy is no array."""
    np.savez(tmp_path / "a.npz", a=VALUES)
    (tmp_path / "a.npz").rename(tmp_path / "a.npy")
    assert "NumPy array" in message(tmp_path / "a.npy")


def test_pictures_that_are_no_map(tmp_path):
    """Colour, a palette, transparency, JPEG by another name, a cut-off file: one line each."""
    picture = Image.fromarray(VALUES)
    for mode in ("RGB", "RGBA", "P", "LA"):
        picture.convert(mode).save(tmp_path / "a.png")
        assert f"mode {mode}" in message(tmp_path / "a.png")
    picture.save(tmp_path / "b.png", format="JPEG")
    assert "found JPEG" in message(tmp_path / "b.png")
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (99, 99), np.uint8)).save(
        tmp_path / "c.png"
    )
    content = (tmp_path / "c.png").read_bytes()
    for cut in (100, len(content) // 2, len(content) - 30):
        (tmp_path / "c.png").write_bytes(content[:cut])
        assert "PNG" in message(tmp_path / "c.png")


def test_a_gigantic_picture(tmp_path):
    """A header that claims 40,000 × 40,000 pixels is refused before anything is decoded."""
    header = Image.new("L", (1, 1))
    header.save(tmp_path / "a.png")
    content = bytearray((tmp_path / "a.png").read_bytes())
    content[16:24] = (40000).to_bytes(4, "big") * 2
    content[29:33] = zlib.crc32(bytes(content[12:29])).to_bytes(4, "big")
    (tmp_path / "a.png").write_bytes(bytes(content))
    assert "no image" in message(tmp_path / "a.png")


@pytest.mark.parametrize("shape", [(4, 4), (4, 5), (1, 1), (9,)])
def test_a_ucm2_of_an_impossible_size(tmp_path, shape):
    """A doubled map has odd sizes of at least three."""
    savemat(tmp_path / "a.mat", {"ucm2": np.zeros(shape)})
    assert "2·H + 1" in message(tmp_path / "a.mat")


def test_a_mat_file_with_something_else(tmp_path):
    """The variable must be there, and hold numbers."""
    savemat(tmp_path / "a.mat", {"ucm": np.zeros((5, 5))})
    assert "variable ucm2" in message(tmp_path / "a.mat")
    savemat(tmp_path / "a.mat", {"ucm2": "text"})
    assert "ucm2" in message(tmp_path / "a.mat")
    savemat(tmp_path / "a.mat", {"ucm2": np.full((5, 5), np.nan)})
    assert "value nan" in message(tmp_path / "a.mat")


def test_a_folder_of_maps(tmp_path):
    """Maps of all kinds are found by image id; masks, notes and hidden files are no maps."""
    Image.fromarray(VALUES).save(tmp_path / "8049.png")
    Image.fromarray(VALUES).save(tmp_path / "3063_probability.png")
    Image.fromarray(VALUES).save(tmp_path / "3063_mask.png")
    (tmp_path / "2018.npy").write_bytes(npy(VALUES / 255))
    savemat(tmp_path / "5096.mat", {"ucm2": np.zeros((5, 7))})
    for name in ("notes.txt", ".hidden.png", "Thumbs.db"):
        (tmp_path / name).write_text("x")
    maps = MapFolder(tmp_path)
    assert sorted(maps) == ["2018", "3063", "5096", "8049"]
    assert len(maps) == 4
    assert {maps[one].shape for one in maps} == {(2, 3)}
    with pytest.raises(KeyError):
        maps["1"]


def test_folders_that_are_none(tmp_path):
    """No folder, a file, an empty folder, two maps of one image: one line each."""
    (tmp_path / "file").write_text("x")
    (tmp_path / "empty").mkdir()
    for name, expected in (("none", "No such"), ("file", "Not a dir"), ("empty", "found none")):
        with pytest.raises(BSDSError, match=expected):
            MapFolder(tmp_path / name)
    Image.fromarray(VALUES).save(tmp_path / "8049.png")
    (tmp_path / "8049.npy").write_bytes(npy(VALUES / 255))
    with pytest.raises(BSDSError, match=r"found 8049\.png and 8049\.npy"):
        MapFolder(tmp_path)
    (tmp_path / "empty" / "8049_mask.png").write_bytes(b"x")
    with pytest.raises(BSDSError, match="masks do not count"):
        MapFolder(tmp_path / "empty")


def test_wrong_arrays_in_memory():
    """Errors name the argument."""
    with pytest.raises(ValueError, match="mine: expected one map"):
        as_map("mine", np.zeros(3))
    with pytest.raises(TypeError, match="mine: expected float"):
        as_map("mine", np.zeros((3, 3), int))
    with pytest.raises(ValueError, match="mine: expected an array"):
        as_map("mine", [[0.5], [0.5, 0.5]])
    with pytest.raises(ValueError, match=r"mine: .*nan"):
        as_map("mine", np.full((1, 1), np.nan))
