import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.formula.formulas import conditions, expressions, structural

from gramian.formula.grammar import parse_expression
from gramian.serialize.expressions import NODE


def node_to_json(node):
    return NODE.dump(node)[0]


def node_from_json(obj):
    return NODE.load(obj, {}, "an expression")


@given(expressions | structural | conditions)
def test_a_tree_survives_json(node):
    assert node_from_json(node_to_json(node)) == node


def test_json_is_plain():
    tree = node_to_json(parse_expression('C(x, ref="b")'))
    assert json.loads(json.dumps(tree)) == tree == ["call", "C", [["name", "x"]], {"ref": ["text", "b"]}]


def nested(depth, wrap):
    tree = ["name", "x"]
    for _ in range(depth):
        tree = wrap(tree)
    return tree


@pytest.mark.parametrize(
    "obj",
    [
        None,
        3,
        "x",
        [],
        {},
        ["name"],
        ["name", 3],
        ["name", "x", "y"],
        ["number", "3"],
        ["number", True],
        ["number", -1],
        ["number", float("nan")],
        ["number", float("inf")],
        ["number", 10**400],
        ["flag", 1],
        ["lambda", ["name", "x"]],
        ["%", ["name", "x"], ["name", "x"]],
        ["negative"],
        ["call", "eval", [["name", "x"]], {}],
        ["call", "log", [], {}],
        ["call", "log", [["name", "x"], ["name", "x"]], {}],
        ["call", "log", ["name", "x"], {}],
        ["call", "log", [["text", "x"]], {}],
        ["call", "poly", [["name", "x"], ["number", 1e9]], {}],
        ["call", "poly", [["name", "x"], ["number", 2]], {"raw": ["number", 1]}],
        ["call", "I", [["call", "poly", [["name", "x"], ["number", 2]], {}]], {}],
        nested(152, lambda tree: ["negative", tree]),
        nested(100_000, lambda tree: ["negative", tree]),
        nested(100_000, lambda tree: [tree]),
        nested(200, lambda tree: ["+", tree, tree]),
        ["call", "log", [["name", "x"]] * 200_000, {}],
    ],
)
def test_anything_else_is_refused(obj):
    with pytest.raises(ValueError, match=r"expression|argument|function|must be|stand inside"):
        node_from_json(obj)


@given(
    st.recursive(
        st.none() | st.text() | st.floats() | st.integers(), lambda s: st.lists(s) | st.dictionaries(st.text(), s)
    )
)
def test_random_json_is_a_node_or_a_value_error(obj):
    try:
        node_from_json(obj)
    except ValueError:
        return
