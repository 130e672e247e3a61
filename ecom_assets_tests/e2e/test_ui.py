"""Dagster's UI in a browser, on a small shop: layers, an asset's page, clicking partitions, a failing check.

Needs Debian's Chromium; skips where none is found, unless ECOM_REQUIRE_BROWSER is set. With ECOM_PICTURE it leaves
a picture of the asset graph there, which is how docs/ui.png is made (`make docs`).
"""

import contextlib
import csv
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from ecom_assets_tests.e2e.command import ecom, environment

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

LAYERS = ("landing", "raw", "clean", "profile", "kpi", "forecast", "publish")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
VIEWPORT = {"width": 1600, "height": 900}
PICTURE = {"width": 1800, "height": 1500}  # smaller, and the UI draws no names
GRAPH = {"x": 369, "y": 385, "width": 1431, "height": 1085}  # without what lies left and above of it
PATIENCE_S = 180  # the UI answers about 20 s after its start on two idle cores


@pytest.fixture(scope="module")
def chromium():
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if not found:
        message = "no Chromium on the path (Debian: apt-get install chromium)"
        pytest.fail(message) if os.environ.get("ECOM_REQUIRE_BROWSER") else pytest.skip(message)
    return found


@pytest.fixture(scope="module")
def home(chromium, demo_home, tmp_path_factory):
    """The demo after a day of order items came again, most of them of orders that nobody knows."""
    home = tmp_path_factory.mktemp("ui") / "home"
    shutil.copytree(demo_home, home)
    home.joinpath("home.json").unlink()  # it names the folder that was copied
    environ = {"ECOM_SHOP": str(home / "shop.yaml")}
    day = days_of(home, **environ)[-2]
    good = home / "landing" / "order_items" / f"order_items_{day}.csv"
    rows = list(csv.DictReader(good.open(newline="")))
    with good.with_name(f"order_items_{day}_again.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows({**row, "order_id": f"nobody-{number}"} for number, row in enumerate(rows))
    refused = ecom(home, "run", code=1, **environ)
    assert "store_id_and_order_id_found_in_orders" in refused.stderr
    assert day in refused.stderr
    return home


@pytest.fixture(scope="module")
def address(home, tmp_path_factory):
    """Where the UI of the home listens, while it does."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path_factory.mktemp("log") / "ui.log"
    command = [sys.executable, "-m", "ecom_assets", "ui", "--port", str(port)]
    with log.open("w") as stream:
        server = subprocess.Popen(command, env=environment(home), cwd=home, stdout=stream, stderr=stream,
                                  start_new_session=True)  # fmt: skip
        try:
            url = f"http://127.0.0.1:{port}"
            until(lambda: loaded(url), f"the UI did not come up: {log}", server)
            yield url
        finally:
            os.killpg(server.pid, signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(20)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGKILL)  # whatever of its own processes is left


@pytest.fixture(scope="module")
def page(chromium, address):
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, headless=True, args=FLAGS)
        page = browser.new_page(viewport=VIEWPORT, base_url=address)
        page.set_default_timeout(PATIENCE_S * 1000)
        yield page
        browser.close()


def days_of(home: Path, **environ: str) -> list[str]:
    sql = "select business_date from kpi.daily_revenue order by 1"
    return ecom(home, "query", "-f", "csv", sql, **environ).stdout.split()[1:]


def asked(url: str, query: str) -> dict:
    request = urllib.request.Request(f"{url}/graphql", json.dumps({"query": query}).encode(),
                                     {"Content-Type": "application/json"})  # fmt: skip
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)["data"]


def loaded(url: str) -> bool:
    try:
        found = asked(url, "{workspaceOrError{... on Workspace{locationEntries{loadStatus}}}}")
    except OSError:
        return False
    return [entry["loadStatus"] for entry in found["workspaceOrError"]["locationEntries"]] == ["LOADED"]


def until(holds, message: str, process=None) -> None:
    end = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < end, message
        assert process is None or process.poll() is None, message
        time.sleep(1)


def newest_run(url: str) -> dict:
    runs = asked(url, "{runsOrError(limit:1){... on Runs{results{runId status}}}}")["runsOrError"]["results"]
    return runs[0] if runs else {"runId": None, "status": None}


def materialized_by_clicking(page, address: str, selection: str) -> str:
    """Choose days of clean/orders in the dialog and launch; the id of the run, which has succeeded."""
    before = newest_run(address)["runId"]
    page.goto("/assets/clean/orders")
    page.get_by_role("button", name="Materialize…").click()
    # The dialog chooses what is missing once it knows the partitions, and undoes what was clicked before.
    page.get_by_text(re.compile(r"^Showing \d+ of \d+ partitions")).wait_for()
    page.get_by_role("button", name="Custom", exact=True).click()
    box = page.get_by_placeholder("ex: ")
    box.fill(selection)
    box.press("Enter")
    page.get_by_role("button", name="Launch").last.click()
    until(lambda: newest_run(address)["runId"] != before, "no run was started")
    until(lambda: newest_run(address)["status"] in ("SUCCESS", "FAILURE", "CANCELED"), "the run did not end")
    run = newest_run(address)
    assert run["status"] == "SUCCESS"
    return run["runId"]


def written_days(home: Path, run_id: str) -> list[str]:
    sql = f"""select partition_start from lineage.materializations
        where run_id = '{run_id}' and asset = 'clean/orders' order by 1"""
    return ecom(home, "query", "-f", "csv", sql).stdout.split()[1:]


def test_the_asset_graph_shows_the_layers_as_groups(page):
    page.goto("/asset-groups")
    groups = page.locator("foreignObject.group")
    for layer in LAYERS:
        groups.filter(has_text=re.compile(rf"^{layer}\d*$")).first.wait_for()  # the number counts its assets
    assert groups.count() >= len(LAYERS)
    page.get_by_text("Hide navigation").click()
    groups.filter(has_text=re.compile(r"^anomaly\d*$")).first.dblclick()
    page.wait_for_timeout(2_000)  # the layout is computed and slides into place
    page.set_viewport_size(PICTURE)
    page.goto("/asset-groups")  # what is open stays open, and the whole graph is fitted into the window
    page.locator("foreignObject").filter(has_text="consensus").first.wait_for()
    page.wait_for_timeout(2_000)
    if picture := os.environ.get("ECOM_PICTURE"):
        page.screenshot(path=picture, clip=GRAPH)
    page.set_viewport_size(VIEWPORT)


def test_an_asset_page_shows_its_columns_checks_and_lineage(page):
    page.goto("/assets/kpi/daily_revenue")
    page.get_by_text("One row per day on which the shop's orders were accepted").first.wait_for()
    page.get_by_text("net_amount", exact=True).first.wait_for()
    page.get_by_text("Gross less discounts of the day's orders").first.wait_for()
    page.goto("/assets/kpi/daily_revenue?view=checks")
    page.get_by_text("key_is_unique").first.wait_for()
    page.goto("/assets/kpi/daily_revenue?view=lineage")
    for neighbour in ("orders", "order_items", "refunds"):
        page.locator("foreignObject").filter(has_text=neighbour).first.wait_for()


def test_a_failing_check_is_visible(page):
    page.goto("/assets/clean/order_items?view=checks")
    page.get_by_text("store_id_and_o").first.wait_for()
    page.get_by_text("Failed", exact=True).first.wait_for()


def test_a_partition_is_materialized_by_clicking(page, address, home):
    day = days_of(home)[3]
    run_id = materialized_by_clicking(page, address, day)
    assert written_days(home, run_id) == [day]


def test_a_range_is_materialized_by_clicking_in_one_run(page, address, home):
    days = days_of(home)[4:7]
    run_id = materialized_by_clicking(page, address, f"[{days[0]}...{days[-1]}]")
    assert written_days(home, run_id) == days
