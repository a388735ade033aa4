"""The page as a thing to use: every control, keyboard, touch, paste, link, print, narrow screens, and its size."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest
from lesson_browser import Opened

import gramian as gm
from gramian.lessons.examples import MONTHS

SCENES = ("cost", "matrices", "minimum", "descent", "valley", "powers", "sigmoid", "curves", "work")
MOST_BYTES = 300_000
NARROW = {"has_touch": True, "viewport": {"width": 400, "height": 800}}


def test_the_page_is_one_small_file_that_loads_nothing():
    text = gm.lesson().html()
    assert len(text.encode()) < MOST_BYTES
    assert set(re.findall(r"https?://[^\s\"'<]+", text)) == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"<link|<img|\ssrc=|@import|url\((?!#)", text)


def test_modules_are_short():
    page = files("gramian.lessons") / "page"
    for folder in (page, *(entry for entry in page.iterdir() if entry.is_dir())):
        for file in (entry for entry in folder.iterdir() if entry.is_file()):
            lines = file.read_text(encoding="utf-8").splitlines()
            assert len(lines) < 250, file.name
            assert file.name.endswith((".html", ".css")) or max(map(len, lines)) <= 120, file.name


CONTROLS = """
() => {
  const moved = [];
  for (const e of document.querySelectorAll("main button, main input, main textarea, main select")) {
    if (e.type === "range") {
      for (const v of [e.min, e.max, (+e.min + +e.max) / 2]) {
        e.value = v;
        e.dispatchEvent(new Event("input", { bubbles: true }));
      }
    } else if (e.type === "number") {
      e.value = 3.25;
      e.dispatchEvent(new Event("input", { bubbles: true }));
    } else e.click();
    moved.push(e.id || e.outerHTML.slice(0, 60));
  }
  return moved;
}
"""


@pytest.mark.parametrize(
    "fragment",
    [
        "",
        "#data=ten",
        "#pts=3,1;3,2;3,5",
        "#pts=0,0;1,0",
        "#pts=1,2;2,4;3,6",
        "#pts=2000,31;2001,30;2003,35;2020,40",
        "#pts=1e-9,1e12;2e-9,3e12;5e-9,2e12",
        "#pts=1e9,1e-9;3e9,-1e-9;4e9,2e-9",
    ],
)
def test_every_control_moves_without_a_fault(lesson, fragment):
    opened = lesson(fragment)
    for _ in range(2):
        moved = opened.page.evaluate(CONTROLS)
        opened.settle()
    assert len(moved) > 50
    texts = opened.page.locator("body").inner_text()
    assert not re.search(r"NaN|undefined|\[object", texts)


def test_the_point_moves_by_keys_and_is_spoken(lesson):
    opened = lesson()
    page = opened.page
    page.locator("#stage .dot").nth(7).focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Shift+ArrowRight")
    opened.settle()
    x, y = opened.points()[7]
    assert x > 8
    assert y > 2.5
    page.keyboard.press("a")
    opened.settle()
    assert len(opened.points()) == 13
    page.keyboard.press("Delete")
    page.keyboard.press("n")
    opened.settle()
    assert len(opened.points()) == 12
    page.wait_for_function("() => /12 points. Line: y = /.test(document.getElementById('live').textContent)")
    assert re.match(r"\d+ of 12: x ", page.evaluate("document.activeElement.getAttribute('aria-label')"))


def test_keys_between_two_drawings_all_count(lesson):
    opened = lesson()
    opened.page.evaluate("""() => {
      const down = key => new KeyboardEvent("keydown", { key });
      const press = (e, key, n) => { for (let k = 0; k < n; k++) e.dispatchEvent(down(key)); };
      press(document.querySelectorAll("#stage .dot")[7], "ArrowRight", 5);
      press(document.querySelectorAll("#stage .grip")[1], "ArrowUp", 4);
    }""")
    assert opened.points()[7] == [8.5, 2.5]
    four = opened.numbers()["cost"]
    opened.page.evaluate("""async () => {
      const grip = document.querySelectorAll("#stage .grip")[1], frame = () => new Promise(requestAnimationFrame);
      for (let k = 0; k < 4; k++) {
        grip.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowDown" }));
        await frame();
      }
    }""")
    assert opened.numbers()["cost"] < four
    opened.page.evaluate("""() => {
      for (let k = 0; k < 30; k++) {
        document.querySelector("#stage .dot").dispatchEvent(new KeyboardEvent("keydown", { key: "Delete" }));
      }
    }""")
    assert len(opened.points()) == 2


def test_touch_drags_adds_and_turns_over(lesson):
    opened = lesson(**NARROW)
    box = opened.page.locator("#stage .ground").bounding_box()
    opened.page.touchscreen.tap(box["x"] + box["width"] * 0.2, box["y"] + box["height"] * 0.15)
    opened.settle()
    assert len(opened.points()) == 13
    session = opened.page.context.new_cdp_session(opened.page)
    dot = opened.page.locator("#stage .dot").nth(2).bounding_box()
    scrolled = opened.page.evaluate("scrollY")
    x, y = dot["x"] + dot["width"] / 2, dot["y"] + dot["height"] / 2
    for kind, up in (("touchStart", 0), ("touchMove", 15), ("touchMove", 40)):
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y - up}]})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    moved = opened.points()[2]
    assert moved[1] > MONTHS.points[2][1] + 0.05
    assert moved[0] == MONTHS.points[2][0]
    assert opened.page.evaluate("scrollY") == scrolled
    opened = lesson("#scene=sigmoid", **NARROW)
    before = opened.points()
    dot = opened.page.locator("#stage .dot").last.bounding_box()
    opened.page.touchscreen.tap(dot["x"] + dot["width"] / 2, dot["y"] + dot["height"] / 2)
    assert opened.points() == [*before[:-1], [before[-1][0], 1 - before[-1][1]]]


def test_a_double_click_leaves_a_new_point_and_removes_an_old_one(lesson):
    opened = lesson()
    box = opened.page.locator("#stage .ground").bounding_box()
    opened.page.mouse.dblclick(box["x"] + 60, box["y"] + 40)
    opened.settle()
    assert len(opened.points()) == 13
    # Double clicks remove nothing for a moment after a point was added.
    now = opened.page.evaluate("performance.now()")
    opened.page.wait_for_function("now => performance.now() > now + 800", arg=now)
    opened.page.locator("#stage .dot").nth(2).dblclick()
    assert len(opened.points()) == 12


def test_points_are_pasted_and_edited(lesson):
    opened = lesson()
    opened.page.locator("details", has=opened.page.locator("#paste-text")).evaluate("e => { e.open = true }")
    opened.page.fill("#paste-text", "size price\n1,5; 2\n2; 4,25\n3; 5\n")
    opened.page.click("#paste-take")
    assert "Not taken: line 2" in opened.page.locator("#paste-problem").inner_text()
    opened.page.fill("#paste-text", "size; price\n1,5; 2\n2; 4,25\n3; 5\n")
    opened.page.click("#paste-take")
    assert opened.points() == [[1.5, 2], [2, 4.25], [3, 5]]
    opened.page.evaluate("document.getElementById('matrices').scrollIntoView()")
    before = opened.numbers()["lit-row"]
    opened.page.locator("#row-next").press("Enter")
    row = int(opened.numbers()["lit-row"] or 0)
    assert row == before % 3 + 1
    opened.page.fill("#row-y", "7.5")
    assert opened.points()[row - 1][1] == 7.5


def test_the_link_carries_what_is_seen(lesson):
    opened = lesson("#scene=descent&scale=centred")
    opened.page.locator("#stage .dot").nth(3).focus()
    opened.page.keyboard.press("Shift+ArrowUp")
    opened.slide("descent-rate", 0.3)
    opened.settle()
    opened.page.click("button[data-link] >> nth=0")
    opened.page.wait_for_function("() => !document.getElementById('link').hidden")
    link = opened.page.input_value("#link-text")
    numbers, points = opened.numbers(), opened.points()
    other = lesson(link.removeprefix(opened.url), color_scheme="dark")
    assert other.points() == points
    assert other.numbers() == numbers


def test_an_address_without_sense_opens_the_lesson(lesson):
    numbers = lesson(
        "#scene=nowhere&pts=1,b&ratePlace=7&degree=99&outcomes=2&w=1&lit=-3&step=-1&pass=2.5&method=magic&theme=%"
    ).numbers()
    assert numbers == lesson("#scene=cost").numbers()


def test_print_has_every_figure(lesson):
    opened = lesson()
    opened.page.emulate_media(media="print")
    opened.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert opened.page.locator(".paper > svg").count() == 8
    assert opened.page.locator(".stage").is_hidden()
    opened.page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert opened.page.locator(".paper > svg").count() == 0
    opened.page.emulate_media(media="screen")


def test_a_narrow_screen_has_nothing_beside_it(lesson):
    for scene in SCENES:
        opened = lesson(f"#scene={scene}", **NARROW)
        assert opened.page.evaluate("document.documentElement.scrollWidth") == 400, scene
        assert opened.page.locator(f"#{scene} h2").is_visible()


def test_every_picture_and_control_has_a_name(lesson):
    opened = lesson()
    assert unnamed(opened) == []


def unnamed(opened: Opened):
    """Elements that a screen reader could not name."""
    return opened.page.evaluate("""
    () => [...document.querySelectorAll("button, input, textarea, svg[role], [role=button], [role=slider], section")]
      .filter(e => !(e.getAttribute("aria-label") || e.getAttribute("aria-labelledby") || e.labels?.length ||
        e.textContent.trim()))
      .map(e => e.outerHTML.slice(0, 80))""")


def test_own_data_come_first_with_their_names(lesson, tmp_path):
    path = tmp_path / "own.html"
    data = {"</script>": [1.0, 2.0, 4.0, 5.0], "hit": [0, 1, 0, 1]}
    gm.lesson("hit ~ `</script>`", data).save(path)
    opened = lesson(path=path)
    assert opened.points() == [[1, 0], [2, 1], [4, 0], [5, 1]]
    assert "</script>" in opened.page.locator("#stage .axes").text_content()
    assert opened.page.locator("#cost-sets button").all_inner_texts()[1:] == ["Twelve months", "Ten points"]
    opened = lesson("#scene=sigmoid", path=path)
    assert opened.page.locator("#stage .dot").count() == 4
