"""nbgrader's pages in a real browser, with submissions that attack whoever reads them.

The formgrader is that of a real ``jupyter lab``, feedback comes from ``nbgrader
generate_feedback``. That something ran shows in the page's title or variables; that something was
requested shows in a server that counts, and in the browser's own list.
"""

import shutil
import threading
import urllib.request
from collections.abc import Callable, Iterator
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import nbformat
import pytest
from graded_pages import ANSWERS, CNN, autograded, hand_in, make_course
from jupyter_lab import jupyter_lab
from page_attacks import attachments, hostile_markdown, hostile_outputs, png
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait
from stock_nbgrader import nbgrader

from grader.gradebook.book import CourseGradebook
from tests.chromium import browser_problem, chromium

PROBLEM = browser_problem()

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(PROBLEM is not None, reason=PROBLEM or ""),
]

EVE = "<img src=x onerror=window.pwned=1>"
NAME = f"<script>window.pwned=1</script>\"'>{escape(EVE)}"


class Counter:
    """A server on this machine that writes down what is asked of it."""

    def __init__(self) -> None:
        self.paths: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(handler) -> None:  # noqa: N805
                self.paths.append(handler.path)
                handler.send_error(404)

            do_POST = do_GET

            def log_message(handler, *_: Any) -> None:  # noqa: N805
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture(scope="module")
def counter() -> Iterator[Counter]:
    """Return a server that attacks want to reach."""
    counter = Counter()
    yield counter
    counter.server.shutdown()
    counter.server.server_close()


@pytest.fixture(scope="module")
def course(counter: Counter, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a graded course: Eve attacks everywhere, Ada and Bob answer, Kim's page is gone."""
    root = tmp_path_factory.mktemp("course")
    attacks = hostile_markdown(counter.url)

    def attack(notebook: Any) -> None:
        for cell in notebook.cells:
            if cell.metadata.get("nbgrader", {}).get("grade_id") in ANSWERS:
                cell.source = "\n\n".join(attacks[:-3])
                cell["attachments"] = attachments(counter.url)
        notebook.cells += [nbformat.v4.new_markdown_cell(text) for text in attacks]
        notebook.cells.append(nbformat.v4.new_code_cell("# </pre><script>window.pwned=1</script>"))

    def answer(notebook: Any) -> None:
        for cell in notebook.cells:
            if cell.metadata.get("nbgrader", {}).get("grade_id") == "question_metrics":
                cell.source = "My *sketch*: ![sketch](attachment:image.png) of $\\frac{a}{b}$"
                cell["attachments"] = {"image.png": {"image/png": png()}}

    hand_in(root, EVE, attack)
    hand_in(root, "ada", answer)
    hand_in(root, "kim <b>", answer)
    make_course(root)
    # Whatever grading left in the notebook, pages are harmless by themselves.
    path = autograded(root, EVE)
    notebook = nbformat.read(path, as_version=4)
    outputs = hostile_outputs(counter.url)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs += outputs
        elif cell.metadata.get("nbgrader"):
            cell["attachments"] = nbformat.from_dict(attachments(counter.url))
    notebook.cells.append(nbformat.v4.new_raw_cell(attacks[0], metadata={"tags": [NAME]}))
    path.chmod(0o644)
    nbformat.write(notebook, path)
    shutil.rmtree(autograded(root, "kim <b>").parent)
    with CourseGradebook(root).gradebook() as gradebook:
        for student in (EVE, "kim <b>"):
            gradebook.update_or_create_student(student, first_name=NAME, last_name=NAME)
        comment = gradebook.find_comment("question_metrics", "cnn", "cnn", EVE)
        comment.manual_comment = "\n\n".join(attacks[:-3])
        gradebook.db.commit()
    return root


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Return a browser that tests share."""
    with chromium() as driver:
        yield driver


@pytest.fixture(scope="module")
def lab(browser: Any, course: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of the instructor's Jupyter, in which the browser is logged in."""
    with jupyter_lab(course, tmp_path_factory.mktemp("jupyter")) as address:
        # Cookies that the formgrader's own pages set are for them alone.
        browser.get(address.format("/api/status"))
        yield address


@pytest.fixture(scope="module")
def feedback(course: Path) -> Callable[[str], str]:
    """Return a function from a student to the address of their feedback."""
    done = nbgrader(course, "generate_feedback", "cnn")
    assert (course / "feedback" / "ada").is_dir(), done.stderr

    def address(student: str) -> str:
        return (course / "feedback" / student / "cnn" / "cnn.html").as_uri()

    return address


@pytest.fixture
def submission(course: Path, lab: str) -> Callable[[str], str]:
    """Return a function from a student to the address of their submission's form."""

    def address(student: str) -> str:
        with CourseGradebook(course).gradebook() as gradebook:
            found = gradebook.find_submission_notebook("cnn", "cnn", student)
            return lab.format(f"/formgrader/submissions/{found.id}/")

    return address


def look_at(browser: Any, counter: Counter, address: str, ready: str = "true") -> None:
    """Open a page, wait until it is ready, and see that nothing ran and nothing was requested."""
    counter.paths.clear()
    browser.get_log("browser")
    browser.get(address)
    WebDriverWait(browser, 120).until(lambda driver: driver.execute_script(f"return {ready}"))
    assert browser.execute_script("return typeof window.pwned") == "undefined"
    assert browser.title != "pwned"
    origin = browser.execute_script("return location.origin")
    own = (f"{origin}/formgrader/", f"{origin}/favicon.ico", "data:")
    requested = browser.execute_script(
        "return performance.getEntriesByType('resource').map(entry => entry.name)"
    )
    assert [url for url in requested if not url.startswith(own)] == []
    assert counter.paths == []
    # The page's policy had nothing to forbid: it is the second wall.
    assert [entry for entry in browser.get_log("browser") if "Polic" in entry["message"]] == []


def harmless_links(browser: Any) -> None:
    """See that links out of students' text lead to the web, and in a new window."""
    links = browser.execute_script(
        "return [...document.querySelectorAll('.text_cell_render a[href]')]"
        ".map(a => [a.protocol, a.origin == location.origin, a.target, a.rel])"
    )
    assert links
    for link in links:
        assert link[0] in ("http:", "https:")
        assert link[1:] == [False, "_blank", "noopener noreferrer nofollow"]


def runs_nothing(browser: Any) -> None:
    """See that the policy stops what would get past everything else."""
    browser.execute_script(
        "document.body.insertAdjacentHTML('beforeend',"
        "'<img src=x onerror=window.pwned=1><a id=bad href=javascript:window.pwned=1>x</a>"
        '<iframe srcdoc="<script>parent.pwned=1</script>"></iframe>\');'
        "const script = document.createElement('script'); script.textContent = 'window.pwned = 1';"
        "document.body.append(script); document.getElementById('bad').click();"
    )
    browser.execute_async_script("setTimeout(arguments[0], 500)")
    assert browser.execute_script("return typeof window.pwned") == "undefined"


IDLE = "jQuery.active == 0"
LOADED = "typeof formgrader == 'object' && formgrader.grades.loaded && MathJax.loaded"


def test_the_form_runs_nothing(
    browser: Any, counter: Counter, submission: Callable[[str], str]
) -> None:
    """Every attack at once, in answers, added cells, outputs and names; the form works."""
    look_at(browser, counter, submission(EVE), LOADED)
    harmless_links(browser)
    assert NAME in browser.find_element(By.CLASS_NAME, "live-notebook").get_attribute(
        "textContent"
    )
    inputs = browser.find_elements(By.CSS_SELECTOR, "input.score")
    assert {field.get_attribute("id") for field in inputs} == {*CNN.points(), *ANSWERS}
    covered = browser.execute_script(
        "return [...document.querySelectorAll('input.score')].filter(field => {"
        "  field.scrollIntoView({block: 'center'});"
        "  const box = field.getBoundingClientRect();"
        "  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];"
        "  return document.elementFromPoint(x, y) != field;"
        "}).map(field => field.id)"
    )
    assert covered == []
    runs_nothing(browser)


def test_an_answer_is_graded_in_the_form(
    browser: Any, counter: Counter, course: Path, submission: Callable[[str], str]
) -> None:
    """A pasted picture and a formula are shown; points and comments are saved; the name shows."""
    look_at(browser, counter, submission("ada"), LOADED)
    picture = browser.find_element(By.CSS_SELECTOR, ".text_cell_render img[alt=sketch]")
    assert picture.get_property("naturalWidth") == 8
    assert browser.find_elements(By.CSS_SELECTOR, ".text_cell_render mfrac")
    name, hidden = (
        browser.find_element(By.CSS_SELECTOR, f"a.name-{x}") for x in ("shown", "hidden")
    )
    assert not name.is_displayed()
    browser.find_element(By.CSS_SELECTOR, "span.name-hidden").click()
    assert (name.text, hidden.is_displayed()) == ("ada", False)
    field = browser.find_element(By.ID, "question_metrics")
    panel = field.find_element(By.XPATH, "ancestor::*[contains(@class, 'nbgrader_cell')]")
    assert "needs_manual_grade" in field.get_attribute("class")
    panel.find_element(By.CSS_SELECTOR, "button.full-credit").click()

    def saved(_: Any) -> bool:
        with CourseGradebook(course).gradebook() as gradebook:
            grade = gradebook.find_grade("question_metrics", "cnn", "cnn", "ada")
            return bool(grade.manual_score == 2)

    WebDriverWait(browser, 60).until(saved)


@pytest.mark.parametrize(
    "path",
    ["manage_assignments", "manage_submissions/cnn", "gradebook", "gradebook/cnn",
     "gradebook/cnn/cnn", "manage_students",
     "manage_students/%3Cimg%20src=x%20onerror=window.pwned=1%3E",
     "manage_students/%22%3E%3Cimg%20src=x%20onerror=window.pwned=1%3E/cnn"],
)  # fmt: skip
def test_lists_run_nothing(browser: Any, counter: Counter, lab: str, path: str) -> None:
    """The formgrader's other pages, which hold names, and what an address puts into them."""
    look_at(browser, counter, lab.format(f"/formgrader/{path}"), IDLE)


def test_a_missing_page_runs_nothing(
    browser: Any, counter: Counter, submission: Callable[[str], str]
) -> None:
    """The page for a submission whose file is gone, whatever nbgrader says there, is harmless."""
    look_at(browser, counter, submission("kim <b>"))


def test_a_course_in_a_folder_below_runs_nothing(
    browser: Any, counter: Counter, course: Path, tmp_path: Path
) -> None:
    """A Jupyter that was started elsewhere, and only then learns of the course."""
    with CourseGradebook(course).gradebook() as gradebook:
        found = gradebook.find_submission_notebook("cnn", "cnn", EVE).id
    with jupyter_lab(course.parent, tmp_path) as address:
        browser.get(address.format("/api/status"))
        browser.get(f"{address.format('/formgrader')}&path={course.name}")
        look_at(browser, counter, address.format(f"/formgrader/submissions/{found}/"), LOADED)
        look_at(browser, counter, address.format("/formgrader/manage_students"), IDLE)


def test_feedback_runs_nothing(
    browser: Any, counter: Counter, feedback: Callable[[str], str]
) -> None:
    """Every attack at once, in answers, outputs and the grader's comment, in its reader's page."""
    look_at(browser, counter, feedback(EVE))
    harmless_links(browser)
    assert browser.find_elements(By.TAG_NAME, "script") == []
    runs_nothing(browser)


def test_feedback_tells_what_is_open(
    browser: Any, counter: Counter, feedback: Callable[[str], str]
) -> None:
    """Tasks by name, ungraded answers as such, a picture, a formula, no line too long."""
    look_at(browser, counter, feedback("ada"))
    tasks = browser.find_element(By.TAG_NAME, "header").text
    assert "Task 3 · The loss: BCE + Dice: 1.5 / 3" in tasks
    assert "Question 1: not yet graded (2 points)" in tasks or "Question 1: 2 / 2" in tasks
    picture = browser.find_element(By.CSS_SELECTOR, "img[alt=sketch]")
    assert picture.get_property("naturalWidth") == 8
    assert browser.find_elements(By.CSS_SELECTOR, "munder > mrow.munder-brace mi")
    too_wide = browser.execute_script(
        "return [...document.querySelectorAll('html, pre, .output_area')]"
        ".filter(element => element.scrollWidth > element.clientWidth + 1).length"
    )
    assert too_wide == 0


def test_the_form_makes_the_same_feedback(
    course: Path, lab: str, feedback: Callable[[str], str]
) -> None:
    """The formgrader's button gives the page that the command gives."""
    path = course / "feedback" / "ada" / "cnn" / "cnn.html"
    made = path.read_text(encoding="utf-8")
    path.unlink()
    address = lab.format("/formgrader/api/assignment/cnn/ada/generate_feedback")
    token = {"Authorization": f"token {lab.partition('=')[2]}"}
    request = urllib.request.Request(address, b"{}", token)
    with urllib.request.urlopen(request, timeout=300) as answer:
        assert answer.status == 200
    assert path.read_text(encoding="utf-8") == made
