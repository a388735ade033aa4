"""The measures of the source, on tiny examples."""

import json
import sys
from pathlib import Path

import measure
import pytest
from measures.functions import signatures, text
from measures.imports import circles, import_graph
from measures.journeys import Journey
from measures.layout import largest_folder
from measures.words import private_words_in, words


def written(folder: Path, **files: str) -> list[Path]:
    paths = []
    for name, content in files.items():
        path = folder / "pkg" / f"{name.replace('__in__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        paths.append(path)
    return paths


def test_circles_are_found_largest_first():
    graph = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": set(), "e": {"f", "a"}, "f": {"e"}}
    assert circles(graph) == [["a", "b", "c"], ["e", "f"]]


def test_a_graph_without_circles_has_none():
    assert circles({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


def test_a_long_circle_needs_no_recursion():
    names = [f"{i:05}" for i in range(5000)]
    graph = {name: {after} for name, after in zip(names, [*names[1:], names[0]], strict=True)}
    assert circles(graph) == [names]


def test_imports_in_functions_and_for_types_are_counted(tmp_path):
    files = written(
        tmp_path,
        __init__="",
        a="from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from pkg.b import B\n",
        b="def f():\n    from . import c\n",
        c="import pkg.a\nimport os\n",
        sub__in____init__="X = 1\n",
        sub__in__d="from pkg.sub import X\nfrom ..a import A\n",
    )
    graph = import_graph(files, tmp_path)
    assert graph["pkg.a"] == {"pkg.b"}
    assert graph["pkg.b"] == {"pkg.c"}
    assert graph["pkg.c"] == {"pkg.a"}
    assert graph["pkg.sub.d"] == {"pkg.sub", "pkg.a"}
    assert circles(graph) == [["pkg.a", "pkg.b", "pkg.c"]]


@pytest.mark.parametrize(
    ("identifier", "parts"),
    [
        ("_told_as_written", ["told", "as", "written"]),
        ("KeyedLift", ["keyed", "lift"]),
        ("GLMLift2", ["glm", "lift"]),
        ("FIRST_RUNG", ["first", "rung"]),
        ("dataframe", ["dataframe"]),
    ],
)
def test_identifiers_are_split_into_words(identifier, parts):
    assert words(identifier) == parts


def test_private_words_are_whole_words_with_their_inflections():
    assert private_words_in("lifted_frames") == ["lift", "frame"]
    assert private_words_in("PosedTold") == ["pose", "told"]
    assert private_words_in("uplifting_composed_threshold_dataframe") == []
    assert private_words_in("DataFrame") == []
    assert private_words_in("read_frame", {"frame"}) == []


def test_signatures_count_what_travels_and_the_lines_of_a_body(tmp_path):
    code = '''
class A:
    def f(self, source, *, engine=None, **progress):
        """Say.

        More.
        """
        a = 1

        return a  # why
'''
    (file,) = written(tmp_path, a=code.lstrip())
    (one,) = signatures(file)
    assert one.parameters == ("source", "engine", "progress")
    assert one.travelling() == 3
    assert one.body == 3
    found = text(file)
    assert (found.lines, found.docstrings, found.comments) == (9, 4, 1)


def test_the_largest_folder_does_not_count_init():
    paths = [Path("p/__init__.py"), Path("p/a.py"), Path("p/q/b.py"), Path("p/q/c.py")]
    assert largest_folder(paths) == ("p/q", 2)


def test_codecs_of_types_are_not_counted_with_the_mechanism():
    rows = {one.name: one for one in measure.layout_measures()}
    types, mechanism = rows["lines of hand-written codecs"], rows["lines of the codec mechanism"]
    assert (types.at_most, mechanism.at_most) == (1000, None)
    assert {"serialize/moments.py", "fit/gram/save.py"} <= set(types.details)
    assert set(mechanism.details) == {"serialize/codec.py", "serialize/record.py", "serialize/values.py"}
    assert not {"serialize/file.py", *mechanism.details} & set(types.details)
    with pytest.raises(LookupError, match="no file counts"):
        measure.lines_of("lines of nothing", [])


def test_a_journey_counts_moves_there_and_back(tmp_path):
    a, b = written(tmp_path, a="def f(g):\n    g()\n    list(map(lambda _: g(), [1]))\n", b="def parse():\n    pass\n")
    spaces = []
    for file in (a, b):
        spaces.append({})
        exec(compile(file.read_text(), str(file), "exec"), spaces[-1])
    journey = Journey(str(tmp_path), (str(b), "parse"))
    before = sys.getprofile()
    with journey.recording():
        spaces[0]["f"](spaces[1]["parse"])
    sys.setprofile(before)
    assert journey.files == {str(a), str(b)}
    assert journey.moves == 5  # in, there and back, there and back
    assert journey.parses == 2


def test_a_missed_bar_is_said_and_an_earlier_run_is_shown(tmp_path, capsys, monkeypatch):
    rows = [measure.Measure("files", 30, at_most=25, details=["here"]), measure.Measure("docstrings", 20, at_least=18)]
    monkeypatch.setattr(measure, "measures", lambda journeys: iter(rows))
    assert measure.main(["--json"]) == 0
    earlier = tmp_path / "earlier.json"
    earlier.write_text(capsys.readouterr().out.replace("30", "1234"))
    assert json.loads(earlier.read_text())[1]["name"] == "docstrings"
    assert measure.main(["--check", "--against", str(earlier)]) == 1
    shown = capsys.readouterr().out.splitlines()
    assert shown[1].split() == ["files", "30", "<=", "25", "1,234", "missed"]
    assert shown[2].split() == ["docstrings", "20", ">=", "18", "20"]
    assert "files: here" in shown
