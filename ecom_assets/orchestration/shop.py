"""Which shop, in which home, with which landing folder: resolved here once, for definitions, runs and the command.

Reads settings and the home's record; opens no database and imports no Dagster, so that a command which only needs
to know where things lie starts at once.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ecom_assets.settings import Home, SettingsError, Shop, load_shop

PROJECT = Path(__file__).parents[2]  # where the demo's shop.yaml stands in a checkout


class AnotherShopError(SettingsError):
    """The home already holds another shop."""


@dataclass(frozen=True)
class ShopContext:
    """One shop and where its things lie.

    `as_of` is the moment for which days are judged to be over; None means the moment of asking. Setting it
    (ECOM_AS_OF) replays the past: the same files and moment give the same state. `is_named` is false where the shop is
    the demo's only because nothing else was found.
    """

    home: Home
    shop: Shop
    shop_file: Path
    landing: Path
    as_of: datetime | None = None
    is_named: bool = True

    @classmethod
    def resolve(
        cls,
        shop_file: Path | str | None = None,
        landing: Path | str | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> "ShopContext":
        """The shop that is meant, from what was said and the environment.

        The home is ECOM_HOME, else `data`. The shop's file is `shop_file`, else ECOM_SHOP, else the home's
        record, else `shop.yaml` in the working directory, else the demo's. The landing folder is `landing`, else
        ECOM_LANDING, else the home's record (where it is about the same file), else the shop's file, else
        `landing` in the home.

        Raises:
            SettingsError: where no shop file is found or it is wrong.
            AnotherShopError: where the home already holds a shop of another name.
        """
        environ = os.environ if environ is None else environ
        home = Home(Path(environ.get("ECOM_HOME") or "data"))
        record = _read_record(home)
        said = shop_file or environ.get("ECOM_SHOP")
        path = _shop_file(said, record)
        shop = load_shop(path, dict(environ))
        if record and record["shop_name"] != shop.name:
            raise AnotherShopError(
                f"{home.root} holds the shop '{record['shop_name']}', and {path} is '{shop.name}': one home holds one "
                f"shop. Give this one its own: ECOM_HOME={home.root.parent / _slug(shop.name)}"
            )
        stated = landing or environ.get("ECOM_LANDING")
        same_file = bool(record) and record["shop_file"] == str(path)
        if stated:
            folder = Path(stated).expanduser().resolve()
        elif same_file:
            folder = Path(record["landing"])
        elif shop.landing:
            folder = (path.parent / shop.landing.expanduser()).resolve()
        else:
            folder = home.landing
        is_named = bool(said or record) or path != (PROJECT / "shop.yaml").resolve()
        return cls(home, shop, path, folder, _moment(environ.get("ECOM_AS_OF")), is_named)

    def now(self) -> datetime:
        """The moment for which days are judged to be over, in UTC."""
        return self.as_of or datetime.now(UTC)

    def require_named(self) -> None:
        """Refuse the demo's shop where nobody asked for it: what it invents would pass for the numbers of a shop.

        Raises:
            SettingsError: no shop was said, none is in the environment, and the home holds none yet.
        """
        if not self.is_named and self.shop.is_simulated:
            raise SettingsError(
                f"no shop is named, and {self.home.root} holds none yet: name your own with --shop FILE "
                "(docs/bring-your-data.md), or call `ecom demo` for a simulated one"
            )

    def claim(self) -> None:
        """Record in the home that it is this shop's; every run that writes does so first."""
        record = {"shop_name": self.shop.name, "shop_file": str(self.shop_file), "landing": str(self.landing)}
        if _read_record(self.home) == record:
            return
        self.home.require_writable()
        fresh = self.home.record.with_suffix(f".{os.getpid()}.tmp")
        fresh.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        fresh.replace(self.home.record)


def _shop_file(stated: Path | str | None, record: dict[str, str]) -> Path:
    if stated:
        return Path(stated).expanduser().resolve()
    candidates = [Path("shop.yaml"), PROJECT / "shop.yaml"]
    if record:
        candidates.insert(0, Path(record["shop_file"]))
    for path in candidates:
        if path.is_file():
            return path.resolve()
    looked = ", ".join(str(path) for path in dict.fromkeys(path.resolve() for path in candidates))
    raise SettingsError(f"no shop file found (looked at {looked}); name one with --shop or ECOM_SHOP")


def _read_record(home: Home) -> dict[str, str]:
    try:
        record = json.loads(home.record.read_text(encoding="utf-8"))
        return {key: str(record[key]) for key in ("shop_name", "shop_file", "landing")}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SettingsError(
            f"{home.record}: cannot be read ({error}); delete it to let the next run write it"
        ) from error


def _moment(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise SettingsError(f"ECOM_AS_OF: must be a moment such as 2026-03-01T06:00+00:00, found {text!r}") from error
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _slug(name: str) -> str:
    return "-".join("".join(letter if letter.isalnum() else " " for letter in name.lower()).split())
