"""What is looked at before a session lets anybody write."""

import pytest

from ecom_assets.orchestration.session import session
from ecom_assets.orchestration.shop import ShopContext
from ecom_assets.settings import SettingsError


def test_a_wrong_hash_key_is_told_before_the_work(tmp_path, monkeypatch):
    (tmp_path / "shop.yaml").write_text("name: S\nfirst_day: 2026-03-01\nsources: {orders: simulated}\n")
    context = ShopContext.resolve(tmp_path / "shop.yaml", environ={"ECOM_HOME": str(tmp_path / "home")})
    monkeypatch.setenv("ECOM_HASH_KEY", "short")
    with pytest.raises(SettingsError, match="at least 16 characters, found 5"), session(context, "a test"):
        pytest.fail("work would begin")
    monkeypatch.setenv("ECOM_HASH_KEY", "long enough for anybody")
    with session(context, "a test") as opened:
        assert opened.is_published
