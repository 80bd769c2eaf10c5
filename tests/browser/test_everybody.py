"""Pages for everybody: small screens, large letters, readers of screens, thin lines. Each page and
each error state, looked at in one walk."""

import gzip
from collections import defaultdict
from pathlib import Path

from tests.browser.screen import DESK, NARROW, PHONE, ZOOMED
from tests.browser.walk import walk
from tests.portal.test_markup import MOST_OCTETS

AXE = (Path(__file__).parent / "axe-core" / "axe.min.js").read_text("utf-8")
STANDARD = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
ASK_AXE = """
    const done = arguments[arguments.length - 1];
    axe.run(document, arguments[0]).then(done, fault => done({error: String(fault)}));
"""
#: Everything that a page must carry against those who would frame, guess or keep it.
HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'self'"
)
STATUSES = {200, 400, 404, 409, 413, 422, 429, 403, 503}


def findings(screen):
    """What axe-core objects to, and what it leaves to a person; of the page as it is shown."""
    screen.driver.execute_script(AXE)
    options = {
        "runOnly": STANDARD,
        "resultTypes": ["violations", "incomplete"],
        "preload": False,  # no script may fetch the stylesheet
    }
    told = screen.driver.execute_async_script(ASK_AXE, options)
    assert "error" not in told, told
    return [
        f"{found['id']}: {node['html']} {node.get('failureSummary', '')}"
        for found in told["violations"] + told["incomplete"]
        for node in found["nodes"]
    ]


def test_every_page_and_error_state_is_for_everybody(make_screen, city):
    screen = make_screen(f"http://127.0.0.1:{city.port}", scripts=True)
    screen.driver.set_script_timeout(30)
    faults, seen = defaultdict(list), []
    for name in walk(screen, city):
        seen.append(name)
        faults[name] += looked_at(screen)
    assert {} == {name: found for name, found in faults.items() if found}
    assert len(seen) == len(set(seen))
    documents, policies = list(screen.documents()), set()
    assert {status for _, status, _ in documents} == STATUSES
    for url, status, headers in documents:
        assert HEADERS == {name: headers.get(name) for name in HEADERS}, (url, status)
        policies.add(headers["content-security-policy"])
        assert headers["strict-transport-security"].startswith("max-age="), (url, status)
    # The pages of who came from the city's portal let their forms lead back to it.
    assert {POLICY, f"{POLICY} https://dvc.example.vn"} == policies


def looked_at(screen):
    """What is wrong with the page that is shown, in words."""
    for width in (PHONE, DESK):
        screen.size(*width)
        for found in findings(screen):
            yield f"{width[0]}: {found}"
    for window in (NARROW, ZOOMED):
        if overhang := screen.size(*window).overhang():
            yield f"{window}: {overhang} pixels beyond the edge"
    screen.size(*DESK)
    if MOST_OCTETS < (octets := len(gzip.compress(screen.driver.page_source.encode()))):
        yield f"{octets} octets"


def test_letters_of_twice_the_size_hide_nothing(make_screen, city):
    """WCAG 2.2, 1.4.4: the reader's own letters, not the page's."""
    screen = make_screen(f"http://127.0.0.1:{city.port}", letters=32).size(*PHONE)
    for path in ("/dang-nhap", "/tro-giup", "/chinh-sach", "/quen-mat-khau"):
        screen.open(path)
        assert 0 == screen.overhang(), path
        assert "Chính sách dữ liệu" in screen.words
    [paragraph, *_] = screen.driver.find_elements("tag name", "p")
    assert f"{32 * 1.1875:g}px" == paragraph.value_of_css_property("font-size")
