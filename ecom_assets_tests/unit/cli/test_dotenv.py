"""`.env` opens the project's state to plain `dagster dev`, and belongs to the user."""

from dotenv import dotenv_values

from ecom_assets.cli import dotenv


def test_dagster_finds_the_project_and_its_state(tmp_path):
    dotenv.main(tmp_path / ".env")
    found = dotenv_values(tmp_path / ".env")
    assert found["DAGSTER_HOME"] == str(tmp_path)
    assert found["ECOM_HOME"] == str(tmp_path / "data")


def test_a_line_of_the_user_stays_and_wins(tmp_path):
    path = tmp_path / ".env"
    path.write_text("# mine\nexport ECOM_HOME=/srv/shop\nSMTP_HOST=mail\n")
    dotenv.main(path)
    assert path.read_text().startswith("# mine\nexport ECOM_HOME=/srv/shop\nSMTP_HOST=mail\n")
    assert dotenv_values(path) == {
        "ECOM_HOME": "/srv/shop",
        "SMTP_HOST": "mail",
        "DAGSTER_HOME": str(tmp_path),
        "DAGSTER_DISABLE_TELEMETRY": "1",
    }


def test_writing_again_changes_nothing_and_a_moved_project_is_followed(tmp_path):
    path = tmp_path / ".env"
    dotenv.main(path)
    once = path.read_text() + "LATER=1\n"
    path.write_text(once)
    dotenv.main(path)
    dotenv.main(path)
    assert dotenv_values(path)["LATER"] == "1"
    assert path.read_text().count(dotenv.OPENS) == 1
    moved = tmp_path / "with a space"
    moved.mkdir()
    (moved / ".env").write_text(once)
    dotenv.main(moved / ".env")
    assert dotenv_values(moved / ".env")["ECOM_HOME"] == str(moved / "data")
