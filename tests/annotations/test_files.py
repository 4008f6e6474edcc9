"""Files are cut into entries that say where they stand; what is no such file is named."""

from pathlib import Path

import pytest

from videomind.annotations import files
from videomind.annotations.files import MAX_LINE, csv_rows, json_entries, json_file, numbered_lines, parse_line
from videomind.errors import DataError


def write(folder: Path, content: bytes) -> Path:
    path = folder / "file"
    path.write_bytes(content)
    return path


def test_lines_are_numbered_as_an_editor_numbers_them(tmp_path: Path) -> None:
    path = write(tmp_path, b"\xef\xbb\xbfone\r\n\n  \n four \n" + b"x" * (3 * MAX_LINE) + b"\nsix")
    assert list(numbered_lines(path)) == [("line 1", b"one"), ("line 4", b"four"), ("line 5", None), ("line 6", b"six")]


def test_the_longest_line_is_read(tmp_path: Path) -> None:
    path = write(tmp_path, b"x" * (MAX_LINE - 1) + b"\n" + b"y" * MAX_LINE)
    assert [len(line or b"") for _, line in numbered_lines(path)] == [MAX_LINE - 1, MAX_LINE]


def test_a_line_is_a_json_object() -> None:
    assert parse_line(b'{"a": 1}') == {"a": 1}
    with pytest.raises(ValueError, match="it is too long"):
        parse_line(None)
    with pytest.raises(ValueError, match="it is no JSON object"):
        parse_line(b"[1]")


def test_entries_of_a_list_are_counted_from_one(tmp_path: Path) -> None:
    assert list(json_entries(write(tmp_path, b'["a", {}]'))) == [("entry 1", "a"), ("entry 2", {})]


@pytest.mark.parametrize(
    ("content", "kind", "says"),
    [
        (b"{", dict, "is not JSON"),
        (b"[" * 100_000, list, "is not JSON"),
        (b"[]", dict, "does not hold an object at its top"),
        (b"{}", list, "does not hold a list at its top"),
    ],
)
def test_a_file_of_something_else_is_refused(tmp_path: Path, content: bytes, kind: type, says: str) -> None:
    with pytest.raises(DataError, match=rf"file.*{says}.*as it was published"):
        json_file(write(tmp_path, content), kind)


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_BYTES", 4)
    assert json_file(write(tmp_path, b"[1]"), list) == [1]
    with pytest.raises(DataError, match="split it"):
        json_file(write(tmp_path, b"[1, 2]"), list)


def test_rows_stand_on_the_line_they_end_on(tmp_path: Path) -> None:
    rows = list(csv_rows(write(tmp_path, b'question,type\n"why,\nthen",CW\nhow,CH\n')))
    assert rows == [("line 3", {"question": "why,\nthen", "type": "CW"}), ("line 4", {"question": "how", "type": "CH"})]


def test_what_is_no_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="as CSV"):
        list(csv_rows(write(tmp_path, b"a,b\n\xff,1\n")))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    for read in (numbered_lines, json_entries, csv_rows):
        with pytest.raises(DataError, match=r"cannot read .*none"):
            list(read(tmp_path / "none"))
